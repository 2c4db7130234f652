"""The network: per layer a crossbar above its neurons, layers stacked downwards, input drivers left of the first crossbar.

All columns have the neuron's pitch, so every dendrite runs straight into its neuron and all dendrites load alike. A spike
and its complement run down their column to the row that is their axon in the next crossbar, between vss lines that shield
that column's dendrite and the next one's from them. Control lines and inputs come in on the left; biases are pins in synapses and neurons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nonideal.circuits.design import Design
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import MET3_LINE, MET4_LINE, stack
from nonideal.circuits.layout.crossbar import Grid, place_rows
from nonideal.circuits.layout.defaults import DESIGN
from nonideal.circuits.layout.dimensions import RAIL_HALF, snap, up
from nonideal.circuits.layout.diodes import draw_diodes
from nonideal.circuits.layout.driver import driver_height
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.inputs import input_driver, input_width
from nonideal.circuits.layout.neuron import PHASE_TIE, V0_STRIP, V0_WIRE, NeuronAnchors, neuron, neuron_width
from nonideal.circuits.layout.straps import STRAP_PITCH, draw_straps
from nonideal.circuits.layout.synapse import half_width, synapse, synapse_height

MAX_DRAWN = 64
"""Inputs or neurons of a layer: the largest crossbar that was drawn and checked has 64 x 64 synapse pairs."""
GAP = 1.3  # between neurons and the next crossbar
SPIKE = 0.28
SHIELD_TO_SPIKE = 0.6
SHIELD_LEFT = 0.6  # between a dendrite and the spikes of the column before, or the input drivers
LAYER_LINES = ("phase", "reset", "reset_b", "iso", "iso_b")
SHARED_LINES = ("v0", "vsense")
GATE_LINES = (*LAYER_LINES, "vsense")  # v0 meets diffusions
LINE_PITCH = 0.8  # of the upright lines that join the layers' v0 and vsense
PIN = 0.4
ROW_END = 1.0  # room for what ends a row of neurons
DIODES_LEFT = 0.6  # the first antenna diode's centre, from where the supply straps' room ends
LINE_END = 2.0  # how far control lines run past the last neuron


@dataclass(frozen=True, slots=True)
class Cells:
    """The leaf cells of a network."""

    synapse: Block
    neuron: Block
    input: Block
    anchors: NeuronAnchors
    pitch: float
    row_height: float


def leaf_cells(design: Design = DESIGN) -> Cells:
    """Draw the leaf cells with the common pitch and row height of a network."""
    reach = half_width(design.synapse)
    pitch = neuron_width(design.neuron, design.driver)
    _, anchors = neuron(design.neuron, design.driver)
    # Room for the FETs left of the dendrite, and between it and the shield.
    beside = up(max(0.0, reach + 0.3 - anchors.dendrite_x))
    if beside > 0:
        raise LayoutError(
            f"synapse FETs reach {reach} um left of the dendrite, the neuron leaves {anchors.dendrite_x - 0.3:.2f} um: make them narrower"
        )
    room = anchors.spike_b_x - SHIELD_TO_SPIKE - 0.5 - anchors.dendrite_x
    pitch = up(pitch + max(0.0, reach - room))
    neuron_cell, anchors = neuron(design.neuron, design.driver, width=pitch)
    row_height = max(synapse_height(design.synapse), driver_height(design.driver))
    shield_x = snap(anchors.spike_b_x - SHIELD_TO_SPIKE)
    synapse_cell = synapse(
        design.synapse,
        width=pitch,
        height=row_height,
        dendrite_x=anchors.dendrite_x,
        shields_x=(SHIELD_LEFT, shield_x),
    )
    input_cell = input_driver(
        design.driver, row_height, synapse_cell.pins["axon"], synapse_cell.pins["axon_b"]
    )
    return Cells(synapse_cell, neuron_cell, input_cell, anchors, pitch, row_height)


def check_sizes(layers: Sequence[int]) -> None:
    """Raise LayoutError unless a network of these layer sizes can be drawn."""
    if len(layers) < 2 or not all(1 <= n <= MAX_DRAWN for n in layers):
        raise LayoutError(
            f"a layout of layers {list(layers)}: give the number of inputs and of neurons of every layer, each 1 to {MAX_DRAWN}; "
            f"layouts up to {MAX_DRAWN} x {MAX_DRAWN} were drawn and passed DRC and LVS, larger ones were not tried "
            "(training, netlist and schematic validation need no layout)"
        )


def network(layers: Sequence[int] = (5, 5, 5), design: Design = DESIGN, *, name: str = "network") -> Block:
    """A network of these layer sizes, inputs first."""
    check_sizes(layers)
    cells = leaf_cells(design)
    width = round(max(layers[1:]) * cells.pitch, 3)
    block = Block.named(name, width, 0.0)
    rails: list[tuple[str, float]] = []
    shared: dict[str, list[float]] = {net: [] for net in SHARED_LINES}
    edge = _left_edge(cells)

    y = 0.0
    for layer in range(1, len(layers)):
        grid = Grid(layers[layer - 1], layers[layer], cells.pitch, cells.row_height)
        y = round(y - grid.axons * cells.row_height, 3)
        place_rows(block, cells.synapse, grid, y)
        _bias_pins(block, cells, grid, layer, y)
        top, right = round(y + grid.axons * cells.row_height, 3), round(grid.dendrites * cells.pitch, 3)
        block.regions[f"crossbar {layer}"] = (0.0, y, right, top)
        if layer == 1:
            block.regions["input drivers"] = (-cells.input.width, y, 0.0, top)
            _place_inputs(block, cells, grid, y, edge)
        else:
            _spike_lines(block, cells, grid, layer, y)
        rails += [(net, round(y + rail, 3)) for net, rail in grid.rails()]

        y = round(y - cells.neuron.height, 3)
        block.place(cells.neuron, 0.0, y, columns=layers[layer])
        block.regions[f"neurons {layer}"] = (0.0, y, right, round(y + cells.neuron.height, 3))
        rails += [(net, round(y + rail, 3)) for net, rail in _neuron_rails(cells.neuron)]
        for net in LAYER_LINES + SHARED_LINES:
            box = cells.neuron.pins[net].moved(0.0, y)
            block.rect("met3", edge, box.y0, 0.0, box.y1)
            if net in LAYER_LINES:
                block.pins[f"{net}_{layer}"] = Box("met3", edge, box.y0, edge + PIN, box.y1)
            else:
                shared[net].append(box.y)
        _protect(block, cells, y)
        _finish_row(block, cells.neuron, round(layers[layer] * cells.pitch, 3), y)
        for k in range(layers[layer]):
            column = round(k * cells.pitch, 3)
            box = cells.neuron.pins["spike"].moved(column, y)
            block.pins[f"spike_{layer}_{k}"] = Box("met2", box.x0, box.y0, box.x1, box.y0 + PIN)
            block.pins[f"vdis_{layer}_{k}"] = cells.neuron.pins["vdis"].moved(column, y)
        y = round(y - GAP, 3)

    block.height = round(-y - GAP, 3)
    left = -input_width(design.driver)
    straps = draw_straps(block, {"vss": left - STRAP_PITCH / 2, "vdd": left - 1.5 * STRAP_PITCH}, rails, left)
    right = round(width + ROW_END, 3)
    draw_straps(block, {"vss": right + STRAP_PITCH / 2, "vdd": right + 1.5 * STRAP_PITCH}, rails, width)
    for _, rail in rails:  # carry every rail from the left straps to the right ones, also where no cell does
        block.rect("met1", left, snap(rail - RAIL_HALF), width, snap(rail + RAIL_HALF))
    block.pins.update(
        {net: Box(box.layer, box.x0, box.y1 - PIN, box.x1, box.y1) for net, box in straps.items()}
    )
    for index, net in enumerate(SHARED_LINES):
        x = left - 2 * STRAP_PITCH - (index + 0.5) * LINE_PITCH
        ys = shared[net]
        box = block.rect("met2", snap(x - 0.2), snap(min(ys) - 0.2), snap(x - 0.2) + 0.4, snap(max(ys) + 0.2))
        for line_y in ys:
            stack(block, x, line_y, "met2", "met3")
        block.pins[net] = Box("met2", box.x0, box.y1 - PIN, box.x1, box.y1)
    return block


def _protect(block: Block, cells: Cells, y: float) -> None:
    """Diodes on the lines of a row of neurons that meet gates alone: left of it, below the input drivers, where nothing else is."""
    pins = {name: box.moved(0.0, y) for name, box in cells.neuron.pins.items()}
    between_rails = snap((pins["vdd"].y + pins["vss"].y) / 2)
    left = round(-cells.input.width + DIODES_LEFT, 3)
    draw_diodes(block, left, between_rails, [pins[net].y for net in GATE_LINES])


def _finish_row(block: Block, cell: Block, end: float, y: float) -> None:
    """Right of a row's last neuron: what a further one would show it on its left, so that its sense node is loaded as the others' are."""
    for net in LAYER_LINES + SHARED_LINES:
        box = cell.pins[net].moved(end, y)
        block.rect("met3", box.x0, box.y0, snap(box.x0 + LINE_END), box.y1)
    for name, lines in ((PHASE_TIE, 2), (V0_WIRE, 1)):
        wire = cell.pins[name].moved(end, y)
        block.rect("met2", wire.x0, wire.y0, wire.x1, wire.y1)
        for line in (wire.y0, wire.y1)[:lines]:
            low = snap(line - MET3_LINE / 2)
            block.rect("met3", end, low, snap(end + LINE_END), low + MET3_LINE)
            stack(block, round((wire.x0 + wire.x1) / 2, 3), line, "met2", "met3")
    strip, wire = cell.pins[V0_STRIP].moved(end, y), cell.pins[V0_WIRE].moved(end, y)
    block.rect("li1", strip.x0, strip.y0, strip.x1, strip.y1)
    stack(
        block,
        round((wire.x0 + wire.x1) / 2, 3),
        wire.y1 if strip.y0 < wire.y1 < strip.y1 else wire.y0,
        "li1",
        "met2",
    )


def _left_edge(cells: Cells) -> float:
    return round(-cells.input.width - 2 * STRAP_PITCH - (len(SHARED_LINES) + 0.5) * LINE_PITCH, 3)


def _neuron_rails(cell: Block) -> list[tuple[str, float]]:
    """Rails of a neuron but the top one, which is the crossbar's."""
    return [("vdd", cell.pins["vdd"].y), ("vss", cell.pins["vss low"].y)]


def _bias_pins(block: Block, cells: Cells, grid: Grid, layer: int, y: float) -> None:
    for axon in range(grid.axons):
        for k in range(grid.dendrites):
            for polarity in "np":
                box = grid.of_synapse(axon, k, cells.synapse.pins[f"bias_{polarity}"]).moved(0.0, y)
                block.pins[f"bias_{polarity}_{layer}_{axon}_{k}"] = box


def _place_inputs(block: Block, cells: Cells, grid: Grid, y: float, edge: float) -> None:
    cell = cells.input
    for axon in range(grid.axons):
        row, mirrored = grid.row(axon)
        block.place(cell, -cell.width, y + row, mirrored=mirrored)
        box = cell.pins["in"].moved(-cell.width, y + row, mirrored=mirrored)
        block.rect("met3", edge, box.y0, -cell.width, box.y1)
        block.pins[f"in_{axon}"] = Box("met3", edge, box.y0, edge + PIN, box.y1)
    box = cell.pins["phase"].moved(-cell.width, y)
    top = round(y + grid.axons * cells.row_height, 3)
    block.rect("met2", box.x0, top, box.x1, top + PIN + 0.5)
    block.pins["phase_0"] = Box("met2", box.x0, top + 0.5, box.x1, top + 0.5 + PIN)


def _spike_lines(block: Block, cells: Cells, grid: Grid, layer: int, y: float) -> None:
    """From the neurons above down to the axons that they drive."""
    top = round(y + grid.axons * grid.row_height + GAP, 3)
    end = round(grid.dendrites * grid.pitch, 3)
    for axon in range(grid.axons):
        column = round(axon * grid.pitch, 3)
        for net, offset in (("axon", cells.anchors.spike_x), ("axon_b", cells.anchors.spike_b_x)):
            line = grid.of_row(axon, cells.synapse.pins[net]).moved(0.0, y)
            x = round(column + offset, 3)
            left = snap(x - SPIKE / 2)
            block.rect("met2", left, snap(line.y - SPIKE / 2), left + SPIKE, top)
            stack(block, x, line.y, "met2", "met4")
            if x > end:
                block.rect("met4", end, line.y0, snap(x + MET4_LINE / 2), line.y1)
