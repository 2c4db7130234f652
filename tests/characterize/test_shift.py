"""Kept biases in other conditions: measured curves, the laws through them in closed form, and the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonideal.characterize import fixed_bias as room
from nonideal.characterize.benches import Bench
from nonideal.characterize.branch import sweeps
from nonideal.characterize.condition import Condition, conditions_of
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.fixed_bias import (
    FiringCurve,
    FixedBiases,
    SynapseCurves,
    measure_curves,
    measure_fixed_biases,
)
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.physics import BottomUp
from nonideal.characterize.shift import ConditionShift, CurrentShift, LayerShift, Shifts
from nonideal.characterize.shift_fit import LN_BENDS, fit_current, fit_layer
from nonideal.characterize.stage import ColumnNetlist
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.files import UnreadableFile
from nonideal.sky130_models import Corner

FALL_V = 0.04
WEIGHTS = np.geomspace(0.02, 4.0, 20)


def curves(n: float = 0.0, p: float = 0.0) -> SynapseCurves:
    """Exponentials in the gate bias; ``n``, ``p``: more of ln I, everywhere."""
    up, down = np.linspace(0.0, 0.95, 77), np.linspace(0.85, 1.8, 77)
    return SynapseCurves((up, up / FALL_V - 30.0 + n), (down, (1.8 - down) / FALL_V - 30.0 + p))


def firing(gain: float = 1.0, offset: float = 0.0, bow: float = 0.0) -> FiringCurve:
    drop = np.linspace(-0.2, 0.85, 22)
    time = 1.0 - drop / 0.87
    later = gain * time + offset + bow * (time - 0.5) ** 2
    return FiringCurve(drop, np.where(later < 1.2, later, np.inf))


def biases(gain: float = 1.0, offset: float = 0.0, *, n: float = 0.0, p: float = 0.0) -> FixedBiases:
    return FixedBiases(curves(n, p), {5: firing(gain, offset)})


@given(
    level=st.floats(-1.0, 1.0),
    slope=st.floats(-1.5, 1.5),
    ln_bend=st.floats(LN_BENDS[0] / 2, LN_BENDS[1] / 2),
)
def test_a_law_is_found_again(level: float, slope: float, ln_bend: float) -> None:
    law = CurrentShift(level, slope, float(np.exp(ln_bend)))
    found = fit_current(WEIGHTS, law.ln(WEIGHTS))
    np.testing.assert_allclose(found.ln(WEIGHTS), law.ln(WEIGHTS), atol=2e-4)


def test_a_layer_is_fitted_in_closed_form(columned: PhysicalModel) -> None:
    fitted = fit_layer(columned, biases(), biases(1.21, 0.012, n=-0.3, p=0.4), 5)
    shift = fitted.shift
    assert shift.gain == pytest.approx(1.21, rel=1e-6)
    assert shift.offset == pytest.approx(0.012, abs=1e-6)
    assert shift.positive.ln(WEIGHTS) == pytest.approx(np.full(20, -0.3), abs=1e-6)
    assert shift.negative.ln(WEIGHTS) == pytest.approx(np.full(20, 0.4), abs=1e-6)
    assert fitted.error_ln == pytest.approx(0.0, abs=1e-6)
    assert fitted.error_norm == pytest.approx(0.0, abs=1e-6)


def test_home_is_no_shift(columned: PhysicalModel) -> None:
    shift = fit_layer(columned, biases(), biases(), 5).shift
    assert (shift.gain, shift.offset) == pytest.approx((1.0, 0.0), abs=1e-9)
    assert np.abs(shift.positive.ln(WEIGHTS)).max() < 1e-9
    assert fit_layer(columned, biases(), biases(), 7).shift == shift  # the nearest column's firing stage


@pytest.mark.parametrize(
    ("here", "message"),
    [
        (
            FixedBiases(curves(), {5: FiringCurve(np.linspace(0, 0.8, 9), np.full(9, np.inf))}),
            "from 0 of 9 levels",
        ),
        (FixedBiases(curves(), {5: firing(1.0, 0.0, bow=0.5)}), "do not follow the laws"),
    ],
)
def test_what_no_law_holds_for_is_refused(columned: PhysicalModel, here: FixedBiases, message: str) -> None:
    with pytest.raises(FitRefused, match=message):
        fit_layer(columned, biases(), here, 5)


def test_currents_that_no_law_holds_for_are_refused(columned: PhysicalModel) -> None:
    bias, ln = curves().n
    unit_V = float(np.interp(np.log(BottomUp(columned).unit_current_A(5)), ln, bias))
    wild = ln + np.where(bias > unit_V - 0.03, 1.0, 0.0) * np.where(bias > unit_V + 0.01, -1.0, 1.0)
    here = replace(biases(), curves=replace(curves(), n=(bias, wild)))
    with pytest.raises(FitRefused, match=r"of ln I, limit 0\.1"):
        fit_layer(columned, biases(), here, 5)


def shifts() -> Shifts:
    hot = LayerShift(CurrentShift(0.1, 0.2, 0.3), CurrentShift(0.4, 0.5, 0.6), 0.83, -0.007)
    layers = {5: hot, 7: replace(hot, gain=0.9)}
    one = ConditionShift(corner="ss", temperature_C=-10.0, layers=layers, error_ln=0.01, error_norm=1e-4)
    return Shifts(corner="tt", temperature_C=27.0, conditions=(one,))


def test_the_file_gives_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "shift.json"
    shifts().save(path)
    assert Shifts.load(path) == shifts()
    assert not list(tmp_path.glob("*.part"))
    path.write_text(path.read_text().replace('"gain": 0.83', '"gian": 0.83'))
    with pytest.raises(UnreadableFile, match="gian"):
        Shifts.load(path)


def test_home_comes_first() -> None:
    found = shifts()
    assert found.labels == ("tt 27 °C", "ss -10 °C")
    home, away = found.of((7, 5, 5))
    assert home == (LayerShift(),) * 3
    assert [layer.gain for layer in away] == [0.9, 0.83, 0.83]
    start = Condition(Corner.tt, 27.0)
    assert conditions_of(start, (Corner.ss, Corner.tt), (27.0,)) == [start, Condition(Corner.ss, 27.0)]


@dataclass(frozen=True)
class Swept:
    """What a synapse bench gives: current growing with bias and membrane alike."""

    bench: Bench
    sign: float

    def __getitem__(self, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        assert name == "i(vdendrite)"
        membrane, bias_n, bias_p = sweeps(CharacterizeOptions(), 1.8)
        bias = bias_n if self.bench.name == "synapse_n" else bias_p
        current = np.outer(np.linspace(0.0, 1e-7, bias.size), membrane.values_V)
        return np.asarray(self.sign * current.ravel())


class FakeWorkbench:
    def run(self, benches: Sequence[Bench], design: Design, folder: Path) -> list[Swept]:
        assert [one.name for one in benches] == ["synapse_n", "synapse_p"]
        return [Swept(one, sign) for one, sign in zip(benches, (-1.0, 1.0), strict=True)]


def test_curves_are_read_at_the_reset_level(tmp_path: Path) -> None:
    design = Design()
    found = measure_curves(cast(Workbench, FakeWorkbench()), design, CharacterizeOptions(), tmp_path)
    for polarity, (bias, ln) in (("n", found.n), ("p", found.p)):
        assert (np.diff(bias) > 0).all()
        expected = np.linspace(0.0, 1e-7, len(bias)) * design.supplies.v0_V
        np.testing.assert_allclose(np.exp(ln), np.maximum(expected, room.LEAST_A), rtol=1e-9)
        assert found.ln_current(polarity, bias) == pytest.approx(ln)


def test_columns_are_measured_at_the_discharger_bias_of_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columned: PhysicalModel
) -> None:
    seen = []

    class Column:
        def at(self, vdis_V: float) -> Column:
            seen.append(vdis_V)
            return self

    monkeypatch.setattr(room, "on_column", lambda *_: Column())
    monkeypatch.setattr(room, "measure_firing", lambda *_: firing())
    columns = [ColumnNetlist(axons, "schematic", "") for axons in (3, 5)]
    found = measure_fixed_biases(
        cast(Workbench, FakeWorkbench()), Design(), CharacterizeOptions(), columned, columns, tmp_path
    )
    assert list(found.firing) == [3, 5]
    assert seen == [BottomUp(columned).vdis_V] * 2
