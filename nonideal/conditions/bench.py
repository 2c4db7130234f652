"""Benches of one operating condition beside its characterisation: the sensing stage's source, drifts, silent synapses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySpice.Spice.Netlist import Circuit

from nonideal.characterize.benches import (
    SILENT,
    Bench,
    Grid,
    LoneNeuron,
    add_lines,
    membrane_vector,
    neuron_benches,
    silent_V,
)
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.cells.analog import gate_biases
from nonideal.circuits.cells.port import VDD, VSS, Role
from nonideal.circuits.design import Design
from nonideal.circuits.network.timeline import Timeline

Array = NDArray[np.float64]
SENSE_SOURCE = "sense_bias"
"""What the source of the sensing stage's current is among a neuron's devices."""
SENSE_SPAN_V = 0.3
"""The source's current is swept from here up to the supply."""
LOW_V = 0.5
"""The lower of the two levels at which an undisturbed membrane is watched; the other is V_0."""


def source_bench(design: Design) -> Bench:
    """The current source of the sensing stage alone, into half of the supply: its current over V_sense."""
    vdd_V, source = design.supplies.vdd_V, design.contracts.neuron.device(SENSE_SOURCE)
    drain, gate = source.nodes[:2]
    circuit = Circuit("source of the sensing stage")
    circuit.V("dd", VDD, "0", vdd_V)
    circuit.V("sense", gate, "0", 0.0)
    circuit.V("drain", drain, "0", vdd_V / 2)
    circuit.X("source", source.model, *source.nodes, w=source.size.w_um, l=source.size.l_um)
    sweep = Grid(SENSE_SPAN_V, vdd_V, 0.01)
    return Bench("source", f"{circuit}\n.save i(vdrain)\n.dc Vsense {sweep.spice}\n", ("i(vdrain)",))


@dataclass(frozen=True, slots=True)
class Source:
    """The source's current (A, falling) over V_sense (V, rising)."""

    vsense_V: Array
    current_A: Array

    def current_at_A(self, vsense_V: float) -> float:
        return float(np.exp(np.interp(vsense_V, self.vsense_V, np.log(self.current_A))))

    def vsense_for_V(self, current_A: float) -> float:
        """The V_sense that makes it carry ``current_A``. Raises ``FitRefused`` where the sweep does not reach it."""
        if not self.current_A.min() <= current_A <= self.current_A.max():
            raise FitRefused(
                f"no V_sense from {self.vsense_V.min():.2f} to {self.vsense_V.max():.2f} V makes the sensing source carry {current_A:.3g} A "
                f"(it carries {self.current_A.min():.3g} to {self.current_A.max():.3g} A): check circuit.neuron.sense_bias"
            )
        return float(np.interp(-np.log(current_A), -np.log(self.current_A), self.vsense_V))


def measure_source(bench: Workbench, design: Design, folder: Path) -> Source:
    """Sweep the source at the workbench's corner and the design's temperature. Raises ``CharacterizationFailed``."""
    (result,) = bench.run([source_bench(design)], design, folder)
    # Below this a DC operating point is what the simulator's tolerances make of it.
    current = np.maximum(np.asarray(result["i(vdrain)"], float), 1e-13)
    return Source(np.asarray(result.axis, float), np.minimum.accumulate(current))


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a membrane without input moves in one phase (V, down counts negative): left at V_0, and at ``LOW_V``."""

    at_v0_V: float
    at_low_V: float


def measure_drift(bench: Workbench, design: Design, options: CharacterizeOptions, folder: Path) -> Drift:
    """Two neurons reset to either level, their synapses silent. Raises ``CharacterizationFailed``."""
    neurons = [LoneNeuron(options.axons, start_V, 0.0) for start_V in (design.supplies.v0_V, LOW_V)]
    silent = silent_V(design, options.silent_bias_n_V, options.silent_bias_p_V)
    results = bench.run(neuron_benches(design, "drift", neurons, silent), design, folder)
    timeline = Timeline(design.timing, 1)
    begin_s = timeline.accumulation_s(1)
    end_s = begin_s + design.timing.t_circ_s - design.timing.edge_s
    membrane = membrane_vector(design)
    high_V, low_V = (one.at(membrane, end_s) - one.at(membrane, begin_s) for one in results)
    return Drift(high_V, low_V)


def silent_bench(design: Design, bias_n_V: float, bias_p_V: float) -> Bench:
    """Two synapse pairs that get no spike, one biased for a positive weight and one for a negative: what still flows."""
    vdd_V, v0_V = design.supplies.vdd_V, design.supplies.v0_V
    synapse = design.contracts.synapse
    gates = gate_biases(synapse.storage)
    circuit = Circuit("silent synapses")
    circuit.V("dd", VDD, "0", vdd_V)
    circuit.V("ss", VSS, "0", 0.0)
    add_lines(circuit, design)
    circuit.V("sweep", "sweep", "0", v0_V)
    for name, n_V, p_V in (("n", bias_n_V, vdd_V), ("p", 0.0, bias_p_V)):
        mine = gates.volts(f"bias_{name}_n", f"bias_{name}_p")
        for port, volts in gates.volts(n_V, p_V).items():
            circuit.V(mine[port], mine[port], "0", volts)
        circuit.V(f"seen_{name}", "sweep", f"dendrite_{name}", 0.0)
        synapse.add(circuit, f"pair_{name}", {**SILENT, **mine, Role.DENDRITE: f"dendrite_{name}"})
    vectors = ("i(vseen_n)", "i(vseen_p)")
    sweep = Grid(round(v0_V - 0.02, 6), v0_V, 0.01)
    return Bench("silent", f"{circuit}\n.save {' '.join(vectors)}\n.dc Vsweep {sweep.spice}\n", vectors)


def measure_leakage(
    bench: Workbench, design: Design, bias_n_V: float, bias_p_V: float, folder: Path
) -> tuple[float, float]:
    """Current (A) out of, and into, a dendrite at V_0 through a silent synapse of either sign. Raises ``CharacterizationFailed``."""
    (result,) = bench.run([silent_bench(design, bias_n_V, bias_p_V)], design, folder)
    return float(result["i(vseen_n)"][-1]), -float(result["i(vseen_p)"][-1])
