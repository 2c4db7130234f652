"""Antenna check: a layer's etch charges what it lays bare, and the gates that this hangs on bear the current.

A layer is judged on the nets as they are while it is etched: joined by the layers below it alone. Of every net with a gate,
what is exposed of that layer, divided by the area of the gates, is held against the rule; diodes (diffusions other than taps
in the substrate) that the net already reaches raise the limit, and a net on such a tap is not judged.

KLayout's own `LayoutToNetlist.antenna_check` is not used: it knows diodes as a factor or an exemption, the process adds a
bonus; and it wants a netlist extracted anew for each layer. Here nets grow layer by layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import klayout.db as kdb

from nonideal.circuits.drc.regions import Regions
from nonideal.sky130_models.antenna import AntennaRule
from nonideal.sky130_models.layers import LAYERS

CUTS: dict[str, tuple[tuple[str, str], ...]] = {
    "licon1": (("poly", "li1"), ("antenna diode", "li1"), ("antenna short", "li1")),
    "mcon": (("li1", "met1"),),
    "via": (("met1", "met2"),),
    "via2": (("met2", "met3"),),
    "via3 off capm": (("met3", "met4"),),
    "via3 on capm": (("capm", "met4"),),
    "via4 off capm2": (("met4", "met5"),),
    "via4 on capm2": (("capm2", "met5"),),
}
"""Cut -> what it joins, from below upwards. A capacitor's plate hangs on nothing until the metal above it is etched."""
PARTS = {"via3": ("via3 off capm", "via3 on capm"), "via4": ("via4 off capm2", "via4 on capm2")}
STACK = (
    "poly",
    "licon1",
    "li1",
    "mcon",
    "met1",
    "via",
    "met2",
    "via2",
    "met3",
    "via3",
    "met4",
    "via4",
    "met5",
)
GATES, DIODES, SHORTS = "gate", "antenna diode", "antenna short"


@dataclass(frozen=True, slots=True)
class Antenna:
    """One net held against one rule: what the layer exposes, the gates that it hangs on, the diodes that it reaches.

    `net` is the net's label, or where one of its gates lies if it has none; `box_um` is what the net has of the layer.
    """

    rule: AntennaRule
    net: str
    exposed_um2: float
    gate_um2: float
    diode_um2: float
    box_um: tuple[float, float, float, float]

    @property
    def ratio(self) -> float:
        return self.exposed_um2 / self.gate_um2

    @property
    def allowed(self) -> float:
        return self.rule.allowed(self.diode_um2)

    @property
    def broken(self) -> bool:
        return self.ratio > self.allowed

    def __str__(self) -> str:
        return f"{self.rule.layer} to gate {self.ratio:.4g} of {self.allowed:.4g} on {self.net}"


@dataclass(slots=True)
class _Shapes:
    """The merged polygons of a conductor, found by place, each with the number of its node."""

    first: int
    polygons: list[kdb.Polygon]
    layout: kdb.Layout = field(default_factory=kdb.Layout)
    placed: kdb.Shapes = field(init=False)

    def __post_init__(self) -> None:
        self.placed = self.layout.create_cell("shapes").shapes(self.layout.layer(1, 0))
        for number, polygon in enumerate(self.polygons):
            # In pieces: a rail along a whole row is asked by every contact on it.
            for piece in [polygon] if polygon.is_box() else polygon.decompose_trapezoids():
                one = piece.bbox() if piece.is_box() else piece
                self.placed.insert(one, self.layout.properties_id({0: number}))

    def nodes(self) -> Iterator[tuple[int, kdb.Polygon]]:
        """Every node with its polygon."""
        yield from enumerate(self.polygons, start=self.first)

    def touching(self, other: kdb.Polygon) -> Iterator[int]:
        """The nodes that touch a polygon."""
        is_box = other.is_box()
        seen = set()
        for shape in self.placed.each_touching(other.bbox()):
            number = int(shape.property(0))
            if number not in seen and ((is_box and shape.is_box()) or shape.polygon.touches(other)):
                seen.add(number)
                yield self.first + number


class _Nets:
    """Which polygons are joined, as far as the layers have been etched."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions
        self._shapes: dict[str, _Shapes] = {}
        self._standing: dict[tuple[str, str], list[tuple[kdb.Polygon, list[int]]]] = {}
        self._parent: list[int] = []

    def conductor(self, name: str) -> _Shapes:
        if name not in self._shapes:
            polygons: list[kdb.Polygon] = list(self._regions[name].each())
            self._shapes[name] = _Shapes(len(self._parent), polygons)
            self._parent.extend(range(len(self._parent), len(self._parent) + len(polygons)))
        return self._shapes[name]

    def net(self, node: int) -> int:
        """The node that stands for a node's net."""
        while self._parent[node] != node:
            self._parent[node] = node = self._parent[self._parent[node]]
        return node

    def standing(self, cut: str, below: str) -> list[tuple[kdb.Polygon, list[int]]]:
        """The cuts, each with the nodes of a conductor that it stands on."""
        if (cut, below) not in self._standing:
            lower = self.conductor(below)
            cuts: list[kdb.Polygon] = list(self._regions[cut].each())
            self._standing[cut, below] = [(polygon, [*lower.touching(polygon)]) for polygon in cuts]
        return self._standing[cut, below]

    def join(self, cut: str) -> None:
        """Fill the cuts, and lay the conductor above."""
        for below, above in CUTS[cut]:
            upper = self.conductor(above)
            for polygon, held in self.standing(cut, below):
                if held:
                    for node in [*held, *upper.touching(polygon)]:
                        self._parent[self.net(node)] = self.net(held[0])

    def gates(self) -> dict[int, list[kdb.Polygon]]:
        """Node of a poly -> its gates."""
        poly = self.conductor("poly")
        found: dict[int, list[kdb.Polygon]] = {}
        for gate in self._regions[GATES].each():
            found.setdefault(next(poly.touching(gate)), []).append(gate)
        return found


def antennas(
    layout: kdb.Layout, top: kdb.Cell, regions: Regions, rules: Sequence[AntennaRule]
) -> Iterator[Antenna]:
    """Every net with a gate against every rule of whose layer it has something, rule by rule in the order of the stack.

    `rules` are in the order of the stack; a layer that is left out joins nets all the same.
    """
    nets = _Nets(regions)
    gates = nets.gates()
    found: list[tuple[AntennaRule, int, float, float, float, kdb.Box]] = []
    wanted = {rule.layer: rule for rule in rules}
    for layer in STACK:
        if layer in wanted:
            found += _judge(nets, gates, wanted[layer], regions)
        for cut in PARTS.get(layer, (layer,) if layer in CUTS else ()):
            nets.join(cut)
    names = _labels(layout, top, nets)
    for rule, node, exposed, gate, diode, box in found:
        place = gates[node][0].bbox().center().to_dtype(layout.dbu)
        name = names.get(nets.net(node), f"the net of the gate at ({place.x:.2f}, {place.y:.2f}) um")
        corners = box.to_dtype(layout.dbu)
        edges = (corners.left, corners.bottom, corners.right, corners.top)
        yield Antenna(rule, name, exposed, gate, diode, tuple(round(edge, 3) for edge in edges))  # type: ignore[arg-type]


def _judge(
    nets: _Nets, gates: dict[int, list[kdb.Polygon]], rule: AntennaRule, regions: Regions
) -> Iterator[tuple[AntennaRule, int, float, float, float, kdb.Box]]:
    """(rule, a node of the net with a gate, exposed, gates, diodes in um2, box) of every net that the layer exposes."""
    um = regions.dbu_um
    area: dict[int, float] = {}
    at: dict[int, int] = {}
    for node, polygons in gates.items():
        net = nets.net(node)
        at.setdefault(net, node)
        area[net] = area.get(net, 0.0) + sum(polygon.area() for polygon in polygons) * um**2
    diodes: dict[int, float] = {}
    for node, polygon in nets.conductor(DIODES).nodes():
        net = nets.net(node)
        diodes[net] = diodes.get(net, 0.0) + polygon.area() * um**2
    shorted = {nets.net(node) for node, _ in nets.conductor(SHORTS).nodes()}
    exposed: dict[int, float] = {}
    boxes: dict[int, kdb.Box] = {}
    for node, polygon in _etched(nets, rule.layer, regions):
        net = nets.net(node)
        if net in area and net not in shorted:
            side = rule.thickness_um
            seen = polygon.area() * um**2 if side is None else polygon.perimeter() * um * side
            exposed[net] = exposed.get(net, 0.0) + seen
            boxes[net] = boxes.get(net, kdb.Box()) + polygon.bbox()
    for net, seen in exposed.items():
        yield rule, at[net], seen, area[net], diodes.get(net, 0.0), boxes[net]


def _etched(nets: _Nets, layer: str, regions: Regions) -> Iterator[tuple[int, kdb.Polygon]]:
    """What a layer's etch lays bare: a conductor itself; of cuts, the conductor below each."""
    cuts = PARTS.get(layer, (layer,) if layer in CUTS else ())
    if not cuts:
        yield from nets.conductor(layer).nodes()
    for cut in cuts:
        for below, _ in CUTS[cut]:
            for polygon, held in nets.standing(cut, below):
                for node in held[:1]:
                    yield node, polygon


def _labels(layout: kdb.Layout, top: kdb.Cell, nets: _Nets) -> dict[int, str]:
    """Net -> its label, by the texts of the top cell that lie on it."""
    names: dict[int, str] = {}
    for name in STACK:
        layer = LAYERS[name]
        index = None if layer.label is None else layout.find_layer(layer.gds_layer, layer.label)
        if index is None:
            continue
        for shape in top.shapes(index).each(kdb.Shapes.STexts):
            point = shape.text.position()
            spot = kdb.Polygon(kdb.Box(point.x, point.y, point.x + 1, point.y + 1))
            for node in nets.conductor(name).touching(spot):
                names[nets.net(node)] = shape.text.string
    return names
