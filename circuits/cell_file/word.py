"""A statement as words: names and values in a row, then ``name=value`` pairs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nonideal.circuits.cell_file.errors import CellFileError, refusal
from nonideal.sky130_models.errors import PdkError
from nonideal.sky130_models.expression import Node, parse
from nonideal.sky130_models.statement import Statement

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TOKEN = re.compile(
    r"\s*(?:(?P<value>\{[^{}]*\}|'[^']*')|(?P<mark>[=(),])|(?P<word>[^\s={}'(),]+))", re.ASCII
)
_NODE = re.compile(r"[A-Za-z0-9_#][A-Za-z0-9_#.:!/\[\]<>+-]*", re.ASCII)
_PLAIN = re.compile(r"[^a-z0-9_]")
MOST_LETTERS = 64


@dataclass(frozen=True, slots=True)
class Words:
    """A statement's words in order, and its pairs: names in lower case, values as they stand."""

    file: str
    statement: Statement
    plain: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]

    def refuse(self, why: str) -> CellFileError:
        """The error that this statement is refused with."""
        return refusal(self.file, self.statement.line, self.statement.text, why)

    def name(self, word: str, what: str) -> str:
        """A name in lower case; raises ``CellFileError`` for what is none."""
        if not NAME.fullmatch(word) or len(word) > MOST_LETTERS:
            raise self.refuse(
                f"{word!r} is no name of {what}: letters, digits and _, a letter first, {MOST_LETTERS} at most"
            )
        return word.lower()

    def node(self, word: str, spelled: dict[str, str]) -> str:
        """A net's name: lower case, ground is 0, brackets and other marks become ``_``. ``spelled`` is how each is written, to keep two apart."""
        if not _NODE.fullmatch(word) or len(word) > MOST_LETTERS:
            raise self.refuse(f"{word!r} is no name of a net")
        plain = _PLAIN.sub("_", word.lower())
        if plain in ("gnd", "0"):
            return "0"
        first = spelled.setdefault(plain, word.lower())
        if first != word.lower():
            raise self.refuse(f"the nets {first} and {word.lower()} would both be called {plain}; rename one")
        return plain

    def value(self, text: str) -> Node:
        """A number or an expression; raises ``CellFileError``."""
        try:
            return parse(text)
        except PdkError as error:
            raise self.refuse(str(error)) from error

    def values(self, known: frozenset[str] | None, what: str) -> dict[str, Node]:
        """The pairs as expressions; raises ``CellFileError`` for a name not in ``known`` or given twice."""
        found: dict[str, Node] = {}
        for name, text in self.pairs:
            if known is not None and name not in known:
                raise self.refuse(f"{what} has no parameter {name}; it has {', '.join(sorted(known))}")
            if name in found:
                raise self.refuse(f"{name} is given twice")
            found[name] = self.value(text)
        return found


def words_of(statement: Statement, file: str) -> Words:
    """Split a statement. Raises ``CellFileError`` for letters that are not printable ASCII, and for what is no row of words and pairs."""
    text = statement.text
    if wrong := next((letter for letter in text if not (" " <= letter <= "~" or letter == "\t")), ""):
        told = f"U+{ord(wrong):04X} may stand in comments only; write plain ASCII"
        raise refusal(file, statement.line, text, told)
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise refusal(file, statement.line, text, f"{text[at:].strip()[:20]!r} is not understood here")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        at = found.end()
    if tokens and text.lower().startswith(".model"):
        # The parentheses round a model's parameters say nothing.
        tokens = [token for token in tokens if token[1] not in ("(", ")", ",")]
    plain: list[str] = []
    pairs: list[tuple[str, str]] = []
    index = 0
    while index < len(tokens):
        kind, word = tokens[index]
        if index + 1 < len(tokens) and tokens[index + 1][1] == "=":
            valued = index + 2 < len(tokens) and tokens[index + 2][0] != "mark"
            if kind != "word" or not NAME.fullmatch(word) or not valued:
                raise refusal(
                    file, statement.line, text, f"{word!r} = is followed by no value, or is no name"
                )
            pairs.append((word.lower(), tokens[index + 2][1]))
            index += 3
        elif kind == "mark":
            why = f"{word!r} has no place here; write expressions in braces, as w={{2*(a+b)}}"
            raise refusal(file, statement.line, text, why)
        else:
            if word.lower() not in ("params:",):
                if pairs:
                    raise refusal(file, statement.line, text, f"{word!r} follows the parameters")
                plain.append(word)
            index += 1
    return Words(file, statement, tuple(plain), tuple(pairs))
