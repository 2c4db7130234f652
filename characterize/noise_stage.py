"""Noise of a design: benches on real SPICE -> Noise."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.benches import SILENT
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.noise import Noise, SynapseNoise
from nonideal.characterize.noise_bench import (
    FIRE_S,
    STEP_S,
    TAIL_S,
    Held,
    LoneFiring,
    SynapseNoiseBench,
    fets_of,
    held_bench,
    held_density,
)
from nonideal.characterize.noise_fit import DeviceNoise, Sensitivity, fit_neuron_noise, fit_synapse_noise
from nonideal.characterize.noise_sensitivity import BEFORE_S, spike_sensitivity
from nonideal.characterize.specimen import Specimen
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.cells.analog import GateBiases
from nonideal.circuits.cells.port import Role
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.flat import elements
from nonideal.circuits.network.mapping import bias_for_current

Array = NDArray[np.float64]
WEIGHTS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0)
"""At which synapses are asked for their noise."""
LEVELS = (-0.2, 0.0, 0.3, 0.6, 0.9)
"""Drops of the membrane below the reset level, in V_th."""
SPIKE_NORM = 0.25
"""When the lone neuron shall fire: later than its sensing stage needs."""


def has_noise(design: Design) -> bool:
    """Whether it is known how to measure the noise of its cells."""
    return isinstance(design.contracts.synapse.storage, GateBiases)


def check_noise(design: Design) -> None:
    """Raises ``CircuitError`` for cells whose noise is not known how to measure."""
    if not has_noise(design):
        raise CircuitError(
            "circuit.synapse.kind: noise is known of synapses whose weights are gate biases; set characterize.noise = false"
        )


def measure_noise(
    bench: Workbench, design: Design, model: PhysicalModel, folder: Path, specimen: Specimen | None = None
) -> Noise:
    """Ask the simulator for the noise of ``design``'s devices where they work, and for what it does to a spike.

    ``model`` supplies biases, ``specimen`` is the neuron (None: as designed). Raises ``FitRefused`` or ``CharacterizationFailed``.
    """
    check_noise(design)
    specimen = specimen or Specimen.designed(design, model)
    positive, negative, silent = _synapses(bench, design, model, folder)
    sensitivity, devices, membrane = _neuron(bench, design, specimen, folder)
    curvature = -math.log1p(-specimen.discharge_norm) / design.timing.t_circ_s
    ramp, sense, grid_error = fit_neuron_noise(devices, sensitivity, membrane, curvature)
    return Noise(
        temperature_C=design.supplies.temperature_C,
        positive=positive,
        negative=negative,
        silent_A2_per_Hz=silent,
        ramp=ramp,
        sense=sense,
        grid_error=grid_error,
    )


def _synapses(
    bench: Workbench, design: Design, model: PhysicalModel, folder: Path
) -> tuple[SynapseNoise, SynapseNoise, float]:
    """Of both polarities, and the largest white density of silent ones."""
    parts, v0_V = elements(design)["synapse"], design.supplies.v0_V
    ceiling_V = design.supplies.vdd_V - 0.05
    membrane_V = np.array(sorted({min(v0_V - level * model.v_th_V, ceiling_V) for level in LEVELS}))
    found, quiet = [], 0.0
    for polarity, branch in (("n", model.positive), ("p", model.negative)):
        current_A = model.unit_current_A() * np.array(WEIGHTS)
        current_A = current_A[(current_A >= branch.current_min_A) & (current_A <= branch.current_max_A)]
        bias_V = bias_for_current(branch, current_A).tolist()
        on = SynapseNoiseBench.spiking(design, parts, polarity, bias_V, membrane_V.tolist())
        off = replace(on, nets=SILENT, bias_V=bias_V[-1:])
        results = bench.run(
            [on.bench(f"noise_{polarity}"), off.bench(f"noise_silent_{polarity}")], design, folder
        )
        found.append(fit_synapse_noise(on.read(results[0]), current_A, membrane_V, v0_V, polarity))
        quiet = max(quiet, float(off.read(results[1]).white.max()))
    return found[0], found[1], quiet


def _neuron(
    bench: Workbench, design: Design, specimen: Specimen, folder: Path
) -> tuple[Sensitivity, list[DeviceNoise], str]:
    """What charges do to a lone neuron's spike, its devices' noise at the same instants, and its membrane's node."""
    b = specimen.discharge_norm
    drop_norm = (1 - (1 - b) ** (1 - SPIKE_NORM)) / b
    start_V = design.supplies.v0_V - drop_norm * specimen.v_th_V
    window_s = SPIKE_NORM * design.timing.t_circ_s
    lone = LoneFiring(design, specimen, start_V, FIRE_S + window_s + TAIL_S)
    fine = replace(
        bench, simulator=replace(bench.simulator, max_step_s=min(STEP_S, bench.simulator.max_step_s))
    )
    nodes, membrane = lone.nodes(), design.contracts.neuron.inner("membrane")
    undisturbed = (membrane, 0.0, 0.0, STEP_S)
    # Held nodes stand where the deck holds them: those and its own are all that its devices are on.
    terminals = list(dict.fromkeys(n for one in fets_of(specimen.parts) for n in one.nodes))
    (nominal,) = fine.run([lone.bench("noise_firing", [undisturbed], [*nodes, *terminals])], design, folder)
    spike_s = float(lone.spikes_s(nominal, 1)[0])
    earliest_s = max(BEFORE_S)
    if not spike_s - FIRE_S > earliest_s:
        raise FitRefused(
            f"a neuron that should fire after {1e9 * window_s:.0f} ns fires after {1e9 * (spike_s - FIRE_S):.3g} ns: its noise is found over the "
            f"last {1e9 * earliest_s:.0f} ns; lengthen circuit.timing.t_circ_s"
        )
    free = [node for node in nodes if node != _dendrite(design)]
    sensitivity = spike_sensitivity(fine, lone, free, membrane, spike_s, folder)
    at_s = spike_s - sensitivity.before_s
    node_V = {
        node: np.interp(at_s, nominal.axis, np.asarray(nominal[f"v({lone.net(0, node)})"], float))
        for node in terminals
    }
    held = [Held(one, np.array([node_V[node] for node in one.nodes])) for one in fets_of(specimen.parts)]
    (result,) = bench.run([held_bench("noise_held", held)], design, folder)
    devices = [
        DeviceNoise(one.fet.path, one.fet.nodes[0], one.fet.nodes[2], held_density(result, one))
        for one in held
    ]
    return sensitivity, devices, membrane


def _dendrite(design: Design) -> str:
    """The node that is cut off while a neuron fires."""
    (port,) = design.contracts.neuron.having(Role.DENDRITE)
    return port.name
