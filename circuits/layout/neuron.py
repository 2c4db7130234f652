"""The neuron: an analog row (isolation, reset, discharger, sensing inverter) above a driver row, under its MIM capacitor.

The analog row stands upside down, so that both rows share the vdd rail and the vss rail on top is the crossbar's. Control
lines cross the whole row on metal 3; the dendrite comes down on metal 2; spike and complement leave downwards on metal 2. The
discharger's bias comes from outside, as those of the synapses do: its gate ends in a pin on metal 2 between the capacitor and
the crossbar, with nothing above it on metals 3 to 5.

A capacitor between metals 4 and 5 lies over the control lines. One between metals 3 and 4 lies below them, in the cell and as far
past its rows as it must: a flat one needs nothing but the driver's row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from nonideal.circuits.cells.driver import DriverSizes
from nonideal.circuits.cells.neuron import NeuronSizes
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import MET1_PAD, MET2_PAD, MET3_LINE, MET3_PAD, stack
from nonideal.circuits.layout.dimensions import DIFF_CONTACT_END, DIFF_TO_RAIL, LICON, MCON, limit, snap, up
from nonideal.circuits.layout.drawing import NeuronAnchors, NeuronDrawing
from nonideal.circuits.layout.driver import (
    DriverAnchors,
    Strip,
    channel,
    draw_driver,
    driver_height,
    driver_strip,
    driver_width,
    phase_column,
    source_columns,
)
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.frame import evenly, spaced
from nonideal.circuits.layout.mim import MET3_MET4, MET4_MET5, Mim, draw_mim
from nonideal.circuits.layout.neuron_devices import (
    DENDRITE,
    TIE_X,
    TRACKS,
    WIRE,
    bar,
    device_columns,
    device_widths,
    draw_devices,
    upright,
)
from nonideal.circuits.layout.row_end import (
    LOWER_RAIL,
    PHASE_TIE,
    ROW_LINES,
    V0_WIRE,
    finish_row,
    lower_rails,
)

SIZES, DRIVER = NeuronSizes(), DriverSizes()
LINE_PITCH = 0.7  # control lines on metal 3
PLATE_BELOW = 0.2  # the capacitor's bottom plate begins this far below the cell
PLATE_CONTACT_X = 1.0
LOWER_HEIGHT = 5.0  # the row of the driver: control lines on metal 3 over it, and what joins them below, want it however low the driver is
GATE_LINES = tuple(line for line in ROW_LINES if line != "v0")  # v0 meets diffusions
LINES = ("reset", "phase", "reset_b", "vsense", "v0", "iso", "iso_b")


def neuron_width(sizes: NeuronSizes = SIZES, driver: DriverSizes = DRIVER, *, mim: Mim = MET4_MET5) -> float:
    """Least width of a neuron, which is the pitch of the columns of a network."""
    columns = device_columns(sizes)
    analog = columns["sense"] + 2 * up(LICON / 2 + DIFF_CONTACT_END)
    behind_sense = (
        columns["dx"] - 0.5 + driver_width(driver)
    )  # the driver's trigger stands right of the sense wire
    least = max(analog, behind_sense, mim.least_pitch(sizes.mim_w_um))
    if not mim.passes_lines:  # the driver's phase comes down right of the sensing inverter's bias
        beside_bias = columns["phase"] + MET2_PAD[0] + limit("m2.2") - phase_column(driver)
        least = max(least, beside_bias + driver_width(driver))
    return up(least)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The two rows of a neuron, drawn but for what is on metals 2 and up."""

    block: Block
    upper: Strip
    lower: Strip
    columns: dict[str, float]
    anchors: DriverAnchors


def neuron(
    sizes: NeuronSizes = SIZES,
    driver: DriverSizes = DRIVER,
    *,
    mim: Mim = MET4_MET5,
    width: float | None = None,
    name: str = "neuron",
) -> tuple[Block, NeuronAnchors]:
    """A neuron; its top rail is vss, and so is its lowest one."""
    least = neuron_width(sizes, driver, mim=mim)
    width = least if width is None else width
    if width < least:
        raise LayoutError(f"neuron: width = {width} um is below the least {least} um of these sizes")
    rows = _draw_rows(Block.named(name, width), sizes, driver, mim)
    block, upper, lower, columns, anchors = (
        rows.block,
        rows.upper,
        rows.lower,
        rows.columns,
        rows.anchors,
    )
    lines = _draw_lines(block, upper, lower, mim)
    _draw_controls(block, upper, columns, lines)
    _join_driver(rows, lines, mim)

    # Membrane up to the capacitor, its other plate down to vss.
    landing = (columns["membrane discharge"], lines["membrane"])
    stack(block, landing[0], upper.track(1), "met1", "met2")
    upright(block, landing[0], upper.track(1), landing[1])
    stack(block, *landing, "met2", mim.bottom)
    draw_mim(block, mim, sizes.mim_w_um, sizes.mim_l_um, -PLATE_BELOW, landing)
    _draw_bias(block, upper, columns, landing, mim)
    stack(block, PLATE_CONTACT_X, 0.0, "met2", mim.bottom)
    stack(block, PLATE_CONTACT_X, lower.vss_y, "met1", "met2")
    if lower.vss_y > 0:
        upright(block, PLATE_CONTACT_X, 0.0, lower.vss_y, _between_pads(0.0, lower.vss_y))

    for net, rail in (("vdd", upper.vdd_y), ("vss", block.height), (LOWER_RAIL, lower.vss_y)):
        block.pins[net] = Box("met1", 0.0, rail - 0.1, 0.2, rail + 0.1)
    return block, NeuronAnchors(
        dendrite_x=columns["membrane"], spike_x=anchors.out[0], spike_b_x=anchors.out_b[0]
    )


def _draw_rows(block: Block, sizes: NeuronSizes, driver: DriverSizes, mim: Mim) -> _Rows:
    """Both rows; the block gets its height."""
    n_width, p_width = device_widths(sizes)
    analog_height = up(2 * DIFF_TO_RAIL + n_width + p_width + channel(TRACKS))
    lower_height = max(driver_height(driver), LOWER_HEIGHT)
    height = lower_height + analog_height
    lines = _line_heights(Strip(block, height, height - analog_height, n_width, p_width))
    if mim.passes_lines:
        plate_top = height - LINE_PITCH - mim.landing / 2 - mim.bottom_space
    else:
        plate_top = min(lines.values()) - MET3_LINE / 2 - mim.bottom_space
    below = up(max(0.0, mim.height(sizes.mim_l_um) - PLATE_BELOW - plate_top))
    block.height = round(height + below, 3)
    vdd_y = round(below + lower_height, 3)

    columns, width = device_columns(sizes), block.width
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
    draw_devices(upper, sizes, columns)
    return _Rows(block, upper, lower, columns, anchors)


def _line_heights(upper: Strip) -> dict[str, float]:
    """The y of each control line, and of the membrane's own landing."""
    phase, reset_b = upper.track(0), upper.track(2)
    lines = {
        "membrane": phase + 2 * LINE_PITCH + 0.04,
        "reset": phase + LINE_PITCH,
        "phase": phase,
        "reset_b": reset_b,
        **{name: reset_b - LINE_PITCH * (index + 1) for index, name in enumerate(LINES[3:])},
    }
    return {name: snap(y) for name, y in lines.items()}


def _draw_lines(block: Block, upper: Strip, lower: Strip, mim: Mim) -> dict[str, float]:
    """The control lines; returns their heights. The driver has a line of its own where the capacitor leaves room for it."""
    lines = _line_heights(upper)
    if mim.passes_lines:
        lines["phase of the driver"] = lower.track(0)
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
        wire = upright(block, columns[column], y, lines[net], _between_pads(y, lines[net]))
        if net == "v0":
            block.pins[V0_WIRE] = wire
        stack(block, columns[column], lines[net], "met2", "met3")


def _join_driver(rows: _Rows, lines: dict[str, float], mim: Mim) -> None:
    """Sense and phase to the driver; spike and complement down."""
    block, columns, anchors = rows.block, rows.columns, rows.anchors
    trigger_x, trigger_y = anchors.trigger
    track = rows.upper.track(3)
    block.square("mcon", columns["sense"], track, MCON)
    bar(block, "met1", columns["dx"], columns["sense"], track, 0.26, 0.16)
    stack(block, columns["dx"], track, "met1", "met2")
    upright(block, columns["dx"], track, trigger_y)
    stack(block, columns["dx"], trigger_y, "met1", "met2")
    block.square("mcon", trigger_x, trigger_y, MCON)
    bar(block, "met1", columns["dx"], trigger_x, trigger_y, 0.28, 0.15)
    if mim.passes_lines:
        stack(block, *anchors.phase, "li1", "met3")
        for line in ("phase", "phase of the driver"):
            stack(block, TIE_X, lines[line], "met2", "met3")
        block.pins[PHASE_TIE] = upright(block, TIE_X, lines["phase"], lines["phase of the driver"])
    else:
        x, y = anchors.phase
        stack(block, x, y, "li1", "met2")
        upright(block, x, y, lines["phase"])
        stack(block, x, lines["phase"], "met2", "met3")
    for net, x, y, level in (("spike", *anchors.out, "li1"), ("spike_b", *anchors.out_b, "met1")):
        stack(block, x, y, level, "met2")
        block.pins[net] = upright(block, x, 0.0, y, DENDRITE)


def _between_pads(y0: float, y1: float) -> float:
    """Width of a wire that joins two pads: as wide as they are where they are too near for a notch between them."""
    gap = abs(y1 - y0) - (MET1_PAD[1] + MET2_PAD[1]) / 2
    return MET2_PAD[0] if 0 < gap < limit("m2.2") + 0.01 else WIRE


def _draw_bias(
    block: Block, upper: Strip, columns: dict[str, float], landing: tuple[float, float], mim: Mim
) -> None:
    """The discharger's gate up to its own pin, beside the membrane's landing: as near as a stack on the pin may come to that."""
    gate, y = columns["vdis"], landing[1]
    pin = landing[0] + up((mim.landing + MET3_PAD[0]) / 2 + limit("m4.2"))
    stack(block, gate, upper.track(0), "li1", "met2")
    upright(block, gate, upper.track(0), y)
    bar(block, "met2", gate, pin, y, WIRE, WIRE / 2)
    block.pins["vdis"] = block.square("met2", pin, y, *MET2_PAD)


MIM_MET5 = NeuronDrawing(neuron_width, neuron, finish_row, lower_rails, GATE_LINES)
MIM_MET4 = NeuronDrawing(
    partial(neuron_width, mim=MET3_MET4),
    partial(neuron, mim=MET3_MET4),
    finish_row,
    lower_rails,
    GATE_LINES,
)
