"""Yields: Wilson's interval against published values, and what counts as a good chip."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonideal.chips.yields import wilson, yield_of


@pytest.mark.parametrize(
    ("passed", "chips", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),  # Newcombe (1998), table I
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_against_known_values(passed: int, chips: int, low: float, high: float) -> None:
    found = wilson(passed, chips)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert found.value == passed / chips


@given(chips=st.integers(1, 10_000), share=st.floats(0.0, 1.0), confidence=st.floats(0.5, 0.999))
def test_an_interval_holds_its_fraction(chips: int, share: float, confidence: float) -> None:
    found = wilson(round(share * chips), chips, confidence)
    assert 0.0 <= found.low <= found.value <= found.high
    assert found.high <= 1.0
    assert found.high > found.low
    mirrored = wilson(chips - found.passed, chips, confidence)
    assert mirrored.low == pytest.approx(1.0 - found.high, abs=1e-9)


@pytest.mark.parametrize(("passed", "chips"), [(-1, 5), (6, 5), (0, 0)])
def test_what_is_no_fraction_is_refused(passed: int, chips: int) -> None:
    with pytest.raises(ValueError, match=f"{passed} of {chips} chips"):
        wilson(passed, chips)


def test_a_good_chip_loses_no_more_than_it_may_and_a_failed_one_is_not_good() -> None:
    accuracy = np.array([0.94, 0.92, 0.9, 0.96, np.nan])
    assert (yield_of(accuracy, 0.94, 0.02).passed, yield_of(accuracy, 0.94, 0.02).chips) == (3, 5)
    assert yield_of(accuracy, 0.94, 0.0).passed == 2
    assert yield_of(accuracy, 0.94, 1.0).passed == 4
    # 0.94 - 0.02 is a little more than 0.92 in binary.
    assert yield_of([46 / 50], 47 / 50, 1 / 50).passed == 1
