"""The bias generator: a band with the replica neuron, and below it rows of FETs as many as it takes, all as wide as the block.

The replica is the network's own neuron, as wide as a column of the network, and what would stand right of a row's last neuron stands
right of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nonideal.circuits.cells.contract import Call
from nonideal.circuits.cells.port import RAILS
from nonideal.circuits.design import Design
from nonideal.circuits.generator.flat import flat
from nonideal.circuits.generator.generator import Generator
from nonideal.circuits.generator_layout.band import Placed, band, replica_nets
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.dimensions import RAIL_HALF, up
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.fet_rows import (
    EDGE,
    Shelf,
    Sides,
    draw_row,
    gate_only,
    strings_of,
)
from nonideal.circuits.layout.fet_string import String
from nonideal.circuits.layout.frame import evenly
from nonideal.circuits.layout.kinds import neuron_drawing
from nonideal.circuits.layout.mim import MET4_MET5
from nonideal.circuits.layout.network import leaf_cells, outline
from nonideal.circuits.layout.straps import STRAP_PITCH, draw_straps
from nonideal.circuits.layout.wiring import wire

TALL_UM = 3.0
"""FETs wider than this stand in no row: the capacitors."""
PIN = 0.4
PINS_ABOVE = 2.0
"""From the uppermost rail to the pins on the upper edge."""
PIN_PITCH = 2.8
STRAPS_X = (STRAP_PITCH / 2, 1.5 * STRAP_PITCH)
"""Of vss and of vdd, from either end."""
PLATE_SIDE = up(MET4_MET5.shield_side + MET4_MET5.bottom_space)
"""Beside the replica's place nothing else lies on metal 4: its capacitor's lower plate."""
REPLICA_SIDE, REPLICA_TOP = 1.0, 0.7
"""What is left at its edges of the replica's place, where no wires go: its lines and its discharger's gate are met there."""


def generator(layers: Sequence[int], design: Design, *, name: str = "generator") -> Block:
    """The bias generator of a network of these layers, as wide as that; all pins but the rails' on its upper edge, in the netlist's order.

    Raises ``LayoutError`` for a design without a generator, and where there is no room; ``RoutingError``.
    """
    if design.generator is None:
        raise LayoutError("there is no bias generator in this design (circuit.generator)")
    made_of = Generator.of(design.generator, design, layers)
    left, right = outline(layers, design)
    width = round(right - left, 3)
    made = place(made_of, design, width, leaf_cells(design).pitch)
    block = made.block
    block.cell.name = name
    ports = [port for port in made_of.contract.names if port not in ("vdd", "vss")]
    top = round(block.height + PINS_ABOVE, 3)
    pitch = round(min(PIN_PITCH, (width - PIN_PITCH) / len(ports)), 2)
    first = round((width - (len(ports) - 1) * pitch) / 2, 2)
    for index, port in enumerate(ports):
        x = round(first + index * pitch, 2)
        block.pins[port] = block.rect("met2", x - 0.14, top - PIN, x + 0.14, top)
        made.pins.append((port, block.pins[port]))
    supply(made, width)
    wire(block, made.pins, (0.0, -1.0, width, top), made.keep_out)
    block.height = top
    return block


def supply(made: Placed, width: float) -> None:
    """Straps over both ends of the rows, the rails joined to them; pins of the rails."""
    ends = {0.0: 1, width: -1}
    for end, way in ends.items():
        xs = {net: round(end + way * x, 3) for net, x in zip(("vss", "vdd"), STRAPS_X, strict=True)}
        straps = draw_straps(made.block, xs, made.rails, end, "met4")
        if end == 0.0:
            made.block.pins.update(
                {net: Box(box.layer, box.x0, box.y0, box.x1, box.y0 + PIN) for net, box in straps.items()}
            )


def place(generator: Generator, design: Design, width: float, pitch: float) -> Placed:
    """All devices of a generator in rows of this width, the replica in a column of this pitch; the lowest rail is at 0."""
    parts = flat(generator)
    whole = strings_of(parts.devices)
    tall = [one for one in whole if one.size.w_um > TALL_UM]
    small = [one for one in whole if one.size.w_um <= TALL_UM]
    bare = bare_nets(design, small, parts.calls)
    queues = {
        kind: [replace(one, guarded=one.gate in bare) for one in small if one.polarity == kind]
        for kind in "np"
    }
    for queue in queues.values():
        queue.sort(key=lambda one: -one.height_um)
    top = band(design, parts.calls, tall, queues, width, pitch)
    left, _, right, _ = top.block.regions["replica"]
    rows = _rows(queues, width, (left, right) if top.below > 0 else None)
    beside_replica = [x for x in evenly(width) if not left - 0.5 < x < right + 0.5]
    drawn = []
    for index, row in enumerate(rows):
        held = beside_replica if index == 0 else []
        upside_down = index % 2 == 0
        drawn.append(
            draw_row(
                f"generator_row_{index}",
                row,
                width,
                upside_down=upside_down,
                vss_x=held if upside_down else None,
                vdd_x=None if upside_down else held,
            )
        )
    if top.below > (drawn[0][0].height if drawn else 0.0):
        raise LayoutError(
            f"the replica's capacitor reaches {top.below} um below its rows: make it shorter (mim_l_um)"
        )
    y = round(sum(block.height for block, _ in drawn), 3)
    made = Placed(Block.named("generator", width, round(y + top.block.height, 3)))
    made.put(top.block, top.pins, 0.0, y)
    made.rails = [(net, round(y + rail, 3)) for net, rail in top.rails]
    for index, (block, pins) in enumerate(drawn):
        y = round(y - block.height, 3)
        made.put(block, pins, 0.0, y)
        made.rails.append(("vss" if index % 2 else "vdd", y))
    for name, (x0, y0, x1, y1) in top.block.regions.items():
        moved = made.rails[2][1]
        made.block.regions[name] = (x0, round(moved + y0, 3), x1, round(moved + y1, 3))
    made.pins += [
        (net, Box("met1", 0.0, round(rail - RAIL_HALF, 3), width, round(rail + RAIL_HALF, 3)))
        for net, rail in made.rails
    ]
    x0, y0, x1, y1 = made.block.regions["replica"]
    made.keep_out = [
        Box(metal, x0 + REPLICA_SIDE, y0 + top.below + REPLICA_TOP, x1 - REPLICA_SIDE, y1 - REPLICA_TOP)
        for metal in ("met1", "met2", "met3")
    ]
    made.keep_out.append(Box("met4", x0 - PLATE_SIDE, y0 - PLATE_SIDE, x1 + PLATE_SIDE, y1 + PLATE_SIDE))
    return made


def _rows(
    queues: dict[str, list[String]], width: float, hole: tuple[float, float] | None
) -> list[list[Sides]]:
    """As many rows as it takes. ``hole``: what the first of them leaves out, from one x to another."""
    rows: list[list[Sides]] = []
    while queues["n"] or queues["p"]:
        ends = [(EDGE, width - EDGE)]
        if hole is not None and not rows:
            ends = [(EDGE, round(hole[0] - EDGE, 3)), (round(hole[1] + EDGE, 3), width - EDGE)]
        row = [(Shelf("n", *end), Shelf("p", *end)) for end in ends]
        for part in row:
            for shelf in part:
                shelf.fill(queues[shelf.polarity])
        if not any(shelf.items for part in row for shelf in part):
            raise LayoutError(f"rows of {width} um are too narrow for the bias generator")
        rows.append(row)
    return rows


def bare_nets(design: Design, small: Sequence[String], calls: Sequence[Call]) -> list[str]:
    """Nets whose wires would meet nothing but gates: antenna diodes stand beside those."""
    gate_lines = neuron_drawing(design.neuron).gate_lines
    replica = replica_nets(design.contracts.neuron, calls)
    gates = [call.nodes for call in calls if call.cell == design.contracts.driver.cell]
    held = {net for port, net in replica.items() if port not in gate_lines}
    held |= {net for nodes in gates for net in nodes[2:4]} | {port.name for port in RAILS}
    met = [replica[port] for port in gate_lines] + [net for nodes in gates for net in nodes[:2]]
    return gate_only(small, met, held)
