"""What stands on a network's bias pins: the gate bias of every synapse, the discharger bias of every neuron.

``nonideal.circuits.network.mapping`` writes it from weights; calibration moves it. Currents follow from it by the characterised tables.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from nonideal.characterize.model import Branch, PhysicalModel
from nonideal.circuits.cells.analog import GateBiases, gate_biases
from nonideal.circuits.network.biases import bias_cell
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

    gates: GateBiases

    @classmethod
    def of(cls, mapping: Mapping) -> WrittenBiases:
        """As written back from weights, no neuron trimmed. Raises ``CircuitError`` for synapses that hold weights otherwise."""
        layers = tuple(
            LayerBiases(
                np.array(stored.columns["bias_V"], float),
                stored.columns["polarity"] == "n",
                stored.columns["current_A"] > 0.0,
                np.zeros(len(stored.weight)),
            )
            for stored in mapping.layers
        )
        return cls(mapping.topology, layers, gate_biases(mapping.storage))

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
        off_n, off_p = model.positive.off_bias_V, model.negative.off_bias_V
        volts = [
            self.gates.volts(
                np.where(layer.on & layer.positive, layer.bias_V, off_n),
                np.where(layer.on & ~layer.positive, layer.bias_V, off_p),
            )
            for layer in self.layers
        ]
        return bias_cell(self.topology, volts)


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
