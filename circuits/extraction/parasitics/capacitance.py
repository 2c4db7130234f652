"""Capacitances of a layout by the technology's rules: areas over each other, edges side by side, fringes of edges.

A piece of a conductor couples with what is next below it, by area. An edge couples with the nearest edge of its layer that it faces,
and its fringe ends on what lies below and above beside it, as far as nothing is nearer: by the length of the edge, and by how the
distance to the near and to the far side of that shape compares with the height over it. What devices' models have is left out.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import klayout.db as kdb
import numpy as np

from nonideal.circuits.extraction.parasitics.drawn import Drawn
from nonideal.circuits.extraction.parasitics.sweep import Scene, Sites, Swept, Tables, sweep
from nonideal.circuits.extraction.parasitics.technology import PER_UM, SUBSTRATE, Technology
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.circuits.sidewall import Sidewall

LEAST_FRINGE_FF = 1e-4
"""kpex leaves out fringes that are not more, one by one."""
LEAST_COUPLING_FF = 1e-3
"""Between nodes, less than this goes to a larger coupling of the same two nets."""
COUNTED: dict[Sidewall, float] = {"full": 1.0, "halved": 0.5}
OF_MODELS = -1.0

Shape = tuple[int, int, bool, kdb.Polygon]
"""Layer, net, whether a plate of a device capacitor, outline."""


def capacitances(
    drawn: Drawn, technology: Technology, sidewall: Sidewall, sites: Sites, library: ctypes.CDLL
) -> Swept:
    """All capacitances between nodes; the substrate's net has the number after the layout's nets.

    Raises ExtractionFailed where the technology lacks what is drawn, and where what was looked at is not all that is drawn.
    """
    shapes = list(_shapes(drawn, technology))
    found = sweep(
        library, _scene(drawn, shapes), _tables(drawn, technology, sidewall), sites, LEAST_COUPLING_FF
    )
    _check_all_seen(drawn, technology, shapes, found)
    return found


def _shapes(drawn: Drawn, technology: Technology) -> Iterator[Shape]:
    number = {net: index for index, net in enumerate(drawn.nets)}
    for part, plate in ((drawn.shapes, False), (drawn.plates, True)):
        for name, by_net in part.items():
            if name in technology.layers:
                layer = technology.layers.index(name)
                yield from (
                    (layer, number[net], plate, p) for net, region in by_net.items() for p in region.each()
                )
    margin = round(technology.halo_um / drawn.dbu_um)
    rest = kdb.Region(drawn.box.enlarged(margin, margin)) - _channels(drawn)
    for well in sorted(technology.wells):
        for net, region in drawn.shapes.get(well, {}).items():
            yield from ((0, number[net], True, p) for p in (region & rest).each())
            rest -= region
    yield from ((0, len(drawn.nets), True, p) for p in rest.each())


def _channels(drawn: Drawn) -> kdb.Region:
    return kdb.Region([polygon for region in drawn.channels.values() for polygon in region.each()]).merged()


def _scene(drawn: Drawn, shapes: list[Shape]) -> Scene:
    points: list[tuple[int, int]] = []
    start, of_shape = [0], []
    for index, (_, _, _, polygon) in enumerate(shapes):
        hull = polygon.each_point_hull()
        for contour in (hull, *(polygon.each_point_hole(hole) for hole in range(polygon.holes()))):
            points += [(p.x, p.y) for p in contour]
            start.append(len(points))
            of_shape.append(index)
    number = {net: index for index, net in enumerate(drawn.nets)}
    boxes = [piece.bbox() for piece in _channels(drawn).decompose_trapezoids_to_region().each()]
    pairs = [[number[a], number[b]] for a, b in drawn.plate_pairs]
    pairs += [
        [number[net], len(drawn.nets)]
        for pair in drawn.plate_pairs
        if drawn.substrate in pair
        for net in pair
        if net != drawn.substrate
    ]
    return Scene(
        points=np.array(points, np.int32).reshape(-1, 2),
        contour_start=np.array(start),
        contour_shape=np.array(of_shape, np.int32),
        layer=np.array([shape[0] for shape in shapes], np.int32),
        net=np.array([shape[1] for shape in shapes], np.int32),
        plate=np.array([shape[2] for shape in shapes], np.uint8),
        channels=np.array([[b.left, b.bottom, b.right, b.top] for b in boxes], np.int32).reshape(-1, 4),
        plate_pairs=np.array(pairs, np.int32).reshape(-1, 2),
        nets=len(drawn.nets) + 1,
    )


def _tables(drawn: Drawn, technology: Technology, sidewall: Sidewall) -> Tables:
    """The constants of every two layers on which something is drawn."""
    layers = technology.layers
    present = {name for part in (drawn.shapes, drawn.plates) for name, nets in part.items() if nets} | {
        SUBSTRATE
    }
    plate, fringe, shielding = (np.full((len(layers), len(layers)), OF_MODELS) for _ in range(3))
    side, offset = np.full(len(layers), OF_MODELS), np.zeros(len(layers))
    for a, upper in enumerate(layers):
        if upper not in present:
            continue
        if upper not in technology.diffusions | {SUBSTRATE}:
            if upper not in technology.sidewalls:
                raise ExtractionFailed(f"the technology has no sidewall capacitance for layer {upper}")
            side[a] = technology.sidewalls[upper].coefficient_aF_um * COUNTED[sidewall]
            offset[a] = technology.sidewalls[upper].offset_um
        for b, lower in enumerate(layers[:a]):
            if lower not in present or technology.is_devices(upper, lower):
                continue
            if (upper, lower) not in technology.plate_aF_um2:
                raise ExtractionFailed(f"the technology has no capacitance of layer {upper} over {lower}")
            plate[a, b] = technology.plate_aF_um2[upper, lower]
            shielding[a, b] = shielding[b, a] = PER_UM * plate[a, b]
            for own, other in ((a, b), (b, a)):
                if side[own] < 0:
                    continue
                if (layers[own], layers[other]) not in technology.fringe_aF_um:
                    raise ExtractionFailed(
                        f"the technology has no fringe capacitance from layer {layers[own]} to {layers[other]}"
                    )
                fringe[own, other] = technology.fringe_aF_um[layers[own], layers[other]]
    return Tables(drawn.dbu_um, technology.halo_um, LEAST_FRINGE_FF, plate, fringe, shielding, side, offset)


def _check_all_seen(drawn: Drawn, technology: Technology, shapes: list[Shape], found: Swept) -> None:
    """Raise ExtractionFailed unless area and edges that were looked at are those of the layout, net by net.

    Below a gate there is no substrate that it couples with; below anything else there is something.
    """
    names = (*drawn.nets, drawn.substrate)
    nets, layers = len(names), len(technology.layers)
    area, sides = np.zeros((nets, layers)), np.zeros((nets, layers))
    for layer, net, _, polygon in shapes:
        area[net, layer] += polygon.area()
        sides[net, layer] += polygon.perimeter()
    bare = np.zeros((nets, layers))
    # The substrate, last, is counted by itself: where a net has its name, as vss, gates on that net are the net's.
    bare[:-1, technology.layers.index(technology.gate)] = [
        drawn.channels[net].area() if net in drawn.channels else 0 for net in drawn.nets
    ]
    for what, drawn_there, seen in (
        ("area", area[:, 1:], (found.over_something + found.over_nothing)[:, 1:]),
        ("area with nothing below", bare[:, 1:], found.over_nothing[:, 1:]),
        ("edges", np.where(found.sides.sum(axis=0) > 0, sides, 0.0), found.sides),
    ):
        wrong = np.argwhere(drawn_there != seen)
        if len(wrong):
            net, layer = (int(index) for index in wrong[0])
            told = technology.layers[layer + (what != "edges")]
            raise ExtractionFailed(
                f"net {names[net]}: {what} on {told} is {drawn_there[net, layer]:.0f} in the layout, "
                f"{seen[net, layer]:.0f} in the extraction (nm, nm2); "
                f"{len(wrong)} such"
            )
