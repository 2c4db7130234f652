"""Capacitance of wells to the substrate that they lie in: their area times a constant, which is magic's, for kpex leaves it out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import klayout.db as kdb
import numpy as np
from scipy.spatial import KDTree

from nonideal.circuits.extraction.netlist import Element
from nonideal.circuits.extraction.parasitics.drawn import Drawn
from nonideal.circuits.extraction.parasitics.resistance import Place, Wires
from nonideal.circuits.extraction.parasitics.technology import Technology

PIECE_UM = 4.0
"""A well is given to its nodes in pieces of this length at most: less than lies between two contacts of a well."""


def well_capacitors(drawn: Drawn, technology: Technology, wires: Wires) -> list[Element]:
    """Of every well to the substrate, each piece of it at the nearest node that its net has in wells; at the net itself where it has none."""
    found: dict[str, float] = defaultdict(float)
    for well, aF_um2 in technology.well_aF_um2.items():
        for net, region in drawn.shapes.get(well, {}).items():
            places = [place for place in wires.places.get(net, ()) if place.layer in technology.wells]
            for node, area_um2 in _by_node(net, region, places, drawn.dbu_um):
                found[node] += 1e-18 * aF_um2 * area_um2
    return [Element(node, drawn.substrate, farad) for node, farad in found.items() if node != drawn.substrate]


def _by_node(net: str, region: kdb.Region, places: list[Place], dbu_um: float) -> Iterator[tuple[str, float]]:
    """Areas in um2; places are in units of ``dbu_um``."""
    if not places:
        yield net, region.area() * dbu_um**2
        return
    middles: list[tuple[float, float]] = []
    areas_um2: list[float] = []
    for polygon in region.decompose_trapezoids_to_region().each():
        box = polygon.bbox()
        across, up = (max(1, round(side * dbu_um / PIECE_UM)) for side in (box.width(), box.height()))
        width, height = box.width() / across, box.height() / up
        for i in range(across):
            middles += [(box.left + (i + 0.5) * width, box.bottom + (j + 0.5) * height) for j in range(up)]
        areas_um2 += [polygon.area() * dbu_um**2 / (across * up)] * (across * up)
    _, nearest = KDTree(np.array([(place.x, place.y) for place in places])).query(np.array(middles))
    for index, area_um2 in zip(np.atleast_1d(nearest).tolist(), areas_um2, strict=True):
        yield places[index].node, area_um2
