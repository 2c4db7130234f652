"""What the tests draw: random pins and obstacles, and a check of wires by KLayout that knows nothing of the router."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import klayout.db as kdb

from nonideal.circuits.box import Box
from nonideal.circuits.drc import check_cell
from nonideal.circuits.routing import Net, Wire
from nonideal.sky130_models.layers import LAYERS

STACK = ("li1", "mcon", "met1", "via", "met2", "via2", "met3", "via3", "met4")
Obstacles = Sequence[tuple[str, Box]]


def layout(nets: Sequence[Net], obstacles: Obstacles, wires: Sequence[Wire]) -> tuple[kdb.Layout, kdb.Cell]:
    """All of it in one cell."""
    made = kdb.Layout()
    top = made.create_cell("routed")
    boxes = [box for _, box in obstacles] + [box for net in nets for pin in net.pins for box in pin]
    for box in boxes + [box for wire in wires for box in wire.boxes]:
        layer = LAYERS[box.layer]
        top.shapes(made.layer(layer.gds_layer, layer.drawing)).insert(
            kdb.DBox(box.x0, box.y0, box.x1, box.y1)
        )
    return made, top


def broken_rules(nets: Sequence[Net], obstacles: Obstacles, wires: Sequence[Wire]) -> dict[str, object]:
    """Design rule violations, by rule."""
    return {v.rule: v.boxes_um for v in check_cell(*layout(nets, obstacles, wires)).violations}


def misjoined(nets: Sequence[Net], obstacles: Obstacles, wires: Sequence[Wire]) -> list[str]:
    """Nets that are not whole, and nets that are joined to another."""
    made, top = layout(nets, obstacles, wires)
    netlist = kdb.LayoutToNetlist(kdb.RecursiveShapeIterator(made, top, []))
    regions = {}
    for name in STACK:
        layer = LAYERS[name]
        regions[name] = netlist.make_layer(made.layer(layer.gds_layer, layer.drawing), name)
        netlist.connect(regions[name])
    for low, high in pairwise(STACK):
        netlist.connect(regions[low], regions[high])
    netlist.extract_netlist()
    wrong, owners = [], {}
    for net in nets:
        pins = [
            {netlist.probe_net(regions[box.layer], kdb.DPoint(box.x, box.y)).cluster_id for box in pin}
            for pin in net.pins
        ]
        if len(pins) > 1 and not set.intersection(*pins):
            wrong.append(f"{net.name} is open")
        for cluster in set().union(*pins):
            if owners.setdefault(cluster, net.name) != net.name:
                wrong.append(f"{net.name} and {owners[cluster]} are joined")
    return wrong


def scattered(seed: int, width: float, height: float, count: int, spread: float = 0.2) -> list[Net]:
    """Nets of two to ten pins on li1 to met3, 0.9 um apart, off every grid but that of 10 nm."""
    chance = random.Random(seed)
    places: list[tuple[float, float]] = []
    nets = []
    for number in range(count):
        x, y = chance.uniform(2, width - 2), chance.uniform(2, height - 2)
        pins: list[tuple[Box, ...]] = []
        many = min(2 + int(chance.expovariate(0.8)), 10)
        while len(pins) < many:
            px = round(min(max(chance.gauss(x, width * spread), 0.5), width - 0.5), 2)
            py = round(min(max(chance.gauss(y, height * spread), 0.5), height - 0.5), 2)
            if any(abs(px - a) < 0.9 and abs(py - b) < 0.9 for a, b in places):
                continue
            places.append((px, py))
            layer = chance.choice(("li1", "li1", "met1", "met2", "met3"))
            dx, dy = (0.25, 0.25) if layer == "met3" else (0.17, 0.13) if layer == "li1" else (0.15, 0.15)
            pins.append((Box(layer, *(round(v, 3) for v in (px - dx, py - dy, px + dx, py + dy))),))
        nets.append(Net(f"n{number}", tuple(pins)))
    return nets
