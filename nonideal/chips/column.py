"""A part of a chip that is small enough to simulate: a few neurons of one layer, with all their synapses, driven by itself."""

from __future__ import annotations

from dataclasses import replace

from nonideal.chips.written import LayerBiases, WrittenBiases
from nonideal.circuits.cells.driver import CELL
from nonideal.circuits.network.chip import Chip, LayerShifts

DRIVER = f"{CELL}_"
"""What the paths of a neuron's own driver begin with."""


def column_of(chip: Chip, written: WrittenBiases, layer: int, neurons: int) -> tuple[Chip, WrittenBiases]:
    """The first ``neurons`` of a layer (from 1) as a one-layer network, with the chip's shifts and the biases that are written there.

    Its inputs are driven by what drives them on the chip: the input drivers, or those of the neurons before.
    """
    topology = replace(
        chip.topology, layers=(chip.topology.layers[layer - 1], min(neurons, chip.topology.layers[layer]))
    )
    kept = topology.layers[1]
    shifts, biases = chip.layers[layer - 1], written.layers[layer - 1]
    inputs = chip.inputs
    if layer > 1:
        before = chip.layers[layer - 2].neuron
        inputs = {path.removeprefix(DRIVER): x for path, x in before.items() if path.startswith(DRIVER)}
    part = LayerShifts(
        {path: x[:kept] for path, x in shifts.synapse.items()},
        {path: x[:kept] for path, x in shifts.neuron.items()},
    )
    row = LayerBiases(biases.bias_V[:kept], biases.positive[:kept], biases.on[:kept], biases.trim_V[:kept])
    return Chip(chip.seed, topology, (part,), inputs), replace(written, topology=topology, layers=(row,))
