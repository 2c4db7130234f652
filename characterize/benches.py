"""The benches: decks that put a cell under test and save what the fits need.

Every function returns the deck body without models and options; ``nonideal.characterize.workbench`` completes and runs it. Cells are asked for
by their contracts (``nonideal.circuits.cells.contract``): a bench knows what a port is for, not where it stands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySpice.Spice.Netlist import Circuit

from nonideal.circuits.cells.analog import gate_biases
from nonideal.circuits.cells.codes import CodedWeights
from nonideal.circuits.cells.port import VDD, VSS, Role
from nonideal.circuits.cells.storage import Storage
from nonideal.circuits.design import Design
from nonideal.circuits.network.timeline import Timeline, control_sources


@dataclass(frozen=True, slots=True)
class Grid:
    """An inclusive sweep of a source: start, stop, step in volts."""

    start_V: float
    stop_V: float
    step_V: float

    @property
    def size(self) -> int:
        """Number of points ngspice visits: the stop only where it lies on the grid."""
        return math.floor((self.stop_V - self.start_V) / self.step_V + 1e-6) + 1

    @property
    def values_V(self) -> NDArray[np.float64]:
        """The points themselves."""
        return np.asarray(self.start_V + self.step_V * np.arange(self.size), np.float64)

    @property
    def spice(self) -> str:
        """``start stop step`` of a ``.dc`` line."""
        return f"{self.start_V:.6g} {self.stop_V:.6g} {self.step_V:.6g}"


@dataclass(frozen=True, slots=True)
class Bench:
    """Body of a deck, the vectors it saves, and the end of its transient (None for DC)."""

    name: str
    text: str
    vectors: tuple[str, ...]
    t_stop_s: float | None = None


def rails(title: str, design: Design) -> Circuit:
    """A deck with the supplies, and with the lines that only this kind of synapse or neuron has."""
    circuit = Circuit(title)
    circuit.V("dd", VDD, "0", design.supplies.vdd_V)
    circuit.V("ss", VSS, "0", 0)
    add_lines(circuit, design)
    return circuit


def add_lines(circuit: Circuit, design: Design) -> None:
    """Hold the lines that only the design's kinds of cells have."""
    contracts = design.contracts
    for cell in (contracts.synapse, contracts.neuron):
        for line, volts in cell.lines(design.supplies):
            circuit.V(line, line, "0", volts)


SPIKING: dict[str, str] = {Role.AXON: VDD, Role.AXON_B: VSS}
"""Nets of a synapse whose axon spikes."""
SILENT: dict[str, str] = {Role.AXON: VSS, Role.AXON_B: VDD}
FIRING = ("phase", "reset")
"""Control lines of a neuron that fires with its membrane held at the reset level: the isolation switch is open, the reset switch closed."""
NEURON: dict[str, str] = {
    Role.DENDRITE: "dendrite",
    Role.SPIKE: "spike",
    Role.SPIKE_B: "spike_b",
    Role.RESET_LEVEL: "v0",
    Role.TRIM: "vdis",
    Role.SENSE: "vsense",
}
"""Nets of a lone neuron, whatever its ports are called."""


def synapse_bench(design: Design, polarity: str, membrane: Grid, bias: Grid) -> Bench:
    """One branch of a synapse pair alone, its axon spiking: dendrite current against membrane potential over gate bias."""
    synapse = design.contracts.synapse
    gates = gate_biases(synapse.storage)
    circuit = rails(f"synapse branch {polarity}: current against membrane potential", design)
    vdd = design.supplies.vdd_V
    circuit.V("dendrite", "dendrite", "0", design.supplies.v0_V)
    for port, volts in gates.volts(0.0, vdd).items():
        circuit.V(port, port, "0", volts)
    synapse.add(circuit, "pair", {**SPIKING, Role.DENDRITE: "dendrite"})
    sweep = f".dc Vdendrite {membrane.spice} V{gates.port(polarity)} {bias.spice}"
    text = f"{circuit}\n.save i(vdendrite)\n{sweep}\n"
    return Bench(f"synapse_{polarity}", text, ("i(vdendrite)",))


def dendrite_bench(
    design: Design, bias_n_V: Sequence[float], bias_p_V: Sequence[float], membrane: Grid
) -> Bench:
    """A dendrite with all its axons spiking beside the same pairs each on a dendrite of its own: do the currents add?"""
    synapse = design.contracts.synapse
    gates = gate_biases(synapse.storage)
    circuit = rails("dendrite: sum of currents", design)
    circuit.V("sweep", "sweep", "0", design.supplies.v0_V)
    circuit.V("all", "sweep", "dendrite_all", 0)
    vectors = ["i(vall)"]
    for j, (n, p) in enumerate(zip(bias_n_V, bias_p_V, strict=True)):
        mine = {port: f"{port}_{j}" for port in gates.off}
        for port, volts in gates.volts(n, p).items():
            circuit.V(mine[port], mine[port], "0", volts)
        circuit.V(f"one_{j}", "sweep", f"dendrite_{j}", 0)
        for dendrite in ("all", str(j)):
            nets = {**SPIKING, **mine, Role.DENDRITE: f"dendrite_{dendrite}"}
            synapse.add(circuit, f"pair_{dendrite}_{j}", nets)
        vectors.append(f"i(vone_{j})")
    text = f"{circuit}\n.save {' '.join(vectors)}\n.dc Vsweep {membrane.spice}\n"
    return Bench("dendrite", text, tuple(vectors))


def discharger_bench(design: Design, vdis: Grid, membrane: Grid) -> Bench:
    """A neuron whose membrane is held by a source, firing: discharger current against membrane potential over its bias."""
    neuron = design.contracts.neuron
    circuit = rails("discharger: current against membrane potential", design)
    vdd = design.supplies.vdd_V
    circuit.V("dis", "vdis", "0", 0.55)
    circuit.V("sense", "vsense", "0", design.supplies.vsense_V)
    circuit.V("membrane", "v0", "0", design.supplies.v0_V)
    # With the reset switch closed and the isolation switch open the source v0 sits on the membrane. The switch's ohms are negligible
    # against the discharger's megohms.
    neuron.add(circuit, "neuron", {**neuron.held(FIRING), **NEURON})
    circuit.V("dendrite", "dendrite", "0", vdd / 2)
    text = f"{circuit}\n.save i(vmembrane)\n.dc Vmembrane {membrane.spice} Vdis {vdis.spice}\n"
    return Bench("discharger", text, ("i(vmembrane)",))


def sensing_bench(design: Design, membrane: Grid) -> Bench:
    """A neuron whose membrane is held by a source, firing: the static threshold of its sensing inverter."""
    neuron = design.contracts.neuron
    circuit = rails("sensing inverter: static threshold", design)
    circuit.V("dis", "vdis", "0", 0.0)
    circuit.V("sense", "vsense", "0", design.supplies.vsense_V)
    circuit.V("membrane", "v0", "0", design.supplies.v0_V)
    circuit.V("dendrite", "dendrite", "0", design.supplies.v0_V)
    neuron.add(circuit, "neuron", {**neuron.held(FIRING), **NEURON})
    vectors = ("v(spike)", neuron.probe("xneuron", "sense", NEURON))
    text = f"{circuit}\n.save {' '.join(vectors)}\n.dc Vmembrane {membrane.spice}\n"
    return Bench("sensing", text, vectors)


def silent_V(design: Design, n_V: float, p_V: float) -> dict[str, float]:
    """Levels of the weight ports of a silent synapse: gate biases of a positive and of a negative weight, or levels of gate lines, V."""
    storage = design.contracts.synapse.storage
    if isinstance(storage, CodedWeights):
        rail = {VDD: design.supplies.vdd_V, VSS: 0.0}
        # Every group is on its line, which loads the dendrite as any code does; the inverters rest.
        drives = {port: rail[tie.off] for port, tie in storage.ties.items()}
        return drives | dict.fromkeys(storage.n, n_V) | dict.fromkeys(storage.p, p_V)
    return gate_biases(storage).volts(n_V, p_V)


def load_nets(storage: Storage, j: int, spike: str, spike_b: str) -> dict[str, str]:
    """The nets of a synapse that loads a spike and carries nothing; of codes every second is negative: they load one of the two alone."""
    axons: dict[str, str] = {Role.AXON: spike, Role.AXON_B: spike_b}
    if not isinstance(storage, CodedWeights):
        return axons | dict(storage.off)
    lines = {storage.gate_n: VSS, storage.gate_p: VDD}
    nets = storage.nets(-1 if j % 2 else 1, {storage.axon: spike, storage.axon_b: spike_b, **lines})
    return axons | lines | nets


@dataclass(frozen=True, slots=True)
class SpikeWires:
    """Capacitances of an axon and its complement: of each to what stands still, and between both, F."""

    spike_F: float
    spike_b_F: float
    between_F: float

    def lines(self) -> list[str]:
        """As capacitors of a lone neuron's spike."""
        ends = {
            ("spike", "0"): self.spike_F,
            ("spike_b", "0"): self.spike_b_F,
            ("spike", "spike_b"): self.between_F,
        }
        return [f"Cwire_{a}_{b} {a} {b} {value:.6g}" for (a, b), value in ends.items()]


@dataclass(frozen=True, slots=True)
class LoneNeuron:
    """What a neuron goes through in its bench: ``axons`` silent synapses on its dendrite, reset to ``start_V``, the ideal current ``injected_A``
    out of its dendrite during accumulation, fired with the discharger's bias ``vdis_V``; its spike drives ``driven`` synapses through ``wires``.
    """

    axons: int
    start_V: float
    vdis_V: float
    injected_A: float = 0.0
    driven: int = 0
    wires: SpikeWires | None = None


SPIKE_VECTOR = f"v({NEURON[Role.SPIKE]})"
"""Of the neuron's bench."""


def membrane_vector(design: Design) -> str:
    """The vector of the membrane in the neuron's bench."""
    return design.contracts.neuron.probe("xneuron", "membrane", NEURON)


def neuron_benches(
    design: Design, name: str, neurons: Sequence[LoneNeuron], silent_V: Mapping[str, float]
) -> list[Bench]:
    """A bench for each neuron, ``NAME_0`` and so on.

    Not side by side in one: a simulator takes the steps of all of them for each, and its memory is slower the more there are. 23 neurons in one
    deck took 15 CPU s, in 23 decks 4.
    """
    return [neuron_bench(design, f"{name}_{k}", one, silent_V) for k, one in enumerate(neurons)]


def neuron_bench(design: Design, name: str, lone: LoneNeuron, silent_V: Mapping[str, float]) -> Bench:
    """A neuron through reset, accumulation and firing that receives no spike; weight ports of its synapses are at ``silent_V``."""
    timeline = Timeline(design.timing, 1)
    synapse, neuron = design.contracts.synapse, design.contracts.neuron
    circuit = rails(f"neuron: {name}", design)
    circuit.V("sense", "vsense", "0", design.supplies.vsense_V)
    for port, volts in silent_V.items():
        circuit.V(port, port, "0", volts)
    circuit.V("v0", "v0", "0", lone.start_V)
    circuit.V("dis", "vdis", "0", lone.vdis_V)
    for j in range(lone.axons):
        synapse.add(circuit, f"pair_{j}", {**SILENT, Role.DENDRITE: "dendrite"})
    neuron.add(circuit, "neuron", {**neuron.of_layer(1), **NEURON})
    for j in range(lone.driven):
        nets = load_nets(synapse.storage, j, "spike", "spike_b")
        synapse.add(circuit, f"load_{j}", {**nets, Role.DENDRITE: "v0"})
    sources = [_injected(timeline, lone.injected_A)] if lone.injected_A else []
    lines_1 = {f"{port.name}_1" for port in neuron.having(Role.CONTROL)}
    controls = control_sources(timeline, design.supplies.vdd_V, {"phase_0", *lines_1})
    wires = [] if lone.wires is None else lone.wires.lines()
    vectors = ("v(phase_1)", membrane_vector(design), SPIKE_VECTOR)
    lines = [str(circuit), *sources, *wires, controls, f".save {' '.join(vectors)}"]
    return Bench(name, "\n".join(lines) + "\n", vectors, timeline.stop_s)


def _injected(timeline: Timeline, current_A: float) -> str:
    """The ideal current out of a dendrite for as long as it accumulates."""
    timing = timeline.timing
    begin_s, edge_s = timeline.accumulation_s(1), timing.edge_s
    end_s = begin_s + timing.t_circ_s
    points = [(0, 0), (begin_s, 0), (begin_s + edge_s, current_A), (end_s, current_A), (end_s + edge_s, 0)]
    return f"Iinject dendrite 0 PWL({' '.join(f'{t:.12g} {i:.9g}' for t, i in points)})"
