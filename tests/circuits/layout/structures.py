"""Test structures, layouts that kpex extracted, and what it said of them."""

from __future__ import annotations

import gzip
import json
from math import atan
from pathlib import Path
from typing import Any

from nonideal.circuits.extraction.agreement import Measured
from nonideal.circuits.extraction.netlist import Netlist, net_of
from nonideal.circuits.extraction.parasitics.drawn import Drawn, read_drawn
from nonideal.circuits.extraction.parasitics.technology import Technology
from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import write_database

KPEX = Path(__file__).parent / "kpex"
GROUND = "sky130_gnd"


def structure(folder: Path, *shapes: tuple[str, str, float, float, float, float]) -> Path:
    """The database of a test structure: (net or "", layer, x0, y0, x1, y1) a shape, in um, pins where a net is named."""
    block = Block.named("cell")
    for net, layer, *corners in shapes:
        box = block.rect(layer, *corners)
        if net:
            block.pins[net] = box
    write_database(write_gds(block, folder / "cell.gds"), "cell", folder / "cell.lvsdb.gz")
    return folder / "cell.lvsdb.gz"


def between(netlist: Netlist, a: str, b: str) -> float:
    """aF."""
    return 1e18 * sum(c.value for c in netlist.capacitors if {net_of(c.a), net_of(c.b)} == {a, b})


def fringe(technology: Technology, edge: str, other: str, near_um: float, far_um: float) -> float:
    """aF/um of an edge, to what lies between two distances from it."""
    pair = (edge, other) if (edge, other) in technology.plate_aF_um2 else (other, edge)
    a = 0.02 * technology.plate_aF_um2[pair]
    return (
        technology.fringe_aF_um[edge, other]
        * (atan(a * far_um) - atan(a * near_um))
        / atan(a * technology.halo_um)
    )


def kpex_of(name: str, sidewall: str) -> tuple[Measured, dict[str, Any]]:
    content = json.loads(gzip.decompress((KPEX / f"{name}.{sidewall}.json.gz").read_bytes()))
    return Measured(
        {net: 1e-15 * value for net, value in content["nets_fF"].items()},
        {(a, b): 1e-15 * value for a, b, value in content["couplings_fF"]},
        {(net, device, end): ohm for net, device, end, ohm in content["paths_ohm"]},
    ), content


def ports_and_devices(name: str) -> tuple[list[str], int]:
    content = kpex_of(name, "full")[1]
    return content["ports"], len(content["devices"])


def drawn_1_1(technology: Technology) -> Drawn:
    return read_drawn(KPEX / "1-1.lvsdb.gz", technology)
