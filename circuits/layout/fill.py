"""Fill: squares that hang on nothing, where a layer is empty, so that it is dense enough everywhere.

They float: no net touches them, so that neither LVS nor an antenna sees them. They keep off what is given as ``keep_out`` (membranes,
capacitors), and further from wires than the rules ask, for they couple what lies around them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import gdstk
import klayout.db as kdb

from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.shapes import DBU, region_from, region_of
from nonideal.sky130_models.layers import LAYERS


@dataclass(frozen=True, slots=True)
class Fill:
    """Squares of a layer: their sides, largest first, the space between them, and how far from anything else they stay; in um."""

    layer: str
    sides_um: tuple[float, ...]
    space_um: float
    keep_um: float


FILLS = (
    Fill("li1", (2.0, 1.0), 0.4, 0.4),
    Fill("met1", (2.0, 1.0), 0.5, 0.5),
    Fill("met2", (2.0, 1.0), 0.5, 0.5),
    Fill("met3", (2.0, 1.0), 0.6, 0.6),
    Fill("met4", (2.0, 1.0), 0.6, 0.6),
)
"""As dense as two thirds, with squares below the width from which metal needs more space."""


def draw_fill(
    block: Block,
    area: tuple[float, float, float, float],
    keep_out: Mapping[str, Iterable[Box]],
    fills: Sequence[Fill] = FILLS,
) -> dict[str, int]:
    """Fill what is empty of a block inside ``area`` (x0, y0, x1, y1); how many squares, by layer. ``keep_out`` by layer: boxes that stay empty."""
    counts = {}
    for fill in fills:
        room = kdb.Region(kdb.Box(*(round(value / DBU) for value in area)))
        taken = region_of(block.cell, fill.layer).sized(round(fill.keep_um / DBU))
        room -= taken + region_from(keep_out.get(fill.layer, ()))
        counts[fill.layer] = 0
        for side_um in fill.sides_um:
            counts[fill.layer] += _squares(block, fill, side_um, room)
    return counts


def _squares(block: Block, fill: Fill, side_um: float, room: kdb.Region) -> int:
    """Draw squares of a side on a grid of their pitch wherever they fit, as references of one cell, and take them out of the room."""
    pitch = round((side_um + fill.space_um) / DBU)
    side, space = round(side_um / DBU), round(fill.space_um / DBU)
    square = gdstk.Cell(f"{block.cell.name}_fill_{fill.layer}_{side}")
    number = LAYERS[fill.layer]
    square.add(gdstk.rectangle((0, 0), (side_um, side_um), layer=number.gds_layer, datatype=number.drawing))
    taken = kdb.Region()
    count = 0
    for x, y, columns in _runs(room, side, pitch):
        block.cell.add(
            gdstk.Reference(square, (x * DBU, y * DBU), columns=columns, rows=1, spacing=(pitch * DBU, 0.0))
        )
        taken.insert(
            kdb.Box(x - space, y - space, x + (columns - 1) * pitch + side + space, y + side + space)
        )
        count += columns
    room -= taken
    return count


def _runs(room: kdb.Region, side: int, pitch: int) -> Iterable[tuple[int, int, int]]:
    """(x, y, how many) of squares in a row, on a grid, that lie wholly inside."""
    inside = room.bbox()
    for y in range(inside.bottom, inside.top - side + 1, pitch):
        strip = kdb.Region(kdb.Box(inside.left, y, inside.right, y + side))
        blocked = (strip - room).merged()
        free = strip - _full_height(blocked, y, y + side)
        for box in (one.bbox() for one in free.merged().each()):
            first = -(-(box.left - inside.left) // pitch) * pitch + inside.left
            columns = (box.right - side - first) // pitch + 1
            if columns > 0:
                yield first, y, columns


def _full_height(blocked: kdb.Region, bottom: int, top: int) -> kdb.Region:
    found = kdb.Region()
    for box in (one.bbox() for one in blocked.each()):
        found.insert(kdb.Box(box.left, bottom, box.right, top))
    return found.merged()
