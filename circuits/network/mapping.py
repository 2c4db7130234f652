"""Weights of a network -> what its synapses hold -> the cell ``biases``, and back. How a synapse holds a weight is its kind's ``Storage``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.cells.analog import BiasModel, Branch, bias_for_current, current_for_bias
from nonideal.circuits.cells.storage import Storage, Stored
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.biases import (
    bias_cell,
    latch_states,
    latched_in,
    levels_of,
    mask_of,
    scales_of,
    wired,
)
from nonideal.circuits.network.netlist import Mask, Pinout, Topology
from nonideal.circuits.network.testbench import Biases

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BiasModel",
    "Branch",
    "Mapping",
    "bias_for_current",
    "bias_sources",
    "check_weights",
    "current_for_bias",
    "map_weights",
    "read_biases",
]

DESIGN = Design()
"""Of the default kinds of cells."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A network's weights as its synapses hold them, layer by layer."""

    topology: Topology
    scale: tuple[float, float]
    layers: tuple[Stored, ...]
    storage: Storage = field(repr=False)
    vdd_V: float = 1.8

    @property
    def table(self) -> pd.DataFrame:
        """One row a synapse, axon by axon as the netlist has them: layer, axon, neuron, weight, and what the storage says of each."""
        import pandas as pd

        tables = []
        for layer, stored in enumerate(self.layers, start=1):
            neurons, axons = stored.weight.shape
            columns: dict[str, Any] = {
                "layer": np.full(stored.weight.size, layer),
                "axon": np.repeat(np.arange(axons), neurons),
                "neuron": np.tile(np.arange(neurons), axons),
                "weight": stored.weight.T.ravel(),
            }
            columns |= {name: values.T.ravel() for name, values in stored.columns.items()}
            tables.append(pd.DataFrame(columns))
        return pd.concat(tables, ignore_index=True)

    @property
    def off(self) -> int:
        """How many weights are too small to be held (below ten times the leakage) and are realised by a synapse that is off."""
        return sum(int(np.sum(stored.columns["current_A"] == 0.0)) for stored in self.layers)

    @property
    def clipped(self) -> int:
        """How many weights were moved into the realisable range."""
        return sum(int(np.sum(stored.columns["clipped"])) for stored in self.layers)

    @property
    def mask(self) -> Mask | None:
        """What is wired into the network for these weights; None where they are levels on pins."""
        return self.topology.mask

    def biases(self, name: str) -> Biases:
        """What a deck needs of it; ``name`` tells its files from others'."""
        return Biases(name, bias_sources(self), self.mask)

    def weights(self) -> list[NDArray[np.float64]]:
        """Realised weights, per layer ``[neurons, axons]``."""
        return [stored.weight.copy() for stored in self.layers]


def check_weights(weights: Sequence[NDArray[np.float64]], design: Design = DESIGN) -> Topology:
    """The topology of a chain of weight matrices ``[neurons, axons]``; raises ``CircuitError`` when they do not chain or are not finite."""
    for index, matrix in enumerate(weights, start=1):
        if matrix.ndim != 2:
            raise CircuitError(f"layer {index}: weights have shape {matrix.shape}, expected [neurons, axons]")
        if not np.all(np.isfinite(matrix)):
            raise CircuitError(
                f"layer {index}: weights hold NaN or infinity; train again or pick an earlier checkpoint"
            )
        if index > 1 and matrix.shape[1] != weights[index - 2].shape[0]:
            raise CircuitError(
                f"layer {index} has {matrix.shape[1]} axons but layer {index - 1} has {weights[index - 2].shape[0]} neurons"
            )
    if not weights:
        raise CircuitError("no weights: the checkpoint holds no layer")
    return Topology((weights[0].shape[1], *(int(m.shape[0]) for m in weights)), Pinout.of(design))


def map_weights(
    weights: Sequence[NDArray[np.float64]],
    model: Any,
    *,
    scale: tuple[float, float] = (1.0, 1.0),
    clip: bool = False,
    design: Design = DESIGN,
    steps: Sequence[float] | None = None,
) -> Mapping:
    """What the synapses of ``design`` hold for ``weights`` (per layer ``[neurons, axons]``); ``model`` is the physical model of that kind.

    ``scale`` multiplies positive and negative currents. A weight whose current is above the characterised range raises ``OutOfRange``; with
    ``clip`` it is moved to the largest realisable current and marked as clipped. ``steps``: of weights that are codes, the weight of code 1 by
    layer; None: found from the weights. The topology of the mapping holds the mask, where weights are one.
    """
    topology = check_weights(weights, design)
    if not all(np.isfinite(factor) and factor > 0 for factor in scale):
        raise CircuitError(
            f"scale = {scale}: the factors on positive and negative currents must be positive numbers"
        )
    storage = design.contracts.synapse.storage
    layers = storage.store(weights, model, scale=scale, clip=clip, steps=steps)
    if topology.pinout.ties:
        topology = replace(
            topology,
            mask=tuple(
                wired({port: stored.volts[port] for port, _ in topology.pinout.ties}) for stored in layers
            ),
        )
    return Mapping(topology, scale, layers, storage, design.supplies.vdd_V)


def bias_sources(mapping: Mapping) -> str:
    """Cell ``biases``: a voltage source on every pin that holds a weight, each commented with the synapse it belongs to; then what latches hold."""

    volts, lines = [stored.volts for stored in mapping.layers], [stored.lines for stored in mapping.layers]
    notes = [
        {port: mapping.storage.notes(stored, port) for port in mapping.topology.pinout.weight_ports}
        for stored in mapping.layers
    ]
    cell, latches = bias_cell(mapping.topology, volts, notes, lines), mapping.storage.latches
    return cell + latch_states(mapping.topology, latches, volts, mapping.vdd_V) if latches else cell


def read_biases(
    text: str, model: Any, *, scale: tuple[float, float] = (1.0, 1.0), design: Design = DESIGN
) -> list[NDArray[np.float64]]:
    """Weights, per layer ``[neurons, axons]``, recovered from a netlist: from the bias voltages that :func:`bias_sources` writes, and from what
    is wired in its cell ``network`` where weights are a mask.
    """
    storage, pinout = design.contracts.synapse.storage, Pinout.of(design)
    if pinout.weight_ports:
        held = levels_of(text, pinout.weight_ports)
    else:
        held = latched_in(text, storage.latches) if storage.latches else mask_of(text, pinout)
    lines = scales_of(text, [port.name for port in pinout.scale_ports], len(held))
    return [
        storage.read(volts, line, model, scale, layer)
        for layer, (volts, line) in enumerate(zip(held, lines, strict=True), start=1)
    ]
