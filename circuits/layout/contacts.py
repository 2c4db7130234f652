"""Contacts, vias and stacks of them."""

from __future__ import annotations

import math

from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.dimensions import (
    DIFF_CONTACT_SIDE,
    LI,
    LICON,
    LICON_SPACE,
    MCON,
    NPC,
    PAD_END,
    PAD_SIDE,
    VIA,
    VIA2,
    VIA3,
    limit,
    snap,
    up,
)
from nonideal.circuits.layout.errors import LayoutError

LI_PAST_CONTACT = limit("li.5")
# An odd cut lies 5 nm off the centre of its pad, so the pads are up to 20 nm larger than the rules ask.
MET1_PAD = (up(VIA + 2 * limit("via.4a") + 0.02), up(VIA + 2 * limit("via.5a") + 0.02))  # also covers an mcon
MET2_PAD = (up(VIA2 + 2 * limit("via2.4")), up(VIA2 + 2 * limit("via2.5") + 0.01))
MET3_LINE = up(VIA2 + 2 * limit("m3.4") + 0.01)  # a line wide enough for its vias
MET3_PAD = (0.5, 0.5)  # alone: least area m3.6
MET4_LINE = up(VIA3 + 2 * limit("m4.3") + 0.01)
LEVELS = ("li1", "met1", "met2", "met3", "met4")


def contact_offsets(length: float) -> list[float]:
    """Distances of as many contact squares as fit on a diffusion edge, measured from its start to their low side."""
    room = length - 2 * DIFF_CONTACT_SIDE
    count = math.floor((room + LICON_SPACE) / (LICON + LICON_SPACE) + 1e-6)
    if count < 1:
        raise LayoutError(
            f"a diffusion of {length} um holds no contact; at least {LICON + 2 * DIFF_CONTACT_SIDE} um"
        )
    first = (length - count * LICON - (count - 1) * LICON_SPACE) / 2
    return [snap(first + index * (LICON + LICON_SPACE)) for index in range(count)]


def gate_pad(block: Block, x: float, y: float, *, flat: bool = False) -> Box:
    """Contact a gate at (x, y): poly, contact, nitride cut and local interconnect; returns the latter.

    The poly is longer along y, or along x if flat, so that the next gate beside it can be near.
    """
    dx, dy = (PAD_END, PAD_SIDE) if flat else (PAD_SIDE, PAD_END)
    licon = block.square("licon1", x, y, LICON)
    block.rect("poly", licon.x0 - dx, licon.y0 - dy, licon.x1 + dx, licon.y1 + dy)
    block.rect("npc", licon.x0 - NPC, licon.y0 - NPC, licon.x1 + NPC, licon.y1 + NPC)
    return block.rect("li1", licon.x0, licon.y0 - LI_PAST_CONTACT, licon.x0 + LI, licon.y1 + LI_PAST_CONTACT)


def stack(block: Block, x: float, y: float, bottom: str, top: str) -> Box:
    """Connect two conductors at (x, y) through every level between; returns the pad on the top one.

    The conductors at both ends get a pad too, except li1, which must already be there. A pad on metal 3 or 4 that
    ends the stack is as wide as a line: it needs the line for its area.
    """
    low, high = LEVELS.index(bottom), LEVELS.index(top)
    if low >= high:
        raise LayoutError(f"no stack leads from {bottom} up to {top}")
    pad = Box(bottom, x, y, x, y)
    for level in range(low, high):
        if level == 0:
            block.square("mcon", x, y, MCON)
            pad = block.square("met1", x, y, *MET1_PAD)
        elif level == 1:
            block.square("via", x, y, VIA)
            block.square("met1", x, y, *MET1_PAD)
            pad = block.square("met2", x, y, *MET1_PAD)
        elif level == 2:
            block.square("via2", x, y, VIA2)
            block.square("met2", x, y, *MET2_PAD)
            pad = block.square("met3", x, y, MET3_LINE)
        else:
            block.square("via3", x, y, VIA3)
            block.square("met3", x, y, *MET3_PAD)
            pad = block.square("met4", x, y, MET4_LINE)
    return pad
