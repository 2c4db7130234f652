"""Biases as written: the way from and to the netlist, moves, and currents by the characterised tables."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonideal.characterize.model import Branch, PhysicalModel
from nonideal.characterize.physics import BottomUp
from nonideal.chips.written import CurrentTable, WrittenBiases
from nonideal.circuits.network.mapping import Mapping, bias_for_current, bias_sources, read_biases


def test_what_is_written_is_what_the_mapping_means(
    mapping: Mapping, written: WrittenBiases, chip_model: PhysicalModel
) -> None:
    found = read_biases(written.sources(chip_model), BottomUp(chip_model))
    for mine, meant in zip(found, mapping.weights(), strict=True):
        np.testing.assert_allclose(mine, meant, rtol=1e-9)
    numbers = [line.split(" ; ")[0] for line in bias_sources(mapping).splitlines()]
    assert written.sources(chip_model).splitlines() == numbers


def test_a_weight_of_zero_is_off(written: WrittenBiases) -> None:
    first = written.layers[0]
    assert not first.on[1, 2]
    assert int(first.on.sum()) == 11
    assert written.trim_V == ((0.0,) * 4, (0.0,) * 2)


def test_a_move_changes_one_layer_and_nothing_that_is_off(
    written: WrittenBiases, chip_model: PhysicalModel
) -> None:
    higher = written.layers[0].bias_V + 0.01
    moved = written.moved(1, bias_V=higher, trim_V=np.array([0.0, 1e-3, 0.0, -2e-3]))
    on = written.layers[0].on
    assert np.array_equal(moved.layers[0].bias_V[on], higher[on])
    assert np.array_equal(moved.layers[0].bias_V[~on], written.layers[0].bias_V[~on])
    assert moved.layers[1] is written.layers[1]
    assert moved.trim_V[0] == (0.0, 1e-3, 0.0, -2e-3)
    assert written.trim_V[0] == (0.0,) * 4
    volts = f"{higher[0, 0]:.12g}"
    polarity = "n" if written.layers[0].positive[0, 0] else "p"
    assert f"Vbias_{polarity}_1_0_0 bias_{polarity}_1_0_0 0 {volts}\n" in moved.sources(chip_model)
    with pytest.raises(FrozenInstanceError):
        moved.layers = ()  # type: ignore[misc]


@pytest.fixture(scope="module", params=["positive", "negative"])
def branch(request: pytest.FixtureRequest, chip_model: PhysicalModel) -> Branch:
    found: Branch = getattr(chip_model, request.param)
    return found


@given(share=st.floats(0.0, 1.0))
def test_the_table_is_the_write_back_the_other_way_round(branch: Branch, share: float) -> None:
    table, (low, high) = CurrentTable(branch), (branch.ln_current[0], branch.ln_current[-1])
    ln = np.array([low + share * (high - low)])
    bias = bias_for_current(branch, np.exp(ln))
    assert table.bias_V(ln) == pytest.approx(bias)
    # Two monotone cubics through the same points, one each way: between points they differ by little.
    assert table.ln_current(bias)[0] == pytest.approx(ln[0], abs=2e-3)


def test_the_table_meets_its_points_and_is_monotone(branch: Branch) -> None:
    table = CurrentTable(branch)
    assert table.ln_current(np.array(branch.bias_V)) == pytest.approx(np.array(branch.ln_current))
    wide = np.linspace(table.low_V - 0.2, table.high_V + 0.2, 500)
    rise = np.diff(table.ln_current(wide))
    assert np.all(rise > 0) or np.all(rise < 0)


def test_beyond_its_ends_the_table_is_a_line(branch: Branch) -> None:
    table, step_V = CurrentTable(branch), 1e-3
    for end, outward in ((table.low_V, -1), (table.high_V, 1)):
        at = end + outward * np.linspace(0.0, 0.3, 7)
        assert np.diff(table.ln_current(at), 2) == pytest.approx(0.0, abs=1e-9)
        slope_inside = float(np.diff(table.ln_current(np.array([end - outward * 1e-6, end])))[0])
        slope_outside = float(np.diff(table.ln_current(np.array([end, end + outward * step_V])))[0])
        assert slope_outside / step_V == pytest.approx(slope_inside / 1e-6, rel=1e-3)
    beyond = np.array(branch.ln_current)[[0, -1]] + [-3.0, 3.0]
    assert table.bias_V(beyond) == pytest.approx(np.array(branch.bias_V)[[0, -1]])
