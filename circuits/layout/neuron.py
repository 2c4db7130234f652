"""The neuron: an analog row (isolation, reset, discharger, sensing inverter) above a driver row, under its MIM capacitor.

The analog row stands upside down, so that both rows share the vdd rail and the vss rail on top is the crossbar's. Control
lines cross the whole row on metal 3; the dendrite comes down on metal 2; spike and complement leave downwards on metal 2. The
discharger's bias comes from outside, as those of the synapses do: its gate ends in a pin on metal 2 between the capacitor and
the crossbar, with nothing above it on metals 3 to 5.
"""

from __future__ import annotations

from nonideal.circuits.cells.driver import DriverSizes
from nonideal.circuits.cells.neuron import NeuronSizes
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import MET1_PAD, MET2_PAD, MET3_LINE, MET3_PAD, stack
from nonideal.circuits.layout.dimensions import DIFF_CONTACT_END, DIFF_TO_RAIL, LICON, MCON, limit, snap, up
from nonideal.circuits.layout.drawing import NeuronAnchors, NeuronDrawing
from nonideal.circuits.layout.driver import (
    Strip,
    channel,
    draw_driver,
    driver_height,
    driver_strip,
    driver_width,
    source_columns,
)
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.fets import Gate, chain, column_step
from nonideal.circuits.layout.frame import evenly, spaced
from nonideal.circuits.layout.mim import LANDING, PLATE_SPACE, draw_mim, least_pitch, plate_height

SIZES, DRIVER = NeuronSizes(), DriverSizes()
LINE_PITCH = 0.7  # control lines on metal 3
WIRE = 0.2  # metal-2 wires between gate pads and control lines
DENDRITE = 0.28
TIE_X = 0.36  # where the two phase lines are tied
PLATE_BELOW = 0.2  # the capacitor's bottom plate begins this far below the cell
TRACKS = 4
LEAST_N_WIDTH = 1.0  # that the row has room for: with less, the membrane lands too near the axon above
CHAIN_SPACE = up(2 * up(LICON / 2 + DIFF_CONTACT_END) + limit("difftap.3"))
PHASE_TIE, V0_WIRE, V0_STRIP = (
    "phase tie",
    "v0 wire",
    "v0 strip",
)  # upright wires on the cell's left, near the sense node of the neuron before
LOWER_RAIL = "vss low"  # the lower vss rail, which no metal of the neuron joins to the upper one
LINE_END = 2.0  # how far control lines run past the last neuron
ROW_LINES = ("phase", "reset", "reset_b", "iso", "iso_b", "v0", "vsense")
GATE_LINES = tuple(line for line in ROW_LINES if line != "v0")  # v0 meets diffusions
LINES = ("reset", "phase", "reset_b", "vsense", "v0", "iso", "iso_b")


def _columns(sizes: NeuronSizes) -> dict[str, float]:
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


def _analog_widths(sizes: NeuronSizes) -> tuple[float, float]:
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


def neuron_width(sizes: NeuronSizes = SIZES, driver: DriverSizes = DRIVER) -> float:
    """Least width of a neuron, which is the pitch of the columns of a network."""
    columns = _columns(sizes)
    analog = columns["sense"] + 2 * up(LICON / 2 + DIFF_CONTACT_END)
    behind_sense = (
        columns["dx"] - 0.5 + driver_width(driver)
    )  # the driver's trigger stands right of the sense wire
    return up(max(analog, behind_sense, least_pitch(sizes.mim_w_um)))


def neuron(
    sizes: NeuronSizes = SIZES,
    driver: DriverSizes = DRIVER,
    *,
    width: float | None = None,
    name: str = "neuron",
) -> tuple[Block, NeuronAnchors]:
    """A neuron; its top rail is vss, and so is its lowest one."""
    width = neuron_width(sizes, driver) if width is None else width
    if width < neuron_width(sizes, driver):
        raise LayoutError(
            f"neuron: width = {width} um is below the least {neuron_width(sizes, driver)} um of these sizes"
        )
    n_width, p_width = _analog_widths(sizes)
    analog_height = up(2 * DIFF_TO_RAIL + n_width + p_width + channel(TRACKS))
    rows = driver_height(driver) + analog_height
    above_plate = PLATE_SPACE + LANDING / 2 + LINE_PITCH
    below = up(max(0.0, plate_height(sizes.mim_l_um) - PLATE_BELOW + above_plate - rows))
    block = Block.named(name, width, round(rows + below, 3))
    vdd_y = round(below + driver_height(driver), 3)

    columns = _columns(sizes)
    driver_x = round(width - driver_width(driver), 3)
    vss_x, vdd_x = source_columns(driver, driver_x)
    low_vss = spaced([*vss_x, *evenly(width)], width)
    vdd = spaced([*vdd_x, columns["dx"], *evenly(width)], width)
    # The synapses above contact the rail they share with this row at the dendrite.
    high_vss = spaced([columns["membrane"], columns["vss"], *evenly(width)], width)
    lower = driver_strip(block, driver, below, vdd_y)
    lower.frame(width, low_vss, vdd)
    anchors = draw_driver(lower, driver, driver_x)
    upper = Strip(block, block.height, vdd_y, n_width, p_width)
    upper.frame(width, high_vss, vdd)
    _draw_fets(upper, sizes, columns)
    _draw_local(upper, columns)
    lines = _draw_lines(block, upper, lower)
    _draw_controls(block, upper, columns, lines)

    # Sense to the driver; phase of both rows.
    trigger_x, trigger_y = anchors.trigger
    track = upper.track(3)
    block.square("mcon", columns["sense"], track, MCON)
    _bar(block, "met1", columns["dx"], columns["sense"], track, 0.26, 0.16)
    stack(block, columns["dx"], track, "met1", "met2")
    _wire(block, columns["dx"], track, trigger_y)
    stack(block, columns["dx"], trigger_y, "met1", "met2")
    block.square("mcon", trigger_x, trigger_y, MCON)
    _bar(block, "met1", columns["dx"], trigger_x, trigger_y, 0.28, 0.15)
    stack(block, *anchors.phase, "li1", "met3")
    for line in ("phase", "phase of the driver"):
        stack(block, TIE_X, lines[line], "met2", "met3")
    block.pins[PHASE_TIE] = _wire(block, TIE_X, lines["phase"], lines["phase of the driver"])

    # Spike and complement go down.
    for net, x, y, level in (("spike", *anchors.out, "li1"), ("spike_b", *anchors.out_b, "met1")):
        stack(block, x, y, level, "met2")
        block.pins[net] = _wire(block, x, 0.0, y, DENDRITE)

    # Membrane up to the capacitor, its other plate down to vss.
    landing = (columns["membrane discharge"], lines["membrane"])
    stack(block, landing[0], upper.track(1), "met1", "met2")
    _wire(block, landing[0], upper.track(1), landing[1])
    stack(block, *landing, "met2", "met4")
    draw_mim(block, sizes.mim_w_um, sizes.mim_l_um, -PLATE_BELOW, landing)
    _draw_bias(block, upper, columns, landing)
    stack(block, 1.0, 0.0, "met2", "met4")
    stack(block, 1.0, below, "met1", "met2")
    if below > 0:
        _wire(block, 1.0, 0.0, below, _between_pads(0.0, below))

    for net, rail in (("vdd", vdd_y), ("vss", block.height), (LOWER_RAIL, below)):
        block.pins[net] = Box("met1", 0.0, rail - 0.1, 0.2, rail + 0.1)
    return block, NeuronAnchors(
        dendrite_x=columns["membrane"], spike_x=anchors.out[0], spike_b_x=anchors.out_b[0]
    )


def _draw_fets(upper: Strip, sizes: NeuronSizes, columns: dict[str, float]) -> None:
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
    upper.block.pins["dendrite"] = _wire(upper.block, columns["membrane"], tracks[2], upper.vss_y, DENDRITE)


def _draw_lines(block: Block, upper: Strip, lower: Strip) -> dict[str, float]:
    """The control lines; returns the y of each, and of the membrane's own landing."""
    phase, reset_b = upper.track(0), upper.track(2)
    lines = {
        "membrane": phase + 2 * LINE_PITCH + 0.04,
        "reset": phase + LINE_PITCH,
        "phase": phase,
        "reset_b": reset_b,
        **{name: reset_b - LINE_PITCH * (index + 1) for index, name in enumerate(LINES[3:])},
        "phase of the driver": lower.track(0),
    }
    lines = {name: snap(y) for name, y in lines.items()}
    if lines["iso_b"] - lines["phase of the driver"] < LINE_PITCH:
        raise LayoutError(
            f"{block.cell.name}: rows of {block.height} um in all leave no room for the control lines"
        )
    for name, y in lines.items():
        if name == "membrane":
            continue
        low = snap(y - MET3_LINE / 2)
        line = block.rect("met3", 0.0, low, block.width, low + MET3_LINE)
        if name in LINES:
            block.pins[name] = Box("met3", 0.0, line.y0, 0.3, line.y1)
    return lines


def _draw_controls(block: Block, upper: Strip, columns: dict[str, float], lines: dict[str, float]) -> None:
    """From each control line to its gates."""
    low, middle, high = upper.track(0), upper.track(1), upper.track(2)
    stack(block, columns["phase"], low, "li1", "met3")
    stack(block, columns["reset"], high, "li1", "met3")
    for net, column, y in (
        ("reset", "reset", low),
        ("iso", "iso", low),
        ("iso_b", "iso_b", low),
        ("v0", "v0", middle),
        ("vsense", "phase", high),
    ):
        stack(block, columns[column], y, "li1", "met2")
        wire = _wire(block, columns[column], y, lines[net], _between_pads(y, lines[net]))
        if net == "v0":
            block.pins[V0_WIRE] = wire
        stack(block, columns[column], lines[net], "met2", "met3")


def _between_pads(y0: float, y1: float) -> float:
    """Width of a wire that joins two pads: as wide as they are where they are too near for a notch between them."""
    gap = abs(y1 - y0) - (MET1_PAD[1] + MET2_PAD[1]) / 2
    return MET2_PAD[0] if 0 < gap < limit("m2.2") + 0.01 else WIRE


def _draw_bias(block: Block, upper: Strip, columns: dict[str, float], landing: tuple[float, float]) -> None:
    """The discharger's gate up to its own pin, beside the membrane's landing: as near as a stack on the pin may come to that."""
    gate, y = columns["vdis"], landing[1]
    pin = landing[0] + up((LANDING + MET3_PAD[0]) / 2 + limit("m4.2"))
    stack(block, gate, upper.track(0), "li1", "met2")
    _wire(block, gate, upper.track(0), y)
    _bar(block, "met2", gate, pin, y, WIRE, WIRE / 2)
    block.pins["vdis"] = block.square("met2", pin, y, *MET2_PAD)


def _wire(block: Block, x: float, y0: float, y1: float, width: float = WIRE) -> Box:
    """A vertical wire on metal 2."""
    low, high = sorted((y0, y1))
    left = snap(x - width / 2)
    return block.rect("met2", left, low, left + width, high)


def _bar(block: Block, layer: str, x0: float, x1: float, y: float, width: float, past: float) -> Box:
    """A horizontal wire that reaches `past` the centres of what it connects."""
    low, high = sorted((x0, x1))
    bottom = snap(y - width / 2)
    return block.rect(layer, snap(low - past), bottom, snap(high + past), bottom + width)


def lower_rails(cell: Block) -> list[tuple[str, float]]:
    """Rails of a neuron but the top one, which is the crossbar's."""
    return [("vdd", cell.pins["vdd"].y), ("vss", cell.pins[LOWER_RAIL].y)]


def finish_row(block: Block, cell: Block, end: float, y: float) -> None:
    """Right of a row's last neuron: what a further one would show it on its left, so that its sense node is loaded as the others' are."""
    for net in ROW_LINES:
        box = cell.pins[net].moved(end, y)
        block.rect("met3", box.x0, box.y0, snap(box.x0 + LINE_END), box.y1)
    for name, lines in ((PHASE_TIE, 2), (V0_WIRE, 1)):
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


MIM_MET5 = NeuronDrawing(neuron_width, neuron, finish_row, lower_rails, GATE_LINES)
