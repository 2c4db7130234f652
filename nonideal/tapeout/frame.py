"""The frame of a tile: its boundary, the template's pins and the supply stripes, all flat polygons of the top cell."""

from __future__ import annotations

from dataclasses import dataclass

from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import stack
from nonideal.circuits.layout.dimensions import VIA3, snap
from nonideal.sky130_models.tile import GROUND, SUPPLY, TileTemplate
from nonideal.tapeout.pins import Pinning

STRIPE = 2.4
"""Width of a supply stripe, um: twice the least, below the 3 um from which metal needs more space."""
STRIPE_SPACE = 0.6
MARGIN = 1.0
"""Between the boundary and the outer stripes, and at their ends."""
BAR = 1.2
"""Height of the bars on metal 3 that join the stripes at both ends of the tile."""
BAR_FROM_EDGE = 2.6
BAR_PITCH = 1.8
CUT_MARGIN = 0.1
FILL_EDGE = 0.5


@dataclass(frozen=True, slots=True)
class Stripe:
    """A supply stripe on metal 4, from x0 to x1."""

    net: str
    x0_um: float
    x1_um: float


def stripes(width_um: float) -> tuple[Stripe, ...]:
    """Two stripes on either side of a tile, ground outside."""
    left = []
    for number, net in enumerate((GROUND, SUPPLY)):
        x = snap(MARGIN + number * (STRIPE + STRIPE_SPACE))
        left.append(Stripe(net, x, snap(x + STRIPE)))
    right = [Stripe(one.net, snap(width_um - one.x1_um), snap(width_um - one.x0_um)) for one in left]
    return (*left, *reversed(right))


def inside(template: TileTemplate) -> tuple[float, float, float, float]:
    """The part of a tile that blocks may take: between the stripes and between the bars, in um."""
    edge = stripes(template.width_um)[1].x1_um + STRIPE_SPACE
    ends = BAR_FROM_EDGE + BAR_PITCH + BAR
    return (snap(edge), snap(ends), snap(template.width_um - edge), snap(template.height_um - ends))


def fill_area(template: TileTemplate) -> tuple[float, float, float, float]:
    """Where fill may lie: off the boundary, in um."""
    return (FILL_EDGE, FILL_EDGE, template.width_um - FILL_EDGE, template.height_um - FILL_EDGE)


def draw_frame(name: str, pinning: Pinning) -> Block:
    """A tile's top cell with its frame alone: supplies joined all round, unused outputs tied to ground, nothing else connected."""
    template = pinning.template
    block = Block.named(name, template.width_um, template.height_um)
    block.rect("prBoundary", 0.0, 0.0, template.width_um, template.height_um)
    for pin in template.pins:
        block.pins[pin.name] = block.rect(pin.layer, pin.x0_um, pin.y0_um, pin.x1_um, pin.y1_um)
    for number, stripe in enumerate(stripes(template.width_um)):
        box = block.rect("met4", stripe.x0_um, MARGIN, stripe.x1_um, template.height_um - MARGIN)
        block.pins[f"{stripe.net} {number}"] = box
    for number, net in enumerate((GROUND, SUPPLY)):
        from_edge = BAR_FROM_EDGE + number * BAR_PITCH
        _draw_bar(block, net, from_edge)
        _draw_bar(block, net, template.height_um - from_edge)
    for pin in pinning.tied:
        x, y = snap((pin.x0_um + pin.x1_um) / 2), snap(template.height_um - BAR_FROM_EDGE)
        stack(block, x, y, "met3", "met4")
        block.rect("met4", x - 0.19, y - 0.19, x + 0.19, pin.y1_um - 0.5)
    return block


def _draw_bar(block: Block, net: str, y_um: float) -> None:
    """A bar on metal 3 between the outermost stripes of a net, joined to each of them."""
    own = [one for one in stripes(block.width) if one.net == net]
    low, high = snap(y_um - BAR / 2), snap(y_um + BAR / 2)
    block.rect("met3", own[0].x0_um, low, own[-1].x1_um, high)
    for stripe in own:
        draw_cuts(block, Box("via3", stripe.x0_um, low, stripe.x1_um, high), VIA3)


def draw_cuts(block: Block, box: Box, size_um: float) -> None:
    """As many cuts of the box's layer as fit into it where two conductors lie over each other, each as far from the next as it is wide."""
    columns, rows = (
        int((length - 2 * CUT_MARGIN + size_um) / (2 * size_um) + 1e-6)
        for length in (box.x1 - box.x0, box.y1 - box.y0)
    )
    left = snap(box.x - (columns - 0.5) * size_um)
    low = snap(box.y - (rows - 0.5) * size_um)
    for column in range(columns):
        for row in range(rows):
            x, y = left + 2 * size_um * column, low + 2 * size_um * row
            block.rect(box.layer, x, y, x + size_um, y + size_um)
