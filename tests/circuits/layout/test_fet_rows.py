"""Strings of FETs: what stands on one diffusion, which go into which row, and rows as drawn."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from nonideal.circuits.cells.contract import Device
from nonideal.circuits.cells.fet import NFET, NFET_LVT, PFET, PFET_HVT, PFET_LVT, Fet
from nonideal.circuits.drc import check
from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.driver import Strip
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.fet_rows import Shelf, draw_row, draw_shelves, gate_only, strings_of
from nonideal.circuits.layout.fet_string import String
from nonideal.circuits.layout.straps import draw_straps
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare

UNIT, LONG, WIDE = Fet(w_um=0.42, l_um=1.0), Fet(w_um=1.0, l_um=4.0), Fet(w_um=2.0, l_um=0.5)


def groups(*counts: int, polarity: str = "n") -> list[Device]:
    model, rail = (NFET, "vss") if polarity == "n" else (PFET, "vdd")
    return [
        Device(f"unit_{k}", f"M{k}", model, ("line", "line", f"s{k}", rail), UNIT, units=many)
        for k, many in enumerate(counts)
    ]


def string(count: int, size: Fet = LONG) -> String:
    return String("leg", "n", "", size, "gate", "drain", (("vss", count),), "vss")


def test_groups_with_sources_of_their_own_share_a_diffusion() -> None:
    (one,) = strings_of(groups(4, 2, 8))
    assert one.count == 14
    assert one.nodes[:7] == ["line", "s0", "line", "s0", "line", "s1", "line"]
    assert one.nodes[-1] == "line"


def test_odd_groups_and_other_sizes_stand_alone() -> None:
    assert [one.count for one in strings_of(groups(4, 3, 8))] == [12, 3]
    other = replace(groups(2)[0], size=LONG, role="other")
    assert len(strings_of([*groups(4), other])) == 2


def test_what_ends_on_the_rail() -> None:
    assert string(4).nodes == ["vss", "drain", "vss", "drain", "vss"]
    assert string(3).nodes == ["vss", "drain", "vss", "drain"]
    drained = Device("out", "M", NFET, ("vss", "g", "inner", "vss"), LONG)
    assert strings_of([drained])[0].outer == "inner"


@pytest.mark.parametrize("room", [12.0, 25.0, 60.0, 140.0])
def test_a_piece_that_fits_is_even_and_fits(room: float) -> None:
    whole = string(40)
    here = whole.fitting(room)
    assert here % 2 == 0
    first, rest = whole.split(here)
    assert first.count + rest.count == 40
    assert first.width <= room
    longer, _ = whole.split(here + 2)
    assert longer.width > room


def test_shelves_take_everything_once() -> None:
    queue = [*strings_of(groups(46, 2, 4, 8, 16)), string(20), string(3, WIDE)]
    shelves: list[Shelf] = []
    while queue:
        shelves.append(Shelf("n", 0.6, 40.0))
        shelves[-1].fill(queue)
        assert shelves[-1].items
    strings = [item for shelf in shelves for _, item in shelf.items]
    assert sum(one.count for one in strings if one.size == UNIT) == 76
    assert sum(one.count for one in strings if one.size == LONG) == 20
    for shelf in shelves:
        ends = [(x, x + item.width) for x, item in shelf.items]
        assert all(a[1] < b[0] for a, b in pairwise(ends))
        assert ends[-1][1] <= 40.0 + 1e-9


def test_too_wide_ones_are_left() -> None:
    queue = [string(2, WIDE), string(2)]
    shelf = Shelf("n", 0.0, 30.0, most_um=1.0)
    shelf.fill(queue)
    assert [item.height_um for item in queue] == [2.0]


def test_nets_of_gates_alone() -> None:
    known = strings_of([*groups(2), Device("pull", "M", NFET, ("s0", "trim", "vss", "vss"), LONG)])
    assert gate_only(known, ["ramp", "s0"], ["held"]) == ["ramp", "trim"]
    assert gate_only(known, [], ["trim"]) == []


KINDS = {
    NFET: ("n", UNIT),
    NFET_LVT: ("n", WIDE),
    PFET: ("p", UNIT),
    PFET_LVT: ("p", WIDE),
    PFET_HVT: ("p", WIDE),
}


@pytest.mark.parametrize(("upside_down", "guarded"), [(False, False), (True, False), (False, True)])
def test_a_row_of_every_kind_is_clean_and_matches(tmp_path: Path, upside_down: bool, guarded: bool) -> None:
    """Every string with nets of its own, all of them labelled; both kinds of string, with and without a rail."""
    devices = []
    for index, (model, (polarity, size)) in enumerate(KINDS.items()):
        rail = "vss" if polarity == "n" else "vdd"
        inner = rail if index % 2 else f"s{index}"
        devices.append(
            Device("one", f"M{index}", model, (f"d{index}", f"g{index}", inner, rail), size, units=3)
        )
    both = Shelf("n", 0.6, 40.0), Shelf("p", 0.6, 40.0)
    for shelf in both:
        shelf.fill(
            [replace(one, guarded=guarded) for one in strings_of(devices) if one.polarity == shelf.polarity]
        )
    block, pins = draw_row("cell", [both], 40.0, upside_down=upside_down)
    rails = [("vdd", 0.0), ("vss", block.height)] if upside_down else [("vss", 0.0), ("vdd", block.height)]
    straps = draw_straps(block, {"vss": -2.0, "vdd": -6.0}, rails, 0.0, "met4")
    block.pins |= dict(pins) | straps
    assert {net for net, _ in pins} == {net for one in devices for net in one.nodes} - {"vdd", "vss"}
    gds = write_gds(block, tmp_path / "cell.gds")
    report = check(gds, "cell")
    assert report.clean, report.summary()
    ports = [*dict.fromkeys(net for one in devices for net in one.nodes)]
    lines = [f"X{d.path} {' '.join(d.nodes)} {d.model} w={d.size.w_um} l={d.size.l_um} m=3" for d in devices]
    text = "\n".join([f".subckt cell {' '.join(ports)}", *lines, ".ends"])
    matched = compare(gds, text, "cell")
    assert matched.matched, matched.differences
    swapped = text.replace(PFET_LVT, PFET_HVT)
    assert not compare(gds, swapped, "cell").matched


def test_no_room_between_the_rails() -> None:
    shelf = Shelf("n", 0.6, 40.0)
    shelf.fill([string(2)])
    with pytest.raises(LayoutError, match="FETs that need"):
        draw_shelves(Strip(Block.named("low"), 0.0, 2.0, 1.0, 0.0), (shelf, Shelf("p", 0.6, 40.0)))
