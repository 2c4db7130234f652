"""Conditions: what stands for one that cannot be, what kept biases mean, the firing curve; one condition on real SPICE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from nonideal.characterize.condition import Condition, conditions_of
from nonideal.characterize.errors import CharacterizationFailed, FitRefused
from nonideal.characterize.fixed_bias import FiringCurve, FixedBiases
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.physics import network_physics
from nonideal.characterize.reference import membrane, spike_times
from nonideal.characterize.shift_fit import fit_layer
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.supply_offsets import SupplyOffsets
from nonideal.conditions.bench import Drift, Source, measure_drift, measure_source
from nonideal.conditions.network import (
    assess,
    mapped,
    rederived,
    table,
    unit_ratios,
    weights_kept,
    with_fixed_biases,
)
from nonideal.conditions.noise import NoiseOptions, under_noise
from nonideal.conditions.spot import check_in_spice, to_check
from nonideal.conditions.survey import (
    PARAMETERS,
    Characterised,
    ConditionResult,
    Reference,
    Survey,
    parameters,
    spans,
    survey,
    unit_biases_V,
)
from nonideal.sky130_models import Corner
from nonideal.spice import Cache
from tests.conditions.exponential import HOME, HOT, TASK, WEIGHTS, characterised, formula, met

# -- nouns --------------------------------------------------------------------------------------------------------------------------


def test_home_is_always_the_first_condition() -> None:
    found = conditions_of(HOME, [Corner.ss, Corner.tt], [27.0, 125.0])
    assert [one.label for one in found] == ["tt 27 °C", "ss 27 °C", "ss 125 °C", "tt 125 °C"]
    assert HOT.name == "ss_125"
    hot = HOT.design(Design(), 0.9)
    assert (hot.supplies.temperature_C, hot.supplies.vsense_V) == (125.0, 0.9)
    assert HOT.design(Design()).supplies.vsense_V == Design().supplies.vsense_V


def test_the_source_is_inverted_on_its_own_curve() -> None:
    source = Source(np.linspace(0.3, 1.8, 151), 1e-7 * np.exp(-(np.linspace(0.3, 1.8, 151) - 0.95) / 0.05))
    assert source.current_at_A(0.95) == pytest.approx(1e-7)
    assert source.vsense_for_V(2e-7) == pytest.approx(0.95 - 0.05 * np.log(2), abs=1e-6)


# -- firing -------------------------------------------------------------------------------------------------------------------------


def test_a_firing_curve_is_the_formula_between_its_points(two_axons: PhysicalModel) -> None:
    column = two_axons.columns[0]
    curve, v = formula(two_axons), np.linspace(0.01, 0.95, 200)
    b = column.discharge_norm.value
    exact = 1 - np.log1p(-b * v) / np.log1p(-b)
    assert np.abs(curve.times(v * column.v_th_V.value) - exact).max() < 1e-3
    inside = v < 0.8 / column.v_th_V.value
    assert np.abs(curve.times(v * column.v_th_V.value) - exact)[inside].max() < 2e-4
    assert curve.silent_norm == pytest.approx(1.0, abs=1e-3)
    assert curve.times(np.array([2.0]))[0] == 0.0


def test_neurons_that_never_fire_are_silent() -> None:
    dead = FiringCurve(np.array([-0.1, 0.0, 0.5]), np.full(3, np.inf))
    assert dead.silent_norm is None
    assert np.all(np.isinf(dead.times(np.array([-1.0, 0.0, 0.4, 5.0]))))
    once = FiringCurve(np.array([0.0, 0.5, 0.8]), np.array([np.inf, np.inf, 0.2]))
    assert list(once.times(np.array([0.79, 0.8, 1.0]))) == [np.inf, 0.2, 0.2]
    slow = FiringCurve(np.array([0.0, 0.5, 0.8]), np.array([np.inf, 0.9, 0.3]))
    assert slow.silent_norm is None
    assert slow.times(np.array([0.0, 0.5, 0.9])) == pytest.approx([1.9, 0.9, 0.1])


# -- the network --------------------------------------------------------------------------------------------------------------------


def test_at_home_kept_biases_are_the_weights_themselves(two_axons: PhysicalModel) -> None:
    home = characterised(HOME, two_axons)
    written = mapped(TASK, two_axons)
    for back, meant in zip(weights_kept(written, two_axons, home.curves), WEIGHTS, strict=True):
        np.testing.assert_allclose(back, meant, rtol=2e-3)
    for stays, new in zip(
        with_fixed_biases(TASK, home, written).times, rederived(TASK, home).times, strict=True
    ):
        inside = new < 1.0
        np.testing.assert_allclose(stays[inside], new[inside], atol=1e-3)
        assert np.array_equal(stays < 1.0, inside)


def test_derived_anew_is_the_reference_on_the_conditions_own_physics(two_axons: PhysicalModel) -> None:
    told = rederived(TASK, characterised(HOT, two_axons))
    for seen, exact in zip(
        told.times, spike_times(network_physics(two_axons, TASK.layers), WEIGHTS, TASK.inputs), strict=True
    ):
        np.testing.assert_allclose(seen, exact, atol=1e-9)


def test_kept_biases_carry_the_conditions_currents(two_axons: PhysicalModel) -> None:
    """40 ln 2 mV less threshold: all weights twice as large, beyond the table's end too."""
    shift = 0.04 * np.log(2)
    hot = characterised(HOT, two_axons, shift_V=shift)
    written = mapped(TASK, two_axons)
    for back, meant in zip(weights_kept(written, two_axons, hot.curves), WEIGHTS, strict=True):
        np.testing.assert_allclose(back, 2 * meant, rtol=2e-3)
    assert unit_ratios(characterised(HOME, two_axons), hot) == pytest.approx((2.0, 2.0), rel=1e-6)


def test_a_ramp_twice_as_steep_halves_the_first_layers_times(two_axons: PhysicalModel) -> None:
    """Negative swings fire in the phase too then."""
    fast, written = characterised(HOT, two_axons, ramp=2.0), mapped(TASK, two_axons)
    usual = with_fixed_biases(TASK, characterised(HOME, two_axons), written).times[0]
    np.testing.assert_allclose(with_fixed_biases(TASK, fast, written).times[0], usual / 2, atol=1e-3)


def test_a_network_that_does_not_fire_decides_nothing(two_axons: PhysicalModel) -> None:
    home = characterised(HOME, two_axons)
    dead = replace(
        characterised(HOT, two_axons), firing={2: FiringCurve(np.array([0.0, 0.5]), np.full(2, np.inf))}
    )
    assessed = assess(TASK, [met(home), met(dead)])
    assert assessed[1].kept.accuracy == 0.0
    assert (assessed[1].kept.rms_change_s, assessed[1].kept.gained) == (None, 0)
    spikes = sum(int(np.sum(layer < 1.0)) for layer in assessed[0].rederived_prediction.times)
    assert assessed[1].kept.lost == spikes > 0
    assert assessed[1].anew.accuracy == assessed[0].anew.accuracy
    assert assessed[1].anew.rms_change_s == 0.0


def test_a_condition_without_a_model_has_no_numbers(two_axons: PhysicalModel) -> None:
    nothing = ConditionResult(HOT, None, None, 0.01, "the phase is flat")
    assessed = assess(TASK, [met(characterised(HOME, two_axons)), nothing])
    found = table(assessed)
    assert list(found["problem"]) == ["", "the phase is flat"]
    row = found.iloc[1]
    assert row[list(PARAMETERS)].isna().all()
    assert np.isnan(row["kept_accuracy"])
    assert np.isnan(row["anew_accuracy"])
    assert row["kept_source_ratio"] == 0.01
    assert set(parameters(assessed[0].met)) == set(PARAMETERS)
    assert spans([one.met for one in assessed])["v_th_V"] == {"min": 0.9, "typ": 0.9, "max": 0.9}
    assert to_check(assessed, 3) == []


def test_a_weight_that_a_condition_cannot_carry_is_its_problem(two_axons: PhysicalModel) -> None:
    weak = two_axons.model_copy(
        update={"positive": two_axons.positive.model_copy(update={"current_max_A": 1e-8})}
    )
    (_, assessed) = assess(TASK, [met(characterised(HOME, two_axons)), met(characterised(HOT, weak))])
    assert "outside the realisable currents" in assessed.anew.problem
    assert assessed.anew.accuracy is None
    assert assessed.kept.accuracy is not None
    clipped = rederived(replace(TASK, clip=True), characterised(HOT, weak))
    assert clipped.clipped > 0


def test_the_worst_and_a_middle_one_are_simulated(two_axons: PhysicalModel) -> None:
    home = characterised(HOME, two_axons)
    others = [
        characterised(Condition(Corner.ff, float(t)), two_axons, ramp=1.0 + t / 100) for t in (0, 10, 20, 30)
    ]
    assessed = assess(TASK, [met(home), *map(met, others)])
    chosen = [one.met.condition.temperature_C for one in to_check(assessed, 3)]
    assert len(chosen) == len(set(chosen)) == 3
    assert 30.0 in chosen


# -- surveys ------------------------------------------------------------------------------------------------------------------------


def test_a_condition_that_is_refused_stands_there_with_its_physics(
    monkeypatch: pytest.MonkeyPatch, two_axons: PhysicalModel
) -> None:
    def source(self: Survey, condition: Condition) -> Source:
        volts = np.linspace(0.3, 1.8, 151)
        factor = 1.0 if condition == HOME else 0.05
        return Source(volts, factor * 1e-7 * np.exp(-(volts - 0.95) / 0.05))

    def characterise(
        self: Survey, condition: Condition, vsense_V: float | None, home: Reference | None
    ) -> Characterised:
        asked.append(vsense_V)
        if condition.temperature_C < 0:
            raise FitRefused("the firing phase deviates")
        if condition.corner is Corner.ff:
            raise CharacterizationFailed("1 of 4 benches gave no result")
        return characterised(condition, two_axons)

    asked: list[float | None] = []
    monkeypatch.setattr(Survey, "_source", source)
    monkeypatch.setattr(Survey, "_drift", lambda self, condition: Drift(0.0, -0.004))
    monkeypatch.setattr(Survey, "_characterised", characterise)
    monkeypatch.setattr(Survey, "_with_firing", lambda self, found, home: found)
    bench: Workbench = None  # type: ignore[assignment]
    plan = Survey(bench, Design(), CharacterizeOptions(), (2,), Path(), track_sense=False)
    cold, fast = Condition(Corner.ss, -40.0), Condition(Corner.ff, 27.0)
    told: list[str] = []
    found, home = survey(plan, [HOME, cold, fast, HOT], lambda done, total, one: told.append(one.label))
    assert told == ["tt 27 °C", "ss -40 °C", "ff 27 °C", "ss 125 °C"]
    assert home.source_A == pytest.approx(1e-7)
    assert [one.characterised is not None for one in found] == [True, False, False, True]
    assert found[1].problem == (
        "the firing phase deviates; the sensing stage starves: at V_sense = 0.95 V its source has 5 % of its current at home; "
        "leakage: a membrane left alone at 0.5 V moves by -4.0 mV in a phase"
    )
    assert asked == [None, None, None, None]
    survey(replace(plan, track_sense=True), [HOME, HOT], lambda done, total, one: None)
    assert asked[-1] == pytest.approx(0.95 - 0.05 * np.log(20), abs=1e-3)


def test_home_must_be_characterised(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Characterised:
        raise FitRefused("flat")

    monkeypatch.setattr(Survey, "_source", lambda self, condition: None)
    monkeypatch.setattr(Survey, "_characterised", refuse)
    bench: Workbench = None  # type: ignore[assignment]
    plan = Survey(bench, Design(), CharacterizeOptions(), (2,), Path())
    with pytest.raises(FitRefused, match="flat"):
        survey(plan, [HOME], lambda done, total, one: None)


def test_a_simulator_that_crashes_leaves_checks_without_results(
    make_workbench: Callable[..., Workbench],
    two_axons: PhysicalModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Failed samples are counted; nothing stands in for them."""
    bench = make_workbench()
    broken = tmp_path / "ngspice"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "** ngspice-99.1 :" && exit 0\nexit 1\n')
    broken.chmod(0o755)
    monkeypatch.setenv("NONIDEAL_NGSPICE", str(broken))
    home, hot = characterised(HOME, two_axons), characterised(HOT, two_axons)
    assessed = assess(TASK, [met(home), met(hot)])[1]
    written = mapped(TASK, two_axons)
    at_home = Reference(HOME, 0.95, 0.55, 1e-7)
    checks = check_in_spice(bench, Design(), TASK, assessed, at_home, written, 2, tmp_path / "decks")
    assert [(one.biases, one.failed, one.rmse_s, one.pairs) for one in checks] == [
        ("kept", 2, None, 0),
        ("anew", 2, None, 0),
    ]
    assert "kept_0000" in checks[0].problem


# -- real -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.spice
def test_the_cold_starves_the_sensing_stage_and_heat_makes_membranes_drift(
    make_workbench: Callable[..., Workbench], tmp_path: Path
) -> None:
    """Constant V_sense, -40 against 27 °C: less than a fifth of the current. At 125 °C leakage moves a membrane further than at 27."""
    bench = make_workbench()
    design, options = Design(), CharacterizeOptions()

    def at(corner: Corner, temperature_C: float) -> tuple[Source, Drift]:
        here = Condition(corner, temperature_C)
        place = tmp_path / here.name
        return (
            measure_source(bench.at(corner), here.design(design), place),
            measure_drift(bench.at(corner), here.design(design), options, place),
        )

    (home, mild), (cold, _), (_, hot) = at(Corner.tt, 27.0), at(Corner.tt, -40.0), at(Corner.ff, 125.0)
    assert 0.01 < cold.current_at_A(0.95) / home.current_at_A(0.95) < 0.2
    tracked = cold.vsense_for_V(home.current_at_A(0.95))
    assert 0.7 < tracked < 0.9
    assert abs(hot.at_low_V) > 3 * abs(mild.at_low_V)
    assert abs(mild.at_low_V) < 1e-3


@pytest.mark.slow
@pytest.mark.spice
def test_one_condition_on_real_spice(
    make_workbench: Callable[..., Workbench], coarse: CharacterizeOptions, known: Cache, tmp_path: Path
) -> None:
    """A column of two axons, swept coarsely, at home and in the cold; the network's spikes in SPICE are those that were told."""
    bench = make_workbench(cache=known)
    plan = Survey(bench, Design(), coarse, (2,), tmp_path)
    found, home = survey(plan, [HOME, Condition(Corner.tt, 0.0)], lambda done, total, one: None)
    assert found[1].problem == ""
    assessed = assess(TASK, found)
    assert assessed[0].kept.rms_change_s == pytest.approx(0.0, abs=1e-9)
    assert assessed[1].met.characterised is not None
    assert assessed[1].met.characterised.model.vdis_V > home.vdis_V
    assert assessed[1].met.characterised.model.vsense_V < 0.95
    first, there = found[0].characterised, assessed[1].met.characterised
    assert first is not None
    shifted = fit_layer(first.model, *(FixedBiases(one.curves, one.firing) for one in (first, there)), 2)
    assert shifted.error_ln < 0.06  # what training would know of this condition
    assert shifted.error_norm < 2e-3
    assert shifted.shift.gain > 1.3
    assert np.exp(shifted.shift.positive.ln(np.array(1.0))) < 0.7
    assert unit_biases_V(first.model)[0] == pytest.approx(0.55, abs=0.1)
    written = mapped(TASK, first.model)
    cold = check_in_spice(bench, Design(), TASK, assessed[1], home, written, 1, tmp_path)
    assert cold[1].biases == "anew"
    assert cold[1].rmse_s is not None
    assert cold[1].rmse_s < 3e-9
    assert (cold[1].missed, cold[1].extra) == (0, 0)


def test_rails_hold_a_membrane(two_axons: PhysicalModel) -> None:
    """Far too much current ends at the supplies; between them nothing changes."""
    physics = network_physics(two_axons, TASK.layers)[0]
    weight = np.array([[9.0, 0.0], [-9.0, 0.0], [0.3, 0.2]])
    free, held = (
        membrane(replace(physics, coupling=0.0), weight, np.array([[0.1, 0.2]]), *rails)[0]
        for rails in ((), ((-0.5, 1.4),))
    )
    assert list(held[:2]) == [1.4, -0.5]
    assert free[0] > 1.4
    assert free[1] < -0.5
    assert held[2] == free[2]


# -- supplies ---------------------------------------------------------------------------------------------------------------------


def test_supplies_are_off_one_at_a_time_and_none_follows_another() -> None:
    off = [SupplyOffsets(vdd_V=-0.18), SupplyOffsets(vsense_V=0.02)]
    near, low, sense = conditions_of(HOME, [Corner.tt], [27.0], [37.0], off)[1:]
    assert near.label == "tt 37 °C"
    assert (low.name, low.label) == ("tt_27_vdd-180mV", "tt 27 °C, V_dd -180 mV")
    here = low.design(Design()).supplies
    assert (here.vdd_V, here.v0_V, here.vsense_V) == (1.62, 1.3, 0.95)
    # What V_sense is meant to be and what it is off by.
    assert sense.design(Design()).supplies.vsense_V == pytest.approx(0.97)
    assert sense.design(Design(), 0.9).supplies.vsense_V == pytest.approx(0.92)
    with pytest.raises(ValidationError):
        Condition(Corner.tt, 27.0, SupplyOffsets(vdd_V=0.3)).design(Design())


def test_noise_of_a_condition_is_told_where_its_model_has_it(
    two_axons: PhysicalModel, noisy_model: PhysicalModel
) -> None:
    options = NoiseOptions(1.0, 20, 3)
    noisy = two_axons.model_copy(update={"noise": noisy_model.noise})
    quiet, there = assess(TASK, [met(characterised(HOME, two_axons)), met(characterised(HOT, noisy))])
    assert under_noise(TASK, quiet, options) is None
    found = under_noise(TASK, there, options)
    assert found is not None
    assert found == under_noise(TASK, there, options)
    assert found.low <= found.accuracy <= found.high
    assert found.jitter_s is None or 1e-9 < found.jitter_s < 1e-7


def test_how_far_hidden_and_output_spikes_move_is_told_apart(two_axons: PhysicalModel) -> None:
    slow = Condition(Corner.tt, 27.0, SupplyOffsets(vdd_V=-0.01))
    home, there = (
        characterised(HOME, two_axons, ramp=2.0),
        characterised(slow, two_axons, shift_V=1e-3, ramp=2.0),
    )
    kept = assess(TASK, [met(home), met(there)])[1].kept
    assert kept.hidden_change_s is not None
    assert kept.output_change_s is not None
    assert kept.rms_change_s is not None
    low, high = sorted((kept.hidden_change_s, kept.output_change_s))
    assert 0.0 < low < kept.rms_change_s < high
    row = table(assess(TASK, [met(home), met(there)])).iloc[1]
    assert row["vdd_offset_V"] == -0.01
    assert row["kept_output_change_s"] == kept.output_change_s
