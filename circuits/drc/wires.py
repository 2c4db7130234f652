"""Wires that would break an antenna rule, found before they are drawn for good, and led in another way.

What a metal's etch lays bare counts with what the layers below have joined. A wire that comes from its gates on metal 3 and reaches its driver,
or its diode, on metal 4 alone hangs on the gates while metal 3 is etched. Led without metal 4 it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import gdstk
import klayout.db as kdb

from nonideal.circuits.drc.antenna import antennas
from nonideal.circuits.drc.regions import Regions
from nonideal.circuits.routing import RoutingError, Wire
from nonideal.circuits.routing.nets import METALS
from nonideal.sky130_models.antenna import ANTENNA_RULES
from nonideal.sky130_models.layers import LAYERS

DBU_UM = 0.001
BELOW = (METALS[:3], METALS[:2])
"""On which metals a wire is tried anew, one after the other."""
Again = Callable[[str, Sequence[Wire], Sequence[str]], Wire]
"""A net's wire beside these others, on these metals. Raises ``RoutingError``."""


def safe(cell: gdstk.Cell, wires: Iterable[Wire], again: Again) -> tuple[Wire, ...]:
    """Wires of a cell, those that break an antenna rule led anew; one for which there is no other way stays as it is."""
    found = list(wires)
    for name in sorted(exposed(cell, found)):
        place = next(k for k, one in enumerate(found) if one.net == name)
        others = [one for one in found if one.net != name]
        for metals in BELOW:
            try:
                made = again(name, others, metals)
            except RoutingError:
                continue
            if name not in exposed(cell, [*others, made]):
                found[place] = made
                break
    return tuple(found)


def exposed(cell: gdstk.Cell, wires: Iterable[Wire]) -> set[str]:
    """Nets of these wires, drawn into a cell, that break an antenna rule."""
    layout = kdb.Layout()
    layout.dbu = DBU_UM
    top = layout.create_cell(cell.name)
    for layer in LAYERS.values():
        index = layout.layer(layer.gds_layer, layer.drawing)
        for polygon in cell.get_polygons(layer=layer.gds_layer, datatype=layer.drawing):
            points = [kdb.DPoint(float(x), float(y)) for x, y in polygon.points]
            top.shapes(index).insert(kdb.DPolygon(points))
    names = set()
    for wire in wires:
        names.add(wire.net)
        for box in wire.boxes:
            layer = LAYERS[box.layer]
            drawn = kdb.DBox(box.x0, box.y0, box.x1, box.y1)
            top.shapes(layout.layer(layer.gds_layer, layer.drawing)).insert(drawn)
            if box.layer in METALS and layer.label is not None:
                index = layout.layer(layer.gds_layer, layer.label)
                top.shapes(index).insert(kdb.DText(wire.net, kdb.DTrans(kdb.DVector(box.x, box.y))))
    judged = antennas(layout, top, Regions(layout, top), ANTENNA_RULES)
    return {one.net for one in judged if one.broken} & names
