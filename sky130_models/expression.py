"""The arithmetic of SPICE parameter expressions: parse, reduce, write back.

The grammar is the part of ngspice's that the sky130 libraries use: numbers with engineering suffixes, names,
`+ - * /`, `**` or `^`, parentheses (or braces) and functions. Nothing is handed to Python's own `eval`.
Two forms that simulators read differently are refused: a sign before the base of a power (`-a**b`) and
a chain of powers (`a**b**c`).
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from nonideal.sky130_models.errors import PdkError
from nonideal.spice.number import number

FUNCTIONS: Mapping[str, tuple[int, Callable[..., float]]] = {
    "sqrt": (1, math.sqrt),
    "exp": (1, math.exp),
    "ln": (1, math.log),
    "log": (1, math.log),
    "log10": (1, math.log10),
    "abs": (1, abs),
    "max": (2, max),
    "min": (2, min),
    "pow": (2, math.pow),
    "int": (1, math.trunc),
    "floor": (1, math.floor),
    "ceil": (1, math.ceil),
    "sin": (1, math.sin),
    "cos": (1, math.cos),
    "tan": (1, math.tan),
    "atan": (1, math.atan),
    "tanh": (1, math.tanh),
}

MOST_TOKENS = 600
"""Of one expression: a longer one is no arithmetic of sizes, and trees are walked by recursion."""
MOST_NESTED = 40

POWERS = frozenset({"**", "^"})

RANDOM = frozenset({"agauss", "gauss"})

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?[a-z]*)"
    r"|(?P<name>[a-z_][\w.]*)"
    r"|(?P<op>\*\*|[-+*/^(),]))"
)


@dataclass(frozen=True, slots=True)
class Number:
    """A plain value."""

    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """A parameter, in lower case."""

    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """`left operator right`, the operator one of + - * / **."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    """A function of its arguments."""

    function: str
    arguments: tuple["Node", ...]


Node = Number | Name | Operation | Call


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        plain = text.translate(str.maketrans("{}'\"", "()  ")).strip().lower()
        position = 0
        while position < len(plain):
            match = _TOKEN.match(plain, position)
            if match is None or match.lastgroup is None:
                raise PdkError(f"expression {text!r}: {plain[position:][:20]!r} is not understood")
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()
        if len(self.tokens) > MOST_TOKENS:
            raise PdkError(f"expression {text[:40]!r}...: more than {MOST_TOKENS} words")
        self.at = 0
        self.depth = 0

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> tuple[str, str]:
        if self.at >= len(self.tokens) or (wanted and self.peek() != wanted):
            found = self.peek() or "the end"
            raise PdkError(f"expression {self.text!r}: {wanted or 'a value'!r} expected, found {found!r}")
        self.at += 1
        return self.tokens[self.at - 1]

    def whole(self) -> Node:
        node = self.sum()
        if self.at < len(self.tokens):
            raise PdkError(f"expression {self.text!r}: {self.peek()!r} follows a complete expression")
        return node

    def sum(self) -> Node:
        node = self.product()
        while self.peek() in {"+", "-"}:
            node = Operation(self.take()[1], node, self.product())
        return node

    def product(self) -> Node:
        node = self.signed()
        while self.peek() in {"*", "/"}:
            node = Operation(self.take()[1], node, self.signed())
        return node

    def signed(self) -> Node:
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise PdkError(f"expression {self.text[:40]!r}...: nested more than {MOST_NESTED} deep")
        try:
            return self._signed()
        finally:
            self.depth -= 1

    def _signed(self) -> Node:
        if self.peek() == "+":
            self.take()
            return self.signed()
        return self.negative() if self.peek() == "-" else self.power()

    def negative(self) -> Node:
        self.take("-")
        if self.peek() == "-":
            raise PdkError(f"expression {self.text!r}: two signs in a row, write parentheses")
        operand = self.atom()
        if self.peek() in POWERS:
            raise PdkError(f"expression {self.text!r}: -a**b is ambiguous, write (-a)**b or -(a**b)")
        return Number(-operand.value) if isinstance(operand, Number) else Operation("-", Number(0.0), operand)

    def power(self) -> Node:
        base = self.atom()
        if self.peek() not in POWERS:
            return base
        self.take()
        exponent = self.negative() if self.peek() == "-" else self.atom()
        if self.peek() in POWERS:
            raise PdkError(f"expression {self.text!r}: a**b**c is ambiguous, write parentheses")
        return Operation("**", base, exponent)

    def atom(self) -> Node:
        kind, text = self.take()
        if kind == "number":
            try:
                return Number(number(text))
            except ValueError as error:
                raise PdkError(f"expression {self.text!r}: {error}") from error
        if kind == "name":
            return self.call(text) if self.peek() == "(" else Name(text)
        if text != "(":
            raise PdkError(f"expression {self.text!r}: a value expected, found {text!r}")
        node = self.sum()
        self.take(")")
        return node

    def call(self, function: str) -> Node:
        count = 3 if function in RANDOM else FUNCTIONS.get(function, (0, None))[0]
        if count == 0:
            raise PdkError(f"expression {self.text!r}: no function {function!r} here")
        self.take("(")
        arguments = [self.sum()]
        while self.peek() == ",":
            self.take()
            arguments.append(self.sum())
        self.take(")")
        if len(arguments) != count:
            raise PdkError(
                f"expression {self.text!r}: {function} takes {count} arguments, not {len(arguments)}"
            )
        return Call(function, tuple(arguments))


@lru_cache(maxsize=65536)
def parse(text: str) -> Node:
    """The tree of an expression, with or without its braces or quotes; raises PdkError if it is not one."""
    return _Parser(text).whole()
