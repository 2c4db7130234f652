"""Numbers of a drawn tile: density, supply current, and what of the supply the way to the blocks takes."""

from __future__ import annotations

import re

from nonideal.circuits.digital.cells import PREFIX
from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.fill import FILLS
from nonideal.circuits.layout.shapes import region_of
from nonideal.sky130_models.metals import METALS
from nonideal.tapeout.frame import STRIPE
from nonideal.tapeout.supply import BAR
from nonideal.tapeout.tile import Drawn, Tile

NET_F, SWING_V = 20e-15, 1.8
"""What a net of the digital side is taken to have: its wire, and the gates on it."""
ANALOG_A = 100e-6
"""Taken for network and generator: 10 uA that flow always, and drivers that charge axons, spikes and control lines once a phase."""
CELL_CALL = re.compile(rf"^X.* {PREFIX}\w+$", re.MULTILINE)
UM2 = 1e-6
"""of a region's area, in nm2"""


def densities(block: Block) -> dict[str, float]:
    """By layer, how much of a tile is covered."""
    area = block.width * block.height
    return {fill.layer: round(region_of(block.cell, fill.layer).area() * UM2 / area, 4) for fill in FILLS}


def standard_cells(tile: Tile) -> int:
    """How many standard cells are in a tile's netlist, decoupling among them."""
    return sum(len(CELL_CALL.findall(text)) for part in tile.parts for text in dict.fromkeys(part.texts))


def supply_A(tile: Tile, clock_Hz: float) -> float:
    """A bound of the supply current: a net of the digital side for every cell, charged once a clock, and what the analog side takes."""
    return standard_cells(tile) * NET_F * SWING_V * clock_Hz + ANALOG_A


def drops_V(drawn: Drawn, current_A: float) -> dict[str, float]:
    """By part and net, the drop from the tile's edge to its straps if all current were the part's: one stripe all along, then its bars."""
    stripe_ohm = METALS["met4"].sheet_ohm * drawn.block.height / STRIPE
    siemens: dict[str, float] = {}
    for joint in drawn.joints:
        ohm = METALS["met3"].sheet_ohm * (joint.box.x1 - joint.box.x0) / BAR
        key = f"{joint.part} {joint.net}"
        siemens[key] = siemens.get(key, 0.0) + 1.0 / ohm
    return {key: round(current_A * (stripe_ohm + 1.0 / value), 6) for key, value in siemens.items()}


def length_um(drawn: Drawn) -> float:
    """Of all wires between parts and pins."""
    boxes = [box for found in drawn.wires.values() for box in found if box.layer.startswith("met")]
    return round(sum(max(box.x1 - box.x0, box.y1 - box.y0) for box in boxes), 1)
