"""The ranking: who dominates whom, what stands for a choice that cannot be, and one choice on real SPICE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nonideal.characterize import explore as ranking
from nonideal.characterize.candidates import PRESENT, Candidate
from nonideal.characterize.errors import CharacterizationFailed, FitRefused
from nonideal.characterize.explore import (
    ColumnLayout,
    Judged,
    Measured,
    Point,
    explore,
    ranked,
    simple_physics,
    table,
)
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.physics import layer_physics
from nonideal.characterize.stage import ColumnNetlist
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.extraction import ExtractorMissing
from nonideal.circuits.layout.errors import LayoutError
from nonideal.sky130_models import PdkMissing
from nonideal.spice import Cache, SimulatorMissing

MEASURED = Measured(
    check_rms_s=1e-10,
    check_rms_stderr_s=1e-11,
    check_spikes=50,
    unpaired_spikes=0,
    simple_rms_s=5e-9,
    lambda_N_per_V=0.4,
    lambda_P_per_V=0.75,
    membrane_F=117e-15,
    vdis_V=0.55,
    unit_current_A=1e-7,
    spike_load_s=7e-11,
    energy_per_neuron_J=2e-12,
    area_per_neuron_um2=600.0,
)


def point(name: str, error: float, area: float | None, energy: float) -> Point:
    measured = replace(MEASURED, check_rms_s=error, area_per_neuron_um2=area, energy_per_neuron_J=energy)
    return Point(Candidate(name, "", name), measured)


def test_a_choice_is_optimal_unless_another_is_nowhere_worse() -> None:
    found = ranked(
        [
            point("present", 2.0, 2.0, 2.0),
            point("better", 1.0, 2.0, 2.0),
            point("smaller", 3.0, 1.0, 2.0),
            point("same", 1.0, 2.0, 2.0),
            point("worst", 3.0, 3.0, 3.0),
        ]
    )
    assert [one.pareto for one in found] == [False, True, True, True, False]
    assert [one.dominated_by for one in found] == ["better", "", "", "", "present"]


def test_less_jitter_is_worth_an_error() -> None:
    quiet = replace(MEASURED, check_rms_s=2e-10, judged=Judged(jitter_s=2e-9))
    loud = replace(MEASURED, judged=Judged(jitter_s=4e-9))
    found = ranked([Point(PRESENT, loud), Point(Candidate("quiet", "", "quiet"), quiet)])
    assert [one.pareto for one in found] == [True, True]
    assert list(table(found)["jitter_s"]) == [4e-9, 2e-9]
    assert table(found)["chip_accuracy"].isna().all()


def test_what_is_not_known_is_not_ranked() -> None:
    found = ranked(
        [point("a", 1.0, 2.0, 2.0), point("undrawn", 0.5, None, 1.0), Point(PRESENT, None, "refused")]
    )
    assert [one.pareto for one in found] == [True, False, False]
    without = ranked([point("a", 1.0, None, 2.0), point("b", 2.0, None, 3.0)])
    assert [one.pareto for one in without] == [True, False]


def fake_measure(design: Design) -> Measured:
    if design.neuron.mim_w_um < 3:
        raise CharacterizationFailed("4 of 4 benches gave no result")
    if design.neuron.mim_w_um < 5:
        raise FitRefused("the capacitor is too small")
    return replace(MEASURED, membrane_F=1e-15 * design.neuron.mim_w_um)


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Candidate]], list[Point]]:
    """Explore with numbers that cost nothing; the layout of a capacitor of 9 um has no area, one of 10 um cannot be drawn."""
    monkeypatch.setattr(
        ranking, "measure",
        lambda bench, design, options, drawn, folder, judge: replace(fake_measure(design), area_per_neuron_um2=drawn.area_um2),
    )  # fmt: skip

    def draw(candidate: Candidate, design: Design) -> ColumnLayout:
        if design.neuron.mim_w_um == 10:
            raise LayoutError("too large")
        column = ColumnNetlist(1, "schematic", "")
        return (
            ColumnLayout(column, None, "not drawable")
            if design.neuron.mim_w_um == 9
            else ColumnLayout(column, 100.0)
        )

    def run(candidates: list[Candidate]) -> list[Point]:
        bench: Workbench = None  # type: ignore[assignment]
        return explore(bench, Design(), CharacterizeOptions(), candidates, draw, Path())

    return run


def mim(side: float) -> Candidate:
    return Candidate(f"mim_{side:g}", "C_m", f"{side:g}", (("neuron.mim_w_um", side),))


def test_a_choice_that_is_refused_stands_in_the_table_and_stops_no_other(
    faked: Callable[[list[Candidate]], list[Point]],
) -> None:
    found = table(faked([mim(4), mim(50), mim(10), mim(9), PRESENT]))
    assert list(found["name"]) == ["mim_4", "mim_50", "mim_10", "mim_9", "present"]
    assert list(found["pareto"]) == [False, False, False, False, True]
    told = dict(zip(found["name"], found["problem"], strict=True))
    assert told["mim_4"] == "the capacitor is too small"
    assert "neuron.mim_w_um = 50" in told["mim_50"]
    assert told["mim_10"] == "too large"
    assert told["mim_9"] == "not drawable"
    assert list(found["membrane_F"].isna()) == [True, True, True, False, False]
    assert found.loc[3, "area_per_neuron_um2"] != found.loc[3, "area_per_neuron_um2"]
    assert found.loc[0, "overrides"] == "neuron.mim_w_um=4"


def test_without_any_result_there_is_no_table(faked: Callable[[list[Candidate]], list[Point]]) -> None:
    with pytest.raises(FitRefused, match="no design choice could be measured; mim_4: the capacitor"):
        faked([mim(4), mim(3), mim(2)])
    with pytest.raises(CharacterizationFailed, match="no design choice could be measured; mim_2: 4 of 4"):
        faked([mim(2), mim(2.5)])


def test_a_simulator_that_runs_nothing_ends_it_at_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def dead(*arguments: object) -> Measured:
        asked.append(arguments)
        raise CharacterizationFailed("3 of 3 benches gave no result", nothing_ran=True)

    monkeypatch.setattr(ranking, "measure", dead)
    drawn = ColumnLayout(ColumnNetlist(1, "schematic", ""), 100.0)
    bench: Workbench = None  # type: ignore[assignment]
    told = r"no design choice could be measured; mim_4: 3 of 3 .*\. The other 2 were not tried"
    with pytest.raises(CharacterizationFailed, match=told):
        explore(bench, Design(), CharacterizeOptions(), [mim(4), mim(5), mim(6)], lambda *_: drawn, Path())
    assert len(asked) == 1


@pytest.mark.parametrize(
    "missing", [ExtractorMissing("no kpex"), PdkMissing("no PDK"), SimulatorMissing("no ngspice")]
)
def test_what_is_missing_for_all_ends_it_at_the_first(missing: Exception) -> None:
    asked = []

    def draw(candidate: Candidate, design: Design) -> ColumnLayout:
        asked.append(candidate.name)
        raise missing

    bench: Workbench = None  # type: ignore[assignment]
    with pytest.raises(type(missing)):
        explore(bench, Design(), CharacterizeOptions(), [mim(4), mim(5)], draw, Path())
    assert asked == ["mim_4"]


def test_the_simple_model_has_one_slope_a_sign_and_nothing_else(columned: PhysicalModel) -> None:
    simple, full = simple_physics(columned, 5), layer_physics(columned, 5, driven=True)
    v_th = columned.columns[0].v_th_V.value
    assert simple.beta_positive == (v_th * columned.positive.lambda_per_V.value,)
    assert simple.beta_negative == (-v_th * columned.negative.lambda_per_V.value,)
    assert (simple.delay, simple.charge_positive, simple.charge_negative, simple.coupling) == (0, 0, 0, 0)
    assert simple.discharge == full.discharge


@pytest.mark.slow
@pytest.mark.spice
def test_a_choice_on_real_spice(
    make_workbench: Callable[..., Workbench],
    coarse: CharacterizeOptions,
    known: Cache,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A column of three axons, swept coarsely: the column's own model tells its spikes, and better than the simple one."""
    monkeypatch.setattr(ranking, "PATTERNS", 8)

    def draw(candidate: Candidate, design: Design) -> ColumnLayout:
        return ColumnLayout(ColumnNetlist.schematic(3, design), 900.0)

    (found,) = explore(make_workbench(cache=known), Design(), coarse, [PRESENT], draw, tmp_path)
    assert found.measured is not None
    assert found.pareto
    assert found.measured.check_rms_s < 0.5e-9
    assert found.measured.check_rms_s < found.measured.simple_rms_s
    assert found.measured.check_spikes >= 10
    assert found.measured.area_per_neuron_um2 == 300.0
    assert 0.1e-12 < found.measured.energy_per_neuron_J < 20e-12
    assert (tmp_path / "present" / "column_3" / "check_7.cir").is_file()
