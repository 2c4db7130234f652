"""Numbers for the nodes of all nets, and where they lie."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from nonideal.circuits.extraction.parasitics.drawn import Drawn
from nonideal.circuits.extraction.parasitics.resistance import Place, Wires
from nonideal.circuits.extraction.parasitics.sweep import Sites
from nonideal.circuits.extraction.parasitics.technology import SUBSTRATE, Technology


@dataclass(frozen=True, slots=True)
class Numbered:
    """Names by number: first the nets (a net's name is that of one of its nodes), then the substrate, then the other nodes."""

    names: tuple[str, ...]
    sites: Sites


def numbered(drawn: Drawn, technology: Technology, wires: Wires) -> Numbered:
    """The nodes of a layout's resistors.

    What lies on a layer belongs to the nearest node of its net there; on a layer without any to the nearest on any layer; but in a well to
    those of the well alone, and in the substrate to none: it is as good as a point.
    """
    names = [*drawn.nets, drawn.substrate]
    net_of = list(range(len(names)))
    number = {net: index for index, net in enumerate(drawn.nets)}
    list_of = np.full((len(names), len(technology.layers)), -1, np.int32)
    x: list[float] = []
    y: list[float] = []
    node: list[int] = []
    start = [0]

    def add(places: list[Place]) -> int:
        at = {(place.x, place.y): number[place.node] for place in reversed(places)}
        for (px, py), index in sorted(at.items()):
            x.append(px)
            y.append(py)
            node.append(index)
        start.append(len(x))
        return len(start) - 2

    for net, places in wires.places.items():
        for place in places:
            if place.node not in number:
                number[place.node] = len(names)
                names.append(place.node)
                net_of.append(number[net])
        if not places:
            continue
        by_layer: dict[str, list[Place]] = defaultdict(list)
        for place in places:
            by_layer[SUBSTRATE if place.layer in technology.wells else place.layer].append(place)
        anywhere = add(list(places))
        for index, layer in enumerate(technology.layers):
            if layer in by_layer:
                list_of[number[net], index] = add(by_layer[layer])
            elif layer != SUBSTRATE:
                list_of[number[net], index] = anywhere
    sites = Sites(
        np.array(x),
        np.array(y),
        np.array(node, np.int32),
        np.array(start),
        list_of,
        np.array(net_of, np.int32),
    )
    return Numbered(tuple(names), sites)
