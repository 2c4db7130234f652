"""The coded synapse whose bits are latched: the banks in the lowest row, and above them two rows of latches and switches.

The rows share their rails: vss, vdd, vss, vdd from below. Bit lines run through the column on metal 2, from row to row; what the switches
lead to the banks comes down on metal 2 where it leaves its row, and goes across on metal 3 to the bank's group. The word line and the
layer's lines run through the rows on metal 1, axons on metal 4 over the topmost row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from nonideal.circuits.cells.coded import CodedSizes
from nonideal.circuits.cells.codes import coded_weights
from nonideal.circuits.layout.bank import APART, Bank, Heights, cut, strip
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.coded import DENDRITE_X, EDGE, Plan, coded_height, draw_banks, draw_drive
from nonideal.circuits.layout.contacts import MET1_PAD, MET4_LINE, stack
from nonideal.circuits.layout.dimensions import MCON, OVERLAP, limit, snap, up
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.routes import LAND, PITCH, WIDTH, Uprights, cross, land
from nonideal.circuits.layout.storage_row import (
    CROSS,
    UP,
    Contact,
    Pair,
    Row,
    Slice,
    Wired,
    chains,
    draw_line,
    draw_row,
    drives,
    latch,
    length,
    offsets,
    row_height,
    switches,
    track_of,
)

FROM_BELOW = 0.05
"""Where lines of a column begin that end in the lowest row."""
ACROSS = ("word", "gate_n", "gate_p")
"""What runs through a whole row."""
FIRST_CROSS, CROSS_PITCH = 1.06, 0.7
"""The first line on metal 3, from the lowest rail, clear of the one that joins the dischargers below it; and the next ones."""
AXONS_APART = 0.6
"""From the middle of the topmost row to an axon."""
JOG = 2.0
"""How far beside a strip of its group a line from above may land."""
SHIFT = 0.02
WIDER, MOST_WIDER = 0.2, 40
"""Steps in which a cell is made wider until there is room, and how many."""
RIGHT_DRIVE = 0.5
"""From the last place for a line on metal 2 to the first one for the N inverter's input."""


def rows_of(sizes: CodedSizes) -> tuple[Slice, Slice]:
    """The columns of the lower and of the upper row, as even as they can be; the signs' latches are in the upper one, each at the end
    where its bank has its inverter."""
    bits = [joined([latch(str(k), sizes), switches(str(k), sizes)]) for k in range(sizes.bits)]
    left = joined([drives("p", sizes), latch("p", sizes)])
    right = joined([latch("n", sizes), drives("n", sizes)])

    def halves(count: int) -> tuple[Slice, Slice]:
        return joined(bits[:count]), joined([left, *bits[count:], right])

    return min(map(halves, range(1, sizes.bits + 1)), key=lambda two: max(map(length, two)))


def joined(parts: Sequence[Slice]) -> Slice:
    """Slices beside each other, their diffusions apart."""
    found: list[Contact | Pair | None] = []
    for part in parts:
        found += [None, *part] if found else list(part)
    return tuple(found)


@lru_cache(maxsize=16)
def latched_width(sizes: CodedSizes) -> float:
    """Least width of a synapse, to ``WIDER``: the first that has room for all lines on metal 2. Raises ``LayoutError`` where none has."""
    lower, upper = map(length, rows_of(sizes))
    least = up(max(Plan.of(sizes).width, 2 * EDGE + max(lower, upper)))
    for count in range(MOST_WIDER):
        width = round(least + count * WIDER, 3)
        try:
            latched(sizes, width=width)
        except LayoutError as error:
            last = error
            continue
        return width
    raise LayoutError(f"latches: no width up to {width} um has room for their lines: {last}")


def latched_height(sizes: CodedSizes) -> float:
    """Height of a synapse whose lowest row is as low as it can be: what comes down to a bank keeps off the dendrite's stack, in the middle."""
    landing = Heights(sizes.unit_p.w_um, 0.0).axon
    apart = up(LAND[1] / 2 + MET1_PAD[1] / 2 + limit("m1.2"))
    bank = max(coded_height(sizes), 2 * (landing + apart))
    return round(bank + 2 * row_height(sizes), 3)


def latched(
    sizes: CodedSizes,
    *,
    width: float | None = None,
    height: float | None = None,
    dendrite_x: float | None = None,
    shields_x: Sequence[float] = (),
    name: str = "synapse",
) -> Block:
    """A synapse between vss below and vdd above. Arguments as of the pair."""
    width = latched_width(sizes) if width is None else width
    row = row_height(sizes)
    height = latched_height(sizes) if height is None else height
    bank_height = round(height - 2 * row, 3)
    plan = Plan.of(sizes, width, bank_height)
    block = Block.named(name, width, height)
    x = DENDRITE_X if dendrite_x is None else dendrite_x
    n, p = draw_banks(block, plan, x, shields_x)
    shields_x = shields_x or (0.6, width - 1.74)
    fixed = (x, shields_x[0], shields_x[-1])
    routes = Uprights(EDGE, shields_x[-1] - PITCH)
    for taken in fixed:
        routes.take("fixed", taken, -OVERLAP, height + OVERLAP)
    lower, upper = _placed(sizes, plan, bank_height, row, routes)
    both = [(one, draw_row(block, one, sizes)) for one in (lower, upper)]
    _draw_bits(block, both, routes)
    _draw_axons(block, upper, both[1][1], routes)
    for bank, drawn, drive in ((plan.n, n, "drive_n"), (plan.p, p, "drive_p")):
        (column,) = set(both[1][1].at[drive])
        y0, y1 = bank.y(bank.heights.axon), upper.track(UP)
        far = plan.width if bank is plan.n else 0.0
        at = routes.nearest(drive, column, y0 - 0.2, y1 + 0.2, JOG)
        draw_drive(block, plan, bank, drawn, at)
        cut(block, bank, plan.width - 0.34 if bank is plan.n else 0.34, bank.heights.axon)
        routes.draw_pad(block, at, column, y1)
        routes.pads.append((y0, min(at, far), max(at, far)))
        for y in (y0, y1):
            land(block, at, y)
        routes.draw(block, drive, at, y0, y1)
    _draw_groups(block, plan, sizes, both, routes)
    for net in ACROSS:
        lines = [draw_line(block, one, net, (), across=True) for one, _ in both]
        ys = [one.track(track_of(net)) for one, _ in both]
        at = routes.nearest(net, width / 2, min(ys) - 0.2, max(ys) + 0.2, width)
        for y in ys:
            land(block, at, y)
        routes.draw(block, net, at, *ys)
        block.pins[net] = Box("met1", 0.0, lines[0].y0, 0.3, lines[0].y1)
    _draw_local(block, both)
    for net, rail in (("vdd", height), ("vss", 0.0)):
        block.pins[net] = Box("met1", 0.0, rail - 0.1, 0.2, rail + 0.1)
    return block


def inner_rails(sizes: CodedSizes, height: float) -> list[tuple[str, float]]:
    """(net, y) of the rails between a synapse's lowest and its uppermost."""
    row = row_height(sizes)
    return [("vdd", round(height - 2 * row, 3)), ("vss", round(height - row, 3))]


def _placed(
    sizes: CodedSizes, plan: Plan, bank_height: float, row: float, routes: Uprights
) -> tuple[Row, Row]:
    """Both rows, each part of them shifted so that what leaves it on metal 2 meets nothing."""
    n_rail = round(bank_height + row, 3)
    taken = [x for _, x, _, _ in routes.lines]
    found = []
    for columns, way in zip(rows_of(sizes), (-1, 1), strict=True):
        xs: list[float] = []
        x = EDGE
        for part in chains(columns):
            if any(isinstance(one, Contact) and one.n == "drive_n" for one in part):
                # Beyond the strips of the bank's smallest group: it goes down to the inverter on the right.
                x = max(x, snap(routes.high_x - RIGHT_DRIVE - _rise_at(part)))
            while not _clear(part, x, taken, routes.high_x):
                x = round(x + SHIFT, 3)
                if x > plan.width:
                    raise LayoutError(
                        f"latches: no way to place their rows in {plan.width} um so that their lines do not meet"
                    )
            if xs:
                xs.append(x)
            places = [round(x + one, 3) for one in offsets(part)]
            taken += [at for _, at in risers(part, places)]
            xs += places
            x = round(places[-1] + APART, 3)
        if xs[-1] > plan.width - EDGE:
            raise LayoutError(
                f"latches: {plan.width} um are too narrow for a row of them, which ends at {xs[-1]} um"
            )
        found.append(Row(n_rail, way, row, columns, tuple(xs)))
    return found[0], found[1]


def _rise_at(part: Slice) -> float:
    """From the start of a part to what leaves it upwards."""
    return next(risers(part, offsets(part)))[1]


def _clear(part: Slice, x: float, taken: Sequence[float], most: float) -> bool:
    """Whether what leaves a part that begins at x meets none of the lines that are there."""
    places = [round(x + one, 3) for one in offsets(part)]
    mine = [at for _, at in risers(part, places)]
    return all(at <= most and all(abs(at - other) >= PITCH for other in taken) for at in mine)


def risers(columns: Slice, xs: Sequence[float]) -> Iterator[tuple[str, float]]:
    """(net, x) of what leaves a row on metal 2 from where it is."""
    for column, x in zip(columns, xs, strict=True):
        if isinstance(column, Contact) and column.n not in (None, "vss") and track_of(column.n) == UP:
            yield column.n, x


def _draw_bits(block: Block, rows: Sequence[tuple[Row, Wired]], routes: Uprights) -> None:
    """Bit lines through the whole column, but for the rail below: under the lowest row neurons have metal 2 of their own."""
    for row, _ in rows:
        for net, x in risers(row.columns, row.xs):
            if net.startswith("bit"):
                land(block, x, row.track(UP))
                left = snap(x - WIDTH / 2)
                block.pins[net] = block.rect("met2", left, FROM_BELOW, left + WIDTH, block.height + OVERLAP)
                routes.take(net, x, -OVERLAP, block.height + OVERLAP)
            else:  # what comes later keeps its place
                routes.take(net, x, 0.0, row.track(UP) + 0.2)


def _draw_axons(block: Block, row: Row, wired: Wired, routes: Uprights) -> None:
    """Axons over the topmost row, each joined to the track of its sign's switches."""
    middle = (row.track(0) + row.track(6)) / 2
    for net, side in (("axon", 1), ("axon_b", -1)):
        y, track = snap(middle + side * AXONS_APART), row.track(CROSS)
        xs = wired.at[net]
        low, high = min(y, track) - 0.3, max(y, track) + 0.3
        at = routes.nearest(net, sum(xs) / len(xs), low, high, 1.5)
        draw_line(block, row, net, (*xs, at))
        land(block, at, track)
        routes.draw(block, net, at, y, track)
        stack(block, at, y, "met2", "met4")
        bottom = snap(y - MET4_LINE / 2)
        block.pins[net] = block.rect("met4", 0.0, bottom, block.width, bottom + MET4_LINE)


def _draw_groups(
    block: Block, plan: Plan, sizes: CodedSizes, rows: Sequence[tuple[Row, Wired]], routes: Uprights
) -> None:
    """From the switches of every bit down to the groups of both banks."""
    storage = coded_weights(sizes.contract().storage)
    number = 0
    for bank, gates in ((plan.n, storage.n), (plan.p, storage.p)):
        for gate in gates:
            row, wired = next((row, wired) for row, wired in rows if gate in wired.at)
            xs = wired.at[gate]
            cross_y = round(FIRST_CROSS + number * CROSS_PITCH, 3)
            number += 1
            top, landing = row.track(track_of(gate)), bank.y(bank.heights.axon)
            middle = sum(xs) / len(xs)
            far = 0.0 if bank is plan.n else 2.5
            at = routes.nearest(gate, middle, cross_y - 0.3, top + 0.3, far)
            if bank is plan.p:
                draw_line(block, row, gate, (*xs, at))
            land(block, at, top)
            routes.draw(block, gate, at, cross_y, top)
            leg, to = _leg(bank, gate, at, cross_y, landing, routes)
            strip(block, bank, leg, bank.heights.contact, bank.heights.axon + MCON / 2)
            cut(block, bank, leg, bank.heights.axon)
            routes.draw_pad(block, leg, to, landing)
            land(block, to, landing)
            routes.draw(block, gate, to, landing, cross_y)
            if to != at:
                cross(block, at, to, cross_y)


def _leg(
    bank: Bank, gate: str, at: float, cross_y: float, landing: float, routes: Uprights
) -> tuple[float, float]:
    """The strip of a group on which its line lands, and the x of that: as near to where the line comes from as there is room."""
    low, high = min(landing, cross_y) - 0.3, max(landing, cross_y) + 0.3
    legs = [x for (net, _), x in zip(bank.gates(), bank.columns()[1], strict=True) if net == gate]
    for leg in sorted(legs, key=lambda x: abs(x - at)):
        if abs(leg - at) <= JOG and routes.free(gate, at, low, high) and routes.has_pad(landing, leg, at):
            return leg, at

        def fits(x: float, leg: float = leg) -> bool:
            return abs(x - at) >= PITCH and routes.has_pad(landing, leg, x)

        try:
            return leg, routes.nearest(gate, snap(leg), low, high, JOG, fits)
        except LayoutError:
            continue
    raise LayoutError(f"no room for a line to group {gate}: make the cell wider (circuit.synapse)")


def _draw_local(block: Block, rows: Sequence[tuple[Row, Wired]]) -> None:
    """The lines of latches' nodes, and a pad where a net has one contact alone."""
    for row, wired in rows:
        for net, xs in wired.at.items():
            if net not in ACROSS and track_of(net) not in (UP, CROSS):
                draw_line(block, row, net, xs)
