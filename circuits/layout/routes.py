"""Where lines on metal 2 may run upright through a cell: what is there already, and a free place beside a wish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.dimensions import VIA, limit, snap
from nonideal.circuits.layout.errors import LayoutError

WIDTH = 0.28
PITCH = WIDTH + 0.16
"""Of lines side by side: pads at their ends are no wider."""
PAST = 0.19
"""From a via's centre to the end of its line."""
GRID_X = 0.02
LAND = (0.36, 0.28)
"""A pad on metal 1 that a line comes down to: flat, as high as fits on a track."""
PAD_HALF, METAL_SPACE = 0.18, limit("m1.2")
ENDS = 0.17
"""What lines one above the other keep between their ends."""


@dataclass(slots=True)
class Uprights:
    """The lines of a cell between two x: (net, x, low y, high y); and the pads that they land on, on metal 1: (y, low x, high x)."""

    low_x: float
    high_x: float
    lines: list[tuple[str, float, float, float]] = field(default_factory=list)
    pads: list[tuple[float, float, float]] = field(default_factory=list)

    def take(self, net: str, x: float, y0: float, y1: float) -> None:
        """Note a line between these ends."""
        low, high = sorted((y0, y1))
        self.lines.append((net, x, low, high))

    def free(self, net: str, x: float, y0: float, y1: float) -> bool:
        """Whether a line has room here; those of its own net are no matter."""
        low, high = sorted((y0, y1))
        if not self.low_x <= x <= self.high_x:
            return False
        return all(
            other == net or abs(at - x) >= PITCH - 1e-6 or low - ENDS >= b or high + ENDS <= a
            for other, at, a, b in self.lines
        )

    def nearest(
        self,
        net: str,
        wish: float,
        y0: float,
        y1: float,
        most: float,
        fits: Callable[[float], bool] = lambda x: True,
    ) -> float:
        """The free place nearest to a wish, at most so far from it, that also ``fits``. Raises ``LayoutError`` where there is none."""
        for count in range(int(most / GRID_X) + 1):
            for x in (round(wish + count * GRID_X, 3), round(wish - count * GRID_X, 3)):
                if self.free(net, x, y0, y1) and fits(x):
                    return x
        raise LayoutError(
            f"no room for {net} on metal 2 within {most} um of {wish} um: make the cell wider (circuit.synapse)"
        )

    def has_pad(self, y: float, x0: float, x1: float) -> bool:
        """Whether a pad between two places has room on metal 1."""
        low, high = min(x0, x1) - PAD_HALF - METAL_SPACE, max(x0, x1) + PAD_HALF + METAL_SPACE
        return all(other != y or high <= a or b <= low for other, a, b in self.pads)

    def draw_pad(self, block: Block, x0: float, x1: float, y: float) -> None:
        """Draw a pad between two places of a track, and note it."""
        low, high = min(x0, x1) - PAD_HALF, max(x0, x1) + PAD_HALF
        self.pads.append((y, low, high))
        block.rect("met1", snap(low), snap(y - 0.14), snap(high), snap(y - 0.14) + 0.28)

    def draw(self, block: Block, net: str, x: float, y0: float, y1: float) -> None:
        """Draw a line whose vias are centred at both ends, and note it."""
        low, high = sorted((y0, y1))
        self.take(net, x, low - PAST, high + PAST)
        left = snap(x - WIDTH / 2)
        block.rect("met2", left, snap(low - PAST), left + WIDTH, snap(high + PAST))


def land(block: Block, x: float, y: float) -> None:
    """From metal 1 up to a line on metal 2: a flat pad, as high as fits on a track."""
    block.square("met1", x, y, *LAND)
    block.square("via", x, y, VIA)


def cross(block: Block, x0: float, x1: float, y: float) -> None:
    """From one upright line to another, on metal 3."""
    low, high = sorted((x0, x1))
    half = VIA / 2 + limit("m3.4") + 0.07
    block.rect("met3", snap(low - half), snap(y - 0.17), snap(high + half), snap(y - 0.17) + 0.34)
    for x in (x0, x1):
        block.square("via2", x, y, 0.2)
        block.square("met2", x, y, 0.28, 0.38)
