"""The frame of a row: supply rails, well and substrate taps, n-well. Rows abut sideways and, mirrored, upwards."""

from __future__ import annotations

from collections.abc import Sequence

from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.dimensions import (
    IMPLANT,
    IMPLANT_TO_RAIL,
    LICON,
    MCON,
    RAIL_HALF,
    TAP_HALF,
    WELL_PAST_RAIL,
    limit,
    snap,
)

CONTACT_PITCH = MCON + limit("ct.2") + 0.02
TAP_PITCH = 2.0  # between contacts of a tap, where no others are asked for


def row_frame(
    block: Block,
    width: float,
    height: float,
    well_y: float,
    *,
    bottom: float = 0.0,
    up: int = 1,
    vss_x: Sequence[float] | None = None,
    vdd_x: Sequence[float] | None = None,
) -> None:
    """Draw the frame of one row, vss rail centred at `bottom`, vdd rail `height` away upwards (up=1) or downwards (up=-1).

    `well_y` is the distance from the vss rail to the n-well's edge. The taps run under both rails along the whole row,
    so that no diffusion is far from one (LU.2, LU.3) and neighbouring rows share them. `vss_x` and `vdd_x` say where
    the rails meet them: best next to the sources, for a rail's metal is far better than its tap's local interconnect.
    """

    def rect(layer: str, x0: float, y0: float, x1: float, y1: float) -> None:
        a, b = sorted((bottom + up * y0, bottom + up * y1))
        block.rect(layer, x0, a, x1, b)

    side = limit("difftap.10") + 0.02
    rect("nwell", -side, well_y, width + side, height + WELL_PAST_RAIL)
    for rail, implant, contacts in ((0.0, "psdm", vss_x), (height, "nsdm", vdd_x)):
        draw_rail(block, width, round(bottom + up * rail, 3), implant, contacts)


def draw_rail(
    block: Block, width: float, y: float, implant: str, contacts: Sequence[float] | None = None
) -> None:
    """Draw one rail centred at y, its tap below it: ``psdm`` in the substrate, ``nsdm`` in a well that is the caller's."""
    block.rect("met1", 0.0, y - RAIL_HALF, width, y + RAIL_HALF)
    block.rect("li1", 0.0, y - 0.09, width, y + 0.09)
    block.rect("tap", 0.0, y - TAP_HALF, width, y + TAP_HALF)
    block.rect(implant, -IMPLANT, y - IMPLANT_TO_RAIL, width + IMPLANT, y + IMPLANT_TO_RAIL)
    for centre in evenly(width) if contacts is None else contacts:
        left, low = snap(centre - LICON / 2), snap(y - LICON / 2)
        block.rect("licon1", left, low, left + LICON, low + LICON)
        block.rect("mcon", left, low, left + MCON, low + MCON)


def evenly(width: float) -> list[float]:
    """Contact positions evenly along a rail."""
    count = max(1, round(width / TAP_PITCH))
    return [width * (index + 0.5) / count for index in range(count)]


def spaced(wanted: Sequence[float], width: float) -> list[float]:
    """Those of the wanted contact positions, the more important first, that keep clear of the ones before and of the edges."""
    kept: list[float] = []
    for x in wanted:
        if CONTACT_PITCH / 2 <= x <= width - CONTACT_PITCH / 2 and all(
            abs(x - other) >= CONTACT_PITCH for other in kept
        ):
            kept.append(x)
    return kept
