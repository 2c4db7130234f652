"""A drawn block wired: which piece of it is whose metal, what has to be joined, and the router's wires drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import klayout.db as kdb

from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.routing import Net, route
from nonideal.sky130_models.layers import LAYERS

STACK = ("li1", "mcon", "met1", "via", "met2", "via2", "met3", "via3", "met4")
PLATES = ("capm",)
"""Upper plates of capacitors: wires keep off."""
DBU_UM = 0.001
OFF_UM = 0.1
Pins = Iterable[tuple[str, Box]]


@dataclass(frozen=True, slots=True)
class Traced:
    """``drawn`` are (net or "", box) of all metals and their cuts; ``pins`` by net: the boxes of one piece are one pin, any of them will do."""

    drawn: tuple[tuple[str, Box], ...]
    pins: Mapping[str, tuple[tuple[Box, ...], ...]]


def trace(block: Block, pins: Pins) -> Traced:
    """Follow every net from its pins through what is drawn. Raises ``LayoutError`` for a pin on nothing, and for pins of two nets on one piece."""
    layout = kdb.Layout()
    layout.dbu = DBU_UM
    top = layout.create_cell(block.cell.name)
    index = {name: layout.layer(LAYERS[name].gds_layer, LAYERS[name].drawing) for name in (*STACK, *PLATES)}
    for name, layer in index.items():
        number = LAYERS[name]
        for polygon in block.cell.get_polygons(layer=number.gds_layer, datatype=number.drawing):
            points = [kdb.DPoint(float(x), float(y)) for x, y in polygon.points]
            top.shapes(layer).insert(kdb.DPolygon(points))
    traced = kdb.LayoutToNetlist(kdb.RecursiveShapeIterator(layout, top, []))
    regions = {name: traced.make_polygon_layer(index[name], name) for name in STACK}
    for name in STACK:
        traced.connect(regions[name])
    for below, above in pairwise(STACK):
        traced.connect(regions[below], regions[above])
    traced.extract_netlist()
    names: dict[int, str] = {}
    pieces: dict[int, list[Box]] = {}
    for net, box in pins:
        found = traced.probe_net(regions[box.layer], kdb.DPoint(box.x, box.y))
        if found is None:
            raise LayoutError(f"{block.cell.name}: nothing is drawn at the pin of {net}, {box}")
        other = names.setdefault(found.cluster_id, net)
        if other != net:
            raise LayoutError(f"{block.cell.name}: {net} and {other} are one piece at {box}")
        pieces.setdefault(found.cluster_id, []).append(box)
    drawn: list[tuple[str, Box]] = []
    for circuit in traced.netlist().each_circuit():
        for one in circuit.each_net():
            named = names.get(one.cluster_id, "")
            for name in STACK[1:]:
                drawn += [(named, box) for box in _boxes(traced.shapes_of_net(one, regions[name]), name)]
    for name in PLATES:
        drawn += [("", box) for box in _boxes(kdb.Region(top.begin_shapes_rec(index[name])), name)]
    by_net: dict[str, list[tuple[Box, ...]]] = {}
    for piece, boxes in pieces.items():
        by_net.setdefault(names[piece], []).append(tuple(boxes))
    return Traced(tuple(drawn), {net: tuple(found) for net, found in by_net.items()})


def _boxes(region: kdb.Region, name: str) -> Iterable[Box]:
    for polygon in region.merged().decompose_trapezoids_to_region().each():
        box = polygon.bbox().to_dtype(DBU_UM)
        yield Box(name, round(box.left, 3), round(box.bottom, 3), round(box.right, 3), round(box.top, 3))


def wire(
    block: Block, pins: Pins, area: tuple[float, float, float, float], keep_out: Sequence[Box] = ()
) -> None:
    """Join all pins of every net by wires inside an area, which keep out of boxes that are drawn on nothing. Raises ``RoutingError``."""
    traced = trace(block, pins)
    nets = [Net(net, found) for net, found in traced.pins.items() if len(found) > 1]
    for one in route(area, nets, [*traced.drawn, *(("", box) for box in _free(keep_out, traced.drawn))]):
        for box in one.boxes:
            block.rect(box.layer, box.x0, box.y0, box.x1, box.y1)


def _free(keep_out: Sequence[Box], drawn: Sequence[tuple[str, Box]]) -> Iterable[Box]:
    """What of boxes is off all that is drawn: a capacitor's plate is not to be one with them."""
    for name in dict.fromkeys(box.layer for box in keep_out):
        region, held = kdb.Region(), kdb.Region()
        for box in keep_out:
            if box.layer == name:
                region.insert(_nm(box))
        for _, box in drawn:
            if box.layer == name:
                held.insert(_nm(box))
        yield from _boxes(region - held.sized(round(OFF_UM / DBU_UM)), name)


def _nm(box: Box) -> kdb.Box:
    return kdb.Box(*(round(side / DBU_UM) for side in (box.x0, box.y0, box.x1, box.y1)))
