"""Extraction with magic: a stand-in that writes netlists in its style, and the real one where it is installed."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import klayout.db as kdb
import pytest

from nonideal.circuits.design import Design
from nonideal.circuits.extraction import (
    NO_REDUCTION,
    Extraction,
    ExtractionOptions,
    ExtractorMissing,
    compare_dendrites,
    extract,
    find_kpex,
    find_magic,
)
from nonideal.circuits.extraction.kpex import Kpex
from nonideal.circuits.extraction.magic import Magic, read_magic, script_text
from nonideal.circuits.extraction.naming import named_after
from nonideal.circuits.extraction.netlist import net_of
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.circuits.layout.network import network
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare
from nonideal.circuits.lvs.reference import MIMS
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.cli.exit_code import ExitCode, exit_code_of
from nonideal.cli.main import main

TOPOLOGY = Topology((2, 2))
PORTS = TOPOLOGY.ports


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, int]:
    """GDS, LVS database and device count of a network of two axons and two neurons."""
    folder = tmp_path_factory.mktemp("drawn")
    gds = write_gds(network((2, 2)), folder / "network.gds")
    report = compare(gds, schematic(TOPOLOGY, Design()), database=folder / "network.lvsdb.gz")
    report.require_match()
    return gds, folder / "network.lvsdb.gz", report.device_count


def drawn_circuit(database: Path) -> tuple[kdb.LayoutVsSchematic, kdb.Circuit]:
    lvs = kdb.LayoutVsSchematic()
    lvs.read(str(database))
    return lvs, next(iter(lvs.netlist().each_circuit()))


def in_magics_style(database: Path, mode: str, ports: tuple[str, ...] = PORTS) -> str:
    """The layout's netlist as ext2spice writes it: own names, own order, drain and source as they come, star-shaped nets."""
    _lvs, circuit = drawn_circuit(database)
    shuffle = random.Random(1)
    nets = {net.name: net.name for net in circuit.each_net()}
    internal = [name for name in nets if name not in ports]
    nets |= {name: f"a_{17 * i}_n{230 + i}#" for i, name in enumerate(internal)}
    models = {ours: theirs for theirs, ours in MIMS.items()}
    terminals: dict[str, list[str]] = {name: [] for name in nets}
    cards: list[str] = []

    def node(device: kdb.Device, terminal: str) -> str:
        net = device.net_for_terminal(terminal).name
        if mode == "CC":
            return nets[net]
        terminals[net].append(f"{nets[net]}.t{len(terminals[net])}")
        return terminals[net][-1]

    devices = list(circuit.each_device())
    shuffle.shuffle(devices)
    for index, device in enumerate(devices):
        model = device.device_class().name
        if model in models:
            side = device.parameter("A") ** 0.5
            cards.append(
                f"X{index} {node(device, 'B')} {node(device, 'A')} {models[model]} l={side:g} w={side:g}"
            )
            continue
        order = "DGSB" if index % 2 else "SGDB"
        nodes = " ".join(node(device, terminal) for terminal in order)
        width, length = (device.parameter(name) for name in "WL")
        area, around = 0.29 * width, 2 * width + 0.58
        cards.append(
            f"X{index} {nodes} {model} ad={area:g} pd={around:g} as={area:g} ps={around:g} w={width:g} l={length:g}"
        )
    resistors: list[tuple[str, str, float]] = []
    for net, ends in terminals.items():
        hub = f"{nets[net]}.n0"
        resistors += [(hub, end, 12.3 + i) for i, end in enumerate(ends)]
        if ends and net in ports:
            resistors.append((net, hub, 0.0))
    cards += [f"R{i} {a} {b} {ohm:g}" for i, (a, b, ohm) in enumerate(resistors)]
    others = [name for name in nets if name != "vss"]
    where = {name: terminals[name][0] if terminals[name] else nets[name] for name in nets}
    capacitors = [(where[a], where[b], "0.25f") for a, b in pairwise(others)]
    # Below 1 aF magic writes 0; with resistances nets without a name lose theirs to the substrate and the others have it twice.
    capacitors += [(where[a], where[b], "0") for a, b in pairwise(others)]
    substrate = {name: "1.5f" if mode == "CC" else "3f" for name in others if mode == "CC" or name in ports}
    capacitors += [(where[name], "vss", f"{farad} $ **FLOATING") for name, farad in substrate.items()]
    cards += [f"C{i} {a} {b} {farad}" for i, (a, b, farad) in enumerate(capacitors)]
    listed = sorted(ports, key=lambda port: port[::-1])
    head = " ".join(["\n+ " + port if i % 8 == 7 else port for i, port in enumerate(listed)])
    return "\n".join(
        [
            "* NGSPICE file created from network.ext - technology: sky130A",
            "",
            f".subckt network {head}",
            *cards,
            ".ends",
            "",
        ]
    )


FAKE = """#!{python}
import pathlib, sys, time
if sys.argv[1:] == ["--version"]:
    print("{version}")
    sys.exit(0)
out = pathlib.Path("extracted.spice")
PLAIN = {plain!r}
if PLAIN and pathlib.Path.cwd().name == "plain":
    out.write_text(PLAIN)
    sys.exit(0)
script = pathlib.Path(sys.argv[-1]).read_text()
assert sys.argv[1:4] == ["-dnull", "-noconsole", "-rcfile"], sys.argv
assert pathlib.Path("network.flat.gds").is_file()
print("fake magic speaking")
GOOD = {good!r}
{body}
"""
WRITE = "out.write_text(GOOD)"


def fake(
    folder: Path, good: str = "", body: str = WRITE, version: str = "8.3.701", plain: str = ""
) -> dict[str, str]:
    """An environment with a stand-in for magic on PATH, and an empty technology."""
    path = folder / "bin" / "magic"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(FAKE.format(python=sys.executable, version=version, good=good, body=body, plain=plain))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    rcfile = folder / "pdk" / "sky130A" / "libs.tech" / "magic" / "sky130A.magicrc"
    rcfile.parent.mkdir(parents=True, exist_ok=True)
    rcfile.write_text("tech load sky130A.tech\n")
    return {"PATH": str(path.parent), "PDK_ROOT": str(folder / "pdk")}


def extracted(
    folder: Path, drawn: tuple[Path, Path, int], mode: str, good: str, body: str = WRITE, **options: object
) -> Extraction:
    gds, database, devices = drawn
    plain = in_magics_style(database, "CC") if mode == "RC" and body == WRITE else ""
    return extract(
        database, PORTS, devices, folder=folder / "run", cache=folder / "cache", gds=gds,
        magic=find_magic(fake(folder, good, body, plain=plain)),
        options=ExtractionOptions(extractor="magic", mode=mode, sidewall="halved", **options),  # type: ignore[arg-type]
    )  # fmt: skip


def test_names_of_the_schematic(tmp_path: Path, drawn: tuple[Path, Path, int]) -> None:
    """Whatever magic calls them, devices and internal nets have the schematic's names, ports its order."""
    text = in_magics_style(drawn[1], "CC")
    found = extracted(tmp_path, drawn, "CC", text, reduction=NO_REDUCTION)
    assert found.netlist.ports == PORTS
    _, circuit = drawn_circuit(drawn[1])
    wanted = {}
    for device in circuit.each_device():
        ends = ["AB"] if device.device_class().name.startswith("sky130_fd_pr__model") else ["DS", "G", "B"]
        wanted[device.name] = [sorted(device.net_for_terminal(t).name for t in end) for end in ends]
    for device in found.netlist.devices:
        nodes = device.nodes
        ours = [sorted(nodes)] if len(nodes) == 2 else [sorted(nodes[:3:2]), [nodes[1]], [nodes[3]]]
        assert ours == wanted.pop(device.name)
    assert not wanted
    # a net of our stand-in has 1.5 fF to vss and 0.25 fF to each of two others
    assert found.net_capacitance_F["dendrite_1_0"] == pytest.approx(2e-15)
    assert not [net for net in found.net_capacitance_F if "#" in net]


def test_with_resistances_reduced_and_cached(tmp_path: Path, drawn: tuple[Path, Path, int]) -> None:
    text = in_magics_style(drawn[1], "RC")
    first = extracted(tmp_path, drawn, "RC", text)
    assert first.raw_resistors == text.count("\nR")
    assert 0 < len(first.netlist.resistors) < first.raw_resistors
    assert {net_of(node) for d in first.netlist.devices for node in d.nodes} >= {"dendrite_1_1", "vss"}
    assert first.netlist.ports == PORTS
    again = extracted(tmp_path, drawn, "RC", "", "sys.exit(1)")
    assert again.cached
    assert again.text == first.text
    assert again.to_json()["extractor"] == "magic"
    with pytest.raises(ExtractionFailed, match="code 1"):
        extracted(tmp_path, drawn, "CC", "", "sys.exit(1)")


def test_junctions_are_the_drawn_ones(tmp_path: Path, drawn: tuple[Path, Path, int]) -> None:
    """Of every FET, dummies too, by the end that they belong to, though magic has its own idea of them and of drain and source."""
    found = extracted(tmp_path, drawn, "CC", in_magics_style(drawn[1], "CC"))
    _lvs, circuit = drawn_circuit(drawn[1])
    layout = {device.expanded_name(): device for device in circuit.each_device()}
    dummies = 0
    for device in found.netlist.devices:
        sizes = {key: float(value) for key, value in (one.split("=") for one in device.parameters.split())}
        there = layout[device.name]
        if len(device.nodes) == 2:
            assert sizes.keys() == {"l", "w"}
            continue
        dummies += device.nodes[0] == device.nodes[2]
        ends = {there.net_for_terminal(end).expanded_name(): end for end in "SD"}
        for ours, node in (("d", device.nodes[0]), ("s", device.nodes[2])):
            end = ours.upper() if device.nodes[0] == device.nodes[2] else ends[node]
            assert sizes[f"a{ours}"] == pytest.approx(there.parameter(f"A{end}"), rel=1e-5)
            assert sizes[f"p{ours}"] == pytest.approx(there.parameter(f"P{end}"), rel=1e-5)
    assert dummies


def test_capacitances_are_those_without_resistances(tmp_path: Path, drawn: tuple[Path, Path, int]) -> None:
    """Net by net, whatever the run with resistances says of them; every node of a net gets a part."""
    rc = extracted(tmp_path / "rc", drawn, "RC", in_magics_style(drawn[1], "RC"), reduction=NO_REDUCTION)
    plain = extracted(tmp_path / "cc", drawn, "CC", in_magics_style(drawn[1], "CC"))
    assert rc.net_capacitance_F == pytest.approx(plain.net_capacitance_F)
    assert rc.raw_resistors > 0
    assert len({c.a for c in rc.netlist.capacitors if net_of(c.a) == "dendrite_1_0"}) > 3


def test_nets_that_only_one_extraction_has(tmp_path: Path, drawn: tuple[Path, Path, int]) -> None:
    plain = in_magics_style(drawn[1], "CC").replace(".ends", "C999 m1_5_6# vss 1f\n.ends")
    magic = find_magic(fake(tmp_path, in_magics_style(drawn[1], "RC"), plain=plain))
    options = ExtractionOptions(extractor="magic", sidewall="halved")
    with pytest.raises(ExtractionFailed, match="m1_5_6#"):
        extract(
            drawn[1], PORTS, drawn[2], folder=tmp_path / "run", gds=drawn[0], magic=magic, options=options
        )


def test_nodes_that_magic_exports_are_no_ports(tmp_path: Path, drawn: tuple[Path, Path, int]) -> None:
    text = in_magics_style(drawn[1], "RC").replace(".subckt network", ".subckt network vss.t0 vdd.n0")
    assert extracted(tmp_path, drawn, "RC", text).netlist.ports == PORTS


def moved_bias(text: str) -> str:
    """Two bias ports exchanged: the same circuit by topology, another one by name."""
    other = {"bias_n_1_0_0": "bias_n_1_1_0", "bias_n_1_1_0": "bias_n_1_0_0"}
    return re.sub("|".join(other), lambda match: other[match[0]], text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "no complete subcircuit"),
        (lambda text: text.replace(".ends", ""), "no complete subcircuit"),
        (lambda text: re.sub(r"\nC[^\n]*", "", text), "no parasitics"),
        (lambda text: re.sub(r"\nR[^\n]*", "", text), "no resistor"),
        (lambda text: text.replace("\nR1 ", "\n* "), "no way to their net"),
        (lambda text: text.replace(" vdd ", " ", 1), r"lost \['vdd'\]"),
        (lambda text: text.replace(".subckt network", ".subckt network VSUBS"), r"extra \['VSUBS'\]"),
        (lambda text: text.replace(".subckt network", ".option scale=5n\n.subckt network"), "outside of the subcircuit"),
        (lambda text: text.replace("\nX3 ", "\n* "), "devices were extracted"),
        (lambda text: re.sub(r"(\nX\d+ .* w=)0\.42", r"\g<1>0.84", text, count=1), "not the circuit of the LVS"),
        (lambda text: text.replace("nfet_01v8 ", "nfet_01v8_lvt ", 1), "not the circuit of the LVS"),
        (lambda text: text.replace("sky130_fd_pr__nfet_01v8 ", "nfet ", 1), "is a nfet"),
        (moved_bias, "not the circuit of the LVS"),
    ],
)  # fmt: skip
def test_bad_netlists_fail_and_leave_nothing(
    tmp_path: Path, drawn: tuple[Path, Path, int], change: Callable[[str], str], message: str
) -> None:
    good = in_magics_style(drawn[1], "RC")
    assert change(good) != good
    with pytest.raises(ExtractionFailed, match=message) as caught:
        extracted(tmp_path, drawn, "RC", change(good))
    assert exit_code_of(caught.value) == ExitCode.tool_failed
    assert str(tmp_path / "run" / "magic.log") in str(caught.value)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("print('extraction failed: no cell'); sys.exit(1)", "ended with code 1(?s:.*)no cell"),
        ("import os; os.abort()", "ended with code 134"),
        ("pass", "wrote no netlist(?s:.*)fake magic speaking"),
    ],
)
def test_bad_runs(tmp_path: Path, drawn: tuple[Path, Path, int], body: str, message: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "extracted.spice").write_text(in_magics_style(drawn[1], "CC"))  # of an earlier run
    with pytest.raises(ExtractionFailed, match=message):
        extracted(tmp_path, drawn, "CC", "", body)
    assert not (tmp_path / "cache").exists()


def test_a_hanging_run_is_ended_with_its_children(tmp_path: Path, drawn: tuple[Path, Path, int]) -> None:
    body = "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\nout.with_name('pid').write_text(str(child.pid))\ntime.sleep(60)"
    with pytest.raises(ExtractionFailed, match="not done after 1 s"):
        extracted(
            tmp_path, drawn, "CC", "", body.replace("'sleep'", repr(shutil.which("sleep"))), timeout_s=1.0
        )
    stat_file = Path(f"/proc/{(tmp_path / 'run' / 'pid').read_text()}/stat")
    assert not stat_file.exists() or stat_file.read_text().split()[2] == "Z"


def test_spellings(tmp_path: Path) -> None:
    """Sizes with and without unit, M cards, capacitors in fF or F, resistors of 0 ohm."""
    path = tmp_path / "extracted.spice"
    path.write_text(
        "* NGSPICE file created from cell.ext - technology: sky130A\n\n.subckt cell a\n+ vss\n"
        "X0 a vss vss vss sky130_fd_pr__nfet_01v8 ad=2.9e+11p pd=2.58e+06u as=0p ps=0u w=1e+06u l=150000u\n"
        "M1001 a vss vss vss sky130_fd_pr__nfet_01v8 w=1u l=0.25u\n+  ad=0.29p pd=2.58u as=0.29 ps=2.58\n"
        "X2 a vss sky130_fd_pr__cap_mim_m3_2 l=7 w=7\n"
        "R0 a a.n0 0\nR1 a.n0 a.t0 12.3\nC0 a vss 3.18fF\nC1 a.t0 vss 7.13e-21 $ **FLOATING\n.ends\n"
    )
    found = read_magic(path)
    assert [d.parameters for d in found.devices] == [
        "ad=0.29 pd=2.58 as=0 ps=0 w=1 l=0.15",
        "w=1 l=0.25 ad=0.29 pd=2.58 as=0.29 ps=2.58",
        "l=7 w=7",
    ]
    assert [c.value for c in found.capacitors] == pytest.approx([3.18e-15, 7.13e-21])
    assert [r.value for r in found.resistors] == [1e-3, 12.3]
    path.write_text(path.read_text().replace("l=7 w=7", "l=7 w=wide"))
    with pytest.raises(ExtractionFailed, match="'wide' is not a number"):
        read_magic(path)


def test_floating_wires_keep_magics_name(tmp_path: Path, drawn: tuple[Path, Path, int]) -> None:
    """A wire that no device touches has no counterpart in the database; the check before names it."""
    path = tmp_path / "extracted.spice"
    path.write_text(in_magics_style(drawn[1], "CC").replace(".ends", "C999 m1_5_6# vss 1f\n.ends"))
    assert "m1_5_6#" in {c.a for c in named_after(read_magic(path), drawn[1]).capacitors}
    with pytest.raises(ExtractionFailed, match="m1_5_6#"):
        extracted(tmp_path, drawn, "CC", path.read_text())


def test_names_need_the_ports(tmp_path: Path, drawn: tuple[Path, Path, int]) -> None:
    path = tmp_path / "extracted.spice"
    path.write_text(in_magics_style(drawn[1], "CC", PORTS[1:]))
    with pytest.raises(ExtractionFailed, match="ports are not those"):
        named_after(read_magic(path), drawn[1])


def test_script(tmp_path: Path) -> None:
    """What the script says, and that the line at its head runs it."""
    place = tmp_path / "a [folder] with $ and {"
    place.mkdir()
    magic = find_magic(fake(tmp_path))
    cc, rc = (script_text(magic, "network", place, mode) for mode in ("CC", "RC"))  # type: ignore[arg-type]
    for text in (cc, rc):
        assert "ext2spice lvs" not in text
        for line in ("ext2spice hierarchy off", "ext2spice subcircuit top on", "ext2spice cthresh 0"):
            assert f"\n{line}\n" in text
    assert "extresist threshold 0\nextresist minres 1\nextresist mindelay 0\nextract all" in rc
    assert "ext2spice extresist on" in rc
    assert "extresist" not in cc.replace("ext2spice extresist off", "")
    tclsh = shutil.which("tclsh")
    if tclsh is None:
        pytest.skip("no tclsh: the script's own flow is not tried")
    # magic's commands as no-ops that log themselves; the netlist is not written, so the script must end with 1
    stub = tmp_path / "stub.tcl"
    stub.write_text(
        "proc tech {args} {return sky130A}\nproc cellname {args} {return network}\n"
        "foreach name {crashbackups drc gds load select extract extresist ext2spice} {\n"
        '  proc $name {args} [format {puts "%s $args"} $name]\n}\n'
        "source [lindex $argv 0]\n"
    )
    (place / "magic.tcl").write_text(rc)
    done = subprocess.run([tclsh, stub, place / "magic.tcl"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "magic wrote no network.ext" in done.stderr
    assert "extresist \n" in done.stdout, "there is no network.res.ext: extresist runs"
    for name in ("network.ext", "network.res.ext", "extracted.spice"):
        (place / name).touch()
    assert (
        subprocess.run([tclsh, stub, place / "magic.tcl"], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"PDK_ROOT": ""}, "PDK_ROOT is not set"),
        ({"PDK_ROOT": "/nowhere"}, r"no /nowhere/sky130A/libs\.tech/magic/sky130A\.magicrc"),
        ({"PDK": "sky130B"}, r"sky130B\.magicrc"),
        ({"PATH": "/nowhere"}, "no magic on PATH"),
    ],
)
def test_missing(tmp_path: Path, change: dict[str, str], message: str) -> None:
    with pytest.raises(ExtractorMissing, match=message) as caught:
        find_magic(fake(tmp_path) | change)
    assert "8.3.677" in str(caught.value)
    assert exit_code_of(caught.value) == ExitCode.missing


@pytest.mark.parametrize(
    ("version", "message"),
    [("8.3.105", "8.3.105, too old"), ("8.3.676", "too old"), ("magic", "names no version")],
)
def test_too_old(tmp_path: Path, version: str, message: str) -> None:
    with pytest.raises(ExtractorMissing, match=message):
        find_magic(fake(tmp_path, version=version))


@pytest.mark.parametrize("version", ["8.3.677", "8.4.0", "9.0.1"])
def test_new_enough(tmp_path: Path, version: str) -> None:
    found = find_magic(fake(tmp_path, version=version))
    assert found.version == version
    assert found.rcfile.is_file()


def test_the_technology_is_part_of_what_an_extraction_depends_on(tmp_path: Path) -> None:
    before = find_magic(fake(tmp_path))
    before.rcfile.with_suffix(".tech").write_text("tech\n sky130A\nend\n")
    assert find_magic(fake(tmp_path)).technology_sha256 != before.technology_sha256


def test_options_of_one_extractor_only(tmp_path: Path, drawn: tuple[Path, Path, int]) -> None:
    with pytest.raises(ValueError, match="options of kpex"):
        ExtractionOptions(extractor="magic", halo_um=4.0)
    kpex = Kpex(tmp_path / "kpex", "fake")
    with pytest.raises(ValueError, match="give gds with it"):
        extract(drawn[1], PORTS, drawn[2], folder=tmp_path, gds=drawn[0], kpex=kpex)


def test_compare_dendrites(tmp_path: Path, drawn: tuple[Path, Path, int]) -> None:
    magic = extracted(tmp_path, drawn, "CC", in_magics_style(drawn[1], "CC"))
    above = {net: 1.1 * farad for net, farad in magic.net_capacitance_F.items()}
    kpex = replace(magic, net_capacitance_F=above)
    assert compare_dendrites(kpex, magic) == pytest.approx({"dendrite_1_0": 0.1, "dendrite_1_1": 0.1})
    del above["dendrite_1_0"]
    with pytest.raises(ExtractionFailed, match="dendrite_1_0"):
        compare_dendrites(kpex, magic)


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`nonideal layout --extractor magic`: without magic exit code 3 and nothing touched; with it, it is an input."""
    topology = Topology((5, 3))
    gds = write_gds(network((5, 3)), tmp_path / "network.gds")
    compare(gds, schematic(topology, Design()), database=tmp_path / "network.lvsdb.gz").require_match()
    experiment = tmp_path / "small.toml"
    small = 'name = "small"\n[training]\nlayers = [5, 3]\n'
    experiment.write_text(small)
    runs = tmp_path / "runs"
    command = ["layout", "-e", str(experiment), "--run-dir", str(runs), "--extractor", "magic"]

    def code(*more: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main([*command, *more])
        assert isinstance(ended.value.code, int)
        return ended.value.code

    environ = fake(tmp_path, in_magics_style(tmp_path / "network.lvsdb.gz", "CC", topology.ports))
    monkeypatch.setenv("PATH", environ["PATH"])
    monkeypatch.delenv("PDK_ROOT", raising=False)
    monkeypatch.delenv("PDK", raising=False)
    assert code("--netlist", "pex-c") == ExitCode.missing
    assert "PDK_ROOT is not set" in capsys.readouterr().err
    assert not runs.exists()
    monkeypatch.setenv("PDK_ROOT", environ["PDK_ROOT"])
    assert code() == ExitCode.bad_input
    assert code("--netlist", "pex-c") == ExitCode.bad_input, "this magic halves sidewalls"
    assert 'set it to "halved"' in capsys.readouterr().err
    experiment.write_text(small + '[extraction]\nsidewall = "halved"\n')
    assert code("--netlist", "pex-c") == ExitCode.passed
    settings = json.loads((runs / "layout" / "manifest.json").read_text())["inputs"]["settings"]
    assert (settings["--extractor"], settings["--magic"]) == ("magic", "8.3.701")
    assert settings["extraction"] == {"sidewall": "halved", "extractor": "nonideal"}
    assert json.loads((runs / "layout" / "pex.json").read_text())["extractor"] == "magic"
    assert (runs / "layout" / "magic" / "magic.tcl").is_file()


@pytest.fixture
def real() -> Magic:
    try:
        return find_magic(os.environ)
    except ExtractorMissing as missing:
        pytest.skip(str(missing))


def test_kpex_against_magic(real: Magic, tmp_path: Path, drawn: tuple[Path, Path, int]) -> None:
    """The sum of every dendrite within 15 %, where both are installed."""
    gds, database, devices = drawn
    try:
        kpex = find_kpex()
    except ExtractorMissing as missing:
        pytest.skip(str(missing))
    theirs = extract(
        database, PORTS, devices, folder=tmp_path / "magic", gds=gds, magic=real,
        options=ExtractionOptions(extractor="magic", mode="CC"),
    )  # fmt: skip
    ours = extract(
        database,
        PORTS,
        devices,
        folder=tmp_path / "kpex",
        kpex=kpex,
        options=ExtractionOptions(extractor="kpex", mode="CC"),
    )
    apart = compare_dendrites(ours, theirs)
    assert max(map(abs, apart.values())) < 0.15, apart
    resistive = extract(
        database, PORTS, devices, folder=tmp_path / "rc", gds=gds, magic=real,
        options=ExtractionOptions(extractor="magic"),
    )  # fmt: skip
    assert resistive.raw_resistors > devices
