"""Our own extraction: against closed forms, against kpex, and with what can be wrong with technology and layout.

`kpex/` holds layouts (LVS databases) and what the pinned kpex extracted of each, whole, written by `bench/extractors.py --keep`.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from dataclasses import replace
from math import atan
from pathlib import Path
from threading import Event
from typing import Any

import klayout.db as kdb
import numpy as np
import pytest

from nonideal.circuits.extraction import (
    NO_REDUCTION,
    ExtractionOptions,
    ExtractorMissing,
    Progress,
    Sidewall,
    extract,
    extraction_key,
    read_progress,
)
from nonideal.circuits.extraction.agreement import Measured, agreement, measured, paths_ohm
from nonideal.circuits.extraction.check import check_extraction
from nonideal.circuits.extraction.kpex import PINNED, Kpex, Run
from nonideal.circuits.extraction.netlist import Device, Netlist, net_of
from nonideal.circuits.extraction.parasitics import (
    capacitance,
    extract_drawn,
    extract_parasitics,
    find_native,
)
from nonideal.circuits.extraction.parasitics.drawn import Drawn, Terminal, read_drawn
from nonideal.circuits.extraction.parasitics.exchange import read_arrays
from nonideal.circuits.extraction.parasitics.library import Native, loaded
from nonideal.circuits.extraction.parasitics.resistance import resistances
from nonideal.circuits.extraction.parasitics.run import run_native
from nonideal.circuits.extraction.parasitics.sweep import Swept
from nonideal.circuits.extraction.parasitics.technology import Technology, read_technology, technology_file
from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import write_database
from nonideal.cli.exit_code import ExitCode, exit_code_of
from nonideal.experiment.experiment import Experiment
from nonideal.spice.errors import Interrupted

KPEX = Path(__file__).parent / "kpex"
GROUND = "sky130_gnd"


@pytest.fixture(scope="module")
def native() -> Native:
    try:
        return find_native()
    except ExtractorMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def technology(native: Native) -> Technology:
    return read_technology(native.technology)


def structure(folder: Path, *shapes: tuple[str, str, float, float, float, float]) -> Path:
    """The database of a test structure: (net or "", layer, x0, y0, x1, y1) a shape, in um, pins where a net is named."""
    block = Block.named("cell")
    for net, layer, *corners in shapes:
        box = block.rect(layer, *corners)
        if net:
            block.pins[net] = box
    write_database(write_gds(block, folder / "cell.gds"), "cell", folder / "cell.lvsdb.gz")
    return folder / "cell.lvsdb.gz"


def between(netlist: Netlist, a: str, b: str) -> float:
    """aF."""
    return 1e18 * sum(c.value for c in netlist.capacitors if {net_of(c.a), net_of(c.b)} == {a, b})


def fringe(technology: Technology, edge: str, other: str, near_um: float, far_um: float) -> float:
    """aF/um of an edge, to what lies between two distances from it."""
    pair = (edge, other) if (edge, other) in technology.plate_aF_um2 else (other, edge)
    a = 0.02 * technology.plate_aF_um2[pair]
    return (
        technology.fringe_aF_um[edge, other]
        * (atan(a * far_um) - atan(a * near_um))
        / atan(a * technology.halo_um)
    )


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


def kpex_of(name: str, sidewall: str) -> tuple[Measured, dict[str, Any]]:
    content = json.loads(gzip.decompress((KPEX / f"{name}.{sidewall}.json.gz").read_bytes()))
    return Measured(
        {net: 1e-15 * value for net, value in content["nets_fF"].items()},
        {(a, b): 1e-15 * value for a, b, value in content["couplings_fF"]},
        {(net, device, end): ohm for net, device, end, ohm in content["paths_ohm"]},
    ), content


@pytest.mark.parametrize(
    ("name", "sidewall"), [("1-1", "full"), ("1-1", "halved"), ("5-5-5", "full"), ("8-8", "full")]
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


def ports_and_devices(name: str) -> tuple[list[str], int]:
    content = kpex_of(name, "full")[1]
    return content["ports"], len(content["devices"])


def test_an_extraction_tells_who_made_it_and_is_kept(native: Native, tmp_path: Path) -> None:
    ports, devices = ports_and_devices("1-1")

    def run(sidewall: Sidewall) -> Any:
        return extract(
            KPEX / "1-1.lvsdb.gz", ports, devices, folder=tmp_path / "run", cache=tmp_path / "cache", native=native,
            options=ExtractionOptions(extractor="nonideal", sidewall=sidewall, reduction=NO_REDUCTION),
        )  # fmt: skip

    found = run("full")
    found.write(tmp_path)
    told = json.loads((tmp_path / "pex.json").read_text())
    assert (told["extractor"], told["sidewall"], told["cached"]) == ("nonideal", "full", False)
    assert set(told["tools"]) == {"nonideal", "sky130A", "klayout"}
    again = run("full")
    assert again.cached
    assert again.text == found.text
    assert not run("halved").cached


def test_every_run_says_the_same(native: Native, tmp_path: Path) -> None:
    """Whatever Python's hashes are: names of nodes, order and values."""
    program = (
        "import sys; from pathlib import Path; from nonideal.circuits.extraction.parasitics import extract_parasitics\n"
        "sys.stdout.write(extract_parasitics(Path(sys.argv[1]), mode='RC').text())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program, str(KPEX / "1-1.lvsdb.gz")],
            env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("0", "1", "2", "3")
    }  # fmt: skip
    assert len(said) == 1


def in_a_process(native: Native, folder: Path, database: Path, **given: Any) -> Run:
    given = {"mode": "RC", "sidewall": "full", "timeout_s": 100.0} | given
    return run_native(native, database, folder / "run", **given)


def test_a_process_of_its_own_says_the_same(native: Native, tmp_path: Path) -> None:
    """And tells its stages, and what it cost."""
    made = in_a_process(native, tmp_path, KPEX / "1-1.lvsdb.gz", sidewall="halved")
    here = extract_parasitics(KPEX / "1-1.lvsdb.gz", mode="RC", sidewall="halved", native=native)
    assert read_arrays(made.netlist).text() == here.text()
    assert 0 < made.seconds_cpu < 60
    assert read_progress(made.netlist.parent, "nonideal", "RC") == Progress("netlist", pytest.approx(0.9))


def test_what_the_process_refuses_is_told_as_it_says_it(native: Native, tmp_path: Path) -> None:
    (tmp_path / "x.lvsdb").write_text("nothing")
    with pytest.raises(ExtractionFailed, match=rf"^{tmp_path}/x\.lvsdb: there is no circuit in it$"):
        in_a_process(native, tmp_path, tmp_path / "x.lvsdb")


def test_time_and_memory_are_limited(native: Native, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = KPEX / "8-8.lvsdb.gz"
    with pytest.raises(ExtractionFailed, match=r"not done after 0\.3 s"):
        in_a_process(native, tmp_path, database, timeout_s=0.3)
    monkeypatch.setenv("NONIDEAL_MEMORY_GB", "0.3")
    with pytest.raises(ExtractionFailed, match=r"more memory than 0\.3 GB; set NONIDEAL_MEMORY_GB"):
        in_a_process(native, tmp_path, database)
    assert not (tmp_path / "run/extracted.npz").exists()


def test_it_ends_when_nobody_wants_it(native: Native, tmp_path: Path) -> None:
    stop = Event()
    stop.set()
    with pytest.raises(Interrupted):
        in_a_process(native, tmp_path, KPEX / "8-8.lvsdb.gz", stop=stop)


def test_a_damaged_library_is_told(native: Native, tmp_path: Path) -> None:
    (tmp_path / "kernel.so").write_bytes(b"no library")
    with pytest.raises(ExtractionFailed, match=r"the extraction ended with code 1(.|\n)*kernel\.so"):
        in_a_process(replace(native, library=tmp_path / "kernel.so"), tmp_path, KPEX / "1-1.lvsdb.gz")


def test_extractors_are_kept_apart(native: Native, tmp_path: Path) -> None:
    """In the cache: by who extracted, by the version of its code and of its constants."""
    (tmp_path / "x.lvsdb").write_text("database")
    tools = (
        native,
        replace(native, sources_sha256="0"),
        replace(native, technology_sha256="0"),
        Kpex(tmp_path / "kpex", PINNED),
    )
    assert len({extraction_key(tmp_path / "x.lvsdb", ExtractionOptions(), tool) for tool in tools}) == 4


def test_it_is_the_default() -> None:
    assert ExtractionOptions().extractor == Experiment(name="x").extraction.extractor == "nonideal"


def test_options_of_kpex_are_not_ours() -> None:
    with pytest.raises(ValueError, match="nonideal"):
        ExtractionOptions(extractor="nonideal", halo_um=4.0)


def test_without_a_compiler_it_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setenv("NONIDEAL_CACHE", str(tmp_path))
    with pytest.raises(ExtractorMissing, match=r"no-such-compiler.*--extractor kpex") as caught:
        find_native()
    assert exit_code_of(caught.value) == ExitCode.missing


def drawn_1_1(technology: Technology) -> Drawn:
    return read_drawn(KPEX / "1-1.lvsdb.gz", technology)


@pytest.mark.parametrize(
    ("lacks", "told"),
    [
        (lambda t: {"sidewalls": _without(t.sidewalls, "met1")}, "no sidewall capacitance for layer met1"),
        (
            lambda t: {"plate_aF_um2": _without(t.plate_aF_um2, ("met2", "poly"))},
            "no capacitance of layer met2 over poly",
        ),
        (
            lambda t: {"fringe_aF_um": _without(t.fringe_aF_um, ("met1", "met3"))},
            "no fringe capacitance from layer met1 to met3",
        ),
    ],
)
def test_a_technology_that_lacks_a_constant(
    native: Native, technology: Technology, lacks: Any, told: str
) -> None:
    drawn = drawn_1_1(technology)
    with pytest.raises(ExtractionFailed, match=told):
        extract_drawn(
            drawn,
            replace(technology, **lacks(technology)),
            mode="CC",
            sidewall="full",
            kernel=loaded(native.library),
        )


@pytest.mark.parametrize(("kind", "name"), [("conductors", "met2_con"), ("vias", "via1_con")])
def test_a_technology_that_lacks_a_layer(technology: Technology, kind: str, name: str) -> None:
    lacking = replace(technology, **{kind: _without(getattr(technology, kind), name)})
    with pytest.raises(ExtractionFailed, match=name):
        drawn_1_1(lacking)


def _without(mapping: Any, key: Any) -> Any:
    return {k: v for k, v in mapping.items() if k != key}


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"layers": 3}', "\0"])
def test_a_technology_file_that_is_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tech.json"
    path.write_text(content)
    with pytest.raises(ExtractionFailed, match=r"tech\.json"):
        read_technology(path)
    assert read_technology(technology_file()).layers[0] == "substrate"


def test_a_net_that_is_cut_is_told_by_name(native: Native, technology: Technology) -> None:
    """Without its vias between metals 1 and 2 a net falls into pieces."""
    cut = drawn_1_1(technology)
    net = max(cut.cuts["via1_con"], key=lambda name: (name.startswith("axon"), name))
    del cut.cuts["via1_con"][net]
    netlist = extract_drawn(cut, technology, mode="RC", sidewall="full", kernel=loaded(native.library))
    with pytest.raises(ExtractionFailed, match=rf"no way to their net.*{net}"):
        check_extraction(netlist, *ports_and_devices("1-1"), resistance=True)


@pytest.mark.parametrize(
    ("part", "layer", "told"),
    [
        ("over_something", "met1", "area on met1"),
        ("over_nothing", "poly", "on poly"),
        ("sides", "met2", "edges on met2"),
    ],
)
def test_what_was_not_looked_at_is_told_with_the_net(
    native: Native, technology: Technology, monkeypatch: pytest.MonkeyPatch, part: str, layer: str, told: str
) -> None:
    drawn = drawn_1_1(technology)
    net = drawn.nets.index("axon_0_0")
    real = capacitance.sweep

    def losing(*given: Any) -> Swept:
        swept = real(*given)
        getattr(swept, part)[net, technology.layers.index(layer)] -= 5.0
        return swept

    monkeypatch.setattr(capacitance, "sweep", losing)
    with pytest.raises(ExtractionFailed, match=rf"net axon_0_0: .*{told}"):
        extract_drawn(drawn, technology, mode="CC", sidewall="full", kernel=loaded(native.library))


def test_slanted_edges_are_refused(native: Native, technology: Technology) -> None:
    drawn = drawn_1_1(technology)
    drawn.shapes["met1"]["axon_0_0"].insert(
        kdb.Polygon([kdb.Point(0, 0), kdb.Point(500, 900), kdb.Point(700, 0)])
    )
    with pytest.raises(ExtractionFailed, match="neither upright nor level"):
        extract_drawn(drawn, technology, mode="CC", sidewall="full", kernel=loaded(native.library))


def test_no_database_is_told(technology: Technology, tmp_path: Path) -> None:
    (tmp_path / "x.lvsdb").write_text("nothing")
    with pytest.raises(ExtractionFailed, match=r"x\.lvsdb"):
        read_drawn(tmp_path / "x.lvsdb", technology)
