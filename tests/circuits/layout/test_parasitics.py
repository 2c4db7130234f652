"""Our own extraction: against closed forms, and against kpex.

`kpex/` holds layouts (LVS databases) and what the pinned kpex extracted of each, whole, written by `bench/extractors.py --keep`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import klayout.db as kdb
import numpy as np
import pytest

from nonideal.circuits.extraction import (
    Sidewall,
)
from nonideal.circuits.extraction.agreement import agreement, measured, paths_ohm
from nonideal.circuits.extraction.netlist import Device, Netlist
from nonideal.circuits.extraction.parasitics import (
    capacitance,
    extract_drawn,
    extract_parasitics,
)
from nonideal.circuits.extraction.parasitics.drawn import Terminal, read_drawn
from nonideal.circuits.extraction.parasitics.library import Native, loaded
from nonideal.circuits.extraction.parasitics.resistance import resistances
from nonideal.circuits.extraction.parasitics.sweep import Swept
from nonideal.circuits.extraction.parasitics.technology import Technology, read_technology
from tests.circuits.layout.structures import GROUND, KPEX, between, drawn_1_1, fringe, kpex_of, structure


def test_parallel_plates(native: Native, technology: Technology, tmp_path: Path) -> None:
    """Metal 2 over the middle of metal 1: the plate's area, and the fringe of its edges down to what of metal 1 lies beside it.

    The edges of metal 1 see the substrate alone, for above them is nothing.
    """
    database = structure(tmp_path, ("b", "met1", 0, 0, 36, 36), ("a", "met2", 3, 3, 33, 33))
    netlist = extract_parasitics(database, mode="CC", native=native)
    expected = 900 * 133.86 + 120 * fringe(technology, "met2", "met1", 0, 3)
    assert between(netlist, "a", "b") == pytest.approx(expected, rel=1e-9)
    assert between(netlist, "a", GROUND) == pytest.approx(
        120 * fringe(technology, "met2", "substrate", 3, 8.002), rel=1e-9
    )
    assert between(netlist, "b", GROUND) == pytest.approx(
        1296 * 25.78 + 144 * fringe(technology, "met1", "substrate", 0, 8.0), rel=1e-9
    )


@pytest.mark.parametrize(("sidewall", "factor"), [("full", 1.0), ("halved", 0.5)])
def test_two_lines_side_by_side(
    native: Native, technology: Technology, tmp_path: Path, sidewall: Sidewall, factor: float
) -> None:
    """The coupling is the formula's; a third line behind the second sees the second alone, and none of the first."""
    shapes = [(net, "met1", 0.0, y, 100.0, y + 0.14) for net, y in (("a", 0.0), ("b", 0.42), ("c", 1.0))]
    netlist = extract_parasitics(structure(tmp_path, *shapes), mode="CC", sidewall=sidewall, native=native)
    assert between(netlist, "a", "b") == pytest.approx(factor * 100 * 44 / (0.28 + 0.25), rel=1e-9)
    assert between(netlist, "b", "c") == pytest.approx(factor * 100 * 44 / (0.44 + 0.25), rel=1e-9)
    assert between(netlist, "a", "c") == 0.0
    outer = 100 * fringe(technology, "met1", "substrate", 0, 8.002) + 100 * fringe(
        technology, "met1", "substrate", 0, 0.28
    )
    ends = 2 * 0.14 * fringe(technology, "met1", "substrate", 0, 8.002)
    assert between(netlist, "a", GROUND) == pytest.approx(100 * 0.14 * 25.78 + outer + ends, rel=1e-3)


def test_a_plate_between_shields(native: Native, tmp_path: Path) -> None:
    netlist = extract_parasitics(
        structure(tmp_path, ("a", "met1", 0, 0, 10, 10), ("b", "met2", -20, -20, 30, 30), ("c", "met3", 0, 0, 10, 10)),
        mode="CC", native=native,
    )  # fmt: skip
    assert between(netlist, "a", "c") == 0.0
    assert between(netlist, "a", "b") > 100 * 133.86


def test_a_capacitor_of_metal_3_couples_with_others_alone(
    native: Native, technology: Technology, tmp_path: Path
) -> None:
    """Between its plates there is what its model has. A line over its top plate sees that plate, and the bottom plate beside it."""
    database = structure(
        tmp_path,
        ("b", "met3", 0, 0, 20, 20), ("", "capm", 1, 1, 19, 19), ("", "via3", 4, 4, 4.2, 4.2), ("a", "met4", 3.9, 3.9, 4.3, 4.3),
        ("c", "met4", 8, 14, 16, 15),
    )  # fmt: skip
    netlist = extract_parasitics(database, mode="CC", native=native)
    (device,) = netlist.devices
    assert _sizes(f"{device.model} {device.parameters}") == (
        "sky130_fd_pr__cap_mim_m3_1",
        frozenset({"w=18", "l=18"}),
    )
    assert device.nodes == ("a", "b")
    # Of 662 fF in the model nothing is counted twice: what is left is the pad's fringe to the rim.
    assert 0.0 < between(netlist, "a", "b") < 3.0
    # The line's area, and its edges down to the top plate as far as that reaches on each side.
    sides = ((8, 8.0), (8, 4), (1, 7), (1, 3))
    edges = sum(length * fringe(technology, "met4", "capm", 0, far) for length, far in sides)
    assert between(netlist, "a", "c") == pytest.approx(8 * 84.03 + edges, rel=1e-3)


def ohms(native: Native, database: Path, far_end: tuple[float, float, float, float]) -> float:
    """Between the pin of net `a` and a device's terminal on a box (um) of its metal 1."""
    technology = read_technology(native.technology)
    box = kdb.Polygon(kdb.Box(*(round(1000 * corner) for corner in far_end)))
    drawn = replace(read_drawn(database, technology), terminals=(Terminal(1, "D", "a", (("met1", box),)),))
    wires = resistances(drawn, technology)
    device = Device("m", (wires.terminals[1, "D"],), "", "")
    ((_, ohm),) = paths_ohm(Netlist("cell", ("a",), (device,), wires.resistors, ())).items()
    return ohm


def test_a_wire_of_n_squares(native: Native, tmp_path: Path) -> None:
    database = structure(tmp_path, ("a", "met1", 0, 0, 1, 1), ("", "met1", 0, 0, 101, 1))
    assert ohms(native, database, (100, 0, 101, 1)) == pytest.approx(100 * 0.125, rel=1e-9)


def test_a_hole_is_no_conductor(native: Native, technology: Technology, tmp_path: Path) -> None:
    """From corner to corner of a square ring the current has two ways of 38 squares; the ring's inner edges have a fringe."""
    ring = [
        ("", "met1", *corners) for corners in ((0, 0, 20, 1), (0, 19, 20, 20), (0, 0, 1, 20), (19, 0, 20, 20))
    ]
    database = structure(tmp_path, ("a", "met1", 0, 0, 1, 1), *ring)
    assert ohms(native, database, (19, 19, 20, 20)) == pytest.approx(19 * 0.125, rel=0.05)
    netlist = extract_parasitics(database, mode="CC", native=native)
    expected = 76 * 25.78 + (80 + 72) * fringe(technology, "met1", "substrate", 0, 8.0)
    assert between(netlist, "a", GROUND) == pytest.approx(expected, rel=1e-3)


def test_any_rectangles_are_as_klayout_says(native: Native, technology: Technology, tmp_path: Path) -> None:
    """Areas over each other, of shapes at random: by regions of KLayout, layer by layer from above."""
    random = np.random.default_rng(7)
    stack = ("met1", "met2", "met3", "met4")
    regions: dict[str, kdb.Region] = {}
    shapes = []
    for layer in stack:
        x, y, w, h = random.integers(0, 4000, (4, 12))
        for corners in zip(x, y, x + w // 2 + 200, y + h // 2 + 200, strict=True):
            regions[layer] = regions.get(layer, kdb.Region()) + kdb.Region(
                kdb.Box(*(int(10 * c) for c in corners))
            )
            shapes.append(("", layer, *(float(c) / 100 for c in corners)))
    drawn = read_drawn(structure(tmp_path, *shapes), technology)
    swept: list[Swept] = []
    real = capacitance.sweep

    def kept(*given: Any) -> Swept:
        swept.append(real(*given))
        return swept[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(capacitance, "sweep", kept)
        extract_drawn(drawn, technology, mode="CC", sidewall="full", kernel=loaded(native.library))
    names = technology.layers
    for layer in stack:
        index = names.index(layer)
        assert swept[0].over_something[:, index].sum() == regions[layer].merged().area()
        assert swept[0].sides[:, index].sum() == regions[layer].merged().perimeter()


@pytest.mark.parametrize(
    ("name", "sidewall"),
    [
        ("1-1", "full"),
        ("1-1", "halved"),
        ("1-1-pair-met4", "full"),
        ("1-1-mask-met4", "full"),
        ("5-5-5", "full"),
        ("8-8", "full"),
    ],
)
def test_as_kpex_whole(native: Native, technology: Technology, name: str, sidewall: Sidewall) -> None:
    """Asked for: 0.1 % of every net, 0.02 fF of every coupling, 0.5 % of resistances. What is left is the rounding of kpex's text."""
    theirs, told = kpex_of(name, sidewall)
    database, kpex = KPEX / f"{name}.lvsdb.gz", technology.as_kpex()
    netlist = extract_parasitics(database, mode="RC", sidewall=sidewall, native=native, technology=kpex)
    found = agreement(theirs, measured(netlist))
    assert found.net[0] < 1e-5, found.net
    assert found.coupling_F[0] < 1e-19, found.coupling_F
    assert found.path[0] < 1e-6, found.path
    assert sorted(netlist.ports) == sorted(told["ports"])
    assert len(netlist.resistors) == told["resistors"]
    assert {d.name: _sizes(f"{d.model} {d.parameters}") for d in netlist.devices} == {
        n: _sizes(d) for n, d in told["devices"].items()
    }
    plain = extract_parasitics(database, mode="CC", sidewall=sidewall, native=native, technology=kpex)
    alike = agreement(replace(measured(netlist), paths_ohm={}), replace(measured(plain), paths_ohm={}))
    assert alike.net[0] < 1e-9, "spreading over nodes keeps what is between two nets"
    assert alike.coupling_F[0] < 1e-24


@pytest.mark.parametrize("mode", ["CC", "RC"])
def test_a_well_lies_in_the_substrate(native: Native, technology: Technology, mode: Any) -> None:
    """What kpex leaves out: its area times the constant, between its net and the substrate's, and nothing else changes."""
    drawn = drawn_1_1(technology)
    with_wells, without = (
        extract_drawn(drawn, one, mode=mode, sidewall="full", kernel=loaded(native.library))
        for one in (technology, technology.as_kpex())
    )
    area_um2 = drawn.shapes["nwell"]["vdd"].area() * drawn.dbu_um**2
    found, base = measured(with_wells).couplings_F, measured(without).couplings_F
    assert area_um2 > 50
    assert found["vdd", "vss"] - base["vdd", "vss"] == pytest.approx(120e-18 * area_um2, rel=1e-9)
    assert {pair: c for pair, c in found.items() if pair != ("vdd", "vss")} == pytest.approx(
        {pair: c for pair, c in base.items() if pair != ("vdd", "vss")}, rel=1e-12
    )
    if mode == "RC":
        # Spread along the well's resistors, not put on one node.
        added = with_wells.capacitors[len(without.capacitors) :]
        assert len({c.a for c in added}) == len(added) > 3
        assert [(r.a, r.b) for r in with_wells.resistors] == [(r.a, r.b) for r in without.resistors]
        values = [r.value for r in without.resistors]
        assert [r.value for r in with_wells.resistors] == pytest.approx(values, rel=1e-9)


def _sizes(text: str) -> tuple[str, frozenset[str]]:
    model, *pairs = text.split()
    return model, frozenset(pairs)
