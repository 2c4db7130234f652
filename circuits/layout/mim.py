"""The membrane capacitor: metal 4 below on vss, metal 5 above on the membrane."""

from __future__ import annotations

import math

from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.dimensions import VIA4, limit, snap, up

PLATE_SIDE = up(limit("cap2m.3")) + 0.01
RIM = 0.5  # of the bottom plate where it is contacted from below: via3 keeps clear of the capacitor (cap2m.8)
MET5_WIDTH = limit("m5.1")
VIA4_IN_CAP = max(limit("cap2m.4"), limit("m5.3"))
LANDING = up(VIA4 + 2 * limit("via4.4")) + 0.02
PLATE_SPACE = limit("cap2m.2b")
MAX_VIAS = 2
SHIELD_SIDE = (
    up(VIA4 / 2 + limit("via4.4")) + 0.01
)  # how far the bottom plate reaches past a cell, under the shield's vias


def plate_height(l_um: float) -> float:
    """Height of the bottom plate with its rim."""
    return RIM + l_um + PLATE_SIDE


def least_pitch(w_um: float) -> float:
    """Least distance between capacitors side by side, with the shield's vias between them."""
    return up(w_um + max(limit("cap2m.2a"), VIA4 + 2 * limit("cap2m.5")) + 0.01)


def _via_rows(l_um: float) -> list[float]:
    """Heights above the capacitor's lower edge of the vias that join its top plate to metal 5."""
    room = l_um - 2 * VIA4_IN_CAP
    count = min(MAX_VIAS, math.floor((room + limit("via4.2")) / (VIA4 + limit("via4.2")) + 1e-6))
    return [l_um * (index + 0.5) / count for index in range(count)]


def draw_mim(block: Block, w_um: float, l_um: float, bottom: float, landing: tuple[float, float]) -> Box:
    """Draw the capacitor centred in the block's width, its bottom plate from y = bottom, along the whole width.

    The plates of neighbours are one. The membrane comes up to metal 4 at `landing` and reaches the top plate through
    metal 5, a bar no wider than the rules ask: a metal-5 plate as wide as the capacitor would couple 0.6 fF to each
    neighbour's membrane, and load the outer columns less than the inner ones. Returns the bottom plate.
    """
    x0 = snap((block.width - w_um) / 2)
    y0 = snap(bottom + RIM)
    plate = block.rect(
        "met4", -SHIELD_SIDE, bottom, block.width + SHIELD_SIDE, snap(bottom + plate_height(l_um))
    )
    block.rect("capm2", x0, y0, snap(x0 + w_um), snap(y0 + l_um))

    x, y = landing
    block.square("met4", x, y, LANDING)
    via = block.square("via4", x, y, VIA4)
    half = up(max(MET5_WIDTH, VIA4 + 2 * limit("m5.3")) / 2)
    inside = VIA4_IN_CAP + VIA4 / 2
    bar_x = snap(min(max(x, x0 + inside), x0 + w_um - inside))
    top = snap(y0 + l_um)
    block.rect("met5", snap(bar_x - half), y0, snap(bar_x + half), top)
    block.rect(
        "met5",
        snap(min(x, bar_x) - half),
        snap(top - 2 * half),
        snap(max(x, bar_x) + half),
        snap(via.y1 + limit("m5.3")),
    )
    for row in _via_rows(l_um):
        block.square("via4", bar_x, y0 + row, VIA4)
    for x in (0.0, block.width):
        _draw_shield(block, x, (y0, snap(via.y1 + limit("m5.3"))), [y0 + row for row in _via_rows(l_um)])
    return plate


def _draw_shield(block: Block, x: float, span: tuple[float, float], vias: list[float]) -> None:
    """A metal-5 line on vss along a cell's edge: membranes neither see their neighbours nor, in an outer column, miss one."""
    half = snap(MET5_WIDTH / 2)
    block.rect("met5", snap(x - half), span[0], snap(x + half), span[1])
    for y in vias:
        block.square("via4", x, y, VIA4)
