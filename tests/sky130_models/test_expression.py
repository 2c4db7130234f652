"""Parameter expressions against Python's own arithmetic."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nonideal.sky130_models.errors import PdkError
from nonideal.sky130_models.expression import Name, Number, Operation, parse
from nonideal.sky130_models.reduction import calls, evaluate, names, reduce, scope, write

VALUES = {"w": 1.25, "l_2": 0.15, "sw_tox": 4.148e-9}


def _lookup(name: str) -> Number | None:
    return Number(VALUES[name]) if name in VALUES else None


_LEAF = st.one_of(
    st.floats(1e-9, 1e9).map(repr), st.integers(0, 10**6).map(str), st.sampled_from(sorted(VALUES))
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", " + ", " - ", " * "]), inner).map("".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"-({text})"),
        inner.map(lambda text: f"sqrt(abs({text}))"),
        st.tuples(inner, inner).map(lambda pair: f"max({pair[0]},{pair[1]})"),
        st.tuples(inner, st.sampled_from(["2", "3", "0.5", "-1"])).map(lambda p: f"(abs({p[0]}))**{p[1]}"),
    )


EXPRESSIONS = st.recursive(_LEAF, _grown, max_leaves=12)


def _python(text: str) -> float:
    try:
        value = float(eval(text, {"sqrt": math.sqrt, "abs": abs, "max": max}, dict(VALUES)))
    except (ZeroDivisionError, OverflowError):
        assume(False)
        raise
    assume(math.isfinite(value))
    return value


@given(EXPRESSIONS)
def test_value_is_pythons(text: str) -> None:
    expected = _python(text)
    try:
        value = evaluate("{" + text + "}", _lookup)
    except PdkError as error:
        assume("not finite" not in str(error))  # inf inside, finite outside: 1/inf
        raise
    assert value == pytest.approx(expected, rel=1e-12, abs=1e-300)


@given(EXPRESSIONS)
def test_written_expression_has_the_same_value(text: str) -> None:
    _python(text)
    try:
        symbolic = reduce(parse(text), lambda name: None if name == "w" else _lookup(name))
        value = evaluate(text, _lookup)
    except PdkError:
        assume(False)
        raise
    assert evaluate(write(symbolic), _lookup) == pytest.approx(value, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{0.3*(0.008*8/l+0.992)}", 0.3 * (0.064 / 0.25 + 0.992)),
        ("'10-4-3'", 3.0),
        ("8/4/2", 1.0),
        ("2*-3", -6.0),
        ("1--1", 2.0),
        ("(-2)**2", 4.0),
        ("-(2**2)", -4.0),
        ("2^3*4", 32.0),
        ("MIN(3,MAX(1,2))", 2.0),
        ("ln(exp(2))+log10(1000)", 5.0),
        ("1u*1e6", 1.0),
        ("{1+{2*3}}", 7.0),
    ],
)
def test_value(text: str, value: float) -> None:
    assert evaluate(text, lambda name: Number(0.25) if name == "l" else None) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-2**2", "ambiguous"),
        ("2**3**2", "ambiguous"),
        ("1/0", "division"),
        ("1/(2-2)", "division"),
        ("sqrt(-1)", "sqrt"),
        ("(0-8)**0.5", "fractional"),
        ("exp(1e4)", "exp"),
        ("__import__('os')", "no function"),
        ("sqrt(1,2)", "1 arguments"),
        ("(1+2", "expected"),
        ("1+", "expected"),
        ("1 2", "follows"),
        ("a ? b : c", "not understood"),
        ("w+unknown", "unknown"),
        ("", "expected"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(PdkError, match=message):
        evaluate(text, _lookup)


def test_random_part_vanishes_with_its_switch() -> None:
    text = "{0.02+a*switch*AGAUSS(0,1.0,1)/sqrt(w)+switch*EXP(GAUSS(1,2,3))}"
    off = scope({"switch": "0", "a": "3", "w": "4"}, {}, lambda _: None)
    on = scope({"switch": "1", "a": "3", "w": "4"}, {}, lambda _: None)
    assert evaluate(text, off) == 0.02
    with pytest.raises(PdkError, match="agauss"):
        evaluate(text, on)
    assert calls(reduce(parse(text), on)) == {"agauss", "gauss", "exp"}


@pytest.mark.parametrize(
    ("text", "deviate", "value"),
    [
        ("agauss(5,3,1)", 0.0, 5.0),
        ("agauss(5,3,1)", 2.0, 11.0),
        ("agauss(5,3,3)", 1.0, 6.0),
        ("gauss(5,0.1,1)", 2.0, 6.0),
        ("gauss(0,0.1,1)", 2.0, 0.0),  # a relative spread of zero: it never varies
    ],
)
def test_deviate(text: str, deviate: float, value: float) -> None:
    assert evaluate(text, _lookup, deviate) == pytest.approx(value)


def test_deviate_reaches_a_parameter_of_a_parameter() -> None:
    lookup = scope({"a": "b+1", "b": "agauss(0,2,1)"}, {}, lambda _: None)
    assert evaluate("a*10", lookup, 1.5) == pytest.approx(40.0)


def test_constants_fold_round_a_kept_name() -> None:
    kept = reduce(parse("0*zero/w + 1*(2+3)*w - 0"), lambda _: None)
    assert kept == Operation("*", Number(5.0), Name("w"))
    assert names(parse("a*max(B,c)-1")) == {"a", "b", "c"}


def test_a_name_that_needs_itself() -> None:
    with pytest.raises(PdkError, match="a -> b -> a needs itself"):
        evaluate("a", scope({"a": "b", "b": "a+1"}, {}, lambda _: None))
