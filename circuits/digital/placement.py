"""Cells in rows: a floor plan of rows with their taps, and the places that annealing finds in it."""

from __future__ import annotations

import ctypes
import math
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.digital.cells import DIODE, ROW_UM, SITE_UM
from nonideal.circuits.digital.errors import DigitalError
from nonideal.circuits.digital.netlist import Netlist
from nonideal.files.compiled import compiled, why_not

TAP_PITCH_SITES = 56
"""Between taps of one row; the next row's lie in their middle. Every place has one within 14 um, where the process asks for 15."""
EVEN = 1.15
"""A segment is filled by at most so much more than the average, so that wires find room everywhere, unless cells do not fit then."""
APART_SITES = 1
"""Left free at every cell's right: pins of two cells that abut are in the way of each other's wires."""
MOVES = 6000
Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FloorPlan:
    """Rows of so many sites, their number even, so that ground runs along both edges. Raises ``DigitalError`` for another."""

    rows: int
    sites: int

    def __post_init__(self) -> None:
        if self.rows < 2 or self.rows % 2 or self.sites < TAP_PITCH_SITES:
            raise DigitalError(
                f"{self.rows} rows of {self.sites} sites: an even number of rows, of {TAP_PITCH_SITES} sites at least"
            )

    @classmethod
    def within(cls, width_um: float, height_um: float) -> FloorPlan:
        """As many rows and sites as an outline has room for."""
        return cls(2 * math.floor(height_um / ROW_UM / 2 + 1e-6), math.floor(width_um / SITE_UM + 1e-6))

    @property
    def width_um(self) -> float:
        return round(self.sites * SITE_UM, 3)

    @property
    def height_um(self) -> float:
        return round(self.rows * ROW_UM, 3)

    def taps(self, row: int) -> list[int]:
        """Sites of the taps of a row: its ends, and between them every ``TAP_PITCH_SITES``, staggered from row to row."""
        first = TAP_PITCH_SITES if row % 2 else TAP_PITCH_SITES // 2
        inner = range(first, self.sites - 4, TAP_PITCH_SITES)
        return [0, *inner, self.sites - 1]

    def segments(self) -> list[tuple[int, int, int]]:
        """(row, first site, sites) of everything between taps."""
        found = []
        for row in range(self.rows):
            taps = self.taps(row)
            found += [(row, one + 1, other - one - 1) for one, other in pairwise(taps)]
        return found


@dataclass(frozen=True, slots=True)
class Placed:
    """Where every instance of a netlist lies: row and first site, in the netlist's order; the half perimeter of all nets."""

    netlist: Netlist
    plan: FloorPlan
    rows: tuple[int, ...]
    sites: tuple[int, ...]
    length_um: float

    @property
    def utilisation(self) -> float:
        """Cells against rows."""
        return self.netlist.area_um2 / (self.plan.width_um * self.plan.height_um)

    def centre_um(self, index: int) -> tuple[float, float]:
        """The middle of an instance."""
        x = (self.sites[index] + self.netlist.instances[index].standard.sites / 2) * SITE_UM
        return x, (self.rows[index] + 0.5) * ROW_UM


def place(
    netlist: Netlist,
    plan: FloorPlan,
    pins_um: Mapping[str, tuple[float, float]],
    seed: int = 1,
    *,
    apart: frozenset[str] = frozenset(),
    moves_a_cell: int = MOVES,
) -> Placed:
    """Place a netlist whose ports are at ``pins_um``; nets of ``apart`` pull at no cell. Raises ``DigitalError`` where it does not fit."""
    widths = _ints([one.standard.sites + APART_SITES for one in netlist.instances])
    segments = plan.segments()
    room = sum(sites for _, _, sites in segments)
    filled = float(widths.sum()) / room
    most = [min(sites, math.ceil(sites * filled * EVEN) + 2) for _, _, sites in segments]
    starts, cells, dx, dy = _pins(netlist, pins_um, apart)
    weights = np.ones(len(starts) - 1)
    rows, sites = _ints(np.zeros(len(widths))), _ints(np.zeros(len(widths)))
    length = ctypes.c_double()
    columns = [_ints([one[k] for one in segments]) for k in range(3)]
    failed = _loaded().placement_run(
        len(widths), _pointer(widths), len(segments), *map(_pointer, (*columns, _ints(most))), len(weights),
        *map(_pointer, (starts, cells, dx, dy, weights)), seed, moves_a_cell, _pointer(rows), _pointer(sites), ctypes.byref(length),
    )  # fmt: skip
    if failed:
        raise DigitalError(
            f"cells of {netlist.area_um2:.0f} um2 do not fit into {plan.rows} rows of {plan.width_um} um ({filled:.0%} filled): give more rows"
        )
    return Placed(netlist, plan, tuple(rows.tolist()), tuple(sites.tolist()), length.value)


def _pins(
    netlist: Netlist, pins_um: Mapping[str, tuple[float, float]], apart: frozenset[str]
) -> tuple[Array, Array, NDArray[np.float64], NDArray[np.float64]]:
    """Pins of every net that pulls: of cells relative to their corner, of ports where they are."""
    ends: dict[str, list[tuple[int, float, float]]] = {}
    for index, one in enumerate(netlist.instances):
        for pin, net in one.nets.items():
            boxes = one.standard.shapes[pin]
            x = (min(box.x0 for box in boxes) + max(box.x1 for box in boxes)) / 2
            ends.setdefault(net, []).append((index, x, ROW_UM / 2))
    for net, (x, y) in pins_um.items():
        ends.setdefault(net, []).append((-1, x, y))
    for index, one in enumerate(netlist.instances):
        if one.cell.endswith(DIODE):  # beside the gate that it protects, not anywhere on the net
            (net,) = one.nets.values()
            gate = next(end for end in ends[net] if end[0] not in (index, -1))
            ends[f"{one.name} at its gate"] = [gate, (index, SITE_UM, ROW_UM / 2)] * 2
    lists = [found for net, found in ends.items() if net not in apart and len(found) > 1]
    flat = [end for found in lists for end in found]
    starts = _ints([0, *np.cumsum([len(found) for found in lists])])
    return (
        starts,
        _ints([end[0] for end in flat]),
        np.array([end[1] for end in flat]),
        np.array([end[2] for end in flat]),
    )


@cache
def _loaded() -> ctypes.CDLL:
    try:
        path = compiled(Path(__file__).parent / "native", ("placement.cpp",), "placement of cells")
    except (OSError, subprocess.SubprocessError) as error:
        raise DigitalError(
            f"the placement cannot be compiled: {why_not(error)}; run `make setup` or install g++"
        ) from error
    native = ctypes.CDLL(str(path))
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    native.placement_run.restype = number
    native.placement_run.argtypes = [
        number, pointer, number, *([pointer] * 4), number, *([pointer] * 5), number, number, *([pointer] * 3),
    ]  # fmt: skip
    return native


def _ints(values: object) -> Array:
    return np.array(values, dtype=np.int64)


def _pointer(array: NDArray[Any]) -> int:
    return int(array.ctypes.data)
