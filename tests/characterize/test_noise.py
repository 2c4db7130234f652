"""The noise of the physical model: its file, its fits on known curves, its benches as decks, and one measurement on real SPICE."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from nonideal.characterize.errors import CharacterizationFailed, FitRefused, NoNoise
from nonideal.characterize.jitter import layer_noise, network_noise
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.noise import SynapseNoise
from nonideal.characterize.noise_bench import (
    Density,
    Held,
    LoneFiring,
    SynapseNoiseBench,
    fets_of,
    held_bench,
)
from nonideal.characterize.noise_fit import DeviceNoise, Sensitivity, fit_neuron_noise, fit_synapse_noise
from nonideal.characterize.noise_stage import check_noise, measure_noise
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.specimen import Specimen
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.flat import elements
from nonideal.spice import Deck, Failure, FailureKind

SHOT = 2 * 1.602176634e-19


def test_a_model_with_its_noise_survives_its_file(noisy_model: PhysicalModel, tmp_path: Path) -> None:
    noisy_model.save(tmp_path / "model.json")
    assert PhysicalModel.load(tmp_path / "model.json") == noisy_model


def test_tables_of_different_lengths_or_out_of_order_are_refused(noisy_model: PhysicalModel) -> None:
    assert noisy_model.noise is not None
    values = noisy_model.noise.positive.model_dump()
    with pytest.raises(ValidationError, match="one length"):
        SynapseNoise.model_validate(values | {"white": values["white"][:-1]})
    with pytest.raises(ValidationError, match="must rise"):
        SynapseNoise.model_validate(values | {"ln_current": values["ln_current"][::-1]})


def test_a_model_without_noise_says_how_to_get_it(noisy_model: PhysicalModel) -> None:
    with pytest.raises(NoNoise, match=r"characterize\.noise = true"):
        layer_noise(noisy_model.model_copy(update={"noise": None}), 5)


def test_noise_in_the_units_of_training(noisy_model: PhysicalModel) -> None:
    """A synapse of weight 1 over the whole phase, by hand."""
    noise, found = noisy_model.noise, layer_noise(noisy_model, 5)
    assert noise is not None
    (column,) = (one for one in noisy_model.columns if one.axons == 5)
    swing_C = column.membrane_F.value * column.v_th_V.value
    current_A = swing_C / noisy_model.t_circ_s
    white = 1.64 * SHOT * current_A * noisy_model.t_circ_s / 2 / swing_C**2
    assert sum(found.positive.white) == pytest.approx(white, rel=0.02)
    flicker = 3.9e-7 * current_A**2 * noisy_model.t_circ_s**2 / swing_C**2
    assert sum(found.positive.flicker) == pytest.approx(flicker, rel=0.02)
    assert found.ramp_white == pytest.approx(2.6e-6)
    # kT/C of the whole membrane, and a little more that the isolation switch leaves
    least = 4.144e-21 / column.membrane_F.value / column.v_th_V.value**2
    assert least < found.switched < 1.2 * least
    assert network_noise(noisy_model, (5, 5, 5)) == (found, found)


def test_flicker_from_later_on_is_less(noisy_model: PhysicalModel) -> None:
    second, inference = layer_noise(noisy_model, 5), layer_noise(noisy_model, 5, 4.5e5)
    assert inference.sense_flicker < second.sense_flicker
    assert inference.ramp_white == second.ramp_white


def densities(white: Any, flicker: Any, exponent: float) -> Density:
    white = np.asarray(white, float)
    return Density(white, np.broadcast_to(flicker, white.shape), np.full(white.shape, exponent))


def test_a_synapse_of_known_noise_is_found() -> None:
    current_A = np.array([2e-9, 1e-8, 1e-7])
    membrane_V = np.array([0.5, 0.9, 1.3])
    drop = 1.3 - membrane_V
    white = 1.7 * SHOT * current_A[:, None] * (1 - 0.4 * drop)
    flicker = 4e-7 * current_A[:, None] ** 2 * (1 - 0.35 * drop) ** 2
    found = fit_synapse_noise(densities(white, flicker, 0.84), current_A, membrane_V, 1.3, "n")
    assert found.shot_ratio == pytest.approx([1.7] * 3)
    assert found.white_slope_per_V == pytest.approx([0.4] * 3)
    assert found.flicker_slope_per_V == pytest.approx([0.35] * 3)
    assert [one.value for one in found.flicker] == pytest.approx(4e-7 * current_A**2)
    assert all(one.stderr < 1e-9 * one.value for one in found.white)


def test_a_silent_device_class_is_refused() -> None:
    """Models without flicker parameters have none: that is told, and not taken for a quiet circuit."""
    current_A, membrane_V = np.array([1e-8, 1e-7, 2e-7]), np.array([0.9, 1.3])
    white = np.full((3, 2), 1e-27)
    with pytest.raises(FitRefused, match="says nothing"):
        fit_synapse_noise(densities(white, 0.0, 0.84), current_A, membrane_V, 1.3, "p")
    spread = Density(white, white, np.array([[0.8, 0.9]] * 3))
    with pytest.raises(FitRefused, match="one is expected"):
        fit_synapse_noise(spread, current_A, membrane_V, 1.3, "p")


def neuron(before_s: Any) -> tuple[list[DeviceNoise], Sensitivity]:
    """A discharger of constant noise on the membrane, a sensing device that matters in the last 80 ns."""
    late = np.where(before_s < 80e-9, 1.6e7, 0.0)
    sensitivity = Sensitivity(before_s, {"membrane": np.full(len(before_s), 1.1e7), "sense": late})
    flat = densities(np.full(len(before_s), 4e-26), 5e-21, 0.84)
    loud = densities(np.full(len(before_s), 2e-26), 1e-20, 1.2)
    return [DeviceNoise("MDI", "membrane", "dx", flat), DeviceNoise("MSN", "sense", "vss", loud)], sensitivity


def test_a_neuron_of_known_noise_is_found() -> None:
    devices, sensitivity = neuron(np.linspace(0.0, 130e-9, 1301))
    ramp, sense, error = fit_neuron_noise(devices, sensitivity, "membrane", 0.0)
    assert ramp.white_s.value == pytest.approx(4e-26 / 2 * 1.1e7**2)
    assert ramp.flicker.value == pytest.approx(5e-21 * 1.1e7**2)
    assert (ramp.white_delay_s, ramp.flicker_delay_s) == pytest.approx((0.0, 0.0), abs=1e-15)
    assert sense.keys() == {"MSN"}
    assert sense["MSN"].white_s2 == pytest.approx(2e-26 / 2 * 1.6e7**2 * 80e-9, rel=2e-3)
    assert sense["MSN"].flicker_s == pytest.approx(1e-10 * 1.6e7 * 80e-9, rel=2e-3)
    assert sense["MSN"].window_s == pytest.approx(80e-9, rel=2e-3)
    assert error < 0.01


def test_a_ramp_without_noise_is_refused() -> None:
    devices, sensitivity = neuron(np.linspace(0.0, 130e-9, 14))
    with pytest.raises(FitRefused, match="is the discharger on"):
        fit_neuron_noise(devices[1:], sensitivity, "membrane", 0.0)


def test_benches_are_decks_that_can_be_judged() -> None:
    design, parts = Design(), elements(Design())
    synapse = SynapseNoiseBench.spiking(design, parts["synapse"], "n", [0.5, 0.55], [1.3, 0.9]).bench(
        "noise_n"
    )
    assert len(synapse.vectors) == 2 * 2 * 4 * 2  # FETs of four pairs, all noise and flicker
    fets = fets_of(parts["neuron"])
    held = held_bench(
        "held", [Held(one, np.array([[1.0, 0.9], [0.5, 0.5], [0.0, 0.0], [0.0, 0.0]])) for one in fets]
    )
    assert len(held.vectors) == 2 * 2 * 17
    for one in (synapse, held):
        deck = Deck(one.name, f"* {one.name}\n{one.text}.end\n", {}, one.vectors)
        assert [analysis.kind for analysis in deck.analyses()] == ["noise"]


def test_a_charge_goes_into_one_copy_of_the_neuron(noisy_model: PhysicalModel) -> None:
    design = Design()
    lone = LoneFiring(design, Specimen.designed(design, noisy_model), 0.6, 4e-7)
    assert {"membrane", "sense", "sx"} <= set(lone.nodes())
    text = lone.bench("charges", [("membrane", 0.0, 0.0, 1e-9), ("sense", 2e-7, 3e-17, 1e-9)]).text
    (source,) = (line for line in text.splitlines() if line.startswith("Icharge"))
    assert source.split()[:3] == ["Icharge_1", "0", "neuron_1_sense"]
    # a triangle of 30 aC
    assert "2e-07 6e-08" in source


def test_other_kinds_are_refused_before_anything_runs() -> None:
    design = Design.model_validate({"synapse": {"kind": "coded"}})
    with pytest.raises(CircuitError, match=r"characterize\.noise = false"):
        check_noise(design)
    assert not CharacterizeOptions().noise


def test_a_simulator_that_fails_is_no_quiet_circuit(
    noisy_model: PhysicalModel, make_workbench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attempt(bench: Workbench, decks: list[Deck], folder: Path) -> list[Failure]:
        return [Failure(deck.name, FailureKind.timed_out, "too slow", (), folder) for deck in decks]

    monkeypatch.setattr(Workbench, "attempt", attempt)
    with pytest.raises(CharacterizationFailed, match="too slow"):
        measure_noise(make_workbench(), Design(), noisy_model, tmp_path)


@pytest.mark.spice
def test_the_pdk_s_own_noise(noisy_model: PhysicalModel, make_workbench: Any, tmp_path: Path) -> None:
    """Memory FETs of both polarities, beside hand formulas: none is silent, white noise is that of a channel, flicker falls as the models say."""
    design, bench = Design(), make_workbench()
    membrane_V = [0.5, 1.3]
    for polarity, bias_V, ratio, exponent in (("n", 0.557, (1.4, 2.0), 0.84), ("p", 1.056, (0.3, 0.6), 1.0)):
        pair = SynapseNoiseBench.spiking(design, elements(design)["synapse"], polarity, [bias_V], membrane_V)
        (result,) = bench.run([pair.bench("noise")], design, tmp_path / polarity)
        found = pair.read(result)
        assert found.exponent == pytest.approx(exponent, abs=1e-6)
        # about 100 nA: between 0.3 and 2 of shot noise, and a flicker corner within a decade of a MHz
        at_home = found.white[0, 1] / (SHOT * 100e-9)
        assert ratio[0] < at_home < ratio[1]
        corner_Hz = (found.flicker / found.white) ** (1 / found.exponent)
        assert np.all((corner_Hz > 3e4) & (corner_Hz < 3e6))
        silent = replace(pair, nets={"axon": "vss", "axon_b": "vdd"})
        (result,) = bench.run([silent.bench("silent")], design, tmp_path / polarity)
        assert np.all(silent.read(result).white < 1e-2 * found.white)


@pytest.mark.slow
@pytest.mark.spice
def test_noise_of_the_default_design(characterization: Any, make_workbench: Any, tmp_path: Path) -> None:
    found = measure_noise(make_workbench(), Design(), characterization.model, tmp_path)
    column = characterization.model
    # What a charge does to the spike is one over the discharge current at the threshold.
    b = column.discharge_norm.value
    slope = -math.log1p(-b) * (1 - b) / b * column.v_th_V / column.t_circ_s
    firing_F = column.membrane_F.value - column.axons * column.membrane_per_axon_F.value
    assert found.ramp.per_charge_s_per_C.value == pytest.approx(1 / (firing_F * slope), rel=0.03)
    assert found.ramp.white_s.value == pytest.approx(2.6e-12, rel=0.05)
    assert found.ramp.white_delay_s == pytest.approx(49e-9, rel=0.1)
    assert found.sense["MSN"].white_s2 + found.sense["MSB"].white_s2 == pytest.approx(2.4e-19, rel=0.1)
    assert found.silent_A2_per_Hz < 1e-3 * found.positive.white[6].value
    assert found.grid_error < 0.05
