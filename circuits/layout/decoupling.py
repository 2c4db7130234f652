"""MOS capacitors: FETs too wide for a row of others, side by side between two rails of the substrate, over the whole height of a band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.dimensions import (
    DIFF_CONTACT_END,
    DIFF_TO_RAIL,
    GRID,
    IMPLANT_TO_RAIL,
    LICON,
    MCON,
    RAIL_HALF,
    TAP_HALF,
    WELL_PAST_P_DIFF,
    WELL_TO_N_DIFF,
    limit,
    snap,
    up,
)
from nonideal.circuits.layout.driver import Strip
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.fet_string import BAR, BUS, GAP, IMPLANT_PAST, LEFT, String, draw_string
from nonideal.circuits.layout.frame import draw_rail

WELL_PAST_TAP = up(TAP_HALF + limit("difftap.11") + 2 * GRID)
"""From a rail of the substrate to a well."""
P_START = round(WELL_PAST_TAP + WELL_PAST_P_DIFF, 3)
END = up(LICON / 2 + DIFF_CONTACT_END)


def widest_um(height: float) -> float:
    """The width of the widest FET that stands between two rails so far apart."""
    return round(height - RAIL_HALF - limit("m1.2") - BUS / 2 - BAR - max(P_START, DIFF_TO_RAIL), 3)


def decoupling(
    strings: Sequence[String], height: float, vdd_y: float, *, name: str = "decoupling"
) -> tuple[Block, list[tuple[str, Box]]]:
    """Capacitors of one FET each, P at the left end, where the well goes on into what stands there, then N; (net, box) of their gates.

    vss below and above, vdd on metal 1 at ``vdd_y``. Raises ``LayoutError`` for FETs that are too wide.
    """
    block = Block.named(name)
    n, p = ([one for one in strings if one.polarity == kind] for kind in "np")
    if lost := [one for one in strings if one.size.w_um > widest_um(height) or one.count != 1]:
        raise LayoutError(
            f"{lost[0].name}: a capacitor of w_um = {lost[0].size.w_um} in a band that has room for {widest_um(height)}: make it longer"
        )
    pins: list[tuple[str, Box]] = []
    x, well = GAP, 0.0
    turned = Strip(block, height, round(P_START - DIFF_TO_RAIL, 3), 0.0, 0.0)
    for one in p:
        # Its rail is no tap: drain and source go up to metal 1, and down to the line that crosses.
        pins += [pin for pin in draw_string(turned, replace(one, rail=""), x) if pin[0] == one.gate]
        first = round(x + LEFT, 3)
        last = round(first + one.pitch, 3)
        for column in (first, last):
            block.square("mcon", column, vdd_y, MCON)
        # Its implant is one with that of the tap below.
        block.rect("psdm", first - IMPLANT_PAST, IMPLANT_TO_RAIL - GRID, last + IMPLANT_PAST, P_START)
        well = round(last + END + WELL_PAST_P_DIFF, 3)
        x = round(max(x + one.width + GAP, well + WELL_TO_N_DIFF + END - LEFT), 3)
    if p:
        tallest = max(one.size.w_um for one in p)
        block.rect("nwell", 0.0, WELL_PAST_TAP, well, snap(P_START + tallest + WELL_PAST_P_DIFF))
    strip = Strip(block, 0.0, height, 0.0, 0.0)
    for one in n:
        pins += draw_string(strip, one, x)
        x = round(x + one.width + GAP, 3)
    block.width, block.height = x, height
    draw_rail(block, x, 0.0, "psdm", [])
    draw_rail(block, x, height, "psdm")
    block.rect("met1", 0.0, vdd_y - RAIL_HALF, x, vdd_y + RAIL_HALF)
    return block, pins
