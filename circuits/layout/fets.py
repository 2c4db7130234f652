"""FETs whose gates stand upright in a row: chains of them on one diffusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nonideal.circuits.cells.fet import Fet
from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.contacts import LI_PAST_CONTACT, contact_offsets
from nonideal.circuits.layout.dimensions import (
    CONTACT_TO_GATE,
    DIFF_CONTACT_END,
    END_CAP,
    GRID,
    LI,
    LICON,
    MIN_LENGTH,
    MIN_WIDTH,
    POLY_TO_DIFF,
    limit,
    snap,
    up,
)
from nonideal.circuits.layout.errors import LayoutError

COLUMN = 0.42  # least distance between a gate and the contact beside it, for their pads on metal 1
THRESHOLD_LAYERS = {"lvt": "lvtn", "hvt": "hvtp"}


def check_fet(name: str, fet: Fet) -> None:
    """Refuse sizes that break a rule or leave the drawing grid."""
    if fet.l_um < MIN_LENGTH - 1e-9:
        raise LayoutError(f"{name}: l_um = {fet.l_um} is below the least gate length {MIN_LENGTH} (poly.1a)")
    if fet.w_um < MIN_WIDTH - 1e-9:
        raise LayoutError(f"{name}: w_um = {fet.w_um} is below the least width {MIN_WIDTH} (difftap.2)")
    for key, value in (("l_um", fet.l_um), ("w_um", fet.w_um)):
        if abs(value - snap(value)) > 1e-6:
            raise LayoutError(f"{name}: {key} = {value} is no multiple of {GRID} um")


@dataclass(frozen=True, slots=True)
class Gate:
    """One FET of a chain, standing in a column; `threshold` is "", "lvt" or "hvt"."""

    name: str
    fet: Fet
    column: str
    threshold: str = ""
    pad_y: float | None = (
        None  # how far from the diffusion's rail side its poly reaches; None: just its end cap
    )


@dataclass(frozen=True, slots=True)
class Side:
    """Where a chain lies: from the rail at `rail` its diffusion begins at `start`, going up (+1) or down (-1)."""

    rail: float
    start: float
    way: int

    def y(self, distance: float) -> float:
        """Absolute y of a distance from the rail side of the diffusion."""
        return self.start + self.way * distance


def column_step(lengths: Sequence[float]) -> float:
    """Distance from a gate column to the contact column beside it, for gates of these lengths."""
    return up(max([COLUMN, *(length / 2 + CONTACT_TO_GATE + LICON / 2 for length in lengths)]))


def chain(
    block: Block,
    side: Side,
    nodes: Sequence[str | None],
    gates: Sequence[Gate],
    columns: Mapping[str, float],
) -> None:
    """Draw FETs in series on one diffusion, aligned at the rail side.

    `nodes` names the contact columns left of, between and right of the gates; None leaves a node uncontacted.
    Local interconnect covers the contacts only; what leads away from them is the caller's.
    """
    if len(nodes) != len(gates) + 1 or nodes[0] is None or nodes[-1] is None:
        raise LayoutError(
            f"{block.cell.name}: {len(gates)} gates in a chain need {len(gates) + 1} nodes, contacted at both ends"
        )
    for gate in gates:
        check_fet(gate.name, gate.fet)

    def rect(layer: str, x0: float, d0: float, x1: float, d1: float) -> None:
        low, high = sorted((snap(side.y(d0)), snap(side.y(d1))))
        block.rect(layer, snap(x0), low, snap(x1), high)

    edges = [snap(columns[gate.column] - gate.fet.l_um / 2) for gate in gates]
    end = up(LICON / 2 + DIFF_CONTACT_END)
    boundaries = [snap(columns[nodes[0]] - end)]
    for index in range(1, len(gates)):
        before, after = gates[index - 1].fet, gates[index].fet
        right_edge = edges[index - 1] + before.l_um
        boundaries.append(
            edges[index] - POLY_TO_DIFF if before.w_um > after.w_um else right_edge + POLY_TO_DIFF
        )
    boundaries.append(snap(columns[nodes[-1]] + end))

    for index, gate in enumerate(gates):
        fet, left = gate.fet, edges[index]
        rect("diff", boundaries[index], 0.0, boundaries[index + 1], fet.w_um)
        reach = (
            fet.w_um + END_CAP
            if gate.pad_y is None
            else max(abs(gate.pad_y - side.start), fet.w_um + END_CAP)
        )
        rect("poly", left, -END_CAP, left + fet.l_um, reach)
        if gate.threshold:
            around = up(limit("lvtn.4b")) + GRID
            rect(
                THRESHOLD_LAYERS[gate.threshold],
                left - around,
                -around,
                left + fet.l_um + around,
                fet.w_um + around,
            )

    for index, node in enumerate(nodes):
        if node is None:
            continue
        x = snap(columns[node] - LICON / 2)
        width = min(gate.fet.w_um for gate in gates[max(0, index - 1) : index + 1])
        offsets = contact_offsets(width)
        for offset in offsets:
            rect("licon1", x, offset, x + LICON, offset + LICON)
        rect("li1", x, offsets[0] - LI_PAST_CONTACT, x + LI, offsets[-1] + LICON + LI_PAST_CONTACT)
