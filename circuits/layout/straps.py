"""Supply straps: upright lines on metal 2 that join the rails of all rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .block import Block, Box
from .contacts import stack
from .dimensions import RAIL_HALF, snap

STRAP = 0.4
STRAP_PITCH = 0.8


def draw_straps(block: Block, xs: Mapping[str, float], rails: Sequence[tuple[str, float]], reach: float) -> dict[str, Box]:
    """Draw a strap for each net at its x, joined to the rails of that net, which are lengthened to the farthest strap.

    `rails` are (net, y); `reach` is the x where the rails begin now.
    """
    far = min(xs.values()) - STRAP if min(xs.values()) < reach else max(xs.values()) + STRAP
    low, high = min(y for _, y in rails), max(y for _, y in rails)
    straps = {}
    for net, x in xs.items():
        left = snap(x - STRAP / 2)
        straps[net] = block.rect("met2", left, snap(low - STRAP / 2), left + STRAP, snap(high + STRAP / 2))
    for net, y in rails:
        block.rect("met1", snap(min(far, reach)), snap(y - RAIL_HALF), snap(max(far, reach)), snap(y + RAIL_HALF))
        stack(block, xs[net], y, "met1", "met2")
    return straps
