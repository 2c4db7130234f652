"""Rows of strings of FETs: which string goes where, and a row drawn with its rails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from nonideal.circuits.cells.contract import Device
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.dimensions import (
    DIFF_TO_RAIL,
    up,
)
from nonideal.circuits.layout.driver import Strip
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.fet_string import BETWEEN, GAP, String, draw_opening, draw_string

EDGE = 0.6
"""From a row's end to its first string: diffusions keep from the neighbour's well."""
LEAST_PIECE = 4
"""Gates that a string is not cut below."""
RAILS = {"n": "vss", "p": "vdd"}


@dataclass(slots=True)
class Shelf:
    """One side of a row between ``start`` and ``end``: what stands there, each at its left end; nothing wider than ``most_um`` across."""

    polarity: str
    start: float
    end: float
    most_um: float = float("inf")
    items: list[tuple[float, String]] = field(default_factory=list)

    @property
    def height(self) -> float:
        return max((item.height_um for _, item in self.items), default=0.0)

    def fill(self, queue: list[String]) -> None:
        """Take from the queue what has room, in its order, the last one in part; what is left stays there."""
        x, index = self.start, 0
        while index < len(queue):
            item, room = queue[index], self.end - x
            if item.height_um > self.most_um + 1e-9:
                index += 1
            elif item.width <= room + 1e-9:
                self.items.append((round(x, 3), queue.pop(index)))
                x = round(x + item.width + GAP, 3)
            else:
                here = item.fitting(room)
                if here >= LEAST_PIECE and item.count - here >= LEAST_PIECE:
                    piece, queue[index] = item.split(here)
                    self.items.append((round(x, 3), piece))
                    x = round(x + piece.width + GAP, 3)
                index += 1


Sides = tuple[Shelf, Shelf]
"""The N and the P side of a part of a row."""


def strings_of(devices: Iterable[Device]) -> list[String]:
    """The devices as strings: groups of units on one drain and gate are one."""
    found: list[String] = []
    for device in devices:
        one = _string(device)
        for index, other in enumerate(found):
            if _joins(other, one):
                found[index] = replace(other, inner=(*other.inner, *one.inner))
                break
        else:
            found.append(one)
    return found


def _string(device: Device) -> String:
    drain, gate, source, _ = device.nodes
    kind = device.model.removeprefix("sky130_fd_pr__")
    polarity, rail = kind[0], RAILS[kind[0]]
    _, _, threshold = kind.partition("01v8_")
    if drain == rail:
        drain, source = source, drain
    return String(
        device.role, polarity, threshold, device.size, gate, drain, ((source, device.units or 1),), rail
    )


def _joins(one: String, other: String) -> bool:
    alike = ("polarity", "threshold", "size", "gate", "outer")
    sources = [net for net, _ in (*one.inner, *other.inner)]
    return (
        all(getattr(one, name) == getattr(other, name) for name in alike)
        and all(many % 2 == 0 for _, many in (*one.inner, *other.inner))
        and len(set(sources)) == len(sources)
        and not {one.rail, one.outer} & set(sources)
    )


def row_height(n_um: float, p_um: float) -> float:
    """From rail to rail, of a row of FETs no wider than this."""
    return up(2 * DIFF_TO_RAIL + n_um + p_um + BETWEEN)


def draw_row(
    name: str,
    row: Sequence[Sides],
    width: float,
    *,
    upside_down: bool,
    vss_x: Sequence[float] | None = None,
    vdd_x: Sequence[float] | None = None,
) -> tuple[Block, list[tuple[str, Box]]]:
    """A row of one or several parts between rails, vss below or, upside down, above; (net, box) of what its strings are reached by.

    ``vss_x`` and ``vdd_x``: contacts of the rails' taps, evenly spaced unless given; neighbours that share a rail contact it once.
    """
    n_um, p_um = (max(part[side].height for part in row) for side in (0, 1))
    block = Block.named(name, width, row_height(n_um, p_um))
    ends = (block.height, 0.0) if upside_down else (0.0, block.height)
    strip = Strip(block, *ends, n_um, p_um)
    strip.bare_frame(width, vss_x, vdd_x)
    return block, [pin for part in row for pin in draw_shelves(strip, part)]


def draw_shelves(strip: Strip, both: Sides) -> list[tuple[str, Box]]:
    """What stands on both sides of a strip whose frame is the caller's; (net, box) of its pins. Raises ``LayoutError``."""
    height = abs(strip.vdd_y - strip.vss_y)
    least = row_height(both[0].height, both[1].height)
    if least > height + 1e-9:
        raise LayoutError(f"{strip.block.cell.name}: a row of {height} um for FETs that need {least} um")
    pins: list[tuple[str, Box]] = []
    opening = draw_opening(strip, both[0].start, both[0].end)
    if both[0].items:
        strip.implant(strip.n, both[0].start, both[0].end, strip.n_width)
    for x, item in (*both[0].items, *both[1].items):
        pins += draw_string(strip, item, x, opening)
    return pins


def gate_only(strings: Iterable[String], gates: Iterable[str], held: Iterable[str]) -> list[str]:
    """Nets that are on gates, of these strings or others, and on no drain or source; ``held`` are nets that something else holds."""
    known = [*strings]
    on = {*held} | {net for one in known for net in (one.outer, *(inner for inner, _ in one.inner))}
    return [net for net in dict.fromkeys([*gates, *(one.gate for one in known)]) if net not in on]
