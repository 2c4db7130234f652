"""What a layout holds: its area, and how many of each cell."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import gdstk

from .block import Block


@dataclass(frozen=True, slots=True)
class Inventory:
    """Area of the box round a layout in um2, its sides in um, and the number of placements of every cell below it."""

    cell: str
    area_um2: float
    width_um: float
    height_um: float
    cells: dict[str, int]

    def to_json(self) -> dict[str, object]:
        return {
            "cell": self.cell,
            "area_um2": round(self.area_um2, 2),
            "width_um": round(self.width_um, 3),
            "height_um": round(self.height_um, 3),
            "cells": self.cells,
        }


def inventory(block: Block) -> Inventory:
    """Take stock of a block."""
    box = block.cell.bounding_box() or ((0.0, 0.0), (0.0, 0.0))
    counts: Counter[str] = Counter()
    _count(block.cell, 1, counts)
    width, height = float(box[1][0] - box[0][0]), float(box[1][1] - box[0][1])
    return Inventory(block.cell.name, width * height, width, height, dict(sorted(counts.items())))


def _count(cell: gdstk.Cell, times: int, counts: Counter[str]) -> None:
    for reference in cell.references:
        repeated = max(1, reference.repetition.size)
        counts[reference.cell.name] += times * repeated
        _count(reference.cell, times * repeated, counts)
