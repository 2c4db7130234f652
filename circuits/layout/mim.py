"""The membrane capacitor: metal 4 below on vss, metal 5 above on the membrane."""

from __future__ import annotations

import math

from .block import Block, Box
from .dimensions import VIA4, limit, snap, up

PLATE_SIDE = up(limit("cap2m.3")) + 0.01
RIM = 0.5  # of the bottom plate where it is contacted from below: via3 keeps clear of the capacitor (cap2m.8)
MET5_SPACE = limit("m5.2")
MET5_WIDTH = limit("m5.1")
VIA4_IN_CAP = max(limit("cap2m.4"), limit("m5.3"))
LANDING = up(VIA4 + 2 * limit("via4.4")) + 0.02
PLATE_SPACE = limit("cap2m.2b")
MAX_VIAS = 2  # in each direction


def plate_height(l_um: float) -> float:
    """Height of the bottom plate with its rim."""
    return RIM + l_um + PLATE_SIDE


def least_pitch(w_um: float) -> float:
    """Least distance between capacitors side by side."""
    return up(w_um + limit("cap2m.2a"))


def _via_positions(length: float, low: float) -> list[float]:
    room = length - 2 * VIA4_IN_CAP
    count = min(MAX_VIAS, math.floor((room + limit("via4.2")) / (VIA4 + limit("via4.2")) + 1e-6))
    return [low + length * (index + 0.5) / count for index in range(count)]


def draw_mim(block: Block, w_um: float, l_um: float, bottom: float, landing: tuple[float, float]) -> Box:
    """Draw the capacitor centred in the block's width, its bottom plate from y = bottom, along the whole width.

    The plates of neighbours are one. The membrane comes up to metal 4 at `landing` and reaches the top plate through
    metal 5. Returns the bottom plate.
    """
    x0 = snap((block.width - w_um) / 2)
    y0 = snap(bottom + RIM)
    plate = block.rect("met4", 0.0, bottom, block.width, snap(bottom + plate_height(l_um)))
    block.rect("capm2", x0, y0, snap(x0 + w_um), snap(y0 + l_um))

    top_width = snap(min(w_um, block.width - MET5_SPACE - 0.1))
    left = snap((block.width - top_width) / 2)
    block.rect("met5", left, y0, snap(left + top_width), snap(y0 + l_um))
    for x in _via_positions(top_width, left):
        for y in _via_positions(l_um, y0):
            block.square("via4", x, y, VIA4)

    x, y = landing
    block.square("met4", x, y, LANDING)
    via = block.square("via4", x, y, VIA4)
    arm = up(max(MET5_WIDTH, VIA4 + 2 * limit("m5.3")))
    block.rect("met5", snap(x - arm / 2), y0, snap(x - arm / 2) + arm, snap(via.y1 + limit("m5.3")))
    return plate
