"""What a technology's sidewall coefficient says: the coupling of two lines side by side, or that of each of the two edges.

Two lines of one layer, a distance d apart, couple by `length * coefficient / (d + offset)`, the coefficient being the technology's
(met1: 44 aF um, offset 0.25 um). `full` counts this once. `halved` counts half of it, as klayout-pex 0.6.12 and magic from 8.3.679
on do by themselves. A field solution of such lines (`tests/circuits/layout/test_sidewall.py`) says `full`.
"""

from __future__ import annotations

from typing import Literal

Sidewall = Literal["full", "halved"]
DEFAULT: Sidewall = "full"
KPEX_FACTOR: dict[Sidewall, float] = {"full": 2.0, "halved": 1.0}
"""What the technology's sidewall coefficients are multiplied by before the pinned kpex, which halves, reads them."""
MAGIC_HALVES_FROM = (8, 3, 679)


def of_magic(version: tuple[int, ...]) -> Sidewall:
    """The convention of a version of magic."""
    return "halved" if version >= MAGIC_HALVES_FROM else "full"
