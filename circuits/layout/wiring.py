"""A drawn block wired: which piece of it is whose metal, what has to be joined, and the router's wires drawn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import gdstk
import klayout.db as kdb

from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.routing import Net, RoutingError, Wire, route
from nonideal.circuits.routing.nets import METALS
from nonideal.sky130_models.layers import LAYERS

GATES = ("poly", "licon1")
STACK = ("li1", "mcon", "met1", "via", "met2", "via2", "met3", "via3", "met4")
PLATES = ("capm",)
"""Upper plates of capacitors: wires keep off."""
DBU_UM = 0.001
OFF_UM = 0.1
AWAY_UM, AWAY_METALS = (1.0, 0.6, 0.3, 0.0), ("met1", "met2", "met3")
"""What wires of nets that switch keep to those of quiet ones, and these to them: the largest for which there is a way."""
REACH_UM = 0.7
"""Round a pin, what keeps away may lie all the same."""
Pins = Iterable[tuple[str, Box]]
Again = Callable[[str, Sequence[Wire], Sequence[str]], Wire]
"""A net's wire anew, beside these others, on these metals. Raises ``RoutingError``."""
Mend = Callable[[gdstk.Cell, Sequence[Wire], Again], Sequence[Wire]]
"""What looks at wires before they are drawn into a cell, and has some led anew."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What hangs together: its net, or "", the boxes of its pins, any of which will do, all its metals and cuts, and its poly."""

    net: str
    pins: tuple[Box, ...]
    drawn: tuple[Box, ...]
    poly: tuple[Box, ...] = ()


def trace(block: Block, pins: Pins) -> tuple[Piece, ...]:
    """Follow every net from its pins through what is drawn. Raises ``LayoutError`` for a pin on nothing, and for pins of two nets on one piece."""
    layout = kdb.Layout()
    layout.dbu = DBU_UM
    top = layout.create_cell(block.cell.name)
    index = {
        name: layout.layer(LAYERS[name].gds_layer, LAYERS[name].drawing) for name in (*GATES, *STACK, *PLATES)
    }
    for name, layer in index.items():
        number = LAYERS[name]
        for polygon in block.cell.get_polygons(layer=number.gds_layer, datatype=number.drawing):
            points = [kdb.DPoint(float(x), float(y)) for x, y in polygon.points]
            top.shapes(layer).insert(kdb.DPolygon(points))
    traced = kdb.LayoutToNetlist(kdb.RecursiveShapeIterator(layout, top, []))
    regions = {name: traced.make_polygon_layer(index[name], name) for name in (*GATES, *STACK)}
    for region in regions.values():
        traced.connect(region)
    for below, above in pairwise(regions.values()):
        traced.connect(below, above)
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
            poly = tuple(_boxes(traced.shapes_of_net(one, regions["poly"]), "poly")) if key in names else ()
            found_pieces.append(Piece(names.get(key, ""), tuple(pieces.get(key, ())), tuple(drawn), poly))
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
    closed: Sequence[Box] = (),
    anywhere: Collection[str] = (),
    first: Collection[str] = (),
    away_from: Collection[str] = (),
    mend: Mend | None = None,
) -> None:
    """Join all pins of every net by wires inside an area. Raises ``RoutingError``.

    Wires keep out of boxes of single layers where nothing is drawn, and on all layers of what of the area is ``closed``. Nets that may
    be met ``anywhere`` are so on all that they have on metals 2 and 3. Those named ``first`` are routed before all others, then nets ``away_from``:
    on metals 1 to 3 each keep off what is there of the other, and off its gates, by as much of ``AWAY_UM`` as leaves a way for all.
    ``mend`` looks at the wires before they are drawn.
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
    held += [("", Box(metal, one.x0, one.y0, one.x1, one.y1)) for one in closed for metal in METALS]
    gates = [(piece.net, box) for piece in pieces if piece.net in {*first, *away_from} for box in piece.poly]
    wires: Sequence[Wire] = _routed(area, nets, held, drawn, gates, first, away_from)

    def again(name: str, others: Sequence[Wire], metals: Sequence[str]) -> Wire:
        there = [*drawn, *((one.net, box) for one in others for box in one.boxes)]
        some, off = [net for net in nets if net.name == name], away_from if name in first else ()
        for by_um in AWAY_UM if off else ():
            near = [("", box) for box in _near([*there, *gates], off, by_um, some)]
            try:
                return route(area, some, [*there, *held, *near], metals)[0]
            except RoutingError:
                continue
        return route(area, some, [*there, *held], metals)[0]

    if mend is not None:
        wires = mend(block.cell, wires, again)
    for one in wires:
        for box in one.boxes:
            block.rect(box.layer, box.x0, box.y0, box.x1, box.y1)


def _routed(
    area: tuple[float, float, float, float],
    nets: Sequence[Net],
    held: Sequence[tuple[str, Box]],
    drawn: Sequence[tuple[str, Box]],
    gates: Sequence[tuple[str, Box]],
    first: Collection[str],
    quiet: Collection[str],
) -> tuple[Wire, ...]:
    """Wires of nets named ``first``, then of quiet ones, each as far off what is drawn of the other as all others still find a way, of ``AWAY_UM``;
    else all alike.

    Raises ``RoutingError`` where there is no way for all.
    """
    loud = [net for net in nets if net.name in first]
    calm = [net for net in nets if net.name in quiet and net not in loud]
    others = [net for net in nets if net not in loud and net not in calm]
    for by_um in AWAY_UM if loud else ():
        made: list[Wire] = []
        there = [*drawn]
        try:
            for some, off in ((loud, quiet), (calm, first), (others, ())):
                if not some:
                    continue
                near = [("", box) for box in _near([*there, *gates], off, by_um, some)]
                wires = route(area, some, [*there, *held, *near])
                there += [(one.net, box) for one in wires for box in one.boxes]
                made += wires
            return tuple(made)
        except RoutingError:
            continue
    return tuple(route(area, nets, [*drawn, *held]))


def _near(
    drawn: Sequence[tuple[str, Box]], nets: Collection[str], by_um: float, routed: Sequence[Net]
) -> Iterable[Box]:
    """What lies within a distance of what is drawn of these nets, on ``AWAY_METALS``, and off all that is drawn of others.

    Pins of nets that are ``routed`` stay within reach.
    """
    around = [
        _grown(box, by_um, metal) for net, box in drawn if net in nets and by_um for metal in AWAY_METALS
    ]
    pins = [box for net in routed for pin in net.pins for box in pin]
    reach = [("", _grown(box, REACH_UM, metal)) for box in pins for metal in AWAY_METALS] if around else []
    others = [one for one in drawn if one[0] not in nets and one[1].layer != "poly"]
    return _free(around, [*others, *reach])


def _grown(box: Box, by_um: float, layer: str) -> Box:
    x0, y0, x1, y1 = box.x0 - by_um, box.y0 - by_um, box.x1 + by_um, box.y1 + by_um
    return Box(layer, round(x0, 3), round(y0, 3), round(x1, 3), round(y1, 3))


def _outside(box: Box, closed: Sequence[Box]) -> Iterable[Box]:
    """What of a box lies outside of all that is closed."""
    over = [
        one for one in closed if box.x1 > one.x0 and box.x0 < one.x1 and box.y1 > one.y0 and box.y0 < one.y1
    ]
    if not over:
        return (box,)
    region = kdb.Region()
    for one in over:
        region.insert(_nm(one))
    return _boxes(kdb.Region(_nm(box)) - region, box.layer)


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
