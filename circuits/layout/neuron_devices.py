"""The neuron's devices but for its driver: one row of FETs with their wires below metal 2, and the dendrite's way in."""

from __future__ import annotations

from nonideal.circuits.cells.neuron import NeuronSizes
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import stack
from nonideal.circuits.layout.dimensions import DIFF_CONTACT_END, LICON, MCON, limit, snap, up
from nonideal.circuits.layout.driver import Strip
from nonideal.circuits.layout.fets import Gate, chain, column_step
from nonideal.circuits.layout.row_end import V0_STRIP

WIRE = 0.2  # metal-2 wires between gate pads and control lines
DENDRITE = 0.28
TIE_X = 0.36  # where the two phase lines are tied
TRACKS = 4
LEAST_N_WIDTH = 1.0  # that the row has room for: with less, the membrane lands too near the axon above
CHAIN_SPACE = up(2 * up(LICON / 2 + DIFF_CONTACT_END) + limit("difftap.3"))


def device_columns(sizes: NeuronSizes) -> dict[str, float]:
    """The contact and gate columns of the analog row, left to right."""
    threshold = up(limit("lvtn.4b") + 0.02 + limit("lvtn.3b")) / 2
    sense = [sizes.sense_n.l_um, sizes.sense_p.l_um]
    enable = [sizes.discharge_enable.l_um, sizes.sense_bias.l_um]

    def apart(lengths: list[float]) -> float:
        return up(max(column_step(lengths), max(lengths) / 2 + threshold))

    reset = column_step([sizes.reset_n.l_um, sizes.reset_p.l_um])
    iso = column_step([sizes.isolation_n.l_um, sizes.dummy_p.l_um])
    iso_b = column_step([sizes.dummy_n.l_um, sizes.isolation_p.l_um])
    vdis = column_step([sizes.discharge.l_um])
    steps = {
        "v0": TIE_X + 0.44,
        "reset": reset,
        "membrane reset": reset,
        "dendrite n": CHAIN_SPACE,
        "iso": iso,
        "membrane": iso,
        "iso_b": iso_b,
        "dendrite p": iso_b,
        "membrane discharge": CHAIN_SPACE,
        "vdis": vdis,
        "dx": vdis,
        "phase": apart(enable),
        "vss": apart(enable),
        "sensing": apart(sense),
        "sense": apart(sense),
    }
    columns, x = {}, 0.0
    for name, step in steps.items():
        x = round(x + step, 3)
        columns[name] = x
    return columns


def device_widths(sizes: NeuronSizes) -> tuple[float, float]:
    """What the row has room for: the widest N and the widest P."""
    n = (
        sizes.isolation_n,
        sizes.dummy_n,
        sizes.reset_n,
        sizes.discharge,
        sizes.discharge_enable,
        sizes.sense_n,
    )
    p = (sizes.isolation_p, sizes.dummy_p, sizes.reset_p, sizes.sense_p, sizes.sense_bias)
    return max(LEAST_N_WIDTH, *(fet.w_um for fet in n)), max(fet.w_um for fet in p)


def draw_devices(upper: Strip, sizes: NeuronSizes, columns: dict[str, float]) -> None:
    """The FETs, and what joins them below metal 2."""
    block, n, p = upper.block, upper.n, upper.p
    low, middle, high = upper.track(0), upper.track(1), upper.track(2)
    chain(block, n, ["v0", "membrane reset"], [Gate("reset_n", sizes.reset_n, "reset", pad_y=low)], columns)
    chain(block, p, ["v0", "membrane reset"], [Gate("reset_p", sizes.reset_p, "reset", pad_y=high)], columns)
    chain(
        block,
        n,
        ["dendrite n", "membrane", "dendrite p"],
        [
            Gate("isolation_n", sizes.isolation_n, "iso", pad_y=low),
            Gate("dummy_n", sizes.dummy_n, "iso_b", pad_y=low),
        ],
        columns,
    )
    chain(
        block,
        p,
        ["dendrite n", "membrane", "dendrite p"],
        [
            Gate("dummy_p", sizes.dummy_p, "iso", pad_y=low),
            Gate("isolation_p", sizes.isolation_p, "iso_b", pad_y=low),
        ],
        columns,
    )
    chain(
        block,
        n,
        ["membrane discharge", None, "vss", "sense"],
        [
            Gate("discharge", sizes.discharge, "vdis", pad_y=low),
            Gate("discharge_enable", sizes.discharge_enable, "phase", pad_y=low),
            Gate("sense_n", sizes.sense_n, "sensing", "lvt", pad_y=middle),
        ],
        columns,
    )
    chain(
        block,
        p,
        ["dx", None, "sense"],
        [
            Gate("sense_bias", sizes.sense_bias, "phase", pad_y=high),
            Gate("sense_p", sizes.sense_p, "sensing", "hvt", pad_y=middle),
        ],
        columns,
    )
    _draw_local(upper, columns)


def _draw_local(upper: Strip, columns: dict[str, float]) -> None:
    """Contacts of the gates, strips of the nodes, tracks of membrane and dendrite."""
    n = upper.n.start + upper.way * LICON
    p = upper.p.start - upper.way * LICON
    tracks = [upper.track(index) for index in range(TRACKS)]
    for gate in ("reset", "iso", "iso_b", "vdis", "phase"):
        upper.pad(columns[gate], tracks[0])
    upper.pad(columns["sensing"], tracks[1])
    for gate in ("reset", "phase"):
        upper.pad(columns[gate], tracks[2])

    upper.block.pins[V0_STRIP] = upper.li(columns["v0"], n, p)
    for node in ("membrane reset", "membrane", "sense"):
        upper.li(columns[node], n, p)
    upper.li(columns["dendrite n"], n, tracks[2])
    upper.li(columns["dendrite n"], p, tracks[3])
    upper.li(columns["dendrite p"], n, tracks[1])
    upper.li(columns["dendrite p"], p, tracks[2])
    upper.li(columns["membrane discharge"], n, tracks[1])
    upper.to_rail(columns["vss"], upper.n)
    upper.to_rail(columns["dx"], upper.p)

    upper.met1(columns["membrane reset"], columns["sensing"], tracks[1])
    for node in ("membrane", "dendrite p", "membrane discharge"):
        upper.block.square("mcon", columns[node], tracks[1], MCON)
    upper.met1(columns["dendrite n"], columns["dendrite p"], tracks[2])
    upper.met1(columns["dendrite n"], columns["membrane"], tracks[3])
    stack(upper.block, columns["membrane"], tracks[2], "met1", "met2")
    upper.block.pins["dendrite"] = upright(upper.block, columns["membrane"], tracks[2], upper.vss_y, DENDRITE)


def upright(block: Block, x: float, y0: float, y1: float, width: float = WIRE) -> Box:
    """A vertical wire on metal 2."""
    low, high = sorted((y0, y1))
    left = snap(x - width / 2)
    return block.rect("met2", left, low, left + width, high)


def bar(block: Block, layer: str, x0: float, x1: float, y: float, width: float, past: float) -> Box:
    """A horizontal wire that reaches `past` the centres of what it connects."""
    low, high = sorted((x0, x1))
    bottom = snap(y - width / 2)
    return block.rect(layer, snap(low - past), bottom, snap(high + past), bottom + width)
