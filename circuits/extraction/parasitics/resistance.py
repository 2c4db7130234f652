"""Resistances of the nets: every conductor is cut into squares between contacts, pins and devices, every contact is a resistor.

KLayout counts the squares (its module `klayout.pex`). A net becomes nodes: its pins are one, which has the net's name, and every
terminal of a device is one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import fsum
from typing import Any

import klayout.db as kdb
import klayout.pex

from nonideal.circuits.extraction.netlist import Element
from nonideal.circuits.extraction.parasitics.drawn import Drawn, Terminal
from nonideal.circuits.extraction.parasitics.technology import Technology

klp: Any = klayout.pex
"""KLayout ships no types of it: its networks, nodes and technologies are `Any` here."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node of a net lies on a layer, in the layout's units."""

    layer: str
    x: float
    y: float
    node: str


@dataclass(frozen=True, slots=True)
class Wires:
    """Resistors of all nets, where their nodes lie (by net), and the nodes of device terminals (by device and name of the terminal)."""

    resistors: tuple[Element, ...]
    places: dict[str, tuple[Place, ...]]
    terminals: dict[tuple[int, str], str]


@dataclass(slots=True)
class _Net:
    """What of a net is given to the extractor; ports by layer number."""

    regions: dict[int, kdb.Region]
    points: dict[int, list[kdb.Point]]
    polygons: dict[int, list[kdb.Polygon]]
    owners: dict[int, list[Terminal]]


def resistances(drawn: Drawn, technology: Technology) -> Wires:
    """The resistors of every net."""
    numbers = {name: index for index, name in enumerate((*technology.sheet_ohm, *technology.vias))}
    names = tuple(numbers)
    tech = _tech(technology, numbers)
    wells = {numbers[well] for well in technology.wells if well in numbers}
    resistors: list[Element] = []
    places: dict[str, tuple[Place, ...]] = {}
    terminals: dict[tuple[int, str], str] = {}
    for name, net in _nets(drawn, numbers).items():
        network = klp.RNetExtractor(drawn.dbu_um).extract(tech, net.regions, net.points, net.polygons)
        found = _Named.of(name, network, net, names, wells, drawn.dbu_um)
        resistors += found.resistors(network)
        places[name] = tuple(found.places)
        terminals |= found.terminals
    return Wires(tuple(resistors), places, terminals)


def _tech(technology: Technology, numbers: dict[str, int]) -> Any:
    made = klp.RExtractorTech()
    made.skip_simplify = True
    for layer, ohm in technology.sheet_ohm.items():
        conductor = klp.RExtractorTechConductor()
        conductor.layer = numbers[layer]
        conductor.algorithm = klp.Algorithm.SquareCounting
        conductor.resistance = ohm
        made.add_conductor(conductor)
    for name, via in technology.vias.items():
        one = klp.RExtractorTechVia()
        one.cut_layer, one.bottom_conductor, one.top_conductor = (
            numbers[n] for n in (name, via.bottom, via.top)
        )
        one.resistance = via.resistance_ohm_um2
        one.merge_distance = 0.0
        made.add_via(one)
    return made


def _nets(drawn: Drawn, numbers: dict[str, int]) -> dict[str, _Net]:
    found = {net: _Net({}, defaultdict(list), defaultdict(list), defaultdict(list)) for net in drawn.nets}
    for part in (drawn.shapes, drawn.plates, drawn.cuts):
        for layer, by_net in part.items():
            if layer not in numbers:
                continue
            for net, region in by_net.items():
                regions = found[net].regions
                regions[numbers[layer]] = regions.get(numbers[layer], kdb.Region()) + region
    for pin in drawn.pins:
        found[pin.net].points[numbers[pin.layer]].append(pin.at)
    for terminal in drawn.terminals:
        for layer, polygon in terminal.places:
            if layer in numbers:
                found[terminal.net].polygons[numbers[layer]].append(polygon)
                found[terminal.net].owners[numbers[layer]].append(terminal)
    return found


@dataclass(slots=True)
class _Named:
    """The nodes of one net by their number in the extractor's network."""

    net: str
    node_of: dict[int, str]
    places: list[Place]
    terminals: dict[tuple[int, str], str]

    @classmethod
    def of(
        cls,
        name: str,
        network: Any,
        net: _Net,
        layers: tuple[str, ...],
        wells: set[int],
        dbu_um: float,
    ) -> _Named:
        nodes = {node.object_id(): node for node in network.each_node()}
        isolated = _wells_alone(network, nodes, wells)
        kept = {key: node for key, node in nodes.items() if key not in isolated}
        at = {key: _where(node, net, dbu_um) for key, node in kept.items()}
        group = _Groups(kept)
        owners: dict[tuple[int, str], list[int]] = defaultdict(list)
        pins = [key for key, node in kept.items() if node.type() == klp.RNodeType.VertexPort]
        for key, node in kept.items():
            if node.type() == klp.RNodeType.PolygonPort:
                owner = net.owners[node.layer()][node.port_index()]
                owners[owner.device, owner.name].append(key)
        for together in (pins, *owners.values()):
            for key in together[1:]:
                group.join(together[0], key)
        for element in network.each_element():
            a, b = element.a().object_id(), element.b().object_id()
            if element.resistance() == 0 and a in kept:
                group.join(a, b)
        # The net's own name goes to its pins, else to the first terminal, else to the first node; the others are numbered as they lie.
        places = {key: (kept[key].layer(), kept[key].port_index(), *at[key]) for key in kept}
        around: dict[int, list[tuple[float, ...]]] = defaultdict(list)
        for element in network.each_element():
            a, b = element.a().object_id(), element.b().object_id()
            if a in kept:
                around[a].append((element.resistance(), *places[b]))
                around[b].append((element.resistance(), *places[a]))
        # Nodes at one place are told apart by what is around them, for KLayout's order differs from run to run.
        order = sorted(
            kept,
            key=lambda key: (
                kept[key].type() != klp.RNodeType.PolygonPort,
                places[key],
                sorted(around[key]),
            ),
        )
        roots = dict.fromkeys([*(group.root(key) for key in pins[:1]), *(group.root(key) for key in order)])
        named = {root: name if index == 0 else f"{name}.{index}" for index, root in enumerate(roots)}
        node_of = {key: named[group.root(key)] for key in kept}
        sites = [Place(layers[kept[key].layer()], *at[key], node_of[key]) for key in order]
        return cls(name, node_of, sites, {owner: node_of[keys[0]] for owner, keys in owners.items()})

    def resistors(self, network: Any) -> list[Element]:
        """One between every two nodes, those in parallel taken together; in the order of their names."""
        siemens: dict[tuple[str, str], list[float]] = defaultdict(list)
        for element in network.each_element():
            a, b = (self.node_of.get(end.object_id()) for end in (element.a(), element.b()))
            if a is not None and b is not None and a != b:
                siemens[min(a, b), max(a, b)].append(1 / element.resistance())
        return [Element(a, b, 1 / fsum(g)) for (a, b), g in sorted(siemens.items())]


class _Groups:
    """Nodes that are one."""

    def __init__(self, keys: dict[int, Any]) -> None:
        self.parent = {key: key for key in keys}

    def root(self, key: int) -> int:
        while self.parent[key] != key:
            self.parent[key] = self.parent[self.parent[key]]
            key = self.parent[key]
        return key

    def join(self, a: int, b: int) -> None:
        self.parent[self.root(b)] = self.root(a)


def _where(node: Any, net: _Net, dbu_um: float) -> tuple[float, float]:
    """A pin at its label, any other node in the middle of its box."""
    if node.type() == klp.RNodeType.VertexPort:
        point = net.points[node.layer()][node.port_index()]
        return float(point.x), float(point.y)
    box = node.location()
    low, high = box.p1.to_itype(dbu_um), box.p2.to_itype(dbu_um)
    return (low.x + high.x) / 2, (low.y + high.y) / 2


def _wells_alone(network: Any, nodes: dict[int, Any], wells: set[int]) -> set[int]:
    """Nodes of wells that no contact joins to their net, where the net has others: such a well is ideal."""
    if not any(node.layer() in wells for node in nodes.values()):
        return set()
    group = _Groups(nodes)
    for element in network.each_element():
        group.join(element.a().object_id(), element.b().object_id())
    pieces: dict[int, list[int]] = defaultdict(list)
    for key in nodes:
        pieces[group.root(key)].append(key)
    if len(pieces) < 2:
        return set()
    return {
        key
        for piece in pieces.values()
        if all(nodes[k].layer() in wells and nodes[k].type() != klp.RNodeType.VertexPort for k in piece)
        for key in piece
    }
