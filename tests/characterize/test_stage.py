"""The whole characterisation on the real simulator, its corners, and its failures."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nonideal.characterize.benches import Grid, LoneNeuron, neuron_benches, sensing_bench, synapse_bench
from nonideal.characterize.errors import CharacterizationFailed, FitRefused
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.stage import Characterization, characterize
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design, NeuronSizes, Supplies
from nonideal.sky130_models import Corner
from nonideal.spice import Cache, find_ngspice

WorkbenchMaker = Callable[..., Workbench]
pytestmark = pytest.mark.spice


def test_the_papers_table_is_reproduced(characterization: Characterization) -> None:
    model = characterization.model
    assert model.positive.lambda_per_V.value == pytest.approx(0.41, rel=0.05)
    assert model.negative.lambda_per_V.value == pytest.approx(0.75, rel=0.05)
    assert model.lambda_dis_per_V.value == pytest.approx(0.177, rel=0.05)
    assert model.v_switch_V.value == pytest.approx(0.428, rel=0.05)
    assert model.v_0_V.value == pytest.approx(1.3, abs=1e-3)
    assert model.v_th_V == pytest.approx(0.87, abs=0.02)


def test_the_errors_are_those_of_fits_not_of_guesses(characterization: Characterization) -> None:
    model = characterization.model
    for branch in (model.positive, model.negative):
        assert 0 < branch.lambda_per_V.stderr < 0.05 * branch.lambda_per_V.value
        assert branch.linearity_rms < 0.02
        assert branch.current_min_A < 1e-11
        assert branch.current_max_A > 2 * model.unit_current_A()
    for estimate in (model.lambda_dis_per_V, model.v_switch_V, model.membrane_F, model.discharge_norm):
        assert 0 < estimate.stderr < 0.01 * estimate.value


def test_membrane_capacitance_is_the_capacitor_and_its_devices(characterization: Characterization) -> None:
    """103.3 fF of MIM, and 9 to 20 fF of switches, discharger, sensing inverter and five pairs of drains."""
    model = characterization.model
    assert 103.3e-15 + 9e-15 < model.membrane_F.value < 103.3e-15 + 20e-15
    assert model.membrane_per_axon_F.value == pytest.approx(1.15e-15, rel=0.15, abs=0)


def test_capacitance_from_charge_agrees_with_current_over_slope(characterization: Characterization) -> None:
    """The firing ramp starts with I/C: C follows from the discharger's current at DC and the spike times' b and V_th.

    While firing, the isolation switch is open: the pairs on the dendrite (and the wiring) are then missing from C.
    """
    model = characterization.model
    curves = characterization.curves
    row = curves[(curves["bench"] == "discharger") & np.isclose(curves["bias_V"], model.vdis_V)]
    current_A = float(np.interp(model.v_0_V.value, row["membrane_V"], row["current_A"]))
    b = model.discharge_norm.value
    slope_V_per_s = model.v_th_V / model.t_circ_s * -math.log(1 - b) / b
    firing_F = current_A / slope_V_per_s
    assert 103.3e-15 < firing_F < model.membrane_F.value
    assert model.membrane_F.value - firing_F == pytest.approx(5 * model.membrane_per_axon_F.value, abs=3e-15)


def test_the_discharge_of_spike_times_is_that_of_the_dc_curve(characterization: Characterization) -> None:
    """b = V_th lambda_dis, once from transients and once from DC."""
    model = characterization.model
    assert model.discharge_norm.value == pytest.approx(model.v_th_V * model.lambda_dis_per_V.value, rel=0.03)


def test_currents_add_on_a_dendrite(characterization: Characterization) -> None:
    assert 0 <= characterization.model.additivity_error < 1e-6


def test_sensing_delay_is_that_of_the_sense_ramp(characterization: Characterization) -> None:
    """The sense node ramps over about 80 ns; half of the swing is the delay, give or take the slope."""
    assert 20e-9 < characterization.model.sensing_delay_s.value < 90e-9


def test_bias_tables_run_towards_more_current(characterization: Characterization) -> None:
    model = characterization.model
    assert np.all(np.diff(model.positive.bias_V) > 0)
    assert np.all(np.diff(model.negative.bias_V) < 0)
    assert (model.positive.off_bias_V, model.negative.off_bias_V) == (0.0, 1.8)
    at_one = np.interp(np.log(model.unit_current_A()), model.negative.ln_current, model.negative.bias_V)
    assert at_one == pytest.approx(1.056, abs=0.04)


def test_lambda_p_falls_with_the_current(characterization: Characterization) -> None:
    """0.77 at w = 0.1, 0.67 at 0.93, 0.61 at 1.7."""
    coefficients = characterization.model.negative.lambda_polynomial_per_V
    at = [float(np.polynomial.polynomial.polyval(w, coefficients)) for w in (0.1, 0.93, 1.7)]
    assert at == pytest.approx([0.77, 0.67, 0.61], abs=0.04)


def test_the_curves_hold_what_was_fitted(characterization: Characterization) -> None:
    curves, model = characterization.curves, characterization.model
    assert set(curves["bench"]) == {"synapse", "discharger", "firing"}
    assert set(curves["corner"]) == {"tt"}
    synapse = curves[(curves["bench"] == "synapse") & (curves["polarity"] == "n")]
    at_v0 = synapse[np.isclose(synapse["membrane_V"], 1.3)].set_index("bias_V")["current_A"]
    for bias, ln_current in zip(model.positive.bias_V, model.positive.ln_current, strict=True):
        nearest = at_v0.index[int(np.argmin(np.abs(at_v0.index - bias)))]
        assert np.log(at_v0[nearest]) == pytest.approx(ln_current, abs=1e-9)


def test_the_model_survives_its_file(characterization: Characterization, tmp_path: Path) -> None:
    characterization.model.save(tmp_path / "model.json")
    assert PhysicalModel.load(tmp_path / "model.json") == characterization.model


def test_the_same_again_from_the_cache_is_the_same_model(
    make_workbench: WorkbenchMaker, tmp_path: Path
) -> None:
    """A bench run twice and one answered from the cache give identical numbers."""
    grid, design = Grid(0.3, 0.7, 0.01), Design()
    bench = make_workbench(cache=Cache(tmp_path / "cache"))
    first = bench.run([sensing_bench(design, grid)], design, tmp_path / "a")[0]
    known = bench.run([sensing_bench(design, grid)], design, tmp_path / "a")[0]
    again = make_workbench().run([sensing_bench(design, grid)], design, tmp_path / "b")[0]
    assert (first.from_cache, known.from_cache) == (False, True)
    for other in (known, again):
        np.testing.assert_array_equal(first["v(spike)"], other["v(spike)"])


def unit_currents(bench: Workbench, design: Design, folder: Path) -> tuple[float, float]:
    """Currents (n, p) near weight 1 at fixed biases."""
    membrane = Grid(1.3, 1.32, 0.01)
    benches = [
        synapse_bench(design, "n", membrane, Grid(0.55, 0.56, 0.01)),
        synapse_bench(design, "p", membrane, Grid(1.05, 1.06, 0.01)),
    ]
    n, p = bench.run(benches, design, folder)
    return -float(n["i(vdendrite)"][0]), float(p["i(vdendrite)"][0])


def test_corners_lie_on_the_right_side(make_workbench: WorkbenchMaker, tmp_path: Path) -> None:
    """Slow has less current at one bias, fast more; a mixed corner one of each (in this library sf has the fast NMOS)."""
    current = {
        corner: unit_currents(make_workbench(corner), Design(), tmp_path / corner)
        for corner in (Corner.tt, Corner.ss, Corner.ff, Corner.sf)
    }
    for polarity in (0, 1):
        assert current[Corner.ss][polarity] < 0.8 * current[Corner.tt][polarity]
        assert current[Corner.ff][polarity] > 1.25 * current[Corner.tt][polarity]
    assert current[Corner.sf][0] > 1.25 * current[Corner.tt][0]
    assert current[Corner.sf][1] < 0.8 * current[Corner.tt][1]


def test_temperature_is_simulated_not_only_noted(make_workbench: WorkbenchMaker, tmp_path: Path) -> None:
    """Below threshold a current grows with temperature."""
    hot = Design(supplies=Supplies(temperature_C=85.0))
    bench = make_workbench()
    assert (
        unit_currents(bench, hot, tmp_path / "hot")[0]
        > 1.5 * unit_currents(bench, Design(), tmp_path / "tt")[0]
    )


def failing(folder: Path, pattern: str) -> Path:
    """The real simulator, but decks whose file name matches write nothing."""
    script = folder / "ngspice-that-fails"
    real = shlex.quote(str(find_ngspice().path))
    script.write_text(
        f'#!/bin/sh\nfor last; do :; done\ncase "$last" in {pattern}) echo "fatal: no"; exit 1;; esac\nexec {real} "$@"\n'
    )
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("name", ["synapse_p", "sensing", "discharge_coarse_3"])
def test_a_bench_without_result_is_named_and_nothing_stands_in(
    make_workbench: WorkbenchMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("NONIDEAL_NGSPICE", str(failing(tmp_path, f"{name}*")))
    options = CharacterizeOptions(bias_step_V=0.05, membrane_step_V=0.1)
    with pytest.raises(CharacterizationFailed, match=rf"benches gave no result: {name}: ") as caught:
        characterize(make_workbench(), Design(), options, tmp_path / "decks")
    assert [failure.name for failure in caught.value.failures] == [name]  # type: ignore[attr-defined]
    assert (tmp_path / "decks" / f"{name}.log").read_text().strip() == "fatal: no"


def test_a_capacitor_of_any_size_is_measured_or_refused(
    make_workbench: WorkbenchMaker, tmp_path: Path
) -> None:
    """The charge is aimed at the capacitor: with a fixed one a small membrane ran into its rails and was 7 % off."""
    from nonideal.characterize import neuron
    from nonideal.circuits.network.timeline import Timeline

    design = Design(neuron=NeuronSizes(mim_w_um=4.0, mim_l_um=4.0))
    timeline, axons = Timeline(design.timing, 1), 1
    found = {}
    for aim_F in (40e-15, 80e-15, 200e-15):
        charge_C = aim_F * np.array([-0.06, 0.06, 0.2, 0.4, 0.6])
        neurons = [
            LoneNeuron(pairs, 1.3, 0.5, injected_A=float(q) / 1e-6)
            for pairs in (axons, 2 * axons)
            for q in charge_C
        ]
        benches = neuron_benches(design, "membrane", neurons, {"bias_n": 0.5, "bias_p": 1.1})
        results = make_workbench().run(benches, design, tmp_path)
        try:
            found[aim_F] = neuron.membrane_capacitance(results, timeline, charge_C, axons, design)[0].value
        except FitRefused as error:
            assert "too small for its devices" in str(error)  # noqa: PT017
    assert set(found) == {40e-15, 80e-15}
    assert found[40e-15] == pytest.approx(found[80e-15], rel=0.03, abs=0)
    assert 36e-15 < found[40e-15] < 52e-15


def test_a_design_that_cannot_fire_is_refused_with_the_reason(
    make_workbench: WorkbenchMaker, tmp_path: Path
) -> None:
    """With its bias at the rail the sensing inverter cannot pull up, so no neuron ever fires."""
    design = Design(supplies=Supplies(vsense_V=1.8))
    options = CharacterizeOptions(bias_step_V=0.05, membrane_step_V=0.1)
    with pytest.raises(FitRefused, match=r"static sensing threshold: 0\.9 is outside the measured"):
        characterize(make_workbench(), design, options, tmp_path)


def test_the_curves_survive_parquet(characterization: Characterization, tmp_path: Path) -> None:
    characterization.curves.to_parquet(tmp_path / "curves.parquet", index=False)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "curves.parquet"), characterization.curves)
