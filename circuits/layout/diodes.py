"""Antenna diodes: n+ diffusions in the substrate on lines that else meet nothing but gates.

Metal that is etched while it hangs on gates alone charges them (`nonideal.sky130_models.antenna`). A row's line grows with every
neuron, and so do its gates, but a wide neuron's share of the line is more than its gates may bear. With a diode a line may
have 2600 times its gates' area in place of 400. Such a diode is reverse biased and no device of the netlist: the process asks
that antenna diodes stand in no schematic.
"""

from __future__ import annotations

from collections.abc import Sequence

from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.contacts import LI_PAST_CONTACT, MET2_PAD, stack
from nonideal.circuits.layout.dimensions import DIFF_CONTACT_END, IMPLANT, LI, LICON, snap, up

DIODE = up(LICON + 2 * DIFF_CONTACT_END) + 0.01  # an even number of grid steps
DIODE_PITCH = 0.7
WIRE = MET2_PAD[0]  # as wide as the pads at its ends: however near these are, there is no notch between them


def draw_diodes(block: Block, left: float, y: float, lines: Sequence[float]) -> None:
    """Draw a row of diodes, centred at y, the first at x = left: one for each line on metal 3, whose y is given."""
    for index, line in enumerate(lines):
        x = round(left + index * DIODE_PITCH, 3)
        block.square("diff", x, y, DIODE)
        licon = block.square("licon1", x, y, LICON)
        block.rect("li1", licon.x0, licon.y0 - LI_PAST_CONTACT, licon.x0 + LI, licon.y1 + LI_PAST_CONTACT)
        stack(block, x, y, "li1", "met2")
        low, high = sorted((y, line))
        wire = snap(x - WIRE / 2)
        block.rect("met2", wire, snap(low - WIRE / 2), wire + WIRE, snap(high + WIRE / 2))
        stack(block, x, line, "met2", "met3")
    half = up(DIODE / 2 + IMPLANT)
    right = left + (len(lines) - 1) * DIODE_PITCH
    block.rect("nsdm", snap(left - half), snap(y - half), snap(right + half), snap(y + half))
