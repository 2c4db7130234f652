"""A drawn block wired: which piece of it is whose metal, what has to be joined, and the router's wires drawn."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import klayout.db as kdb

from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.routing import Net, RoutingError, Wire, route
from nonideal.circuits.routing.nets import METALS
from nonideal.sky130_models.layers import LAYERS

STACK = ("li1", "mcon", "met1", "via", "met2", "via2", "met3", "via3", "met4")
PLATES = ("capm",)
"""Upper plates of capacitors: wires keep off."""
DBU_UM = 0.001
OFF_UM = 0.1
AWAY_UM, AWAY_METALS = (0.6, 0.3, 0.0), ("met1", "met2", "met3")
"""What wires of nets that switch keep to what is drawn of quiet ones: the largest for which there is a way."""
Pins = Iterable[tuple[str, Box]]


@dataclass(frozen=True, slots=True)
class Piece:
    """What hangs together: its net, or "", the boxes of its pins, any of which will do, and all its metals and cuts."""

    net: str
    pins: tuple[Box, ...]
    drawn: tuple[Box, ...]


def trace(block: Block, pins: Pins) -> tuple[Piece, ...]:
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
    found_pieces: list[Piece] = []
    for circuit in traced.netlist().each_circuit():
        for one in circuit.each_net():
            key = one.cluster_id
            drawn = [
                box for name in STACK[1:] for box in _boxes(traced.shapes_of_net(one, regions[name]), name)
            ]
            found_pieces.append(Piece(names.get(key, ""), tuple(pieces.get(key, ())), tuple(drawn)))
    plates = [box for name in PLATES for box in _boxes(kdb.Region(top.begin_shapes_rec(index[name])), name)]
    return (*found_pieces, Piece("", (), tuple(plates)))


def _boxes(region: kdb.Region, name: str) -> Iterable[Box]:
    for polygon in region.merged().decompose_trapezoids_to_region().each():
        box = polygon.bbox().to_dtype(DBU_UM)
        yield Box(name, round(box.left, 3), round(box.bottom, 3), round(box.right, 3), round(box.top, 3))


def wire(
    block: Block,
    pins: Pins,
    area: tuple[float, float, float, float],
    keep_out: Sequence[Box] = (),
    *,
    closed: Box | None = None,
    anywhere: Collection[str] = (),
    first: Collection[str] = (),
    away_from: Collection[str] = (),
) -> None:
    """Join all pins of every net by wires inside an area. Raises ``RoutingError``.

    Wires keep out of boxes of single layers where nothing is drawn, and on all layers of one part of the area, which is ``closed``. Nets that may
    be met ``anywhere`` are so on all that they have on metals 2 and 3. Those named ``first`` are routed before all others, and keep off what
    is drawn of nets ``away_from`` on metals 1 to 3, by as much of ``AWAY_UM`` as leaves a way for all.
    """
    pieces = trace(block, pins)
    found: dict[str, list[tuple[Box, ...]]] = {}
    drawn: list[tuple[str, Box]] = []
    for piece in pieces:
        outside = [part for box in piece.drawn for part in _outside(box, closed)]
        drawn += [(piece.net, box) for box in outside]
        if piece.net:
            more = [box for box in outside if box.layer in ("met2", "met3")] if piece.net in anywhere else []
            found.setdefault(piece.net, []).append((*piece.pins, *more))
    nets = [Net(net, tuple(ends)) for net, ends in found.items() if len(ends) > 1]
    held = [("", box) for box in _free(keep_out, drawn)]
    if closed is not None:
        held += [("", Box(metal, closed.x0, closed.y0, closed.x1, closed.y1)) for metal in METALS]
    for one in _routed(area, nets, held, drawn, first, away_from):
        for box in one.boxes:
            block.rect(box.layer, box.x0, box.y0, box.x1, box.y1)


def _routed(
    area: tuple[float, float, float, float],
    nets: Sequence[Net],
    held: Sequence[tuple[str, Box]],
    drawn: Sequence[tuple[str, Box]],
    first: Collection[str],
    quiet: Collection[str],
) -> tuple[Wire, ...]:
    """Wires of nets named ``first`` as far off what is drawn of quiet ones as all others still find a way, of ``AWAY_UM``; else all alike.

    Raises ``RoutingError`` where there is no way for all.
    """
    loud, others = [net for net in nets if net.name in first], [net for net in nets if net.name not in first]
    for by_um in AWAY_UM if loud else ():
        near = [("", box) for box in _near(drawn, quiet, by_um)]
        try:
            wires = route(area, loud, [*drawn, *held, *near])
            before = [(one.net, box) for one in wires for box in one.boxes]
            return (*wires, *route(area, others, [*drawn, *before, *held]))
        except RoutingError:
            continue
    return tuple(route(area, nets, [*drawn, *held]))


def _near(drawn: Sequence[tuple[str, Box]], nets: Collection[str], by_um: float) -> Iterable[Box]:
    """What lies within a distance of what is drawn of these nets, on ``AWAY_METALS``, and off all that is drawn of others."""
    around = [
        Box(
            metal,
            round(box.x0 - by_um, 3),
            round(box.y0 - by_um, 3),
            round(box.x1 + by_um, 3),
            round(box.y1 + by_um, 3),
        )
        for net, box in drawn
        if net in nets and by_um
        for metal in AWAY_METALS
    ]
    return _free(around, [one for one in drawn if one[0] not in nets])


def _outside(box: Box, closed: Box | None) -> Iterable[Box]:
    """What of a box lies outside of the closed part."""
    if (
        closed is None
        or box.x1 <= closed.x0
        or box.x0 >= closed.x1
        or box.y1 <= closed.y0
        or box.y0 >= closed.y1
    ):
        return (box,)
    return _boxes(kdb.Region(_nm(box)) - kdb.Region(_nm(closed)), box.layer)


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
