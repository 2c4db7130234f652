"""The band of the bias generator that is as high as a neuron: its capacitors, the replica, and beside it the loop's gates and what has room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from nonideal.circuits.cells.contract import Call, Neuron
from nonideal.circuits.cells.driver import DriverSizes
from nonideal.circuits.cells.port import Role
from nonideal.circuits.design import Design
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import stack
from nonideal.circuits.layout.decoupling import decoupling
from nonideal.circuits.layout.dimensions import DIFF_TO_RAIL
from nonideal.circuits.layout.driver import Strip, draw_driver, driver_strip, driver_width, source_columns
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.fet_rows import EDGE, Item, Shelf, draw_shelves
from nonideal.circuits.layout.fet_string import BETWEEN, GAP, String
from nonideal.circuits.layout.kinds import neuron_drawing
from nonideal.circuits.layout.row_end import LINE_END

AFTER_NEURON = 1.4
"""From the replica to what stands beside it: there is what a further neuron would show it."""
GATES_APART = 0.3
LEAST_P_UM = 0.42
"""What the upper strip beside the replica has room for on its P side, at least."""
Pins = list[tuple[str, Box]]


@dataclass(slots=True)
class Placed:
    """Devices that are not wired yet.

    ``pins`` are (net, box) of all places where wires may land, ``rails`` (net, y) from above, ``keep_out`` where no wire goes, ``below`` how far
    the replica reaches below its lowest rail.
    """

    block: Block
    pins: Pins = field(default_factory=list)
    rails: list[tuple[str, float]] = field(default_factory=list)
    keep_out: list[Box] = field(default_factory=list)
    below: float = 0.0

    def put(self, child: Block, pins: Iterable[tuple[str, Box]], x: float, y: float) -> None:
        """Place a child, and its pins with it."""
        self.block.place(child, x, y)
        self.pins += [(net, box.moved(x, y)) for net, box in pins]


def replica_nets(neuron: Neuron, calls: Sequence[Call]) -> dict[str, str]:
    """The nets of the replica by its ports."""
    (one,) = (call for call in calls if call.cell == neuron.cell)
    return dict(zip(neuron.names, one.nodes, strict=True))


def band(
    design: Design,
    calls: Sequence[Call],
    tall: Sequence[String],
    queues: dict[str, list[Item]],
    width: float,
    pitch: float,
) -> Placed:
    """Draw it, origin at its left end on its lowest rail; strings that it has room for are taken from the queues of either polarity.

    Raises ``LayoutError`` for a neuron that is not two rows, and where there is no room.
    """
    drawing = neuron_drawing(design.neuron)
    cell, _ = drawing.draw(design.neuron, design.driver, width=pitch, name="replica")
    below = sorted((y, net) for net, y in drawing.rails(cell))
    if [net for _, net in below] != ["vss", "vdd"]:
        raise LayoutError(
            f"the bias generator stands beside a neuron of two rows; this one has rails {below}"
        )
    low, vdd_y = below[0][0], round(below[1][0] - below[0][0], 3)
    height = round(cell.height - low, 3)
    made = Placed(Block.named("generator_band", width, height))
    made.rails = [("vss", height), ("vdd", vdd_y), ("vss", 0.0)]
    caps, pins = decoupling(tall, height, vdd_y)
    made.put(caps, pins, 0.0, 0.0)
    left, right = caps.width, round(caps.width + pitch, 3)
    if right + 4 * AFTER_NEURON > width:
        raise LayoutError(f"a bias generator {width} um wide: the capacitors and the replica take {right} um")
    nets = replica_nets(design.contracts.neuron, calls)
    rails = {port.name for port in design.contracts.neuron.having(Role.SUPPLY)}
    made.put(
        cell,
        [(net, cell.pins[port]) for port, net in nets.items() if port not in rails],
        left,
        round(-low, 3),
    )
    drawing.finish_row(made.block, cell, right, round(-low, 3))
    made.pins += [
        (
            nets[line],
            Box(
                "met3",
                round(right + LINE_END - 0.3, 3),
                round(box.y0 - low, 3),
                round(right + LINE_END, 3),
                round(box.y1 - low, 3),
            ),
        )
        for line in drawing.gate_lines
        for box in [cell.pins[line]]
    ]
    gates = [call for call in calls if call.cell == design.contracts.driver.cell]
    made.below = low
    made.put(*_upper(queues, round(width - right, 3), round(height - vdd_y, 3)), right, vdd_y)
    made.put(*_lower(design.driver, gates, queues, round(width - right, 3), vdd_y), right, 0.0)
    made.block.regions["replica"] = (left, round(-low, 3), right, height)
    made.block.regions["capacitors"] = (0.0, 0.0, left, height)
    return made


def _shelves(
    start: float, end: float, n_um: float, p_um: float, queues: dict[str, list[Item]]
) -> tuple[Shelf, Shelf]:
    both = Shelf("n", start, end, n_um), Shelf("p", start, end, p_um)
    for shelf in both:
        shelf.fill(queues[shelf.polarity])
    return both


def _upper(queues: dict[str, list[Item]], width: float, height: float) -> tuple[Block, Pins]:
    """The strip on the upper rails, upside down: wide N FETs, small P FETs."""
    block = Block.named("generator_upper", width, height)
    room = round(height - 2 * DIFF_TO_RAIL - BETWEEN, 3)
    n_um = round(room - LEAST_P_UM, 3)
    both = _shelves(AFTER_NEURON, width - EDGE, n_um, LEAST_P_UM, queues)
    strip = Strip(block, height, 0.0, max(both[0].height, 1.0), both[1].height)
    strip.bare_frame(width, None, [])
    return block, draw_shelves(strip, both)


def _lower(
    sizes: DriverSizes, gates: Sequence[Call], queues: dict[str, list[Item]], width: float, height: float
) -> tuple[Block, Pins]:
    """The strip on the lower rails: the loop's gates, and beside them what is no wider than theirs."""
    block = Block.named("generator_lower", width, height)
    strip = driver_strip(block, sizes, 0.0, height)
    pins: Pins = []
    x, columns = AFTER_NEURON, []
    for gate in gates:
        anchors = draw_driver(strip, sizes, x)
        columns += source_columns(sizes, x)[1]
        a, b, out, out_b = gate.nodes[:4]
        for net, (at_x, at_y), level in (
            (a, anchors.trigger, "li1"),
            (b, anchors.phase, "li1"),
            (out, anchors.out, "li1"),
            (out_b, anchors.out_b, "met1"),
        ):
            pins.append((net, stack(block, at_x, at_y, level, "met2")))
        x = round(x + driver_width(sizes) + GATES_APART, 3)
    both = _shelves(round(x + GAP, 3), width - EDGE, strip.n_width, strip.p_width, queues)
    strip.bare_frame(width, [], None)
    strip.implant(strip.n, AFTER_NEURON, both[0].start, strip.n_width)
    strip.implant(strip.p, AFTER_NEURON, x, strip.p_width)
    return block, [*pins, *draw_shelves(strip, both)]
