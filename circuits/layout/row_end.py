"""What stands right of a row's last neuron, and the rails of a row of neurons."""

from __future__ import annotations

from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.contacts import MET3_LINE, stack
from nonideal.circuits.layout.dimensions import snap

PHASE_TIE, V0_WIRE, V0_STRIP = (
    "phase tie",
    "v0 wire",
    "v0 strip",
)  # upright wires on the cell's left, near the sense node of the neuron before
LOWER_RAIL = "vss low"  # the lower vss rail, which no metal of the neuron joins to the upper one
LINE_END = 2.0  # how far control lines run past the last neuron
ROW_LINES = ("phase", "reset", "reset_b", "iso", "iso_b", "v0", "vsense")


def lower_rails(cell: Block) -> list[tuple[str, float]]:
    """Rails of a neuron but the top one, which is the crossbar's."""
    return [("vdd", cell.pins["vdd"].y), ("vss", cell.pins[LOWER_RAIL].y)]


def finish_row(block: Block, cell: Block, end: float, y: float) -> None:
    """Right of a row's last neuron: what a further one would show it on its left, so that its sense node is loaded as the others' are."""
    for net in ROW_LINES:
        box = cell.pins[net].moved(end, y)
        block.rect("met3", box.x0, box.y0, snap(box.x0 + LINE_END), box.y1)
    for name, lines in ((PHASE_TIE, 2), (V0_WIRE, 1)):
        if name not in cell.pins:
            continue
        wire = cell.pins[name].moved(end, y)
        block.rect("met2", wire.x0, wire.y0, wire.x1, wire.y1)
        for line in (wire.y0, wire.y1)[:lines]:
            low = snap(line - MET3_LINE / 2)
            block.rect("met3", end, low, snap(end + LINE_END), low + MET3_LINE)
            stack(block, round((wire.x0 + wire.x1) / 2, 3), line, "met2", "met3")
    strip, wire = cell.pins[V0_STRIP].moved(end, y), cell.pins[V0_WIRE].moved(end, y)
    block.rect("li1", strip.x0, strip.y0, strip.x1, strip.y1)
    stack(
        block,
        round((wire.x0 + wire.x1) / 2, 3),
        wire.y1 if strip.y0 < wire.y1 < strip.y1 else wire.y0,
        "li1",
        "met2",
    )
