"""The benches: decks that put a cell under test and save what the fits need.

Every function returns the deck body without models and options; ``nonideal.characterize.workbench`` completes and runs it. Supplies and controls are
named as the cells' ports.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySpice.Spice.Netlist import Circuit

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


def _rails(title: str, design: Design) -> Circuit:
    circuit = Circuit(title)
    circuit.V("dd", "vdd", "0", design.supplies.vdd_V)
    circuit.V("ss", "vss", "0", 0)
    return circuit


def synapse_bench(design: Design, polarity: str, membrane: Grid, bias: Grid) -> Bench:
    """One branch of a synapse pair alone, its axon spiking: dendrite current against membrane potential over gate bias."""
    circuit = _rails(f"synapse branch {polarity}: current against membrane potential", design)
    vdd = design.supplies.vdd_V
    circuit.V("dendrite", "dendrite", "0", design.supplies.v0_V)
    circuit.V("bias_n", "bias_n", "0", 0.0)
    circuit.V("bias_p", "bias_p", "0", vdd)
    axon, axon_b = "vdd", "vss"
    circuit.X("pair", "synapse", axon, axon_b, "dendrite", "bias_n", "bias_p", "vdd", "vss")
    sweep = f".dc Vdendrite {membrane.spice} Vbias_{polarity} {bias.spice}"
    text = f"{circuit}\n.save i(vdendrite)\n{sweep}\n"
    return Bench(f"synapse_{polarity}", text, ("i(vdendrite)",))


def dendrite_bench(
    design: Design, bias_n_V: Sequence[float], bias_p_V: Sequence[float], membrane: Grid
) -> Bench:
    """A dendrite with all its axons spiking beside the same pairs each on a dendrite of its own: do the currents add?"""
    circuit = _rails("dendrite: sum of currents", design)
    circuit.V("sweep", "sweep", "0", design.supplies.v0_V)
    circuit.V("all", "sweep", "dendrite_all", 0)
    vectors = ["i(vall)"]
    for j, (n, p) in enumerate(zip(bias_n_V, bias_p_V, strict=True)):
        circuit.V(f"bias_n_{j}", f"bias_n_{j}", "0", n)
        circuit.V(f"bias_p_{j}", f"bias_p_{j}", "0", p)
        circuit.V(f"one_{j}", "sweep", f"dendrite_{j}", 0)
        for dendrite in ("all", str(j)):
            circuit.X(
                f"pair_{dendrite}_{j}",
                "synapse",
                "vdd",
                "vss",
                f"dendrite_{dendrite}",
                f"bias_n_{j}",
                f"bias_p_{j}",
                "vdd",
                "vss",
            )
        vectors.append(f"i(vone_{j})")
    text = f"{circuit}\n.save {' '.join(vectors)}\n.dc Vsweep {membrane.spice}\n"
    return Bench("dendrite", text, tuple(vectors))


def discharger_bench(design: Design, vdis: Grid, membrane: Grid) -> Bench:
    """A neuron whose membrane is held by a source, firing: discharger current against membrane potential over its bias."""
    circuit = _rails("discharger: current against membrane potential", design)
    vdd = design.supplies.vdd_V
    circuit.V("dis", "vdis", "0", 0.55)
    circuit.V("sense", "vsense", "0", design.supplies.vsense_V)
    circuit.V("membrane", "v0", "0", design.supplies.v0_V)
    # With the reset switch closed and the isolation switch open the source v0 sits on the membrane. The switch's ohms are negligible
    # against the discharger's megohms.
    circuit.X(
        "neuron",
        "neuron",
        "dendrite",
        "spike",
        "spike_b",
        "vdd",
        "vdd",
        "vss",
        "vss",
        "vdd",
        "v0",
        "vdis",
        "vsense",
        "vdd",
        "vss",
    )
    circuit.V("dendrite", "dendrite", "0", vdd / 2)
    text = f"{circuit}\n.save i(vmembrane)\n.dc Vmembrane {membrane.spice} Vdis {vdis.spice}\n"
    return Bench("discharger", text, ("i(vmembrane)",))


def sensing_bench(design: Design, membrane: Grid) -> Bench:
    """A neuron whose membrane is held by a source, firing: the static threshold of its sensing inverter."""
    circuit = _rails("sensing inverter: static threshold", design)
    circuit.V("dis", "vdis", "0", 0.0)
    circuit.V("sense", "vsense", "0", design.supplies.vsense_V)
    circuit.V("membrane", "v0", "0", design.supplies.v0_V)
    circuit.V("dendrite", "dendrite", "0", design.supplies.v0_V)
    circuit.X(
        "neuron",
        "neuron",
        "dendrite",
        "spike",
        "spike_b",
        "vdd",
        "vdd",
        "vss",
        "vss",
        "vdd",
        "v0",
        "vdis",
        "vsense",
        "vdd",
        "vss",
    )
    text = f"{circuit}\n.save v(spike) v(xneuron.sense)\n.dc Vmembrane {membrane.spice}\n"
    return Bench("sensing", text, ("v(spike)", "v(xneuron.sense)"))


def neuron_bench(
    design: Design,
    name: str,
    *,
    axons: Sequence[int],
    start_V: Sequence[float],
    vdis_V: Sequence[float],
    injected_A: Sequence[float],
    bias_V: tuple[float, float],
    driven: Sequence[int] = (),
) -> Bench:
    """Neurons side by side through reset, accumulation and firing, none receiving a spike.

    Neuron ``k`` carries ``axons[k]`` silent synapse pairs (biased at ``bias_V`` = (N, P)), is reset to ``start_V[k]``, gets the ideal current
    ``injected_A[k]`` out of its dendrite during the accumulation phase, and fires with discharger bias ``vdis_V[k]``. Its spike drives
    ``driven[k]`` further pairs (none where left out).
    """
    timeline = Timeline(design.timing, 1)
    circuit = _rails(f"neuron: {name}", design)
    circuit.V("sense", "vsense", "0", design.supplies.vsense_V)
    circuit.V("bias_n", "bias_n", "0", bias_V[0])
    circuit.V("bias_p", "bias_p", "0", bias_V[1])
    vectors = ["v(phase_1)"]
    sources = []
    begin, end, edge = (
        timeline.accumulation_s(1),
        timeline.accumulation_s(1) + design.timing.t_circ_s,
        design.timing.edge_s,
    )
    for k, (count, start, vdis, current) in enumerate(zip(axons, start_V, vdis_V, injected_A, strict=True)):
        circuit.V(f"v0_{k}", f"v0_{k}", "0", start)
        circuit.V(f"dis_{k}", f"vdis_{k}", "0", vdis)
        for j in range(count):
            circuit.X(
                f"pair_{k}_{j}", "synapse", "vss", "vdd", f"dendrite_{k}", "bias_n", "bias_p", "vdd", "vss"
            )
        circuit.X(
            f"neuron_{k}", "neuron", f"dendrite_{k}", f"spike_{k}", f"spike_b_{k}", "phase_1", "reset_1", "reset_b_1", "iso_1", "iso_b_1",
            f"v0_{k}", f"vdis_{k}", "vsense", "vdd", "vss",
        )  # fmt: skip
        for j in range(driven[k] if driven else 0):
            circuit.X(
                f"load_{k}_{j}",
                "synapse",
                f"spike_{k}",
                f"spike_b_{k}",
                f"v0_{k}",
                "vss",
                "vdd",
                "vdd",
                "vss",
            )
        if current != 0:
            points = [(0, 0), (begin, 0), (begin + edge, current), (end, current), (end + edge, 0)]
            body = " ".join(f"{t:.12g} {i:.9g}" for t, i in points)
            sources.append(f"Iinject_{k} dendrite_{k} 0 PWL({body})")
        vectors += [f"v(xneuron_{k}.membrane)", f"v(spike_{k})"]
    controls = control_sources(timeline, design.supplies.vdd_V)
    lines = [str(circuit), *sources, controls, f".save {' '.join(vectors)}"]
    return Bench(name, "\n".join(lines) + "\n", tuple(vectors), timeline.stop_s)
