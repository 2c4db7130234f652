"""The drawing of standard cells: what goes onto masks, and which of their metal belongs to which pin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import gdstk
import klayout.db as kdb

from nonideal.circuits.digital.cells import ROW_UM, StandardCell
from nonideal.circuits.digital.errors import DigitalError
from nonideal.circuits.drc.regions import MARKS
from nonideal.circuits.layout.block import Box
from nonideal.sky130_models.layers import LAYERS

METALS = ("mcon", "met1")
"""What of a cell lies in the way of wires; local interconnect is below them."""
NM = 1000


@dataclass(slots=True)
class CellLayouts:
    """The drawings of cells by name, each read once."""

    cells: dict[str, gdstk.Cell] = field(default_factory=dict)

    def drawn(self, made: StandardCell) -> gdstk.Cell:
        """A cell with its mask layers and its marker: neither labels nor pin shapes. Raises ``DigitalError`` for a file of other content."""
        if made.name not in self.cells:
            library = gdstk.read_gds(made.file(".gds"))
            found = [one for one in library.cells if isinstance(one, gdstk.Cell) and one.name == made.name]
            if len(found) != 1 or found[0].references:
                raise DigitalError(f"{made.file('.gds')} does not hold the cell {made.name} alone")
            kept = {(layer.gds_layer, layer.drawing) for layer in LAYERS.values()} | set(MARKS.values())
            drawn = gdstk.Cell(made.name)
            drawn.add(*(one for one in found[0].get_polygons() if (one.layer, one.datatype) in kept))
            self.cells[made.name] = drawn
        return self.cells[made.name]

    def metal(self, made: StandardCell) -> list[tuple[str, Box]]:
        """(pin or "", box) of its metal and of the cuts to it."""
        drawn = self.drawn(made)
        regions = {}
        for name in METALS:
            number = (LAYERS[name].gds_layer, LAYERS[name].drawing)
            points = (one.points for one in drawn.polygons if (one.layer, one.datatype) == number)
            regions[name] = kdb.Region([_polygon(one) for one in points]).merged()
        found: list[tuple[str, Box]] = []
        for polygon in regions["met1"].each():
            piece = kdb.Region(polygon)
            pin = _pin_of(piece, made.shapes)
            parts = (
                ("met1", piece.decompose_trapezoids_to_region()),
                ("mcon", regions["mcon"].inside(piece)),
            )
            found += [(pin, _box(name, one.bbox())) for name, region in parts for one in region.each()]
        bare = regions["mcon"].outside(regions["met1"])
        return found + [("", _box("mcon", one.bbox())) for one in bare.each()]


def placed(box: Box, x_um: float, row: int) -> Box:
    """Where a cell's box lies whose left edge is at ``x_um`` in a row; every other row is upside down."""
    low, high = (ROW_UM - box.y1, ROW_UM - box.y0) if row % 2 else (box.y0, box.y1)
    y = row * ROW_UM
    return Box(box.layer, *(round(value, 3) for value in (box.x0 + x_um, low + y, box.x1 + x_um, high + y)))


def _pin_of(piece: kdb.Region, shapes: Mapping[str, tuple[Box, ...]]) -> str:
    for pin, boxes in shapes.items():
        for box in boxes:
            corners = (round(value * NM) for value in (box.x0, box.y0, box.x1, box.y1))
            if box.layer == "met1" and not (piece & kdb.Region(kdb.Box(*corners))).is_empty():
                return pin
    return ""


def _polygon(points: Iterable[tuple[float, float]]) -> kdb.Polygon:
    return kdb.Polygon([kdb.Point(round(x * NM), round(y * NM)) for x, y in points])


def _box(layer: str, box: kdb.Box) -> Box:
    return Box(layer, *(value / NM for value in (box.left, box.bottom, box.right, box.top)))
