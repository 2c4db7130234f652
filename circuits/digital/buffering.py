"""The clock tree, and buffers for nets of many inputs: where they go is known once cells have been placed without them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from nonideal.circuits.digital.netlist import Netlist
from nonideal.circuits.digital.placement import FloorPlan, Placed, place

CLOCK = "clk"
MOST_FLIP_FLOPS, MOST_INPUTS = 14, 12
"""Inputs that a leaf of the clock tree drives, and any other output."""
ROOT, LEAF, BUFFER = "clkbuf_8", "clkbuf_4", "buf_2"
QUICK = 1500
"""Moves a cell of the placement that only tells what lies together."""

End = tuple[int, str]


def buffered_and_placed(
    netlist: Netlist, plan: FloorPlan, pins_um: Mapping[str, tuple[float, float]], seed: int = 1
) -> Placed:
    """Place a netlist with a clock tree of one root and leaves alike, buffers for nets of more than ``MOST_INPUTS`` inputs, diodes at input ports.

    Until the tile is joined to what drives them, nothing but the diode leads away what etching charges those wires with.
    """
    rough = place(netlist, plan, pins_um, seed, apart=frozenset({CLOCK}), moves_a_cell=QUICK)
    made = netlist
    for net, ends in netlist.sinks.items():
        if net != CLOCK and len(ends) > MOST_INPUTS:
            for index, group in enumerate(groups(rough, ends, MOST_INPUTS)):
                made = made.moved(net, group, f"fan_{net}_{index}", BUFFER, f"{net}_{index}")
    for index, port in enumerate(netlist.inputs):
        if made.sinks.get(port):
            made = made.protected(port, f"diode{index}")
    leaves = groups(rough, netlist.sinks[CLOCK], MOST_FLIP_FLOPS)
    made = made.moved(CLOCK, [], "clock_root", ROOT, "clock")
    for index, group in enumerate(leaves):
        made = made.moved("clock", group, f"clock_leaf_{index}", LEAF, f"clock_{index}")
    return place(made, plan, pins_um, seed)


def groups(placed: Placed, ends: Sequence[End], most: int) -> list[list[End]]:
    """Inputs in groups of at most so many that lie together, all about as large."""
    count = math.ceil(len(ends) / most)
    return _halved(placed, list(ends), count)


def _halved(placed: Placed, ends: list[End], count: int) -> list[list[End]]:
    """Cut across the longer side, again and again."""
    if count == 1:
        return [ends]
    centres = {end: placed.centre_um(end[0]) for end in ends}
    spans = [
        max(centre[axis] for centre in centres.values()) - min(centre[axis] for centre in centres.values())
        for axis in (0, 1)
    ]
    axis = 0 if spans[0] >= spans[1] else 1
    ends = sorted(ends, key=lambda end: (centres[end][axis], centres[end][1 - axis], end))
    low = count // 2
    cut = round(len(ends) * low / count)
    return _halved(placed, ends[:cut], low) + _halved(placed, ends[cut:], count - low)
