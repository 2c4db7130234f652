"""A bank of unit FETs and the inverter at its source, in one row beside a rail: what a coded synapse has of each sign.

From its end inwards: units in groups, drains and sources in turn, then the fingers that pull the source to the rail. Heights count from the rail:
the drains' line, a shield, the diffusion, the gates' contacts. What is drawn of the mask are all places where its cuts may lie: on the
shield under the widened rail, and on the gates' strips where the layer's line crosses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from nonideal.circuits.cells.fet import Fet
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import LI_PAST_CONTACT, MET1_PAD, contact_offsets
from nonideal.circuits.layout.dimensions import (
    CONTACT_TO_GATE,
    DIFF_CONTACT_END,
    GRID,
    IMPLANT,
    IMPLANT_TO_RAIL,
    LI,
    LICON,
    MCON,
    NPC,
    PAD_SIDE,
    PAD_TO_DIFF,
    POLY_TO_DIFF,
    limit,
    snap,
    up,
)
from nonideal.circuits.layout.fets import Gate, Side, chain

END = up(LICON / 2 + DIFF_CONTACT_END)
"""From the last contact's column to the end of its diffusion."""
APART = 2 * END + limit("difftap.3")
"""Between the columns of contacts at the ends of two diffusions."""
LINE = 0.24
"""Width of a line on metal 1."""
LI_SPACE, METAL_SPACE = limit("li.3"), limit("m1.2")
CUT_PAST = limit("m1.4")
"""Metal 1 past a cut, across a line; along it there is enough."""
DRAINS_TO_RAIL = 0.39
"""From a rail to the edge of the drains' line: beside the rail's own local interconnect it would be half of the wires' load on the dendrite."""
STEP = round(up(limit("poly.7")) + POLY_TO_DIFF - 2 * CONTACT_TO_GATE - LICON, 3)
"""What a region between FETs of two widths is longer than others: the wider one's part of it has to be as long as any."""
LEFT_OF_CUT = snap(LICON / 2 - GRID)
"""Contacts lie 5 nm right of their column: of odd size, they cannot be centred."""


@dataclass(frozen=True, slots=True)
class Heights:
    """Of a bank of units of this width, from its rail: lower edges unless said otherwise."""

    unit_w_um: float
    pull_w_um: float

    @property
    def drains(self) -> float:
        return DRAINS_TO_RAIL

    @property
    def shield(self) -> float:
        return round(self.drains + LI + LI_SPACE, 3)

    @property
    def off(self) -> float:
        """Centre of the cuts that tie gates to the rail."""
        return round(self.shield + LI / 2, 3)

    @property
    def rail(self) -> float:
        """Upper edge of the widened rail."""
        return up(self.off + MCON / 2 + CUT_PAST)

    @property
    def diffusion(self) -> float:
        bottom = snap(contact_offsets(self.unit_w_um)[0]) - LI_PAST_CONTACT
        return up(self.shield + LI + LI_SPACE - bottom)

    @property
    def line(self) -> float:
        """Centre of the layer's line."""
        return round(self.rail + METAL_SPACE + LINE / 2, 3)

    @property
    def source(self) -> float:
        """Centre of the line that joins the sources: where their contacts are out of the layer's line."""
        return round(self.line + LINE + METAL_SPACE, 3)

    @property
    def contact(self) -> float:
        """Centre of the contacts of the gates."""
        return round(self.diffusion + self.unit_w_um + PAD_TO_DIFF + LICON / 2, 3)

    @property
    def axon(self) -> float:
        """Centre of the axon, on metal 4, and of the metal 1 below that leads from it to the inverter."""
        return up(self.source + LINE / 2 + METAL_SPACE + MET1_PAD[1] / 2)

    @property
    def drive(self) -> float:
        """Centre of the contact of the inverter's gate."""
        return round(max(self.diffusion + self.pull_w_um + PAD_TO_DIFF + LICON / 2, self.axon), 3)

    @property
    def top(self) -> float:
        """Upper edge of all that is drawn above the rail."""
        return up(self.drive + LICON / 2 + limit("licon.8a"))


@dataclass(frozen=True, slots=True)
class Bank:
    """Where a bank lies and what it is made of: ``groups`` of units by their gates' nets, the largest first, from its drains' end on.

    ``rail_y`` and ``way`` (+1 upwards) place it, ``start_x`` is the column of its leftmost contact; ``reversed`` has its inverter on the left.
    """

    name: str
    groups: tuple[tuple[str, int], ...]
    unit: Fet
    pull: Fet
    fingers: int
    rail_y: float
    way: int
    start_x: float
    reversed: bool

    @property
    def heights(self) -> Heights:
        return Heights(self.unit.w_um, self.pull.w_um)

    def y(self, height: float) -> float:
        return round(self.rail_y + self.way * height, 3)

    @property
    def units(self) -> int:
        return sum(count for _, count in self.groups)

    def nodes(self) -> list[str]:
        """From left to right: drains ``d``, sources ``s``, and the rail ``r`` between fingers."""
        bank = ["ds"[k % 2] for k in range(self.units)] + ["s"]
        inverter = ["rs"[k % 2] for k in range(self.fingers)]
        found = bank + inverter
        return found[::-1] if self.reversed else found

    def gates(self) -> list[tuple[str, Fet]]:
        """(net, FET) from left to right; fingers are on ``drive``."""
        found = [(net, self.unit) for net, count in self.groups for _ in range(count)]
        found += [("drive", self.pull)] * self.fingers
        return found[::-1] if self.reversed else found

    def columns(self) -> tuple[list[float], list[float]]:
        """The x of the contacts and of the gates' centres, from left to right."""
        x, contacts, centres, before = self.start_x, [self.start_x], [], None
        for _, fet in self.gates():
            step = STEP if before is not None and before.w_um != fet.w_um else 0.0
            # The room for a step of the diffusion lies on the wider FET's side of the contact.
            if step and before is not None and before.w_um > fet.w_um:
                x = round(x + step, 3)
                contacts[-1] = x
                step = 0.0
            left = x + LICON - LEFT_OF_CUT + CONTACT_TO_GATE + step
            centres.append(round(left + fet.l_um / 2, 4))
            x = round(left + fet.l_um + CONTACT_TO_GATE + LEFT_OF_CUT, 3)
            contacts.append(x)
            before = fet
        return contacts, centres

    @property
    def end_x(self) -> float:
        """Column of the rightmost contact."""
        return self.columns()[0][-1]


def step_past(fet: Fet) -> float:
    """From the contact beside a gate to the one on its other side."""
    return round(fet.l_um + 2 * CONTACT_TO_GATE + LICON, 3)


@dataclass(slots=True)
class Drawn:
    """What of a bank its synapse goes on from: columns of drains, sources, rail contacts and fingers' gates, all from left to right."""

    drains: list[float]
    sources: list[float]
    rails: list[float]
    fingers: list[float]


def draw_bank(block: Block, bank: Bank) -> Drawn:
    """Draw diffusions, gates, the lines of drains and sources, and the places of a mask's cuts; implants, well and taps are the caller's."""
    contacts, centres = bank.columns()
    heights, nodes, gates = bank.heights, bank.nodes(), bank.gates()
    side = Side(bank.rail_y, bank.y(heights.diffusion), bank.way)
    names = [f"{node}{k}" for k, node in enumerate(nodes)]
    columns = dict(zip(names, contacts, strict=True))
    columns |= {f"gate {k}": x for k, x in enumerate(centres)}
    reach = {"drive": bank.y(heights.drive)}
    chain(
        block,
        side,
        names,
        [
            Gate(f"{'pull' if net == 'drive' else 'unit'}_{bank.name}", fet, f"gate {k}", pad_y=reach.get(net, bank.y(heights.contact)))
            for k, (net, fet) in enumerate(gates)
        ],
        columns,
    )  # fmt: skip
    found = Drawn(
        [x for x, node in zip(contacts, nodes, strict=True) if node == "d"],
        [x for x, node in zip(contacts, nodes, strict=True) if node == "s"],
        [x for x, node in zip(contacts, nodes, strict=True) if node == "r"],
        [x for x, (net, _) in zip(centres, gates, strict=True) if net == "drive"],
    )
    low = contact_offsets(bank.unit.w_um)[0]
    for x, node in zip(contacts, nodes, strict=True):
        if node == "d":
            strip(block, bank, x, heights.drains, heights.diffusion + low + LICON)
        elif node == "s":
            strip(block, bank, x, heights.diffusion + low, heights.source + MCON / 2)
            cut(block, bank, x, heights.source)
        else:
            to_rail(block, bank, x, heights.diffusion + low + LICON)
    bar(block, bank, "li1", found.drains[0], found.drains[-1], heights.drains + LI / 2, LI, LI / 2 + GRID)
    bar(
        block, bank, "met1", found.sources[0], found.sources[-1], heights.source, LINE, MCON / 2 + limit("m1.5") + GRID
    )  # fmt: skip
    _draw_gates(block, bank, centres)
    low_y, high_y = sorted((bank.rail_y, bank.y(heights.rail)))
    block.rect("met1", 0.0, low_y, block.width, high_y)
    return found


def _draw_gates(block: Block, bank: Bank, centres: Sequence[float]) -> None:
    """Contacts and strips of the units' gates, groups joined; shields round the sources; where the mask's cuts may lie."""
    heights, gates = bank.heights, bank.gates()
    units = [(k, net, centres[k]) for k, (net, _) in enumerate(gates) if net != "drive"]
    cuts: dict[str, list[tuple[Box, Box]]] = {}
    for _, net, x in units:
        licon = block.square("licon1", x, bank.y(heights.contact), LICON)
        block.rect("npc", licon.x0 - NPC, licon.y0 - NPC, licon.x1 + NPC, licon.y1 + NPC)
        leg = strip(block, bank, x, heights.shield, heights.contact + LICON / 2 + LI_PAST_CONTACT)
        on, off = (
            Box("mcon", leg.x0, snap(bank.y(height) - MCON / 2), round(leg.x0 + MCON, 3), snap(bank.y(height) - MCON / 2) + MCON)
            for height in (heights.line, heights.off)
        )  # fmt: skip
        cuts.setdefault(net, []).append((on, off))
        block.pins[net] = leg
    for net, both in cuts.items():
        block.cuts[net] = (tuple(on for on, _ in both), tuple(off for _, off in both))
    half = up(LICON / 2 + PAD_SIDE)
    for net in cuts:
        mine = [x for _, other, x in units if other == net]
        length = bank.unit.l_um
        low, high = sorted((bank.y(heights.contact - half), bank.y(heights.contact + half)))
        block.rect(
            "poly", snap(mine[0] - length / 2), snap(low), snap(mine[-1] - length / 2) + length, snap(high)
        )
    # Two gates of one group meet at a source: their strips, joined below it, keep it from the drains.
    for (first, net, x), (second, other, further) in pairwise(units):
        if second == first + 1 and net == other and bank.nodes()[second] == "s":
            bar(block, bank, "li1", x, further, heights.shield + LI / 2, LI, 0.0)


def strip(block: Block, bank: Bank, x: float, low: float, high: float) -> Box:
    """An upright strip of local interconnect over a column, between two heights."""
    left = snap(x - LI / 2)
    a, b = sorted((snap(bank.y(low)), snap(bank.y(high))))
    return block.rect("li1", left, a, left + LI, b)


def to_rail(block: Block, bank: Bank, x: float, high: float) -> None:
    """A strip from the rail up to a height, with a contact to the rail's metal where that is widened."""
    strip(block, bank, x, 0.0, high)
    cut(block, bank, x, bank.heights.off)


def cut(block: Block, bank: Bank, x: float, height: float) -> Box:
    """A contact between local interconnect and metal 1."""
    return block.square("mcon", x, bank.y(height), MCON)


def bar(
    block: Block, bank: Bank, layer: str, x0: float, x1: float, height: float, width: float, past: float
) -> Box:
    """A level line centred at a height, ``past`` the columns at both ends."""
    low, high = sorted((x0, x1))
    bottom = snap(bank.y(height) - width / 2)
    return block.rect(layer, snap(low - past), bottom, snap(high + past), bottom + width)


def implant(block: Block, bank: Bank, layer: str, x0: float, x1: float, w_um: float) -> None:
    """The implant of a piece of a row whose diffusions are so wide."""
    a, b = sorted((snap(bank.y(IMPLANT_TO_RAIL)), snap(bank.y(bank.heights.diffusion + w_um + IMPLANT))))
    block.rect(layer, snap(x0), a, snap(x1), b)
