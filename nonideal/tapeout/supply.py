"""Supplies of a tile: bars on metal 3 from the upright straps of its blocks to the stripes of the frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import klayout.db as kdb

from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.dimensions import VIA2, VIA3, snap
from nonideal.circuits.layout.shapes import DBU, boxes_of, region_from, region_of
from nonideal.sky130_models.tile import GROUND, SUPPLY
from nonideal.tapeout.errors import TapeoutError
from nonideal.tapeout.frame import Stripe, draw_cuts, stripes
from nonideal.tapeout.part import Part

BAR = 2.4
BARS = 3
"""So many bars join a strap to its stripe, where there is room."""
CUTS = {"met2": ("via2", VIA2), "met4": ("via3", VIA3)}
"""Between straps and bars on metal 3, and how large they are."""
SHORT = 0.6
"""By how much a bar ends before the far side of its strap, where the block has its own wires, um."""
KEEP = 0.5
"""Between a bar and other metal 3, um."""


@dataclass(frozen=True, slots=True)
class Joint:
    """A bar that joins a strap to a stripe: who is supplied, and where it lies."""

    net: str
    part: str
    box: Box
    strap: Box
    stripe: Stripe


def join_supplies(top: Block, part: Part) -> tuple[Joint, ...]:
    """Join every supply strap of a part that is placed in ``top`` to the nearest stripe of its net.

    A strap that lies on a stripe of its net is joined already. Raises ``TapeoutError`` for a supply pin that is no upright strap, or that no
    bar reaches.
    """
    metal3 = region_of(top.cell, "met3")
    joints: list[Joint] = []
    for net, strap in supply_straps(part):
        own = [one for one in stripes(top.width) if one.net == net]
        if strap.layer == "met4" and any(one.x0_um <= strap.x <= one.x1_um for one in own):
            continue  # it lies on the stripe
        stripe = min(own, key=lambda one: abs((one.x0_um + one.x1_um) / 2 - strap.x))
        found = list(_bars(net, part.name, strap, stripe, metal3))
        if not found:
            raise TapeoutError(
                f"{part.name}: no bar of {BAR} um on metal 3 reaches from its strap of {net} at x = {strap.x:.2f} um to the stripe"
            )
        for joint in found:
            box = joint.box
            top.rect(box.layer, box.x0, box.y0, box.x1, box.y1)
            cut, size_um = CUTS[strap.layer]
            over = Box(cut, max(strap.x0, box.x0), box.y0, min(strap.x1, box.x1), box.y1)
            draw_cuts(top, over, size_um)
            draw_cuts(top, Box("via3", stripe.x0_um, box.y0, stripe.x1_um, box.y1), VIA3)
        metal3 += region_from(joint.box for joint in found)
        joints += found
    return tuple(joints)


def supply_straps(part: Part) -> Iterator[tuple[str, Box]]:
    """(net, box in the tile) of every supply strap of a part: all of the metal that its pin lies on."""
    metal = {layer: region_of(part.block.cell, layer) for layer in CUTS}
    for key, pin in part.block.pins.items():
        net = part.net(key.split(" ")[0])
        if net not in (GROUND, SUPPLY):
            continue
        if pin.layer not in metal:
            raise TapeoutError(
                f"{part.name}: its supply pin {key} lies on {pin.layer}, not on a strap of metal 2 or 4"
            )
        (strap,) = boxes_of(metal[pin.layer].interacting(region_from([pin])), pin.layer)
        yield net, strap.moved(part.x_um, part.y_um)


def _bars(net: str, part: str, strap: Box, stripe: Stripe, metal3: kdb.Region) -> Iterator[Joint]:
    """Bars in the widest gaps of what crosses their way, evenly along the strap."""
    left = stripe.x0_um < strap.x0
    x0 = stripe.x0_um if left else strap.x0 + SHORT
    x1 = strap.x1 - SHORT if left else stripe.x1_um
    way = Box("met3", x0 - KEEP, strap.y0, x1 + KEEP, strap.y1)
    crossing = metal3.sized(round(KEEP / DBU)) & region_from([way])
    taken = kdb.Region()
    for box in (one.bbox() for one in crossing.each()):
        taken.insert(kdb.Box(round(way.x0 / DBU), box.bottom, round(way.x1 / DBU), box.top))
    free = boxes_of(region_from([way]) - taken.merged(), "met3")
    places = [y for box in free for y in _places(box)]
    step = max(1.0, len(places) / BARS)
    for index in range(min(BARS, len(places))):
        y = places[int((index + 0.5) * step)] if len(places) > BARS else places[index]
        yield Joint(net, part, Box("met3", x0, snap(y), x1, snap(y + BAR)), strap, stripe)


def _places(gap: Box) -> list[float]:
    """Where bars may begin in a gap, one above the other."""
    count = int((gap.y1 - gap.y0 + KEEP) / (BAR + KEEP) + 1e-6)
    return [gap.y0 + index * (BAR + KEEP) for index in range(count)]
