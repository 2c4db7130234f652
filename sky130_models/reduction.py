"""Parameter expressions reduced to numbers, as far as their names are known."""

from collections.abc import Callable, Mapping
from math import isfinite

from nonideal.sky130_models.errors import PdkError
from nonideal.sky130_models.expression import FUNCTIONS, RANDOM, Call, Name, Node, Number, Operation, parse

Lookup = Callable[[str], Node | None]
"""What a name stands for: a tree (reduced in turn by whoever supplies it), or None to keep the name."""


def reduce(node: Node, lookup: Lookup, deviate: float | None = None) -> Node:
    """`node` with every known name replaced and every constant part computed.

    `deviate` is the value, in standard deviations, that all random functions take. None keeps them as they
    are; one that a zero switch multiplies vanishes with its product, so what is left tells whether the
    expression is random at all. Raises PdkError for a division by zero or a result that is not finite.
    """
    match node:
        case Number():
            return node
        case Name(name):
            found = lookup(name)
            if found is None:
                return node
            return found if deviate is None or isinstance(found, Number) else reduce(found, lookup, deviate)
        case Operation(operator, left, right):
            return _operate(operator, reduce(left, lookup, deviate), reduce(right, lookup, deviate))
        case Call(function, arguments):
            return _call(
                function, tuple(reduce(argument, lookup, deviate) for argument in arguments), deviate
            )


def evaluate(text: str, lookup: Lookup, deviate: float | None = None) -> float:
    """The value of an expression; raises PdkError naming what is unknown or still random in it."""
    node = reduce(parse(text), lookup, deviate)
    if not isinstance(node, Number):
        raise PdkError(f"{text!r} does not reduce to a number: {write(node)!r} is left")
    return node.value


def scope(expressions: Mapping[str, str | Node], given: Mapping[str, Node], outer: Lookup) -> Lookup:
    """The names of one scope: those `given`, then those that `expressions` define, then those of `outer`.

    Every value is computed once, when first asked for. Raises PdkError for a name that needs itself.
    """
    values = dict(given)

    def resolve(name: str, chain: tuple[str, ...]) -> Node | None:
        if name in values:
            return values[name]
        if name not in expressions:
            return outer(name)
        if name in chain:
            raise PdkError(f"parameter {' -> '.join((*chain, name))} needs itself")
        expression = expressions[name]
        node = parse(expression) if isinstance(expression, str) else expression
        values[name] = reduce(node, lambda inner: resolve(inner, (*chain, name)))
        return values[name]

    return lambda name: resolve(name, ())


def write(node: Node) -> str:
    """`node` as a SPICE expression: no braces, parentheses round every operation, numbers to the last bit."""
    match node:
        case Number(value):
            return repr(value) if value >= 0 else f"({value!r})"
        case Name(name):
            return name
        case Operation(operator, left, right):
            return f"({write(left)}{operator}{write(right)})"
        case Call(function, arguments):
            return f"{function}({','.join(write(argument) for argument in arguments)})"


def names(node: Node) -> frozenset[str]:
    """The parameters that occur in `node`."""
    match node:
        case Number():
            return frozenset()
        case Name(name):
            return frozenset({name})
        case Operation(_, left, right):
            return names(left) | names(right)
        case Call(_, arguments):
            return frozenset().union(*(names(argument) for argument in arguments))


def calls(node: Node) -> frozenset[str]:
    """The functions that occur in `node`."""
    match node:
        case Operation(_, left, right):
            return calls(left) | calls(right)
        case Call(function, arguments):
            return frozenset({function}).union(*(calls(argument) for argument in arguments))
        case _:
            return frozenset()


def _operate(operator: str, left: Node, right: Node) -> Node:
    match operator, left, right:
        case _, Number(a), Number(b):
            return _compute(f"{a!r} {operator} {b!r}", lambda: _arithmetic(operator, a, b))
        case ("*", Number(0.0), _) | ("*", _, Number(0.0)) | ("/", Number(0.0), _):
            return Number(0.0)
        case ("+" | "-", _, Number(0.0)) | ("*" | "/", _, Number(1.0)):
            return left
        case ("+", Number(0.0), _) | ("*", Number(1.0), _):
            return right
        case _:
            return Operation(operator, left, right)


def _arithmetic(operator: str, a: float, b: float) -> float:
    match operator:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return a / b
        case "**":
            power = a**b
            if isinstance(power, complex):
                raise ValueError("a negative number has no fractional power")
            return float(power)
        case _:
            raise PdkError(f"no operator {operator!r}")


def _call(function: str, arguments: tuple[Node, ...], deviate: float | None) -> Node:
    values = [argument.value for argument in arguments if isinstance(argument, Number)]
    if len(values) < len(arguments) or (function in RANDOM and deviate is None):
        return Call(function, arguments)
    if deviate is not None and function in RANDOM:
        mean, variation, sigmas = values
        absolute = variation if function == "agauss" else variation * mean
        return _compute(f"{function}{tuple(values)}", lambda: mean + deviate * absolute / sigmas)
    return _compute(f"{function}{tuple(values)}", lambda: FUNCTIONS[function][1](*values))


def _compute(what: str, compute: Callable[[], float]) -> Node:
    try:
        value = compute()
    except (ZeroDivisionError, ValueError, OverflowError) as error:
        raise PdkError(f"{what}: {error}") from error
    if not isfinite(value):
        raise PdkError(f"{what} is not finite")
    return Number(value)
