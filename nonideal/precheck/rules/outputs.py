"""The rule of the digital outputs: all of them are driven or tied."""

from __future__ import annotations

import klayout.db as kdb

from nonideal.precheck.result import Finding, Place, fails, passes
from nonideal.precheck.rules.lef import USES, power_name
from nonideal.precheck.rules.outline import without, without_template
from nonideal.precheck.tile import Tile
from nonideal.sky130_models.tile import TilePin


def outputs(tile: Tile) -> Finding:
    """Metal 4 leads from every digital output to a via or a supply stripe: an output that is not used is tied to ground, never left open."""
    if tile.template is None:
        return without_template()
    if tile.lef is None:  # it says where the stripes are
        return without("LEF")
    driven = [pin for pin in tile.template.digital if pin.direction == "output"]
    ends = _ends(tile)
    wrong = [
        Place(x_um=(pin.x0_um + pin.x1_um) / 2, y_um=(pin.y0_um + pin.y1_um) / 2, what=f"{pin.name}: {what}")
        for pin in driven
        if (what := _open(tile, pin, ends))
    ]
    if wrong:
        return fails(
            f"{len(wrong)} outputs: {wrong[0].what}",
            "drive it, or tie it to VGND (uio_oe too: 0 is an input)",
            wrong,
        )
    return passes(f"{len(driven)} outputs driven or tied")


def _ends(tile: Tile) -> kdb.Region:
    """Where a wire on metal 4 may lead: vias down, and the supply stripes."""
    found = tile.regions["via3"].dup()
    for pin in tile.lef.pins.values() if tile.lef is not None else ():
        if power_name(pin.name) in USES:
            for port in pin.ports:
                found.insert(tile.box(*port.box_um))
    return found


def _open(tile: Tile, pin: TilePin, ends: kdb.Region) -> str:
    """What is wrong with an output; "" for nothing."""
    box = kdb.Region(tile.box(pin.x0_um, pin.y0_um, pin.x1_um, pin.y1_um))
    metal = tile.regions["met4"].interacting(box)
    if metal.is_empty():
        return "no metal on it"
    if not metal.interacting(ends).is_empty():
        return ""
    return "no wire leaves it" if (metal - box).is_empty() else "its wire ends without a via"
