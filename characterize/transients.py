"""What the neuron does in time: discharger bias, firing, membrane capacitance, reset level, the load of the neurons that it drives."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize import fits
from nonideal.characterize.benches import (
    Grid,
    LoneNeuron,
    discharger_bench,
    membrane_vector,
    neuron_benches,
    silent_V,
)
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.estimate import Estimate
from nonideal.characterize.fits import LambdaFit
from nonideal.characterize.neuron import (
    Firing,
    calibrate_discharger,
    firing_stage,
    membrane_capacitance,
    spike_load,
)
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.static import StaticMeasurements
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.network.timeline import Timeline

Array = NDArray[np.float64]
DRIVEN = (0, 5, 10, 20)
"""How many neurons the neurons under load drive."""
SWINGS_V = (-0.12, -0.06, 0.06, 0.15, 0.25, 0.35, 0.45, 0.6)
"""Swings from which the membrane's capacitance is found. Above about V_0 + 0.2 V the silent pairs begin to conduct backwards, below 0.55 V the
sensing inverter loads the membrane: both are outside what a trained network uses, and would be taken for capacitance."""
MIM_F_PER_UM2 = 2.1e-15
"""Of the membrane's capacitor, roughly: only what the swings aim at; the capacitance itself is measured."""
BESIDE_MIM_F = 37e-15
"""What else hangs on a membrane, roughly."""
AROUND_BIAS_V = 0.06
"""How far the discharger's bias is swept to both sides."""


@dataclass(frozen=True, slots=True)
class TransientMeasurements:
    """``discharge_A`` [biases, membrane potentials] and the line through its middle row; ``reset_V`` of every neuron of the membrane's benches."""

    vdis_V: float
    fired: Firing
    reset_V: tuple[float, ...]
    membrane_F: Estimate
    membrane_per_axon_F: Estimate
    discharge_A: Array
    discharge: LambdaFit
    spike_load_s: Estimate
    simulator: str


def measure_transients(
    bench: Workbench, design: Design, options: CharacterizeOptions, static: StaticMeasurements, folder: Path
) -> TransientMeasurements:
    """Run the neuron's benches. Raises ``FitRefused`` or ``CharacterizationFailed`` where they do not say what a model needs."""
    supplies, t_circ_s, axons = design.supplies, design.timing.t_circ_s, options.axons
    v0_V = supplies.v0_V
    vdis_V = calibrate_discharger(bench, design, options, folder)
    timeline = Timeline(design.timing, 1)
    starts = np.concatenate([np.arange(0.48, v0_V - 0.005, 0.04), [v0_V - 0.02, v0_V]])
    plates = design.contracts.neuron.device("capacitor").size
    charge_C = (MIM_F_PER_UM2 * plates.w_um * plates.l_um + BESIDE_MIM_F) * np.array(SWINGS_V)
    silent = silent_V(design, options.silent_bias_n_V, options.silent_bias_p_V)
    near = Grid(round(vdis_V - AROUND_BIAS_V, 6), round(vdis_V + AROUND_BIAS_V, 6), 0.02)
    sets = {
        "firing": [LoneNeuron(axons, round(float(v), 9), vdis_V) for v in starts],
        "membrane": [
            LoneNeuron(pairs, v0_V, vdis_V, injected_A=float(q) / t_circ_s)
            for pairs in (axons, 2 * axons)
            for q in charge_C
        ],
        "spike_load": [LoneNeuron(axons, round(v0_V - 0.3, 6), vdis_V, driven=n) for n in DRIVEN],
    }
    benches = [one for name, some in sets.items() for one in neuron_benches(design, name, some, silent)]
    results = iter(bench.run([*benches, discharger_bench(design, near, static.membrane)], design, folder))
    firing, charging, loaded = (list(islice(results, len(some))) for some in sets.values())
    (discharging,) = results
    fired = firing_stage(firing, timeline, starts, design, static.switch_V, options.max_firing_rms_s)
    at_start, membrane = timeline.accumulation_s(1), membrane_vector(design)
    reset_V = tuple(one.at(membrane, at_start) for one in charging)
    discharge_A = -np.asarray(discharging["i(vmembrane)"], float).reshape(-1, static.membrane.size)
    discharge = _discharge(discharge_A, static.membrane.values_V, v0_V, vdis_V, options)
    membrane_F, per_axon_F = membrane_capacitance(charging, timeline, charge_C, axons, design)
    load_s = spike_load(loaded, timeline, DRIVEN, supplies.vdd_V)
    return TransientMeasurements(
        vdis_V, fired, reset_V, membrane_F, per_axon_F, discharge_A, discharge, load_s, discharging.simulator
    )


def _discharge(
    current_A: Array, membrane_V: Array, v0_V: float, vdis_V: float, options: CharacterizeOptions
) -> LambdaFit:
    """The line through the discharger's current at its own bias; those around it are held to the same limits."""
    try:
        lines = [
            fits.fit_lambda(membrane_V, row, v0_V, options.window_V, options.max_linearity_rms)
            for row in current_A
        ]
    except FitRefused as error:
        around_mV = 1e3 * AROUND_BIAS_V
        raise FitRefused(
            f"discharger within {around_mV:g} mV of its bias {vdis_V:.4g} V: {error}", *error.moves
        ) from error
    return lines[len(lines) // 2]
