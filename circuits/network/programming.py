"""Latches written as a chip writes them: row by row, bits on their lines, a strobe on the word line; all layers at a time, in the reset."""

from __future__ import annotations

from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.cells.storage import Latch
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.biases import latch_states
from nonideal.circuits.network.mapping import Mapping, bias_sources
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.testbench import Biases, Circuit
from nonideal.circuits.network.timeline import pwl

Array = NDArray[np.float64]
States = Sequence[Table[str, Array]]
"""What latches hold, 1 or 0: by layer, latch, [neurons, axons]."""
WORD, BIT, BIT_B = "word", "bit", "bit_b"


@dataclass(frozen=True, slots=True)
class Programming:
    """How a row is written: it has the bit lines for ``row_s``, its word line is high for ``strobe_s`` in their middle."""

    row_s: float = 20e-9
    strobe_s: float = 10e-9
    begin_s: float = 10e-9

    def __post_init__(self) -> None:
        if not 0 < self.strobe_s < self.row_s:
            raise CircuitError(
                f"strobe_s = {self.strobe_s:g} s must be shorter than row_s = {self.row_s:g} s: bits stand before and after it"
            )

    def time_s(self, topology: Topology) -> float:
        """Until the last row is written: layers are written side by side."""
        return self.begin_s + max(topology.layers[:-1]) * self.row_s

    def waves(self, topology: Topology, states: States, vdd_V: float, edge_s: float) -> dict[str, str]:
        """What drives the word and bit lines, by net."""
        found = {}
        for layer, held in enumerate(states, start=1):
            axons, neurons = topology.layers[layer - 1], topology.layers[layer]
            for axon in range(axons):
                low = self.begin_s + axon * self.row_s + (self.row_s - self.strobe_s) / 2
                found[f"{WORD}_{layer}_{axon}"] = pwl((low, low + self.strobe_s), vdd_V, edge_s)
            for name, bits in held.items():
                for neuron in range(neurons):
                    row = [bool(bits[neuron, axon] > 0) for axon in range(axons)]
                    for line, levels in ((BIT, row), (BIT_B, [not one for one in row])):
                        found[f"{line}_{name}_{layer}_{neuron}"] = self._steps(levels, vdd_V, edge_s)
        return found

    def _steps(self, levels: Sequence[bool], vdd_V: float, edge_s: float) -> str:
        """A line that takes each level for a row's time, and is low before and after."""
        points, before = [(0.0, 0.0)], 0.0
        for row, level in enumerate([*levels, False]):
            at, volts = self.begin_s + row * self.row_s, vdd_V if level else 0.0
            if volts != before:
                points += [(at - edge_s / 2, before), (at + edge_s / 2, volts)]
            before = volts
        return f"PWL({' '.join(f'{t:.12g} {v:.6g}' for t, v in points)})"


def programmed(circuit: Circuit, mapping: Mapping, how: Programming) -> Circuit:
    """The circuit with its latches written to a mapping's codes in a reset that lasts as much longer. Raises ``CircuitError`` without latches."""
    if not mapping.storage.latches:
        raise CircuitError(
            'circuit.synapse.storage: nothing is written into these synapses: they have no latches (storage = "latch")'
        )
    timing = circuit.design.timing
    longer = timing.model_copy(update={"reset_s": timing.reset_s + how.time_s(circuit.topology)})
    waves = how.waves(circuit.topology, states_of(mapping), circuit.design.supplies.vdd_V, timing.edge_s)
    design = circuit.design.model_copy(update={"timing": longer})
    return replace(circuit, design=design, driven=tuple(waves.items()))


def states_of(mapping: Mapping) -> States:
    """What the latches of a mapping hold."""
    return [{name: stored.volts[name] for name in mapping.storage.latches} for stored in mapping.layers]


def powered_up(mapping: Mapping, states: States, name: str) -> Biases:
    """The gate lines of a mapping, and latches that hold something else as the deck begins."""
    text = "".join(
        line for line in bias_sources(mapping).splitlines(keepends=True) if not line.startswith(".ic")
    )
    return Biases(
        name,
        text + latch_states(mapping.topology, mapping.storage.latches, states, mapping.vdd_V),
        mapping.mask,
    )


def nodes(circuit: Circuit, latches: Table[str, Latch]) -> list[tuple[tuple[int, int, int, str], str]]:
    """((layer, axon, neuron, latch), vector of its node q) of every latch."""
    found = []
    whole = circuit.has_cells
    for layer, axon, neuron in circuit.topology.synapses():
        synapse = f"synapse_{layer}_{axon}_{neuron}"
        for name, latch in latches.items():
            inside = f"v(xnetwork.x{synapse}.{latch.q})"
            vector = inside if whole else circuit.probe(f"{synapse}_{latch.q}")
            found.append(((layer, axon, neuron, name), vector))
    return found
