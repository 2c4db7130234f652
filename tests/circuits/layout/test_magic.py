"""Netlists of magic, which a stand-in writes in its style: names, junctions, capacitances, what is refused; and the real one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nonideal.circuits.extraction import (
    NO_REDUCTION,
    ExtractionOptions,
    ExtractorMissing,
    compare_dendrites,
    extract,
    find_kpex,
    find_magic,
)
from nonideal.circuits.extraction.magic import Magic, read_magic
from nonideal.circuits.extraction.naming import named_after
from nonideal.circuits.extraction.netlist import net_of
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.cli.exit_code import ExitCode, exit_code_of
from tests.circuits.layout.fake_magic import PORTS, drawn_circuit, extracted, fake, in_magics_style


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


def test_compare_dendrites(tmp_path: Path, drawn: tuple[Path, Path, int]) -> None:
    magic = extracted(tmp_path, drawn, "CC", in_magics_style(drawn[1], "CC"))
    above = {net: 1.1 * farad for net, farad in magic.net_capacitance_F.items()}
    kpex = replace(magic, net_capacitance_F=above)
    assert compare_dendrites(kpex, magic) == pytest.approx({"dendrite_1_0": 0.1, "dendrite_1_1": 0.1})
    del above["dendrite_1_0"]
    with pytest.raises(ExtractionFailed, match="dendrite_1_0"):
        compare_dendrites(kpex, magic)


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
