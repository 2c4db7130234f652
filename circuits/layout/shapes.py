"""What a cell has on each layer, as rectangles: for what is drawn around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import gdstk
import klayout.db as kdb

from nonideal.circuits.layout.block import Box
from nonideal.sky130_models.layers import LAYERS

DBU = 0.001
"""um"""


def region_of(cell: gdstk.Cell, layer: str) -> kdb.Region:
    """All that a cell and the cells in it have on a layer's drawing purpose, merged; in nm."""
    number = LAYERS[layer]
    found = kdb.Region()
    for polygon in cell.get_polygons(layer=number.gds_layer, datatype=number.drawing):
        found.insert(kdb.Polygon([kdb.Point(round(x / DBU), round(y / DBU)) for x, y in polygon.points]))
    return found.merged()


def boxes_of(region: kdb.Region, layer: str) -> tuple[Box, ...]:
    """A region of right angles as rectangles that touch and do not overlap."""
    found = []
    for trapezoid in region.decompose_trapezoids_to_region().each():
        box = trapezoid.bbox().to_dtype(DBU)
        corners = (round(value, 3) for value in (box.left, box.bottom, box.right, box.top))
        found.append(Box(layer, *corners))
    return tuple(found)


def region_from(boxes: Iterable[Box]) -> kdb.Region:
    """Boxes as a region, in nm."""
    found = kdb.Region()
    for box in boxes:
        found.insert(kdb.Box(*(round(value / DBU) for value in (box.x0, box.y0, box.x1, box.y1))))
    return found.merged()


def drawn_boxes(cell: gdstk.Cell, layers: Iterable[str]) -> Mapping[str, tuple[Box, ...]]:
    """What a cell has on these layers, as rectangles by layer."""
    return {layer: boxes_of(region_of(cell, layer), layer) for layer in layers}
