"""What is routed, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nonideal.circuits.box import Box
from nonideal.circuits.errors import CircuitError

METALS = ("met1", "met2", "met3", "met4")
"""Layers that wires may lie on, from below."""
CUTS = ("mcon", "via", "via2", "via3")
"""Cuts below each of them."""


class RoutingError(CircuitError):
    """Nets that cannot be routed, or nets, pins or shapes that make no sense; the message names them."""


@dataclass(frozen=True, slots=True)
class Net:
    """A net to be joined: each of its pins is a tuple of boxes of which any will do, on li1 or met1 to met4.

    ``width_um`` gives wires their width by layer, at least the process's; where a pin is narrower, wires near it are thin.
    ``clearance_um`` is kept to shapes of other nets where that is more than the process asks, but not near pins.
    """

    name: str
    pins: tuple[tuple[Box, ...], ...]
    width_um: Mapping[str, float] | None = None
    clearance_um: float = 0.0


@dataclass(frozen=True, slots=True)
class Wire:
    """What joins a net: boxes of metals and of cuts, on the 10 nm grid; they overlap each other."""

    net: str
    boxes: tuple[Box, ...]
