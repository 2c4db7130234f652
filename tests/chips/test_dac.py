"""A converter gives the nearest of its steps, and its ends for what lies beyond."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonideal.chips.dac import Dac

DACS = st.builds(
    lambda low, span, bits: Dac(low, low + span, bits),
    st.floats(-2.0, 2.0),
    st.floats(1e-3, 2.0),
    st.integers(1, 16),
)
VOLTS = st.floats(-5.0, 5.0)


@given(dac=DACS, volts=VOLTS)
def test_inside_its_range_it_misses_by_half_a_step_at_most(dac: Dac, volts: float) -> None:
    near = float(dac.nearest(np.array([volts]))[0])
    held = min(max(volts, dac.low_V), dac.high_V)
    assert abs(near - held) <= dac.step_V * (0.5 + 1e-9)
    assert dac.low_V - 1e-12 <= near <= dac.high_V + 1e-12


@given(dac=DACS, volts=VOLTS)
def test_what_comes_out_comes_out_again(dac: Dac, volts: float) -> None:
    once = dac.nearest(np.array([volts]))
    assert np.array_equal(dac.nearest(once), once)
    assert np.array_equal(dac.volts(dac.code(once)), once)


@given(dac=DACS, volts=st.lists(VOLTS, min_size=2, max_size=8))
def test_more_volts_are_no_lower_code(dac: Dac, volts: list[float]) -> None:
    codes = dac.code(np.sort(np.array(volts)))
    assert np.all(np.diff(codes) >= 0)
    assert codes.min() >= 0
    assert codes.max() < 2**dac.bits


def test_both_ends_are_codes() -> None:
    dac = Dac(0.2, 0.8, 2)
    assert dac.step_V == pytest.approx(0.2)
    assert dac.volts(np.arange(4)) == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert list(dac.code(np.array([-1.0, 0.29, 0.31, 9.0]))) == [0, 0, 1, 3]


@pytest.mark.parametrize(
    ("low", "high", "bits"), [(0.5, 0.5, 8), (0.6, 0.5, 8), (0.0, 1.0, 0), (0.0, 1.0, 25)]
)
def test_a_converter_without_steps_is_refused(low: float, high: float, bits: int) -> None:
    with pytest.raises(ValueError, match=f"{bits} bits from {low} to {high} V has no steps"):
        Dac(low, high, bits)
