"""The synapse: two stacked FETs to vss and two to vdd, on one dendrite.

Gates lie across the row, so that any width of FET fits the row's height. The axons run on metal 4 through the whole
row, the dendrite on metal 2 through the whole column. The biases come from outside: each memory gate ends in a pin on
metal 1 with nothing above it on metals 2 to 5, where a storage level or a probe lands with its own stack. A bias line to
the edge of the array would take two tracks for every synapse of a row and would load and couple what is measured here.
"""

from __future__ import annotations

from collections.abc import Sequence

from nonideal.circuits.cells.fet import Fet
from nonideal.circuits.cells.synapse import SynapseSizes
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import (
    LI_PAST_CONTACT,
    MET1_PAD,
    MET4_LINE,
    contact_offsets,
    gate_pad,
    stack,
)
from nonideal.circuits.layout.dimensions import (
    CONTACT_TO_GATE,
    DIFF_TO_RAIL,
    END_CAP,
    GATE_SPACE,
    IMPLANT,
    IMPLANT_TO_RAIL,
    LI,
    LICON,
    MCON,
    OVERLAP,
    PAD_TO_DIFF,
    POLY_TO_DIFF,
    SOURCE_DRAIN,
    WELL_PAST_P_DIFF,
    WELL_TO_N_DIFF,
    limit,
    snap,
    up,
)
from nonideal.circuits.layout.drawing import SynapseDrawing
from nonideal.circuits.layout.fets import check_fet
from nonideal.circuits.layout.frame import row_frame

SIZES = SynapseSizes()
MARGIN = 0.18  # gate pad to cell edge
PAD_HALF = LICON / 2 + limit("licon.8")
DENDRITE = 0.28
SHIELD = 0.28


def gate_gap(select: Fet, memory: Fet) -> float:
    """Distance between the two gates of a pair: as small as it can be, for the inner node's charge is an error."""
    pads = GATE_SPACE + max(0.0, up(PAD_HALF) - min(select.l_um, memory.l_um) / 2)
    step = up(limit("poly.7")) + POLY_TO_DIFF if select.w_um != memory.w_um else GATE_SPACE
    return up(max(pads, step))


def pair_height(select: Fet, memory: Fet) -> float:
    """Height of a pair's diffusion."""
    return 2 * SOURCE_DRAIN + select.l_um + memory.l_um + gate_gap(select, memory)


def synapse_height(sizes: SynapseSizes = SIZES) -> float:
    """Least height of a row of synapses."""
    gap = WELL_TO_N_DIFF + WELL_PAST_P_DIFF
    pairs = pair_height(sizes.select_n, sizes.memory_n) + pair_height(sizes.select_p, sizes.memory_p)
    return up(2 * DIFF_TO_RAIL + pairs + gap)


def half_width(sizes: SynapseSizes) -> float:
    """From the dendrite to the edge of the gate pads."""
    widest = max(sizes.memory_n.w_um, sizes.select_n.w_um, sizes.memory_p.w_um, sizes.select_p.w_um)
    return up(widest / 2 + PAD_TO_DIFF + LICON + limit("licon.8"))


def synapse_width(sizes: SynapseSizes = SIZES) -> float:
    """Least width of a synapse."""
    return up(2 * (half_width(sizes) + MARGIN))


def synapse(
    sizes: SynapseSizes = SIZES,
    *,
    width: float | None = None,
    height: float | None = None,
    dendrite_x: float | None = None,
    shields_x: Sequence[float] = (),
    name: str = "synapse",
) -> Block:
    """A synapse between its rails, vss below.

    `width` and `height` stretch the cell to the pitch of what it stands with; `dendrite_x` places the dendrite, and with
    it the FETs, in that width. `shields_x` adds vss lines on metal 2 between the dendrite and what runs beside it.
    """
    width = synapse_width(sizes) if width is None else width
    height = synapse_height(sizes) if height is None else height
    x = snap(width / 2) if dendrite_x is None else dendrite_x
    block = Block.named(name, width, height)
    n_top = DIFF_TO_RAIL + pair_height(sizes.select_n, sizes.memory_n)
    p_bottom = height - DIFF_TO_RAIL - pair_height(sizes.select_p, sizes.memory_p)
    well_y = snap((n_top + WELL_TO_N_DIFF + p_bottom - WELL_PAST_P_DIFF) / 2)
    row_frame(block, width, height, well_y, vss_x=[x], vdd_x=[x])

    drain_n, axon_y = _pair(block, "n", sizes.select_n, sizes.memory_n, x, half_width(sizes), height)
    drain_p, axon_b_y = _pair(block, "p", sizes.select_p, sizes.memory_p, x, half_width(sizes), height)
    for net, y in (("axon", axon_y), ("axon_b", axon_b_y)):
        block.pins[net] = block.rect(
            "met4", 0.0, snap(y - MET4_LINE / 2), width, snap(y - MET4_LINE / 2) + MET4_LINE
        )

    middle = snap((drain_n + drain_p) / 2)
    block.rect("li1", snap(x - LI / 2), snap(drain_n), snap(x - LI / 2) + LI, snap(drain_p))
    stack(block, x, middle, "li1", "met2")
    block.pins["dendrite"] = _upright(block, x, DENDRITE, height)
    for shield_x in shields_x:
        stack(block, shield_x, 0.0, "met1", "met2")
        _upright(block, shield_x, SHIELD, height)
    for net, rail in (("vdd", height), ("vss", 0.0)):
        block.pins[net] = Box("met1", 0.0, rail - 0.1, 0.2, rail + 0.1)
    return block


def _upright(block: Block, x: float, width: float, height: float) -> Box:
    left = snap(x - width / 2)
    return block.rect("met2", left, -OVERLAP, left + width, height + OVERLAP)


def _pair(
    block: Block, kind: str, select: Fet, memory: Fet, x: float, reach: float, height: float
) -> tuple[float, float]:
    """Draw one pair from its rail inwards; returns the y of its drain contact and of its select gate."""
    check_fet(f"select_{kind}", select)
    check_fet(f"memory_{kind}", memory)
    rail, way = (0.0, 1) if kind == "n" else (height, -1)

    def rect(layer: str, x0: float, y0: float, x1: float, y1: float) -> Box:
        low, high = sorted((rail + way * y0, rail + way * y1))
        return block.rect(layer, x0, low, x1, high)

    gap = gate_gap(select, memory)
    start = DIFF_TO_RAIL
    select_y = start + SOURCE_DRAIN
    memory_y = select_y + select.l_um + gap
    top = memory_y + memory.l_um + SOURCE_DRAIN
    # The wider FET's diffusion ends just short of the narrower one's gate.
    step = memory_y - POLY_TO_DIFF if select.w_um > memory.w_um else select_y + select.l_um + POLY_TO_DIFF
    if select.w_um == memory.w_um:
        rect("diff", snap(x - select.w_um / 2), start, snap(x - select.w_um / 2) + select.w_um, top)
    else:
        rect("diff", snap(x - select.w_um / 2), start, snap(x - select.w_um / 2) + select.w_um, step)
        rect("diff", snap(x - memory.w_um / 2), step, snap(x - memory.w_um / 2) + memory.w_um, top)

    widest = max(select.w_um, memory.w_um)
    implant = "nsdm" if kind == "n" else "psdm"
    rect(
        implant,
        snap(x - widest / 2) - IMPLANT,
        IMPLANT_TO_RAIL,
        snap(x + widest / 2) + IMPLANT,
        top + IMPLANT,
    )

    # Sources to the rail's tap, drains to the dendrite.
    for fet, low, to_rail in (
        (select, start + CONTACT_TO_GATE, True),
        (memory, top - CONTACT_TO_GATE - LICON, False),
    ):
        left = snap(x - fet.w_um / 2)
        offsets = contact_offsets(fet.w_um)
        for offset in offsets:
            rect("licon1", left + offset, low, left + offset + LICON, low + LICON)
        ends = (left + offsets[0] - LI_PAST_CONTACT, left + offsets[-1] + LICON + LI_PAST_CONTACT)
        rect("li1", ends[0], 0.0 if to_rail else low, ends[1], low + LICON)

    # Gates: select contacted left and up to its axon, memory contacted right and ending in the bias pin.
    pad_x = reach - limit("licon.8") - LICON / 2
    centre_select = rail + way * (select_y + select.l_um / 2)
    centre_memory = rail + way * (memory_y + memory.l_um / 2)
    rect("poly", snap(x - pad_x), select_y, snap(x + select.w_um / 2) + END_CAP, select_y + select.l_um)
    rect("poly", snap(x - memory.w_um / 2) - END_CAP, memory_y, snap(x + pad_x), memory_y + memory.l_um)
    gate_pad(block, x - pad_x, centre_select, flat=True)
    gate_pad(block, x + pad_x, centre_memory, flat=True)
    stack(block, x - pad_x, centre_select, "li1", "met4")
    block.square("mcon", x + pad_x, centre_memory, MCON)
    block.pins[f"bias_{kind}"] = block.square("met1", x + pad_x, centre_memory, *MET1_PAD)
    return rail + way * (top - CONTACT_TO_GATE - LICON / 2), centre_select


def reach(sizes: SynapseSizes) -> tuple[float, float]:
    """How far the FETs and their gate pads reach left and right of the dendrite."""
    return half_width(sizes), half_width(sizes)


PAIR = SynapseDrawing(reach, synapse_height, synapse)
