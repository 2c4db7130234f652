"""The lines that are the step of a layer's weights: one in every row, on metal 1, joined right of the crossbar and led to one pin.

They meet gates alone, and how many is what weights make of it: a row in which one unit is tied to its line has as much metal as one in which
all are. So each row's line ends in an antenna diode, below the metal 1 of the line itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import LI_PAST_CONTACT, MET1_PAD
from nonideal.circuits.layout.dimensions import IMPLANT, LI, LICON, MCON, limit, snap, up
from nonideal.circuits.layout.diodes import DIODE
from nonideal.circuits.layout.routes import land

TRUNK = 0.28
TRUNK_PITCH = 0.55
FIRST_TRUNK = 0.45
"""From the crossbar's end to the first upright line."""
DIODE_X = 1.0
"""From there to the diodes: their distance to the n-well of the row."""
ROOM = 2.4
"""What such lines take right of a crossbar."""
PIN = 0.4


def draw_scale_line(block: Block, rows: Sequence[Box], end: float, number: int) -> Box:
    """Join the pieces of a line, on metal 1 in every row of a crossbar that ends at ``end``; the ``number``-th of its layer. Returns its pin."""
    x = round(end + FIRST_TRUNK + number * TRUNK_PITCH, 3)
    for row in rows:
        right = round(end + DIODE_X + MCON / 2 + limit("m1.5"), 3)
        block.rect("met1", end, row.y0, up(right), row.y1)
        land(block, x, row.y)
        _diode(block, round(end + DIODE_X, 3), row.y)
    low, high = min(row.y for row in rows), max(row.y for row in rows)
    half = MET1_PAD[1] / 2
    trunk = block.rect(
        "met2", snap(x - TRUNK / 2), snap(low - half), snap(x - TRUNK / 2) + TRUNK, snap(high + half + PIN)
    )
    return Box("met2", trunk.x0, round(trunk.y1 - PIN, 3), trunk.x1, trunk.y1)


def _diode(block: Block, x: float, y: float) -> None:
    """An n+ diffusion in the substrate under a line on metal 1."""
    diffusion = block.square("diff", x, y, DIODE)
    licon = block.square("licon1", x, y, LICON)
    block.rect("li1", licon.x0, licon.y0 - LI_PAST_CONTACT, licon.x0 + LI, licon.y1 + LI_PAST_CONTACT)
    block.square("mcon", x, y, MCON)
    block.rect(
        "nsdm", diffusion.x0 - IMPLANT, diffusion.y0 - IMPLANT, diffusion.x1 + IMPLANT, diffusion.y1 + IMPLANT
    )
