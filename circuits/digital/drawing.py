"""A placed netlist as a block: cells, taps and what fills the rows, rails and straps, wires and pins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import gdstk

from nonideal.circuits.cells.port import VDD, VSS
from nonideal.circuits.digital.cell_layout import CellLayouts, placed
from nonideal.circuits.digital.cells import DECAPS, FILLERS, ROW_UM, SITE_UM, TAP, StandardCell, cell
from nonideal.circuits.digital.netlist import Instance, Netlist
from nonideal.circuits.digital.placement import Placed
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import stack
from nonideal.circuits.layout.dimensions import snap
from nonideal.circuits.routing import Net, route
from nonideal.sky130_models.layers import LAYERS

RAIL_UM = 0.24
"""Half the width of a rail: as the cells have it."""
CHANNEL_UM = 2.0
"""Beyond the rows, below and above: where pins lie and wires may."""
STACK_PITCH_UM = 0.8


@dataclass(frozen=True, slots=True)
class Strap:
    """A supply of the tile upright on metal 4, left or right of the rows, that the rails of its net reach to."""

    net: str
    x0_um: float
    x1_um: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """The block, and the netlist of what is in it: the placed one and the decoupling that fills the rows."""

    block: Block
    netlist: Netlist
    wires_um: float


def draw(made: Placed, pins: Mapping[str, Box], straps: Sequence[Strap]) -> Drawn:
    """Draw and route a placed netlist; ``pins`` lie within ``CHANNEL_UM`` of the rows. Raises ``RoutingError`` where wires find no way."""
    plan, netlist = made.plan, made.netlist
    layouts = CellLayouts()
    block = Block.named(netlist.name, plan.width_um, plan.height_um)
    for index, one in enumerate(netlist.instances):
        _put(block, layouts, one.standard, made.rows[index], made.sites[index])
    decaps: list[Instance] = []
    for standard, row, site in _filling(made):
        _put(block, layouts, standard, row, site)
        if standard.name in {cell(name).name for name in DECAPS}:
            decaps.append(Instance(f"decap{len(decaps)}", standard.name, {}))
    _rails(block, made, straps)
    block.pins |= {net: block.rect(box.layer, box.x0, box.y0, box.x1, box.y1) for net, box in pins.items()}
    area = (0.0, -CHANNEL_UM, plan.width_um, round(plan.height_um + CHANNEL_UM, 3))
    wires = route(area, _nets(made, pins), list(_obstacles(block, made, layouts)))
    for wire in wires:
        for box in wire.boxes:
            # Not Block.rect: pins of cells lie on the process's grid, which is finer than our own drawings'.
            number = LAYERS[box.layer]
            corners = (box.x0, box.y0), (box.x1, box.y1)
            block.cell.add(gdstk.rectangle(*corners, layer=number.gds_layer, datatype=number.drawing))
    block.regions["rows"] = (0.0, 0.0, plan.width_um, plan.height_um)
    metal = [box for wire in wires for box in wire.boxes if box.layer.startswith("met")]
    length = sum(max(box.x1 - box.x0, box.y1 - box.y0) for box in metal)
    return Drawn(block, replace(netlist, instances=(*netlist.instances, *decaps)), length)


def _put(block: Block, layouts: CellLayouts, standard: StandardCell, row: int, site: int) -> None:
    """Place a cell, upside down in every other row."""
    upside_down = bool(row % 2)
    y = (row + upside_down) * ROW_UM
    at = (round(site * SITE_UM, 3), round(y, 3))
    block.cell.add(gdstk.Reference(layouts.drawn(standard), at, x_reflection=upside_down))


def _filling(made: Placed) -> Iterator[tuple[StandardCell, int, int]]:
    """(cell, row, site) of the taps, and of decoupling and fillers in all gaps."""
    tap = cell(TAP)
    fits = [cell(name) for name in (*DECAPS, *FILLERS)]
    for row in range(made.plan.rows):
        taken = dict.fromkeys(made.plan.taps(row), tap.sites)
        yield from ((tap, row, site) for site in taken)
        for index, one in enumerate(made.netlist.instances):
            if made.rows[index] == row:
                taken[made.sites[index]] = one.standard.sites
        site = 0
        while site < made.plan.sites:
            if site in taken:
                site += taken[site]
                continue
            gap = min([other for other in taken if other > site], default=made.plan.sites) - site
            standard = next(one for one in fits if one.sites <= gap)
            yield standard, row, site
            site += standard.sites


def _rails(block: Block, made: Placed, straps: Sequence[Strap]) -> None:
    """Rails on metal 1, ground below; each reaches to the straps of its net, which it meets through all levels."""
    plan = made.plan
    for number in range(plan.rows + 1):
        net, y = (VDD if number % 2 else VSS), snap(number * ROW_UM)
        own = [strap for strap in straps if strap.net == net]
        x0 = min([0.0, *(strap.x0_um for strap in own)])
        x1 = max([plan.width_um, *(strap.x1_um for strap in own)])
        rail = block.rect("met1", x0, y - RAIL_UM, x1, y + RAIL_UM)
        if not own and net not in block.pins:
            block.pins[net] = rail
        for strap in own:
            count = max(1, int((strap.x1_um - strap.x0_um) / STACK_PITCH_UM))
            for k in range(count):
                middle = (strap.x0_um + strap.x1_um) / 2 + (k - (count - 1) / 2) * STACK_PITCH_UM
                stack(block, snap(middle), y, "met1", "met4")
    counts = {VDD: 0, VSS: 0}
    for strap in straps:
        low, high = -CHANNEL_UM, snap(plan.height_um + CHANNEL_UM)
        key = strap.net if not counts[strap.net] else f"{strap.net} {counts[strap.net]}"
        block.pins[key] = block.rect("met4", strap.x0_um, low, strap.x1_um, high)
        counts[strap.net] += 1


def _nets(made: Placed, pins: Mapping[str, Box]) -> list[Net]:
    """What is to be routed: pins of cells and of the block, by net."""
    found: dict[str, list[tuple[Box, ...]]] = {net: [] for net in made.netlist.nets}
    for index, one in enumerate(made.netlist.instances):
        x, row = made.sites[index] * SITE_UM, made.rows[index]
        for pin, net in one.nets.items():
            found[net].append(tuple(placed(box, x, row) for box in one.standard.shapes[pin]))
    for net, box in pins.items():
        found[net].append((box,))
    return [Net(net, tuple(ends)) for net, ends in found.items() if len(ends) > 1]


def _obstacles(block: Block, made: Placed, layouts: CellLayouts) -> Iterator[tuple[str, Box]]:
    """Metal of cells, with the net of the pin that it belongs to, and the rails."""
    metal = {}
    cells = [
        (one.standard, made.rows[index], made.sites[index], one.nets)
        for index, one in enumerate(made.netlist.instances)
    ]
    cells += [(standard, row, site, {}) for standard, row, site in _filling(made)]
    for standard, row, site, nets in cells:
        if standard.name not in metal:
            metal[standard.name] = layouts.metal(standard)
        for pin, box in metal[standard.name]:
            yield nets.get(pin, ""), placed(box, site * SITE_UM, row)
    for number in range(made.plan.rows + 1):
        y = snap(number * ROW_UM)
        yield "", Box("met1", 0.0, y - RAIL_UM, made.plan.width_um, y + RAIL_UM)
