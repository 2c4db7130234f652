"""A rectangle of a layout."""

from __future__ import annotations

from dataclasses import dataclass

MIRROR = 0.01
"""How far a mirrored block is moved: contacts of odd size lie 5 nm off a rail's centre, and must fall on their mirror images."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a layer, in um."""

    layer: str
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def x(self) -> float:
        return (self.x0 + self.x1) / 2

    @property
    def y(self) -> float:
        return (self.y0 + self.y1) / 2

    def moved(self, dx: float, dy: float, *, mirrored: bool = False) -> Box:
        """Where the box lies in a parent that places its block at (dx, dy), as Block.place does."""
        dy += MIRROR if mirrored else 0.0
        low, high = (-self.y1, -self.y0) if mirrored else (self.y0, self.y1)
        return Box(self.layer, self.x0 + dx, low + dy, self.x1 + dx, high + dy)
