"""The driver: NAND and inverter in one row, gates upright and shared by both wells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nonideal.circuits.cells.driver import DriverSizes
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import gate_pad, stack
from nonideal.circuits.layout.dimensions import (
    DIFF_TO_RAIL,
    IMPLANT,
    IMPLANT_TO_RAIL,
    LI,
    LICON,
    MCON,
    PAD_TO_DIFF,
    snap,
    up,
)
from nonideal.circuits.layout.fets import Gate, Side, chain, column_step
from nonideal.circuits.layout.frame import row_frame

SIZES = DriverSizes()
TRACK = 0.48  # pitch of the rows of pads and metal-1 tracks between the wells
TRACK_WIDTH = 0.26
EDGE = 0.3  # outermost contact to cell edge


def channel(tracks: int) -> float:
    """Height between n and p diffusions that holds so many rows of gate pads and tracks."""
    return up(2 * PAD_TO_DIFF + LICON + 0.01 + (tracks - 1) * TRACK)


@dataclass(slots=True)
class Strip:
    """A row of upright gates between vss (below) and vdd, in absolute coordinates of its block.

    `vss_y` and `vdd_y` are the rails; the row stands upside down when vdd lies below vss.
    """

    block: Block
    vss_y: float
    vdd_y: float
    n_width: float
    p_width: float

    @property
    def way(self) -> int:
        return 1 if self.vdd_y > self.vss_y else -1

    @property
    def n(self) -> Side:
        return Side(self.vss_y, snap(self.vss_y + self.way * DIFF_TO_RAIL), self.way)

    @property
    def p(self) -> Side:
        return Side(self.vdd_y, snap(self.vdd_y - self.way * DIFF_TO_RAIL), -self.way)

    def track(self, index: int) -> float:
        """The y of a row of pads or tracks, 0 next to the n diffusion."""
        return snap(
            self.vss_y + self.way * (DIFF_TO_RAIL + self.n_width + PAD_TO_DIFF + LICON / 2 + index * TRACK)
        )

    def frame(
        self, width: float, vss_x: Sequence[float] | None = None, vdd_x: Sequence[float] | None = None
    ) -> None:
        """Rails, taps, well and the implants of both diffusions along the whole row."""
        self.bare_frame(width, vss_x, vdd_x)
        for side, tallest in ((self.n, self.n_width), (self.p, self.p_width)):
            self.implant(side, 0.0, width, tallest)

    def bare_frame(
        self, width: float, vss_x: Sequence[float] | None = None, vdd_x: Sequence[float] | None = None
    ) -> None:
        """The same without the implants of the diffusions."""
        height = abs(self.vdd_y - self.vss_y)
        edge = (DIFF_TO_RAIL + self.n_width + height - DIFF_TO_RAIL - self.p_width) / 2
        row_frame(
            self.block, width, height, snap(edge), bottom=self.vss_y, up=self.way, vss_x=vss_x, vdd_x=vdd_x
        )

    def implant(self, side: Side, x0: float, x1: float, tallest: float) -> None:
        """The implant of diffusions of a side that are so high, from their rail's on."""
        low = side.rail + side.way * IMPLANT_TO_RAIL
        high = side.start + side.way * (tallest + IMPLANT)
        layer = "nsdm" if side.rail == self.vss_y else "psdm"
        self.block.rect(layer, snap(x0), snap(min(low, high)), snap(x1), snap(max(low, high)))

    def li(self, x: float, y0: float, y1: float) -> Box:
        """A strip of local interconnect in a column, over whole contacts at both ends."""
        low, high = sorted((y0, y1))
        left = snap(x - LI / 2)
        return self.block.rect("li1", left, snap(low - MCON / 2), left + LI, snap(high + MCON / 2))

    def to_rail(self, x: float, side: Side) -> None:
        """Tie the contact column at x of a chain to the side's rail."""
        self.li(x, side.rail, side.start + side.way * LICON)

    def met1(self, x0: float, x1: float, y: float) -> Box:
        """A metal-1 track with its contacts to the strips at both ends."""
        low, high = sorted((x0, x1))
        for x in (low, high):
            self.block.square("mcon", x, y, MCON)
        left, bottom = snap(low - TRACK_WIDTH / 2 - 0.02), snap(y - TRACK_WIDTH / 2)
        return self.block.rect(
            "met1", left, bottom, snap(high + TRACK_WIDTH / 2 + 0.02), bottom + TRACK_WIDTH
        )

    def pad(self, x: float, y: float) -> None:
        """A gate's contact, up to local interconnect."""
        gate_pad(self.block, x, y)


@dataclass(frozen=True, slots=True)
class DriverAnchors:
    """Where a parent reaches a driver's nets: column x and y, relative to the driver's origin."""

    trigger: tuple[float, float]  # gate pad on li1
    phase: tuple[float, float]  # gate pad on li1
    out: tuple[float, float]  # li1 strip, anywhere between the two diffusions
    out_b: tuple[float, float]  # metal-1 track
    out_b_drain: tuple[float, float]  # li1 strip on the p side


def driver_height(sizes: DriverSizes = SIZES) -> float:
    """Least height of a driver's row."""
    n = max(sizes.nand_n.w_um, sizes.inverter_n.w_um)
    p = max(sizes.nand_p.w_um, sizes.inverter_p.w_um)
    return up(2 * DIFF_TO_RAIL + n + p + channel(2))


def _columns(sizes: DriverSizes) -> dict[str, float]:
    inverter = column_step([sizes.inverter_n.l_um, sizes.inverter_p.l_um])
    nand = column_step([sizes.nand_n.l_um, sizes.nand_p.l_um])
    steps = {
        "trigger end": EDGE,
        "trigger": nand,
        "nand": nand,
        "phase": nand,
        "rail": nand,
        "out_b": inverter,
        "out": inverter,
    }
    columns, x = {}, 0.0
    for name, step in steps.items():
        x += step
        columns[name] = round(x, 3)
    return columns


def driver_width(sizes: DriverSizes = SIZES) -> float:
    """Least width of a driver."""
    return up(_columns(sizes)["out"] + EDGE)


def source_columns(sizes: DriverSizes, x0: float = 0.0) -> tuple[list[float], list[float]]:
    """The columns where a driver's sources meet vss and vdd, its left edge at x0."""
    columns = _columns(sizes)
    return [x0 + columns["rail"]], [x0 + columns["rail"], x0 + columns["trigger end"]]


def phase_column(sizes: DriverSizes) -> float:
    """The column of a driver's phase, from its left edge."""
    return _columns(sizes)["phase"]


def draw_driver(strip: Strip, sizes: DriverSizes, x0: float) -> DriverAnchors:
    """Draw the driver's FETs and wires into a strip, its left edge at x0; the strip's frame is the caller's."""
    x = {name: round(x0 + column, 3) for name, column in _columns(sizes).items()}
    pads, out_b = strip.track(0), strip.track(1)
    chain(
        strip.block,
        strip.n,
        ["trigger end", None, "rail", "out"],
        [
            Gate("nand_n", sizes.nand_n, "trigger", pad_y=pads),
            Gate("nand_n", sizes.nand_n, "phase", pad_y=pads),
            Gate("inverter_n", sizes.inverter_n, "out_b", pad_y=pads),
        ],
        x,
    )
    chain(
        strip.block,
        strip.p,
        ["trigger end", "nand", "rail", "out"],
        [
            Gate("nand_p", sizes.nand_p, "trigger", pad_y=pads),
            Gate("nand_p", sizes.nand_p, "phase", pad_y=pads),
            Gate("inverter_p", sizes.inverter_p, "out_b", pad_y=pads),
        ],
        x,
    )
    for name in ("trigger", "phase", "out_b"):
        strip.pad(x[name], pads)
    strip.to_rail(x["rail"], strip.n)
    strip.to_rail(x["rail"], strip.p)
    strip.to_rail(x["trigger end"], strip.p)
    strip.li(x["trigger end"], strip.n.start + strip.way * LICON, out_b)
    strip.li(x["nand"], strip.p.start - strip.way * LICON, out_b)
    strip.li(x["out_b"], pads, out_b)
    strip.li(x["out"], strip.n.start + strip.way * LICON, strip.p.start - strip.way * LICON)
    strip.block.square("mcon", x["nand"], out_b, MCON)
    strip.met1(x["trigger end"], x["out_b"], out_b)
    return DriverAnchors(
        trigger=(x["trigger"], pads),
        phase=(x["phase"], pads),
        out=(x["out"], pads),
        out_b=(x["rail"], out_b),
        out_b_drain=(x["nand"], snap(strip.p.start - strip.way * sizes.nand_p.w_um / 2)),
    )


def driver_strip(block: Block, sizes: DriverSizes, vss_y: float, vdd_y: float) -> Strip:
    """The strip that a driver needs between two rails."""
    return Strip(
        block,
        vss_y,
        vdd_y,
        n_width=max(sizes.nand_n.w_um, sizes.inverter_n.w_um),
        p_width=max(sizes.nand_p.w_um, sizes.inverter_p.w_um),
    )


def driver(
    sizes: DriverSizes = SIZES, *, height: float | None = None, name: str = "driver"
) -> tuple[Block, DriverAnchors]:
    """A driver between its rails, vss below; trigger and phase end on metal 1 pads, out and out_b on metal 1."""
    height = driver_height(sizes) if height is None else height
    block = Block.named(name, driver_width(sizes), height)
    strip = driver_strip(block, sizes, 0.0, height)
    strip.frame(block.width, *source_columns(sizes))
    anchors = draw_driver(strip, sizes, 0.0)
    block.pins["trigger"] = stack(block, *anchors.trigger, "li1", "met2")
    block.pins["phase"] = stack(block, *anchors.phase, "li1", "met2")
    block.pins["out"] = stack(block, *anchors.out, "li1", "met2")
    block.pins["out_b"] = stack(block, *anchors.out_b, "met1", "met2")
    for net, rail in (("vdd", height), ("vss", 0.0)):
        block.pins[net] = Box("met1", 0.0, rail - 0.1, 0.2, rail + 0.1)
    return block, anchors
