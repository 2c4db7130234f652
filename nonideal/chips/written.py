"""What stands on a network's bias pins: the gate bias of every synapse, the discharger bias of every neuron.

``nonideal.circuits.network.mapping`` writes it from weights; calibration moves it. Currents follow from it by the characterised tables.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from nonideal.characterize.model import Branch, PhysicalModel
from nonideal.circuits.network.mapping import Mapping
from nonideal.circuits.network.netlist import Topology

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LayerBiases:
    """One layer. ``bias_V``, ``positive`` (which branch is on) and ``on`` (off: neither is) are [neurons, axons], ``trim_V`` [neurons].

    ``trim_V`` is added to the discharger bias that all neurons share.
    """

    bias_V: Array
    positive: Mask
    on: Mask
    trim_V: Array


@dataclass(frozen=True, slots=True)
class WrittenBiases:
    """The biases of every layer."""

    topology: Topology
    layers: tuple[LayerBiases, ...]

    @classmethod
    def of(cls, mapping: Mapping) -> WrittenBiases:
        """As written back from weights, no neuron trimmed."""
        sizes = mapping.topology.layers
        layers = tuple(
            LayerBiases(
                np.zeros((n, m)), np.ones((n, m), dtype=bool), np.zeros((n, m), dtype=bool), np.zeros(n)
            )
            for m, n in pairwise(sizes)
        )
        for row in mapping.rows():
            layer, where = layers[row.layer - 1], (row.neuron, row.axon)
            layer.bias_V[where] = row.bias_V
            layer.positive[where] = row.polarity == "n"
            layer.on[where] = row.current_A > 0.0
        return cls(mapping.topology, layers)

    def moved(self, layer: int, bias_V: Array | None = None, trim_V: Array | None = None) -> WrittenBiases:
        """With other biases in one layer (from 1)."""
        old = self.layers[layer - 1]
        new = replace(
            old,
            bias_V=old.bias_V if bias_V is None else np.where(old.on, bias_V, old.bias_V),
            trim_V=old.trim_V if trim_V is None else trim_V,
        )
        layers = tuple(new if index == layer - 1 else one for index, one in enumerate(self.layers))
        return replace(self, layers=layers)

    @property
    def trim_V(self) -> tuple[tuple[float, ...], ...]:
        """Of every neuron, as ``nonideal.circuits.network.testbench.Circuit`` takes it."""
        return tuple(tuple(map(float, layer.trim_V)) for layer in self.layers)

    def sources(self, model: PhysicalModel) -> str:
        """Cell ``biases``: a voltage source on every memory gate; the unused branch of a pair is off."""
        off = {"n": model.positive.off_bias_V, "p": model.negative.off_bias_V}
        lines = [".subckt biases " + " ".join(self.topology.bias_ports)]
        for index, axon, neuron in self.topology.synapses():
            layer = self.layers[index - 1]
            used = "n" if layer.positive[neuron, axon] else "p"
            for polarity in "np":
                net = Topology.bias(polarity, index, axon, neuron)
                live = polarity == used and layer.on[neuron, axon]
                volts = layer.bias_V[neuron, axon] if live else off[polarity]
                lines.append(f"V{net} {net} 0 {volts:.12g}")
        return "\n".join([*lines, ".ends biases"]) + "\n"


class CurrentTable:
    """ln(current in A) of one branch over its gate bias: the table of ``nonideal.circuits.network.mapping`` the other way round.

    Beyond the table's ends it goes on as the straight line that it ends with.
    """

    def __init__(self, branch: Branch) -> None:
        order = np.argsort(branch.bias_V)
        bias, ln = np.array(branch.bias_V)[order], np.array(branch.ln_current)[order]
        self._inside = PchipInterpolator(bias, ln)
        self._slope = self._inside.derivative()
        self.low_V, self.high_V = float(bias[0]), float(bias[-1])
        self._bias = PchipInterpolator(branch.ln_current, branch.bias_V)
        self._range = branch.ln_current[0], branch.ln_current[-1]

    def ln_current(self, bias_V: Array) -> Array:
        """ln I at gate biases of any shape."""
        held = np.clip(bias_V, self.low_V, self.high_V)
        return np.asarray(self._inside(held) + self._slope(held) * (bias_V - held))

    def bias_V(self, ln_current: Array) -> Array:
        """The gate bias of each ln I, held inside the table."""
        return np.asarray(self._bias(np.clip(ln_current, *self._range)))
