"""Extractions of a small network, the real kpex as witness of our own and against closed forms, and everything that can go wrong with a run of it."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nonideal.circuits.design import Design
from nonideal.circuits.extraction import (
    NO_REDUCTION,
    Extraction,
    ExtractionOptions,
    ExtractorMissing,
    Reduction,
    extract,
    find_kpex,
)
from nonideal.circuits.extraction.agreement import agreement, measured
from nonideal.circuits.extraction.kpex import Kpex, run_kpex
from nonideal.circuits.extraction.netlist import Netlist, net_of, read_netlist
from nonideal.circuits.extraction.parasitics import Native, extract_parasitics, read_technology
from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.circuits.layout.network import network
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare, write_database
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.cli.exit_code import ExitCode, exit_code_of
from nonideal.sky130_models.corner import Corner
from nonideal.sky130_models.lean import lean_library
from nonideal.sky130_models.pdk import find_pdk
from nonideal.spice import Deck
from nonideal.spice.ngspice import find_ngspice, run

EPS0 = 8.854e-18  # F / um
OHM_PER_SQUARE_MET1 = 0.125


def wire_F(width: float, height: float, thickness: float, permittivity: float, length: float) -> float:
    """Sakurai and Tamaru (1983): a wire over a plane, 6 % accurate."""
    return EPS0 * permittivity * (1.15 * width / height + 2.8 * (thickness / height) ** 0.222) * length


@pytest.fixture(scope="module")
def kpex() -> Kpex:
    try:
        return find_kpex()
    except ExtractorMissing as missing:
        pytest.skip(str(missing))


def structure(folder: Path, name: str, *shapes: tuple[str, str, float, float, float, float]) -> Path:
    """The database of a test structure: (net or "", layer, x0, y0, x1, y1) a shape, pins where a net is named."""
    block = Block.named(name)
    for net, layer, *corners in shapes:
        box = block.rect(layer, *corners)
        if net:
            block.pins[net] = box
    write_database(write_gds(block, folder / f"{name}.gds"), name, folder / f"{name}.lvsdb.gz")
    return folder / f"{name}.lvsdb.gz"


def extracted(kpex: Kpex, database: Path, folder: Path, mode: str = "CC") -> Netlist:
    run = run_kpex(kpex, database, folder, mode=mode, reduction="none", timeout_s=120)  # type: ignore[arg-type]
    return read_netlist(run.netlist)


def between(netlist: Netlist, a: str, b: str) -> float:
    return sum(c.value for c in netlist.capacitors if {net_of(c.a), net_of(c.b)} == {a, b})


def test_wire_over_the_substrate(kpex: Kpex, tmp_path: Path) -> None:
    netlist = extracted(kpex, structure(tmp_path, "wire", ("a", "met1", 0, 0, 1, 200)), tmp_path)
    assert between(netlist, "a", "sky130_gnd") == pytest.approx(
        wire_F(1.0, 1.3761, 0.36, 3.9, 200.0), rel=0.1
    )


def test_plates(kpex: Kpex, tmp_path: Path) -> None:
    """Metal 2 over metal 1, 0.27 um apart: the plate, and its edge as half of a wire's."""
    shapes = ("a", "met2", 1, 1, 31, 31), ("b", "met1", 0, 0, 32, 32)
    netlist = extracted(kpex, structure(tmp_path, "plates", *shapes), tmp_path)
    edge = 1.4 * (0.36 / 0.27) ** 0.222 * 120
    assert between(netlist, "a", "b") == pytest.approx(EPS0 * 4.05 * (900 / 0.27 + edge), rel=0.1)


def test_resistance_of_a_wire(kpex: Kpex, tmp_path: Path) -> None:
    shapes = ("a", "met1", 0, 0, 1, 1), ("", "met1", 0, 0, 101, 1), ("b", "met1", 100, 0, 101, 1)
    netlist = extracted(kpex, structure(tmp_path, "wire", *shapes), tmp_path, "RC")
    ohm = sum(r.value for r in netlist.resistors)
    assert ohm == pytest.approx(100 * OHM_PER_SQUARE_MET1, rel=0.02)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """LVS database and device count of a network of one synapse and one neuron."""
    folder = tmp_path_factory.mktemp("tiny")
    gds = write_gds(network((1, 1)), folder / "network.gds")
    report = compare(gds, schematic(Topology((1, 1)), Design()), database=folder / "network.lvsdb.gz")
    report.require_match()
    return folder / "network.lvsdb.gz", report.device_count


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache, so that the tiny network is extracted once."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.slow
def test_kpex_is_the_witness(
    kpex: Kpex, native: Native, tiny: tuple[Path, int], tmp_path: Path, kept: Path
) -> None:
    """Of the layout as it is drawn today: the same nets, couplings, resistances and devices, by the real kpex."""
    database, devices = tiny
    options = ExtractionOptions(extractor="kpex", reduction=NO_REDUCTION)
    made = extract(
        database, Topology((1, 1)).ports, devices, folder=tmp_path, cache=kept, kpex=kpex, options=options
    )
    technology = read_technology(native.technology).as_kpex()
    ours = extract_parasitics(database, mode="RC", native=native, technology=technology)
    found = agreement(measured(made.netlist), measured(ours))
    assert found.net[0] < 1e-5, found.net
    assert found.coupling_F[0] < 1e-19, found.coupling_F
    assert found.path[0] < 1e-6, found.path
    assert made.raw_resistors == len(ours.resistors)
    assert (made.to_json()["extractor"], set(made.tools)) == ("kpex", {"klayout-pex", "klayout"})


def test_network_with_resistances(native: Native, tiny: tuple[Path, int], tmp_path: Path, kept: Path) -> None:
    database, devices = tiny
    ports = Topology((1, 1)).ports
    first = extract(database, ports, devices, folder=tmp_path / "a", cache=kept, native=native)
    assert first.netlist.ports == ports
    assert len(first.netlist.resistors) < first.raw_resistors
    assert len(first.netlist.capacitors) < first.raw_capacitors
    # 5 um of dendrite, two drains, two switches: single fF, of the order of the 37 aF / um of metal 2's edges.
    assert 0.5e-15 < first.net_capacitance_F["dendrite_1_0"] < 10e-15
    assert {"neuron_1_0_membrane", "axon_0_0", "axon_b_0_0", "vdd", "vss"} <= set(first.net_capacitance_F)
    assert {d.name for d in first.netlist.devices} >= {"neuron_1_0_misn", "synapse_1_0_0_mps", "driver_0_mn1"}

    again = extract(database, ports, devices, folder=tmp_path / "b", cache=kept, native=native)
    assert again.cached
    assert not first.cached
    assert again.text == first.text

    coarse = ExtractionOptions(reduction=Reduction(coupling_F=1e-15))
    lumped = extract(
        database, ports, devices, folder=tmp_path / "b", cache=kept, native=native, options=coarse
    )
    assert lumped.cached, "the reduction is no matter of the extractor"
    assert len(lumped.netlist.capacitors) < len(first.netlist.capacitors)

    first.write(tmp_path)
    told = json.loads((tmp_path / "pex.json").read_text())
    assert told["resistors"] == len(first.netlist.resistors)
    assert told["net_capacitance_F"]["vdd"] > 0
    assert (
        0
        < told["resistance_ohm"]["smallest"]
        <= told["resistance_ohm"]["median"]
        <= told["resistance_ohm"]["largest"]
    )
    assert read_netlist(tmp_path / "network.pex.spice").ports == ports


@pytest.mark.spice
def test_reduction_moves_no_edge(native: Native, tiny: tuple[Path, int], tmp_path: Path, kept: Path) -> None:
    """An input's edge on its axon: the same to 0.5 ps with every parasitic and with the reduced ones, later than without any."""
    database, devices = tiny
    topology = Topology((1, 1))
    every = ExtractionOptions(extractor="kpex", reduction=NO_REDUCTION)
    raw, reduced = (
        extract(
            database, topology.ports, devices, folder=tmp_path, cache=kept, native=native, options=options
        )
        for options in (every, ExtractionOptions())
    )
    assert len(reduced.netlist.capacitors) < len(raw.netlist.capacitors) / 5
    delays = [
        axon_delay_s(topology, netlist, tmp_path / name)
        for name, netlist in (
            ("raw", raw.text),
            ("reduced", reduced.text),
            ("bare", schematic(topology, Design())),
        )
    ]
    assert delays[1] == pytest.approx(delays[0], abs=0.5e-12)
    assert delays[2] < delays[0] - 2e-12


def axon_delay_s(topology: Topology, netlist: str, folder: Path) -> float:
    """From an input's edge to its axon's, at half the supply."""
    volts = dict.fromkeys(topology.ports, 0.0)
    volts |= {
        "vdd": 1.8,
        "v0": 1.3,
        "vsense": 0.95,
        "phase_0": 1.8,
        "reset_b_1": 1.8,
        "iso_1": 1.8,
        "bias_p_1_0_0": 1.8,
    }
    sources = [f"V{port} {port} 0 {volt}" for port, volt in volts.items() if port != "in_0"]
    ports = netlist.split(".subckt network", 1)[1].replace("\n+", " ").split("\n", 1)[0]
    lines = [
        "* delay of an axon", ".include models.spice", ".include network.spice", *sources,
        "Vin_0 in_0 0 PWL(0 0 1n 0 1.1n 1.8)", f"Xnetwork {ports} network", ".save v(xnetwork.axon_0_0)",
        ".options method=trap reltol=1e-5 chgtol=1e-18", ".tran 2p 1.3n 0 5p", ".end",
    ]  # fmt: skip
    models = lean_library(find_pdk(), Corner.tt, netlist)
    text = "\n".join(lines) + "\n"
    vector = "v(xnetwork.axon_0_0)"
    deck = Deck("delay", text, {"models.spice": models, "network.spice": netlist}, (vector,), 1.3e-9)
    result = run(deck, find_ngspice(), folder, 120)
    wave = np.asarray(result[vector], float)
    return float(np.interp(0.9, wave, result.axis)) - 1.05e-9


FAKE = """#!{python}
import pathlib, sys, time
out = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
print("fake kpex speaking")
{body}
"""
GOOD = r"""out.write_text(".SUBCKT cell a vss\nXM a vss vss vss nfet w=1\nRext_1 a a.$1.li1 10\nCext_1 a.$1.li1 vss 1f\n.ENDS cell\n")"""


def fake(folder: Path, body: str) -> Kpex:
    path = folder / "kpex"
    path.write_text(FAKE.format(python=sys.executable, body=body))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Kpex(path, "fake")


def run_fake(folder: Path, body: str, **options: object) -> Extraction:
    database = folder / "network.lvsdb"
    database.write_text("database")
    return extract(
        database, ("a", "vss"), 1, folder=folder / "run", cache=folder / "cache", kpex=fake(folder, body),
        options=ExtractionOptions(extractor="kpex", sidewall="halved", **options),  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_good_run_of_a_fake_is_good(tmp_path: Path) -> None:
    run_fake(tmp_path, GOOD)
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("sys.exit(3)", "ended with code 3"),
        ("pass", "wrote no netlist"),
        ("out.write_text('')", "no complete subcircuit"),
        (GOOD.replace(r"Cext_1 a.$1.li1 vss 1f\n", ""), "no parasitics"),
        (GOOD.replace(r"Rext_1 a a.$1.li1 10\n", ""), "no resistor"),
        (GOOD.replace("cell a vss", "cell a vss sky130_gnd"), r"extra \['sky130_gnd'\]"),
        (GOOD.replace("cell a vss", "cell b vss"), r"lost \['a'\]"),
        (GOOD.replace(r"XM a vss vss vss nfet w=1\n", ""), "0 devices were extracted"),
        (GOOD.replace("Rext_1 a a.$1.li1", "Rext_1 a a.$2.li1"), "no way to their net"),
        (r"out.write_bytes(b'\x7fELF\x02\0\xff' * 1000)", "byte 0x02|byte 0xff is not UTF-8"),
        (r"out.write_text('.SUBCKT a b\n\0')", "a NUL byte"),
        ("import os; os.mkfifo(out)", "is a pipe|wrote no netlist"),
        ("out.mkdir()", "wrote no netlist"),
        ("out.touch(); out.open('r+b').truncate(2**33)", "a file grew beyond 4 GB"),
        (GOOD.replace(".SUBCKT", "+ x\\n.SUBCKT"), "outside of the subcircuit"),
        (GOOD.replace(".SUBCKT", "R1 a b 1\\n.SUBCKT"), "outside of the subcircuit"),
        (GOOD.replace("vss 1f", "vss 1e999"), "is too large"),
        (GOOD.replace("vss 1f", "vss 1.2.3f"), "does not parse"),
    ],
)
def test_bad_runs_fail_and_leave_nothing(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(ExtractionFailed, match=message) as caught:
        run_fake(tmp_path, body)
    assert caught.value.log is not None
    assert "fake kpex speaking" in caught.value.log.read_text()
    assert str(caught.value.log) in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_a_hanging_run_is_ended_with_its_children(tmp_path: Path) -> None:
    body = (
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(child.pid))\n"
        "time.sleep(60)"
    )
    with pytest.raises(ExtractionFailed, match="not done after 2 s"):
        run_fake(tmp_path, body, timeout_s=2.0)
    child = int((tmp_path / "pid").read_text())
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
            return
        time.sleep(0.02)
    pytest.fail("the extractor's child outlived it")


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_text(path.read_text().replace(" 1e-15", " 2e-15")),
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: path.write_bytes(path.read_bytes()[:30]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(bytes(range(256)) * 40),
        lambda path: path.write_bytes(path.read_bytes().split(b"\n", 1)[1]),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), os.mkfifo(path)),
    ],
)
def test_a_damaged_entry_is_absent(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    """Neither used nor fatal: the layout is extracted again, and the entry is whole afterwards where it can be."""
    first = run_fake(tmp_path, GOOD)
    (entry,) = (tmp_path / "cache").iterdir()
    whole = entry.read_bytes()
    assert run_fake(tmp_path, "sys.exit(1)").cached
    damage(entry)
    again = run_fake(tmp_path, GOOD)
    assert not again.cached
    assert again.text == first.text
    if entry.is_file():
        assert entry.read_bytes() == whole
        assert run_fake(tmp_path, "sys.exit(1)").cached


def test_two_modes_that_disagree_are_told(tmp_path: Path) -> None:
    """A net's capacitance is the same with resistances and without: to 0.5 % and 0.02 fF."""
    run_fake(tmp_path, GOOD.replace(r"Rext_1 a a.$1.li1 10\n", "").replace("a.$1.li1", "a"), mode="CC")
    run_fake(tmp_path, GOOD.replace("vss 1f", "vss 1.02f"))
    again = tmp_path / "cache"
    for entry in again.iterdir():
        if "\nR1 " in entry.read_text():
            entry.unlink()
    with pytest.raises(ExtractionFailed, match=r"(a|vss) has 1.1 fF, not 1 fF"):
        run_fake(tmp_path, GOOD.replace("vss 1f", "vss 1.1f"))


def test_a_kpex_that_cannot_be_started_is_missing(tmp_path: Path) -> None:
    fake(tmp_path, GOOD).path.write_text("#!/nowhere/python\n")
    database = tmp_path / "network.lvsdb"
    database.write_text("database")
    halved = ExtractionOptions(extractor="kpex", sidewall="halved")
    with pytest.raises(ExtractorMissing, match="cannot be started") as caught:
        extract(
            database, ("a",), 1, folder=tmp_path / "run", kpex=Kpex(tmp_path / "kpex", "fake"), options=halved
        )
    assert exit_code_of(caught.value) == ExitCode.missing


def test_missing_extractor(tmp_path: Path) -> None:
    with pytest.raises(ExtractorMissing, match="pip install"):
        find_kpex({"NONIDEAL_KPEX": str(tmp_path / "nothing")})
