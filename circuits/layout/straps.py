"""Supply straps: wide upright lines on metal 2, or above it, that join the rails of all rows, a few ohms from end to end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import stack
from nonideal.circuits.layout.dimensions import RAIL_HALF, VIA, limit, snap, up

STRAP = 2.8  # below the 3 um from which metal needs more space
STRAP_PITCH = 3.2
VIA_PITCH = up(VIA + limit("via.2"))
VIA_MARGIN = 0.15
STACKS_X = (-0.9, 0.0, 0.9)
"""Of a strap on a higher metal: where it is led down to rails."""


def draw_straps(
    block: Block,
    xs: Mapping[str, float],
    rails: Sequence[tuple[str, float]],
    reach: float,
    metal: str = "met2",
) -> dict[str, Box]:
    """Draw a strap for each net, centred at its x and joined by a row of vias to the rails of that net.

    `rails` are (net, y); all of them are lengthened from `reach`, where they end now, to the farthest strap.
    """
    edges = [x + side * STRAP / 2 for x in xs.values() for side in (-1, 1)]
    far = min(edges) if min(edges) < reach else max(edges)
    low, high = min(y for _, y in rails), max(y for _, y in rails)
    straps = {}
    for net, x in xs.items():
        left = snap(x - STRAP / 2)
        straps[net] = block.rect(metal, left, snap(low - RAIL_HALF), left + STRAP, snap(high + RAIL_HALF))
    count = int((STRAP - 2 * VIA_MARGIN - VIA) / VIA_PITCH) + 1
    for net, y in rails:
        block.rect(
            "met1", snap(min(far, reach)), snap(y - RAIL_HALF), snap(max(far, reach)), snap(y + RAIL_HALF)
        )
        if metal != "met2":
            for dx in STACKS_X:
                stack(block, round(xs[net] + dx, 3), y, "met1", metal)
            continue
        for index in range(count):
            block.square("via", xs[net] - STRAP / 2 + VIA_MARGIN + VIA / 2 + index * VIA_PITCH, y, VIA)
    return straps
