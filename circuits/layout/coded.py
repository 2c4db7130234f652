"""The coded synapse whose weight is a mask: a bank of units beside each rail, and its inverter at the bank's end.

The N bank begins on the left and ends in its inverter on the right, the P bank the other way round, so that the small FET of each inverter,
which is of the other kind, stands in the other bank's row where that has not begun. Gate lines run through the row on metal 1, axons on
metal 4, the dendrite through the column on metal 2. Every gate, and the input of every inverter, is a strip of local interconnect that
crosses its line and, by its rail, the rail's metal: **the mask is one cut, metal 1 to local interconnect, at either crossing**, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nonideal.circuits.cells.coded import CodedSizes
from nonideal.circuits.cells.codes import coded_weights
from nonideal.circuits.cells.contract import Device
from nonideal.circuits.cells.fet import Fet
from nonideal.circuits.layout.bank import (
    APART,
    END,
    LI_SPACE,
    LINE,
    Bank,
    Drawn,
    Heights,
    bar,
    draw_bank,
    implant,
    step_past,
    strip,
    to_rail,
)
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import LI_PAST_CONTACT, MET4_LINE, contact_offsets, gate_pad, stack
from nonideal.circuits.layout.dimensions import (
    GATE_SPACE,
    LI,
    LICON,
    MCON,
    OVERLAP,
    PAD_SIDE,
    WELL_PAST_P_DIFF,
    WELL_TO_N_DIFF,
    limit,
    snap,
    up,
)
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.fets import Gate, Side, chain
from nonideal.circuits.layout.frame import row_frame

EDGE = 2 * END
"""From a cell's edge to the nearest column of contacts: diffusions of neighbours keep their distance."""
STRIP_X = 0.34
"""From a cell's edge to the strip of an inverter's input."""
FIRST_SOURCE = 0.44
"""From that strip to the nearest contact of its bank."""
DENDRITE = SHIELD = 0.28
DENDRITE_X = 3.05
"""Where the dendrite is in a synapse by itself."""
RIGHT_OF_SHIELD, LEFT_OF_SHIELD = 1.2, 0.66
"""From an upright line on metal 2 to the stack of an axon beside it."""
PULL_IMPLANT = 0.2
"""How far the implant of the fingers reaches over the bank's last source."""


@dataclass(frozen=True, slots=True)
class Rest:
    """The FET that holds a bank's source at rest: the columns of its contact on the rail of the other bank, and of that on the source."""

    fet: Fet
    rail_x: float
    out_x: float
    row: Bank


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the parts of a synapse lie: bank ``n`` stands on the rail below, ``p`` hangs from the one above."""

    width: float
    height: float
    n: Bank
    p: Bank
    rest_n: Rest
    rest_p: Rest

    @property
    def middle(self) -> float:
        """The y of the wires between the banks."""
        return snap((self.n.heights.contact + self.height - self.p.heights.contact) / 2)

    @classmethod
    def of(cls, sizes: CodedSizes, width: float | None = None, height: float | None = None) -> Plan:
        """The plan for a width and height, the least ones unless given. Raises ``LayoutError`` for less than these sizes need."""
        pulls = {one.role: one for one in sizes.contract().devices if one.role.startswith("pull")}
        least_height = coded_height(sizes)
        height = least_height if height is None else height
        step_n, step_p = step_past(sizes.rest_n), step_past(sizes.rest_p)
        n = _bank("n", sizes, pulls["pull_n"], 0.0, round(EDGE + step_p + APART, 3))
        p = _bank("p", sizes, pulls["pull_p"], height, STRIP_X + FIRST_SOURCE)
        least = up(max(n.end_x + FIRST_SOURCE + STRIP_X, p.end_x + APART + step_n + EDGE))
        width = least if width is None else width
        if width < least - 1e-9 or height < least_height - 1e-9:
            raise LayoutError(
                f"coded synapse: {width} x {height} um is less than the {least} x {least_height} um that these sizes need"
            )
        rest_n = Rest(sizes.rest_n, round(width - EDGE, 3), round(width - EDGE - step_n, 3), p)
        rest_p = Rest(sizes.rest_p, EDGE, round(EDGE + step_p, 3), n)
        return cls(width, height, n, p, rest_n, rest_p)


def _bank(sign: str, sizes: CodedSizes, pull: Device, rail_y: float, start_x: float) -> Bank:
    storage = coded_weights(sizes.contract().storage)
    gates, unit = (storage.n, sizes.unit_n) if sign == "n" else (storage.p, sizes.unit_p)
    groups = tuple((gate, 2**k) for k, gate in reversed(list(enumerate(gates))))
    way = 1 if sign == "n" else -1
    return Bank(sign, groups, unit, pull.size, pull.units or 1, rail_y, way, start_x, sign == "p")


def coded_width(sizes: CodedSizes) -> float:
    """Least width of a synapse, which is the least pitch of columns."""
    return Plan.of(sizes).width


def coded_height(sizes: CodedSizes) -> float:
    """Least height of a row."""
    device = {one.role: one for one in sizes.contract().devices}
    pull_n, pull_p = device["pull_n"].size.w_um, device["pull_p"].size.w_um
    n, p = Heights(sizes.unit_n.w_um, pull_n), Heights(sizes.unit_p.w_um, pull_p)
    wire = 2 * (LICON / 2 + LI_PAST_CONTACT + LI_SPACE) + LI
    poly = 2 * (LICON / 2 + PAD_SIDE) + GATE_SPACE
    well = WELL_TO_N_DIFF + WELL_PAST_P_DIFF
    tallest_n = n.diffusion + max(pull_n, sizes.rest_p.w_um, sizes.unit_n.w_um)
    tallest_p = p.diffusion + max(pull_p, sizes.rest_n.w_um, sizes.unit_p.w_um)
    return up(
        max(
            n.contact + p.contact + max(wire, poly),
            n.drive + p.contact + poly,
            n.contact + p.drive + poly,
            n.axon + p.axon + MET4_LINE + limit("m4.2"),
            tallest_n + tallest_p + well,
        )
    )


def coded(
    sizes: CodedSizes | None = None,
    *,
    width: float | None = None,
    height: float | None = None,
    dendrite_x: float | None = None,
    shields_x: Sequence[float] = (),
    name: str = "synapse",
) -> Block:
    """A synapse between its rails, vss below, without the cuts of a mask; ``cuts`` says where they go. Arguments as of the pair."""
    sizes = CodedSizes() if sizes is None else sizes
    plan = Plan.of(sizes, width, height)
    storage = coded_weights(sizes.contract().storage)
    block = Block.named(name, plan.width, plan.height)
    n, p = draw_banks(block, plan, DENDRITE_X if dendrite_x is None else dendrite_x, shields_x)
    left = shields_x[0] + RIGHT_OF_SHIELD if shields_x else 1.8
    right = shields_x[-1] - LEFT_OF_SHIELD if shields_x else plan.width - 2.4
    for bank, drawn, drive, axon, x in (
        (plan.n, n, storage.drive_n, storage.axon, right),
        (plan.p, p, storage.drive_p, storage.axon_b, left),
    ):
        box = draw_drive(block, plan, bank, drawn, x)
        block.pins[drive] = box
        at = [snap(bank.y(height) - MCON / 2) for height in (bank.heights.axon, bank.heights.off)]
        on, off = (Box("mcon", box.x0, low, round(box.x0 + MCON, 3), round(low + MCON, 3)) for low in at)
        block.cuts[drive] = ((on,), (off,))
        stack(block, x, bank.y(bank.heights.axon), "met1", "met4")
        low = snap(bank.y(bank.heights.axon) - MET4_LINE / 2)
        block.pins[axon] = block.rect("met4", 0.0, low, block.width, low + MET4_LINE)
    for net, bank in ((storage.gate_n, plan.n), (storage.gate_p, plan.p)):
        line = bar(block, bank, "met1", 0.0, block.width, bank.heights.line, LINE, 0.0)
        block.pins[net] = Box("met1", 0.0, line.y0, 0.3, line.y1)
    for net, rail in (("vdd", plan.height), ("vss", 0.0)):
        block.pins[net] = Box("met1", 0.0, rail - 0.1, 0.2, rail + 0.1)
    return block


def draw_banks(
    block: Block, plan: Plan, dendrite_x: float, shields_x: Sequence[float]
) -> tuple[Drawn, Drawn]:
    """Both banks with the FETs that hold their sources at rest, their row's frame, the dendrite, and shields beside it."""
    n, p = draw_bank(block, plan.n), draw_bank(block, plan.p)
    for rest, other in ((plan.rest_n, plan.n), (plan.rest_p, plan.p)):
        _draw_rest(block, rest, other)
    _draw_frame(block, plan, n, p, dendrite_x)
    _draw_dendrite(block, plan, n, p, dendrite_x)
    _join(block, plan, n.sources[-1], plan.rest_n.out_x, below=plan.n, above=plan.p)
    _join(block, plan, plan.rest_p.out_x, p.sources[0], below=plan.n, above=plan.p)
    for shield_x in shields_x:
        stack(block, shield_x, 0.0, "met1", "met2")
        upright(block, shield_x, SHIELD)
    return n, p


def _draw_frame(block: Block, plan: Plan, n: Drawn, p: Drawn, dendrite_x: float) -> None:
    """Rails, taps, well and implants."""
    tallest_n = max(plan.n.pull.w_um, plan.rest_p.fet.w_um, plan.n.unit.w_um)
    tallest_p = max(plan.p.pull.w_um, plan.rest_n.fet.w_um, plan.p.unit.w_um)
    n_top = plan.n.heights.diffusion + tallest_n + WELL_TO_N_DIFF
    p_bottom = plan.height - plan.p.heights.diffusion - tallest_p - WELL_PAST_P_DIFF
    # The neuron below contacts the rail that it shares with this row at the dendrite, and elsewhere where it likes.
    row_frame(block, plan.width, plan.height, snap((n_top + p_bottom) / 2), vss_x=[dendrite_x])
    for bank, layer, rest in ((plan.n, "nsdm", plan.rest_p), (plan.p, "psdm", plan.rest_n)):
        implant(block, bank, layer, 0.0, plan.width, bank.unit.w_um)
        left, right = sorted((rest.rail_x, rest.out_x))
        implant(block, bank, layer, left - EDGE, right + EDGE, rest.fet.w_um)
    last = n.sources[-1 - plan.n.fingers // 2]
    implant(block, plan.n, "nsdm", last - PULL_IMPLANT, plan.n.end_x + EDGE, plan.n.pull.w_um)
    first = p.sources[plan.p.fingers // 2]
    implant(block, plan.p, "psdm", plan.p.start_x - EDGE, first + PULL_IMPLANT, plan.p.pull.w_um)


def _draw_rest(block: Block, rest: Rest, bank: Bank) -> None:
    """The FET that holds the source of ``bank`` at rest, in the row of the other; its gate reaches the bank's own inverter input."""
    row = rest.row
    side = Side(row.rail_y, row.y(row.heights.diffusion), row.way)
    left, right = sorted((rest.rail_x, rest.out_x))
    columns = {"left": left, "right": right, "gate": round(left + step_past(rest.fet) / 2 + 0.005, 4)}
    pad_y = bank.y(bank.heights.drive)
    chain(block, side, ["left", "right"], [Gate(f"rest_{bank.name}", rest.fet, "gate", pad_y=pad_y)], columns)
    low = contact_offsets(rest.fet.w_um)[0]
    to_rail(block, row, rest.rail_x, row.heights.diffusion + low + LICON)


def _draw_dendrite(block: Block, plan: Plan, n: Drawn, p: Drawn, x: float) -> None:
    """From the drains' lines of both banks to the line on metal 2."""
    first_n, first_p = n.drains[0], p.drains[0]
    for bank, column in ((plan.n, first_n), (plan.p, first_p)):
        end = abs(plan.middle - bank.rail_y) + LI / 2
        strip(block, bank, column, bank.heights.drains, end)
    ends = sorted((first_n, first_p, x))
    _level(block, ends[0], ends[-1], plan.middle)
    stack(block, x, plan.middle, "li1", "met2")
    block.pins["dendrite"] = upright(block, x, DENDRITE)


def _join(block: Block, plan: Plan, x_below: float, x_above: float, *, below: Bank, above: Bank) -> None:
    """A wire from a contact in the row below to one in the row above."""
    for bank, x in ((below, x_below), (above, x_above)):
        start = bank.heights.diffusion + contact_offsets(bank.unit.w_um)[0]
        strip(block, bank, x, start, abs(plan.middle - bank.rail_y) + LI / 2)
    _level(block, x_below, x_above, plan.middle)


def draw_drive(block: Block, plan: Plan, bank: Bank, drawn: Drawn, x: float) -> Box:
    """The input of a bank's inverter: gates, a strip that crosses the rail's metal and, on the way to x, metal 1. Returns the strip."""
    heights, rest = bank.heights, plan.rest_n if bank.name == "n" else plan.rest_p
    strip_x = round(plan.width - STRIP_X, 3) if bank.name == "n" else STRIP_X
    gate_pad(block, strip_x, bank.y(heights.drive), flat=True)
    ends = sorted((*drawn.fingers, strip_x, (rest.rail_x + rest.out_x) / 2))
    bar(block, bank, "poly", ends[0], ends[-1], heights.drive, LICON + 2 * PAD_SIDE, 0.07)
    bar(block, bank, "met1", strip_x, x, heights.axon, LINE, MCON / 2 + limit("m1.5") + 0.01)
    return strip(block, bank, strip_x, heights.shield, heights.drive + LICON / 2 + LI_PAST_CONTACT)


def _level(block: Block, x0: float, x1: float, y: float) -> None:
    low, high = sorted((x0, x1))
    bottom = snap(y - LI / 2)
    block.rect("li1", snap(low - LI / 2), bottom, snap(high - LI / 2) + LI, bottom + LI)


def upright(block: Block, x: float, width: float) -> Box:
    """A line on metal 2 through the whole column."""
    left = snap(x - width / 2)
    return block.rect("met2", left, -OVERLAP, left + width, block.height + OVERLAP)
