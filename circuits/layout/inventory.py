"""What a layout holds: its area, and how many of each cell."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import gdstk

from nonideal.circuits.layout.block import Block


@dataclass(frozen=True, slots=True)
class Inventory:
    """Area of the box round a layout in um2, its sides in um, the number of placements of every cell below it, and its named
    regions [x0, y0, x1, y1] in um from the box's lower left corner.
    """

    cell: str
    area_um2: float
    width_um: float
    height_um: float
    cells: dict[str, int]
    regions_um: dict[str, list[float]]

    def to_json(self) -> dict[str, object]:
        return {
            "cell": self.cell,
            "area_um2": round(self.area_um2, 2),
            "width_um": round(self.width_um, 3),
            "height_um": round(self.height_um, 3),
            "cells": self.cells,
            "regions_um": self.regions_um,
        }


def inventory(block: Block) -> Inventory:
    """Take stock of a block."""
    box = block.cell.bounding_box() or ((0.0, 0.0), (0.0, 0.0))
    counts: Counter[str] = Counter()
    _count(block.cell, 1, counts)
    width, height = float(box[1][0] - box[0][0]), float(box[1][1] - box[0][1])
    x, y = (float(corner) for corner in box[0])
    regions = {
        name: [round(side, 3) for side in (x0 - x, y0 - y, x1 - x, y1 - y)]
        for name, (x0, y0, x1, y1) in block.regions.items()
    }
    return Inventory(block.cell.name, width * height, width, height, dict(sorted(counts.items())), regions)


def _count(cell: gdstk.Cell, times: int, counts: Counter[str]) -> None:
    for reference in cell.references:
        repeated = max(1, reference.repetition.size)
        counts[reference.cell.name] += times * repeated
        _count(reference.cell, times * repeated, counts)
