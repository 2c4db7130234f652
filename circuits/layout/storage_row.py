"""Rows of latches and switches: FETs of two kinds face each other across tracks on metal 1, and every column has one net of each side.

A row is a list of *columns*, contacts and gates in turn. What is on a column goes up or down in local interconnect, or in poly, to the
track of its net; tracks are given, so that what crosses is on other levels. Heights count from the rail of the N side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nonideal.circuits.cells.coded import CodedSizes
from nonideal.circuits.cells.fet import Fet
from nonideal.circuits.cells.port import VDD, VSS
from nonideal.circuits.layout.bank import APART, LINE
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import gate_pad
from nonideal.circuits.layout.dimensions import (
    DIFF_TO_RAIL,
    IMPLANT,
    IMPLANT_TO_RAIL,
    LI,
    LICON,
    MCON,
    NPC,
    RAIL_HALF,
    limit,
    snap,
    up,
)
from nonideal.circuits.layout.fets import Gate, Side, chain
from nonideal.circuits.layout.frame import row_frame

TRACK = 0.40
"""Pitch of tracks: a pad with a via, flat, fits between two lines."""
NODES_CLOSER = 0.02
"""The tracks of a latch's two nodes are nearer to each other by this: no via lands on their lines."""
FIRST = RAIL_HALF + limit("m1.2") + 0.14
"""Centre of the track next to a rail."""
STEP = 0.36
"""From a contact to a gate beside it: strips over the one pass the contact of the other."""
GATE_N, UP, WORD, Q, Q_B, CROSS, GATE_P = range(7)
"""The tracks, from the N side: what goes up to metal 2 has its own, and so has what joins both sides of a slice."""
TRACKS = 7


@dataclass(frozen=True, slots=True)
class Contact:
    """Sources or drains of both sides in one column; None: the side has none here."""

    n: str | None = None
    p: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Gates of one net in one column, of either side or both."""

    net: str
    n: Fet | None = None
    p: Fet | None = None

    @property
    def l_um(self) -> float:
        return max(one.l_um for one in (self.n, self.p) if one is not None)


Slice = Sequence[Contact | Pair | None]
"""Columns from left to right; None: the end of all diffusions."""


def latch(name: str, sizes: CodedSizes) -> Slice:
    """A static cell: an inverter on either side of the rails, and the ways from them to bit lines."""
    q, q_b, inverter, access = f"q{name}", f"q_b{name}", sizes.latch, sizes.access
    return (
        Contact(n=f"bit_{name}"),
        Pair("word", n=access),
        Contact(q, q),
        Pair(q_b, inverter, inverter),
        Contact(VSS, VDD),
        Pair(q, inverter, inverter),
        Contact(q_b, q_b),
        Pair("word", n=access),
        Contact(n=f"bit_b_{name}"),
    )


def switches(name: str, sizes: CodedSizes) -> Slice:
    """What ties the groups of a bit to the layer's lines or to the rails."""
    q, q_b, fet, n, p = f"q{name}", f"q_b{name}", sizes.switch, f"n{name}", f"p{name}"
    return (
        Contact("gate_n", VDD),
        Pair(q, fet, fet),
        Contact(n, p),
        Pair(q_b, fet, fet),
        Contact(VSS, "gate_p"),
        None,
        Contact(n=p),
        Pair(q, n=fet),
        Contact(n="gate_p"),
    )


def drives(sign: str, sizes: CodedSizes) -> Slice:
    """What leads the axon to the inverter of a bank, or holds that at the rail."""
    fet = sizes.gate
    if sign == "n":
        return (
            Contact(n="axon"),
            Pair("qn", n=fet),
            Contact("drive_n", "drive_n"),
            Pair("q_bn", fet, fet),
            Contact(VSS, "axon"),
        )
    return (
        Contact(p="axon_b"),
        Pair("q_bp", p=fet),
        Contact("drive_p", "drive_p"),
        Pair("qp", fet, fet),
        Contact("axon_b", VDD),
    )


def track_of(net: str) -> int:
    """The track that a net lies on."""
    known = {"gate_n": GATE_N, "gate_p": GATE_P, "word": WORD, "axon": CROSS, "axon_b": CROSS}
    if net in known:
        return known[net]
    if net.startswith("q"):
        return Q_B if net.startswith("q_b") else Q
    return CROSS if net.startswith("p") else UP


def row_height(sizes: CodedSizes) -> float:
    """Height of a row: its tracks, or its diffusions and the well between them."""
    tracks = 2 * FIRST + (TRACKS - 1) * TRACK - NODES_CLOSER
    widest = max(one.w_um for one in (sizes.switch, sizes.gate, sizes.latch, sizes.access))
    free = 2 * (widest - 0.42)  # diffusions of the least width end below the second track
    return up(tracks + free)


def offsets(columns: Slice) -> list[float]:
    """The x of every column from the first one's."""
    found, x, before = [], 0.0, None
    for column in columns:
        if column is None:
            x += APART
        elif before is not None:
            gate = column if isinstance(column, Pair) else before
            x += max(STEP, up(gate.l_um / 2 + 0.15)) if isinstance(gate, Pair) else 0.0
        found.append(round(x, 3))
        before = column
    return found


def chains(columns: Slice) -> Iterator[Slice]:
    """The parts of a row whose diffusions are apart."""
    part: list[Contact | Pair] = []
    for column in columns:
        if column is None:
            yield tuple(part)
            part = []
        else:
            part.append(column)
    yield tuple(part)


def length(columns: Slice) -> float:
    """From the first column to the last."""
    return offsets(columns)[-1]


@dataclass(frozen=True, slots=True)
class Row:
    """Where a row lies: the rail of its N side, and +1 where its P side is above; its columns, and the x of each."""

    n_rail: float
    way: int
    height: float
    columns: Slice
    xs: tuple[float, ...]

    def y(self, height: float) -> float:
        return round(self.n_rail + self.way * height, 3)

    def track(self, index: int) -> float:
        """The y of a track."""
        if index == TRACKS - 1:
            return self.y(self.height - FIRST)
        return self.y(FIRST + index * TRACK - (NODES_CLOSER if index >= Q_B else 0.0))

    def side(self, kind: str) -> Side:
        """The N or P side."""
        if kind == "n":
            return Side(self.n_rail, self.y(DIFF_TO_RAIL), self.way)
        return Side(self.y(self.height), self.y(self.height - DIFF_TO_RAIL), -self.way)


@dataclass(slots=True)
class Wired:
    """Where the nets of a row are met on their tracks: the x of every contact to metal 1, by net."""

    at: dict[str, list[float]] = field(default_factory=dict)

    def add(self, net: str, x: float) -> None:
        self.at.setdefault(net, []).append(x)


def draw_row(block: Block, row: Row, sizes: CodedSizes) -> Wired:
    """Draw a row's devices, their contacts and what leads to the tracks; the lines on these are the caller's, with `draw_line`."""
    widest = max(one.w_um for one in (sizes.switch, sizes.gate, sizes.latch, sizes.access))
    row_frame(block, block.width, row.height, snap(row.height / 2), bottom=row.n_rail, up=row.way)
    for kind, layer in (("n", "nsdm"), ("p", "psdm")):
        _draw_side(block, row, kind)
        side = row.side(kind)
        a, b = sorted((side.rail + side.way * IMPLANT_TO_RAIL, side.y(widest + IMPLANT)))
        block.rect(layer, 0.0, snap(a), block.width, snap(b))
    wired = Wired()
    for column, x in zip(row.columns, row.xs, strict=True):
        if isinstance(column, Pair):
            gate_pad(block, x, row.track(track_of(column.net)))
            _cut(block, row, column.net, x, wired)
        elif isinstance(column, Contact):
            _lead(block, row, column, x, wired)
    # Pads lie too near each other for cuts of their own in the nitride.
    ys = sorted((row.track(WORD), row.track(Q_B)))
    margin = LICON / 2 + NPC + 0.01
    block.rect("npc", 0.0, snap(ys[0] - margin), block.width, snap(ys[1] + margin))
    return wired


def _draw_side(block: Block, row: Row, kind: str) -> None:
    """The diffusions of one side, each a chain of FETs."""
    nodes: list[str] = []
    gates: list[Gate] = []
    columns: dict[str, float] = {}

    def end() -> None:
        if gates:
            chain(block, row.side(kind), list(nodes), list(gates), columns)
        nodes.clear()
        gates.clear()

    for index, (column, x) in enumerate(zip(row.columns, row.xs, strict=True)):
        held = None if column is None else getattr(column, kind)
        if held is None:
            end()
            continue
        name = f"{index}"
        columns[name] = x
        if isinstance(column, Pair):
            pad_y = row.track(track_of(column.net))
            gates.append(Gate(f"{kind} gate on {column.net}", held, name, pad_y=pad_y))
        else:
            nodes.append(name)
    end()


def _lead(block: Block, row: Row, column: Contact, x: float, wired: Wired) -> None:
    """From the contacts of a column to their rails or tracks."""
    n, p = row.side("n"), row.side("p")
    reach = DIFF_TO_RAIL + 0.13 + LICON
    both = column.n is not None and column.n == column.p
    for net, side in ((column.n, n), (column.p, p)):
        if net is None:
            continue
        to = side.rail if net in (VDD, VSS) else row.track(track_of(net))
        start = side.rail + side.way * reach
        low, high = sorted((start, to))
        left = snap(x - LI / 2)
        block.rect("li1", left, snap(low - MCON / 2), left + LI, snap(high + MCON / 2))
        if net not in (VDD, VSS) and not (both and side is p):
            _cut(block, row, net, x, wired)


def _cut(block: Block, row: Row, net: str, x: float, wired: Wired) -> None:
    block.square("mcon", x, row.track(track_of(net)), MCON)
    wired.add(net, x)


def draw_line(block: Block, row: Row, net: str, xs: Sequence[float], *, across: bool = False) -> Box:
    """The line of a net on its track over these columns, or across the whole row."""
    y = row.track(track_of(net))
    bottom = snap(y - LINE / 2)
    past = MCON / 2 + limit("m1.5") + 0.01
    if across:
        return block.rect("met1", 0.0, bottom, block.width, bottom + LINE)
    return block.rect("met1", snap(min(xs) - past), bottom, snap(max(xs) + past), bottom + LINE)
