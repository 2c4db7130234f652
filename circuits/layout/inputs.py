"""The input driver: a driver as the first cell of a crossbar's row, its outputs on the row's axons."""

from __future__ import annotations

from nonideal.circuits.cells.driver import DriverSizes
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import MET3_LINE, MET4_LINE, stack
from nonideal.circuits.layout.dimensions import OVERLAP, snap
from nonideal.circuits.layout.driver import SIZES, draw_driver, driver_strip, driver_width, source_columns

PHASE = 0.28
APART = 3.0  # nearer, a driver's output couples more to the first dendrite than to the others


def input_width(sizes: DriverSizes = SIZES) -> float:
    """Width of an input driver, with the distance that the first dendrite keeps from it."""
    return round(driver_width(sizes) + APART, 3)


def input_driver(
    sizes: DriverSizes,
    height: float,
    axon: Box,
    axon_b: Box,
    *,
    row: float | None = None,
    name: str = "input_driver",
) -> Block:
    """An input driver in a row of synapses of that height whose axons lie at those boxes; ``row``: height of its own row, the lowest.

    The input enters from the left on metal 3; the phase line crosses the row on metal 2, so that rows share it.
    """
    width = input_width(sizes)
    block = Block.named(name, width, height)
    strip = driver_strip(block, sizes, 0.0, height if row is None else row)
    strip.frame(width, *source_columns(sizes))
    anchors = draw_driver(strip, sizes, 0.0)
    for (x, y), level, line in ((anchors.out, "li1", axon), (anchors.out_b, "met1", axon_b)):
        stack(block, x, y, level, "met3")
        low, high = sorted((y, line.y))
        left = snap(x - MET3_LINE / 2)
        block.rect("met3", left, snap(low - MET3_LINE / 2), left + MET3_LINE, snap(high + MET3_LINE / 2))
        stack(block, x, line.y, "met3", "met4")
        block.rect("met4", snap(x - MET4_LINE / 2), line.y0, width, line.y1)
    x, y = anchors.trigger
    stack(block, x, y, "li1", "met3")
    low = snap(y - MET3_LINE / 2)
    block.pins["in"] = block.rect("met3", 0.0, low, snap(x + MET3_LINE / 2), low + MET3_LINE)
    x, y = anchors.phase
    stack(block, x, y, "li1", "met2")
    block.pins["phase"] = block.rect(
        "met2", snap(x - PHASE / 2), -OVERLAP, snap(x - PHASE / 2) + PHASE, height + OVERLAP
    )
    return block
