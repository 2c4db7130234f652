"""The network: per layer a crossbar above its neurons, layers stacked downwards, input drivers left of the first crossbar.

All columns have the neuron's pitch, so every dendrite runs straight into its neuron and all dendrites load alike. A spike
and its complement run down their column to the row that is their axon in the next crossbar, between vss lines that shield
that column's dendrite and the next one's from them. Control lines and inputs come in on the left; biases are pins in synapses and neurons.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product

from nonideal.circuits.cells.kinds import Contracts
from nonideal.circuits.cells.port import Per, Role
from nonideal.circuits.design import Design
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import MET4_LINE, stack
from nonideal.circuits.layout.crossbar import Grid, place_rows
from nonideal.circuits.layout.defaults import DESIGN
from nonideal.circuits.layout.dimensions import RAIL_HALF, snap, up
from nonideal.circuits.layout.diodes import draw_diodes
from nonideal.circuits.layout.drawing import NeuronAnchors, NeuronDrawing
from nonideal.circuits.layout.driver import driver_height
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.inputs import input_driver, input_width
from nonideal.circuits.layout.kinds import neuron_drawing, synapse_drawing
from nonideal.circuits.layout.mask import Wired, place_mask
from nonideal.circuits.layout.scale_lines import ROOM, draw_scale_line
from nonideal.circuits.layout.straps import STRAP, STRAP_PITCH, draw_straps

MAX_DRAWN = 197
"""Inputs or neurons of a layer. Nothing in the drawing ends there: it is what was tried, 197-64-10 drawn, checked and extracted."""
GAP = 1.3  # between neurons and the next crossbar
SPIKE = 0.28
SHIELD_TO_SPIKE = 0.6
SHIELD_LEFT = 0.6  # between a dendrite and the spikes of the column before, or the input drivers
LINE_PITCH = 0.8  # of the upright lines that join the layers' v0 and vsense
PIN = 0.4
JOINT = 0.2
ROW_END = 1.0  # room for what ends a row of neurons
DIODES_LEFT = 0.6  # the first antenna diode's centre, from where the supply straps' room ends


@dataclass(frozen=True, slots=True)
class Cells:
    """The leaf cells of a network, and what they are; ``lines`` of neurons run along their rows, one for the layer or ``shared`` by all."""

    synapse: Block
    neuron: Block
    input: Block
    anchors: NeuronAnchors
    pitch: float
    row_height: float
    contracts: Contracts
    drawing: NeuronDrawing
    inner: tuple[tuple[str, float], ...] = ()

    @property
    def layer_lines(self) -> tuple[str, ...]:
        return tuple(port.name for port in self.contracts.neuron.having(Role.CONTROL))

    @property
    def shared_lines(self) -> tuple[str, ...]:
        """Lines of neurons that the whole network has one of, but for the rails."""
        ports = self.contracts.neuron.ports
        return tuple(port.name for port in ports if port.level is not None and port.role is not Role.SUPPLY)


def leaf_cells(design: Design = DESIGN) -> Cells:
    """Draw the leaf cells with the common pitch and row height of a network."""
    pair, unit = synapse_drawing(design.synapse), neuron_drawing(design.neuron)
    left, right = pair.reach(design.synapse)
    pitch = unit.width(design.neuron, design.driver)
    _, anchors = unit.draw(design.neuron, design.driver)
    # Room for the FETs left of the dendrite, and between it and the shield.
    beside = up(max(0.0, left + 0.3 - anchors.dendrite_x))
    if beside > 0:
        raise LayoutError(
            f"synapse FETs reach {left} um left of the dendrite, the neuron leaves {anchors.dendrite_x - 0.3:.2f} um: make them narrower"
        )
    room = anchors.spike_b_x - SHIELD_TO_SPIKE - 0.5 - anchors.dendrite_x
    pitch = max(up(pitch + max(0.0, right - room)), pair.pitch(design.synapse))
    neuron_cell, anchors = unit.draw(design.neuron, design.driver, width=pitch)
    least = pair.height(design.synapse)
    lowest = next((y for _, y in pair.inner_rails(design.synapse, least)), least)
    row_height = round(least + max(0.0, driver_height(design.driver) - lowest), 3)
    inner = tuple(pair.inner_rails(design.synapse, row_height))
    shield_x = snap(anchors.spike_b_x - SHIELD_TO_SPIKE)
    synapse_cell = pair.draw(
        design.synapse,
        width=pitch,
        height=row_height,
        dendrite_x=anchors.dendrite_x,
        shields_x=(SHIELD_LEFT, shield_x),
    )
    axons = _axons(design.contracts, synapse_cell)
    row = inner[0][1] if inner else row_height
    input_cell = input_driver(design.driver, row_height, axons[Role.AXON], axons[Role.AXON_B], row=row)
    return Cells(
        synapse_cell, neuron_cell, input_cell, anchors, pitch, row_height, design.contracts, unit, inner
    )


def _axons(contracts: Contracts, synapse: Block) -> dict[Role, Box]:
    """The lines of a row's axon and of its complement. Raises LayoutError for a synapse without one of them: drivers make both."""
    found = {
        port.role: synapse.pins[port.name]
        for role in (Role.AXON, Role.AXON_B)
        for port in contracts.synapse.having(role)
    }
    if len(found) != 2:
        raise LayoutError(
            "a synapse is drawn with an axon and its complement: the other has no line to end on"
        )
    return found


def check_sizes(layers: Sequence[int]) -> None:
    """Raise LayoutError unless a network of these layer sizes can be drawn."""
    if len(layers) < 2 or not all(1 <= n <= MAX_DRAWN for n in layers):
        raise LayoutError(
            f"a layout of layers {list(layers)}: give the number of inputs and of neurons of every layer, each 1 to {MAX_DRAWN}; "
            "197-64-10 was drawn, passed DRC and LVS and was extracted, larger ones were not tried "
            "(training, netlist and schematic validation need no layout)"
        )


def network(
    layers: Sequence[int] = (5, 5, 5),
    design: Design = DESIGN,
    *,
    mask: Wired | None = None,
    name: str = "network",
) -> Block:
    """A network of these layer sizes, inputs first. ``mask``: of a kind whose weights are wired, what is on in each synapse, by layer,
    neuron and axon; None: nothing is wired, and what a mask would are pins.
    """
    check_sizes(layers)
    cells = leaf_cells(design)
    width = round(max(layers[1:]) * cells.pitch, 3)
    block = Block.named(name, width, 0.0)
    rails: list[tuple[str, float]] = []
    shared: dict[str, list[float]] = {net: [] for net in cells.shared_lines}
    edge = _left_edge(cells)

    y = 0.0
    for layer in range(1, len(layers)):
        grid = Grid(layers[layer - 1], layers[layer], cells.pitch, cells.row_height, cells.inner)
        y = round(y - grid.axons * cells.row_height, 3)
        place_rows(block, cells.synapse, grid, y)
        place_mask(block, cells.synapse, grid, y, mask, layer)
        _synapse_pins(
            block, cells, grid, layer, y, () if mask is None else cells.contracts.synapse.storage.ties
        )
        top, right = round(y + grid.axons * cells.row_height, 3), round(grid.dendrites * cells.pitch, 3)
        block.regions[f"crossbar {layer}"] = (0.0, y, right, top)
        _scale_lines(block, cells, grid, layer, y)
        _join_rows(block, cells, grid, y)
        if layer == 1:
            block.regions["input drivers"] = (-cells.input.width, y, 0.0, top)
            _place_inputs(block, cells, grid, y, edge)
        else:
            _spike_lines(block, cells, grid, layer, y)
        rails += [(net, round(y + rail, 3)) for net, rail in grid.rails()]

        y = round(y - cells.neuron.height, 3)
        block.place(cells.neuron, 0.0, y, columns=layers[layer])
        block.regions[f"neurons {layer}"] = (0.0, y, right, round(y + cells.neuron.height, 3))
        rails += [(net, round(y + rail, 3)) for net, rail in cells.drawing.rails(cells.neuron)]
        for net in cells.layer_lines + cells.shared_lines:
            box = cells.neuron.pins[net].moved(0.0, y)
            block.rect("met3", edge, box.y0, 0.0, box.y1)
            if net in cells.layer_lines:
                block.pins[f"{net}_{layer}"] = Box("met3", edge, box.y0, edge + PIN, box.y1)
            else:
                shared[net].append(box.y)
        _protect(block, cells, y)
        cells.drawing.finish_row(block, cells.neuron, round(layers[layer] * cells.pitch, 3), y)
        for k in range(layers[layer]):
            column = round(k * cells.pitch, 3)
            (spike,) = cells.contracts.neuron.having(Role.SPIKE)
            box = cells.neuron.pins[spike.name].moved(column, y)
            block.pins[f"spike_{layer}_{k}"] = Box("met2", box.x0, box.y0, box.x1, box.y0 + PIN)
            for port in cells.contracts.neuron.having(Role.TRIM):
                block.pins[f"{port.name}_{layer}_{k}"] = cells.neuron.pins[port.name].moved(column, y)
        y = round(y - GAP, 3)

    block.height = round(-y - GAP, 3)
    left = -input_width(design.driver)
    straps = draw_straps(block, {"vss": left - STRAP_PITCH / 2, "vdd": left - 1.5 * STRAP_PITCH}, rails, left)
    right = _right_edge(cells, width)
    draw_straps(block, {"vss": right + STRAP_PITCH / 2, "vdd": right + 1.5 * STRAP_PITCH}, rails, width)
    for _, rail in rails:  # carry every rail from the left straps to the right ones, also where no cell does
        block.rect("met1", left, snap(rail - RAIL_HALF), width, snap(rail + RAIL_HALF))
    block.pins.update(
        {net: Box(box.layer, box.x0, box.y1 - PIN, box.x1, box.y1) for net, box in straps.items()}
    )
    for index, net in enumerate(cells.shared_lines):
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
    draw_diodes(block, left, between_rails, [pins[net].y for net in cells.drawing.gate_lines])


def _left_edge(cells: Cells) -> float:
    return round(-cells.input.width - 2 * STRAP_PITCH - (len(cells.shared_lines) + 0.5) * LINE_PITCH, 3)


def outline(layers: Sequence[int], design: Design = DESIGN) -> tuple[float, float]:
    """The left and the right end of a network's layout, straps and the lines beside them included."""
    cells = leaf_cells(design)
    width = round(max(layers[1:]) * cells.pitch, 3)
    return _left_edge(cells), round(_right_edge(cells, width) + 1.5 * STRAP_PITCH + STRAP / 2, 3)


def _right_edge(cells: Cells, width: float) -> float:
    """Where the straps' room begins, right of columns that take so much."""
    return round(width + (ROOM if cells.contracts.synapse.having(Role.SCALE) else ROW_END), 3)


def _scale_lines(block: Block, cells: Cells, grid: Grid, layer: int, y: float) -> None:
    """The lines that are the step of a layer's weights: joined and led to their pins right of the crossbar."""
    end = round(grid.dendrites * grid.pitch, 3)
    for number, port in enumerate(cells.contracts.synapse.having(Role.SCALE)):
        box = cells.synapse.pins[port.name]
        rows = [grid.of_row(axon, box).moved(0.0, y) for axon in range(grid.axons)]
        block.pins[port.net(layer, None, None)] = draw_scale_line(block, rows, end, number)


def _join_rows(block: Block, cells: Cells, grid: Grid, y: float) -> None:
    """Lines of a column that end with the lowest row: from each row to the next."""
    lines = [one for one in cells.contracts.synapse.having(Role.LINE) if one.per is Per.NEURON]
    for row in range(1, grid.axons):
        at = round(y + row * grid.row_height, 3)
        for k, port in product(range(grid.dendrites), lines):
            box = cells.synapse.pins[port.name].moved(round(k * grid.pitch, 3), 0.0)
            block.rect(box.layer, box.x0, snap(at - JOINT), box.x1, snap(at + JOINT))


def _synapse_pins(
    block: Block, cells: Cells, grid: Grid, layer: int, y: float, wired: Collection[str]
) -> None:
    """Pins of the synapses themselves; a line that a row or a column shares is labelled on the first synapse that it meets.

    Lines of the whole network are the same net in every row: each row's piece is a pin of that net.
    """
    ports = [
        port
        for port in cells.contracts.synapse.ports
        if (port.role is Role.WEIGHT and port.name not in wired)
        or (port.level is not None and port.role is not Role.SUPPLY)
    ]
    for axon in range(grid.axons):
        for k in range(grid.dendrites):
            for port in ports:
                if (axon > 0 and port.per is Per.NEURON) or (
                    k > 0 and port.per not in (Per.NEURON, Per.SYNAPSE)
                ):
                    continue
                net = port.net(layer, axon, k)
                key = net if net not in block.pins else f"{net} {layer} {axon}"
                block.pins[key] = grid.of_synapse(axon, k, cells.synapse.pins[port.name]).moved(0.0, y)


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
    axons = _axons(cells.contracts, cells.synapse)
    top = round(y + grid.axons * grid.row_height + GAP, 3)
    end = round(grid.dendrites * grid.pitch, 3)
    for axon in range(grid.axons):
        column = round(axon * grid.pitch, 3)
        for role, offset in ((Role.AXON, cells.anchors.spike_x), (Role.AXON_B, cells.anchors.spike_b_x)):
            line = grid.of_row(axon, axons[role]).moved(0.0, y)
            x = round(column + offset, 3)
            left = snap(x - SPIKE / 2)
            block.rect("met2", left, snap(line.y - SPIKE / 2), left + SPIKE, top)
            stack(block, x, line.y, "met2", "met4")
            if x > end:
                block.rect("met4", end, line.y0, snap(x + MET4_LINE / 2), line.y1)
