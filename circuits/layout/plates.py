"""Lower plates of capacitors between metals 3 and 4: wires keep further from them than from other metal."""

from __future__ import annotations

import gdstk

from nonideal.circuits.layout.block import Box
from nonideal.circuits.layout.dimensions import limit
from nonideal.circuits.layout.shapes import DBU, boxes_of, region_of

PLATE_SPACE, METAL_SPACE = limit("capm.2b"), limit("m3.2")


def round_plates(cell: gdstk.Cell) -> tuple[Box, ...]:
    """Where no wire may lie on metal 3, for wires that keep the distance of metals from what is drawn."""
    plates = region_of(cell, "met3").interacting(region_of(cell, "capm"))
    return boxes_of(plates.sized(round((PLATE_SPACE - METAL_SPACE) / DBU)), "met3")
