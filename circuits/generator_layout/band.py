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
from nonideal.circuits.layout.dimensions import DIFF_TO_RAIL, RAIL_HALF, snap
from nonideal.circuits.layout.diodes import draw_diodes
from nonideal.circuits.layout.driver import Strip, draw_driver, driver_height, driver_strip, driver_width
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.fet_rows import EDGE, Shelf, draw_shelves
from nonideal.circuits.layout.fet_string import BETWEEN, GAP, String, draw_guard
from nonideal.circuits.layout.kinds import neuron_drawing
from nonideal.circuits.layout.row_end import LINE_END
from nonideal.circuits.layout.straps import STRAP_PITCH

AFTER_NEURON = 1.4
"""From the replica to what stands beside it: there is what a further neuron would show it."""
LEAST_STRIPS_UM = 16.0
"""What the strips beside the replica need: the loop's gates."""
GATES_APART = 0.3
GATE_DIODE, GATE_DIODE_X = 0.9, 0.45
"""Left of a gate: room for an antenna diode, and where it stands."""
STRAPS_UM = 2 * STRAP_PITCH
"""What the supplies' straps take at either end."""
DIODES_UM, DIODES_PAST, DIODE_X, LAND = 6.4, 1.0, 0.5, 0.3
"""Left of the replica: room for its lines' antenna diodes, where the lines begin, the first diode from there, and where lines are met."""
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
    queues: dict[str, list[String]],
    width: float,
    pitch: float,
) -> Placed:
    """Draw it, origin at its left end on its lowest rail; strings that it has room for are taken from the queues of either polarity.

    From the left: capacitors under the supplies' straps, antenna diodes of the replica's lines, the replica, strips, the other capacitors.
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
    made = Placed(Block.named("generator_band", width, height), below=low)
    made.rails = [("vss", height), ("vdd", vdd_y), ("vss", 0.0)]
    first, others = under_straps(tall)
    left_caps, left_pins = decoupling(first, height, vdd_y, name="decoupling_left")
    right_caps, right_pins = decoupling(others, height, vdd_y, name="decoupling_right")
    made.put(left_caps, left_pins, 0.0, 0.0)
    left = round(max(left_caps.width, STRAPS_UM) + DIODES_UM, 3)
    right, end = round(left + pitch, 3), round(width - right_caps.width, 3)
    least = round(width - end + right + LEAST_STRIPS_UM, 2)
    if least > width:
        raise LayoutError(
            f"a bias generator {width} um wide: the capacitors, the replica and what stands beside it take {least} um"
        )
    made.put(right_caps, right_pins, end, 0.0)
    _put_replica(made, design, cell, replica_nets(design.contracts.neuron, calls), left)
    _bridge_rails(made.block, made.rails, left_caps.width, left)
    gates = [call for call in calls if call.cell == design.contracts.driver.cell]
    made.put(*_upper(queues, round(end - right, 3), round(height - vdd_y, 3)), right, vdd_y)
    made.put(*_lower(design.driver, gates, queues, round(end - right, 3), vdd_y), right, 0.0)
    made.block.regions["replica"] = (left, round(-low, 3), right, height)
    return made


def under_straps(tall: Sequence[String]) -> tuple[list[String], list[String]]:
    """The N capacitors that stand under the straps at the left end, as few as are wider than those, and all others."""
    first: list[String] = []
    rest = list(tall)
    while sum(one.width + GAP for one in first) < STRAPS_UM:
        n = [one for one in rest if one.polarity == "n"]
        if not n:
            break
        first.append(n[0])
        rest.remove(n[0])
    return first, rest


def _put_replica(made: Placed, design: Design, cell: Block, nets: dict[str, str], x: float) -> None:
    """The neuron with its lines' antenna diodes on its left, and on its right what a further neuron would show it."""
    drawing, down = neuron_drawing(design.neuron), round(-made.below, 3)
    right = round(x + cell.width, 3)
    rails = {port.name for port in design.contracts.neuron.having(Role.SUPPLY)}
    pins = [(net, cell.pins[port]) for port, net in nets.items() if port not in rails]
    made.put(cell, pins, x, down)
    drawing.finish_row(made.block, cell, right, down)
    lines = {line: cell.pins[line].moved(0.0, down) for line in drawing.gate_lines}
    end = round(x - DIODES_UM + DIODES_PAST, 3)
    for line, box in lines.items():
        made.block.rect("met3", end, box.y0, x, box.y1)
        made.pins.append((nets[line], Box("met3", end, box.y0, round(end + LAND, 3), box.y1)))
        made.pins.append(
            (
                nets[line],
                Box("met3", round(right + LINE_END - LAND, 3), box.y0, round(right + LINE_END, 3), box.y1),
            )
        )
    top, vdd_y = made.rails[0][1], made.rails[1][1]
    draw_diodes(
        made.block, round(end + DIODE_X, 3), snap((top + vdd_y) / 2), [box.y for box in lines.values()]
    )


def _bridge_rails(block: Block, rails: Sequence[tuple[str, float]], x0: float, x1: float) -> None:
    """Rails from the capacitors to the replica, with no tap below."""
    for _, y in rails:
        block.rect("met1", x0, round(y - RAIL_HALF, 3), x1, round(y + RAIL_HALF, 3))


def _shelves(
    start: float, end: float, n_um: float, p_um: float, queues: dict[str, list[String]]
) -> tuple[Shelf, Shelf]:
    both = Shelf("n", start, end, n_um), Shelf("p", start, end, p_um)
    for shelf in both:
        shelf.fill(queues[shelf.polarity])
    return both


def _upper(queues: dict[str, list[String]], width: float, height: float) -> tuple[Block, Pins]:
    """The strip on the upper rails, upside down: wide N FETs, small P FETs."""
    block = Block.named("generator_upper", width, height)
    room = round(height - 2 * DIFF_TO_RAIL - BETWEEN, 3)
    n_um = round(room - LEAST_P_UM, 3)
    both = _shelves(AFTER_NEURON, width - EDGE, n_um, LEAST_P_UM, queues)
    strip = Strip(block, height, 0.0, max(both[0].height, 1.0), both[1].height)
    strip.bare_frame(width, None, [])
    return block, draw_shelves(strip, both)


def _lower(
    sizes: DriverSizes, gates: Sequence[Call], queues: dict[str, list[String]], width: float, height: float
) -> tuple[Block, Pins]:
    """The strip on the lower rails: the loop's gates, and beside them what is no wider than theirs.

    The first input of a gate has an antenna diode beside it, the second one comes from a gate or goes to the replica too.
    """
    block = Block.named("generator_lower", width, height)
    strip = driver_strip(block, sizes, 0.0, height)
    pins: Pins = []
    x = AFTER_NEURON
    for gate in gates:
        anchors = draw_driver(strip, sizes, round(x + GATE_DIODE, 3))
        draw_guard(strip, strip.n, round(x + GATE_DIODE_X, 3), *anchors.trigger)
        a, b, out, out_b = gate.nodes[:4]
        for net, (at_x, at_y), level in (
            (a, anchors.trigger, "li1"),
            (b, anchors.phase, "li1"),
            (out, anchors.out, "li1"),
            (out_b, anchors.out_b, "met1"),
        ):
            pins.append((net, stack(block, at_x, at_y, level, "met2")))
        x = round(x + GATE_DIODE + driver_width(sizes), 3)
    # The row may be higher than a driver: what is left goes to P FETs.
    p_um = round(strip.p_width + height - driver_height(sizes), 3)
    both = _shelves(round(x + GATES_APART + GAP, 3), width - EDGE, strip.n_width, p_um, queues)
    strip = Strip(block, 0.0, height, strip.n_width, p_um)
    strip.bare_frame(width, [], None)
    strip.implant(strip.n, AFTER_NEURON, both[0].start, strip.n_width)
    strip.implant(strip.p, AFTER_NEURON, x, strip.p_width)
    return block, [*pins, *draw_shelves(strip, both)]
