"""Strings of FETs: the units of devices that share a gate, side by side on one diffusion, with a pin on metal 2 for each of their nets.

Drains and sources take turns. A net that is the row's rail goes down to it; the *outer* net is joined on metal 1 where the gates' contacts
are, between the rows, the *inner* nets on metal 1 over the diffusion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from nonideal.circuits.cells.fet import Fet
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import LI_PAST_CONTACT
from nonideal.circuits.layout.dimensions import (
    CONTACT_TO_GATE,
    DIFF_CONTACT_END,
    DIFF_TO_RAIL,
    GATE_SPACE,
    GRID,
    IMPLANT,
    LI,
    LICON,
    MCON,
    NPC,
    PAD_END,
    PAD_SIDE,
    PAD_TO_DIFF,
    RAIL_HALF,
    VIA,
    limit,
    snap,
    up,
)
from nonideal.circuits.layout.diodes import DIODE
from nonideal.circuits.layout.driver import Strip
from nonideal.circuits.layout.fets import Gate, Side, chain

STEP = 2 * CONTACT_TO_GATE + LICON
"""From a contact to the next one, the gate between them left out."""
BUS = 0.28
"""Width of what joins contacts on metal 1: vias up find room anywhere on it."""
PAST = 0.18
"""How far it reaches past a contact's column."""
PAD = 0.5
"""From the first column to the gate's contact."""
LEFT, RIGHT = PAD + PAST, PAST
"""What a string takes beyond its outermost columns."""
GAP = 0.2
"""Between strings: what their poly needs where two gates' contacts meet."""
IMPLANT_PAST = up(LICON / 2 + DIFF_CONTACT_END) + IMPLANT
"""How far the implant reaches beyond the outermost columns."""
BAR = PAD_TO_DIFF + LICON / 2
"""From the diffusion to the middle of the bar of poly that joins the gates."""
INNER = round(RAIL_HALF + limit("m1.2") + BUS / 2 - DIFF_TO_RAIL, 3)
"""From the diffusion's rail side to the middle of an inner net's metal."""
BETWEEN = max(
    up(2 * (BAR + LICON / 2 + PAD_SIDE) + GATE_SPACE),
    2 * (up(limit("lvtn.4b")) + GRID + up(limit("lvtn.10"))),
)
"""Between the diffusions of two rows: gates' bars face each other there, and a well keeps round low thresholds."""
LANDINGS_UM = 12.0
"""Between pads on metal 2 along a line."""
OPENING = BAR - LICON / 2 - NPC
"""From the diffusion to the cut of the nitride over the bars."""
NEXT_PAD = 0.1
"""More beyond a contact at a string's right end: the next string begins with one too."""
GUARD, GUARD_X = 1.1, 0.7
"""What an antenna diode takes beside a gate's contact, and its distance from that."""
GUARD_END = 0.16
"""From the diode's middle to the end of its metal 1."""
GUARD_Y = up(RAIL_HALF + limit("m1.2") + GUARD_END)
"""From the rail to the diode's middle: its metal 1 keeps from the rail's."""
GUARD_HEIGHT_UM = up(GUARD_Y + DIODE / 2 - DIFF_TO_RAIL)
"""What it needs of a row's height."""
LONG_UM = 20.0
"""A string of more has contacts to its gates at both ends."""


@dataclass(frozen=True, slots=True)
class String:
    """Gates of one ``size`` on one net: ``inner`` has (net, how many) of those that share a source, ``outer`` is the drain of all.

    ``threshold`` is "", "lvt" or "hvt", ``rail`` the net of the row's rail.
    ``guarded``: an antenna diode stands beside the gates' contact.
    """

    name: str
    polarity: str
    threshold: str
    size: Fet
    gate: str
    outer: str
    inner: tuple[tuple[str, int], ...]
    rail: str
    guarded: bool = False

    @property
    def count(self) -> int:
        return sum(many for _, many in self.inner)

    @property
    def height_um(self) -> float:
        """What it needs of its row's height."""
        return max(self.size.w_um, GUARD_HEIGHT_UM if self.guarded else 0.0)

    @property
    def pitch(self) -> float:
        return round(self.size.l_um + STEP, 3)

    @property
    def nodes(self) -> list[str]:
        """The nets of the columns, from left to right: a string of one source that is the rail begins with that."""
        (first, many), *others = self.inner
        if not others and first == self.rail:
            return [self.outer if k % 2 else first for k in range(many + 1)]
        found = [self.outer]
        for net, count in self.inner:
            found += [self.outer if k % 2 else net for k in range(count)]
        return found

    @property
    def both_ends(self) -> bool:
        return self.count * self.pitch > LONG_UM

    @property
    def left(self) -> float:
        """From its left end to the first column."""
        return round(LEFT + (GUARD if self.guarded else 0.0), 3)

    @property
    def width(self) -> float:
        """From one end of all that is drawn to the other."""
        return round(self.left + self.count * self.pitch + (LEFT + NEXT_PAD if self.both_ends else RIGHT), 3)

    def split(self, count: int) -> tuple[String, String]:
        """The first ``count`` gates, an even number, and the rest."""
        first: list[tuple[str, int]] = []
        rest: list[tuple[str, int]] = []
        for net, many in self.inner:
            here = min(many, max(0, count - sum(n for _, n in first)))
            first += [(net, here)] if here else []
            rest += [(net, many - here)] if many > here else []
        return replace(self, inner=tuple(first)), replace(self, inner=tuple(rest))

    def fitting(self, room: float) -> int:
        """The largest even number of its gates, less than all, that fit into so much room."""
        least = int((room - self.left - RIGHT) / self.pitch + 1e-6)
        if least * self.pitch > LONG_UM:
            least = int((room - self.left - LEFT - NEXT_PAD) / self.pitch + 1e-6)
        return max(0, min(least, self.count - 1) // 2 * 2)


Opening = tuple[float, float]
"""Between which heights the nitride of a row is cut."""


def draw_opening(strip: Strip, x0: float, x1: float) -> Opening:
    """Cut the nitride between both rows of gates' bars, or the cuts of bars that face each other would be too near."""
    ends = [side.y(most + OPENING) for side, most in ((strip.n, strip.n_width), (strip.p, strip.p_width))]
    low, high = snap(min(ends)), snap(max(ends))
    strip.block.rect("npc", x0, low, x1, high)
    return low, high


def draw_string(
    strip: Strip, string: String, left: float, opening: Opening | None = None
) -> Iterator[tuple[str, Box]]:
    """Draw a string, all of it right of ``left``, into a strip whose frame is the caller's; (net, box on metal 2) of its pins."""
    block, side = strip.block, strip.n if string.polarity == "n" else strip.p
    first = round(left + string.left, 3)
    nodes = string.nodes
    xs = [round(first + k * string.pitch, 3) for k in range(string.count + 1)]
    bar_y = side.y(string.size.w_um + BAR)
    columns = {f"c{k}": x for k, x in enumerate(xs)}
    columns |= {f"g{k}": round(x + string.pitch / 2 + 0.005, 4) for k, x in enumerate(xs[:-1])}
    gates = [
        Gate(string.name, string.size, f"g{k}", string.threshold, pad_y=bar_y) for k in range(string.count)
    ]
    chain(block, side, [f"c{k}" for k in range(len(xs))], gates, columns)
    strip.implant(side, xs[0] - IMPLANT_PAST, xs[-1] + IMPLANT_PAST, string.size.w_um)
    yield from _gate(block, string, bar_y, xs, opening)
    if string.guarded:
        strip.implant(side, xs[0] - PAD - GUARD_X, xs[0], string.size.w_um)
        draw_guard(strip, side, round(xs[0] - PAD - GUARD_X, 3), round(xs[0] - PAD, 3), bar_y)
    yield from _outer(strip, side, string, bar_y, xs)
    for net, where in _inner_runs(string, nodes, xs):
        if net == string.rail:
            for x in where:
                strip.to_rail(x, side)
            continue
        y = side.y(INNER)
        for x in where:
            block.square("mcon", x, y, MCON)
        yield from _bus(block, net, where[0], where[-1], y)


def draw_guard(strip: Strip, side: Side, x: float, to_x: float, to_y: float) -> None:
    """An antenna diode beside a side's rail, and metal 1 from it to a gate's contact, in a string's own or from elsewhere."""
    block, y = strip.block, snap(side.rail + side.way * GUARD_Y)
    block.square("diff", x, y, DIODE)
    licon = block.square("licon1", x, y, LICON)
    block.rect("li1", licon.x0, licon.y0 - LI_PAST_CONTACT, licon.x0 + LI, licon.y1 + LI_PAST_CONTACT)
    block.square("mcon", x, y, MCON)
    half = BUS / 2
    ends = sorted((y - side.way * GUARD_END, to_y + side.way * half))
    block.rect("met1", snap(x - half), snap(ends[0]), snap(x - half) + BUS, snap(ends[1]))
    left, right = sorted((x, to_x))
    bottom = snap(to_y - half)
    block.rect("met1", snap(left - half), bottom, snap(right + half), bottom + BUS)
    around = DIODE / 2 + IMPLANT
    strip.implant(side, x - around, x + around, y_above(side, y) + DIODE / 2)


def y_above(side: Side, y: float) -> float:
    """How far a place is from the diffusions' edge beside the rail."""
    return round(side.way * (y - side.start), 3)


def _gate(
    block: Block, string: String, y: float, xs: list[float], opening: Opening | None
) -> Iterator[tuple[str, Box]]:
    """The bar of poly that joins the gates, and its contacts."""
    pads = [round(xs[0] - PAD, 3)] + ([round(xs[-1] + PAD, 3)] if string.both_ends else [])
    half = LICON / 2 + PAD_SIDE
    right = xs[-1] + (PAD if string.both_ends else -CONTACT_TO_GATE - LICON / 2)
    block.rect(
        "poly",
        snap(pads[0] - LICON / 2 - PAD_END),
        snap(y - half),
        snap(right + (LICON / 2 + PAD_END if string.both_ends else 0.0)),
        snap(y + half),
    )
    for x in pads:
        _contact(block, x, y, opening)
        if string.gate != string.outer:
            yield from _bus(block, string.gate, x, x, y)
    if string.gate == string.outer:
        yield from _bus(block, string.gate, pads[0], pads[-1] if string.both_ends else xs[-1], y)


def _contact(block: Block, x: float, y: float, opening: Opening | None) -> None:
    """From the bar up to metal 1. Its cut of the nitride goes on to that of the row where it else would be too near."""
    licon = block.square("licon1", x, y, LICON)
    block.rect("li1", licon.x0 - LI_PAST_CONTACT, licon.y0, licon.x1 + LI_PAST_CONTACT, licon.y0 + LI)
    block.square("mcon", x, y, MCON)
    low, high = round(licon.y0 - NPC, 3), round(licon.y1 + NPC, 3)
    if opening is not None:
        near = limit("npc.2")
        high = max(high, opening[0]) if opening[0] < high + near and low < opening[0] else high
        low = min(low, opening[1]) if low - near < opening[1] and opening[1] < high else low
    block.rect("npc", licon.x0 - NPC, low, licon.x1 + NPC, high)


def _outer(strip: Strip, side: Side, string: String, y: float, xs: list[float]) -> Iterator[tuple[str, Box]]:
    """What the outer net joins: contacts up to metal 1 beside the gates', or down to the rail."""
    where = [x for x, net in zip(xs, string.nodes, strict=True) if net == string.outer]
    if string.outer == string.rail:
        for x in where:
            strip.to_rail(x, side)
        return
    for x in where:
        strip.li(x, side.start + side.way * LICON, y)
        strip.block.square("mcon", x, y, MCON)
    if string.gate != string.outer:
        yield from _bus(strip.block, string.outer, where[0], where[-1], y)


def _inner_runs(string: String, nodes: list[str], xs: list[float]) -> list[tuple[str, list[float]]]:
    """The columns of every inner net but for those that are the outer one too."""
    found: dict[str, list[float]] = {}
    for net, x in zip(nodes, xs, strict=True):
        if net != string.outer:
            found.setdefault(net, []).append(x)
    return list(found.items())


def _bus(block: Block, net: str, x0: float, x1: float, y: float) -> Iterator[tuple[str, Box]]:
    """Metal 1 between two columns, and every so far a pad on metal 2 above it: metal 1 has no room for vias but on the line itself."""
    low = snap(y - BUS / 2)
    block.rect("met1", snap(x0 - PAST), low, snap(x1 + PAST), low + BUS)
    count = int((x1 - x0) / LANDINGS_UM) + 1
    for index in range(count):
        x = round((x0 + x1) / 2, 2) if count == 1 else round(x0 + (x1 - x0) * index / (count - 1), 2)
        block.square("via", x, y, VIA)
        yield net, block.square("met2", x, y, 2 * PAST, BUS)
