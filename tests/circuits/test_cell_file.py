"""Files of own cells: what was found on other people's, and that nothing of a file's own text is ever written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nonideal.circuits.cell_file import Element
from nonideal.circuits.cells.leaf_cells import cells_text, check_cell
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.chip import mismatch_sigmas
from nonideal.circuits.network.flat import elements, flat_network
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import load_experiment
from nonideal.sky130_models import Corner, IllegalSize
from nonideal.sky130_models.netlist import parallel_devices
from nonideal.spice import Deck, Result, run_many
from nonideal.spice.grammar import check_include

PORTS = "axon axon_b dendrite bias_n bias_p vdd vss"
NFET, PFET = "sky130_fd_pr__nfet_01v8", "sky130_fd_pr__pfet_01v8"
PLAIN = f"""\
.subckt synapse {PORTS}
XMNM dendrite bias_n xn vss {NFET} w=2 l=0.25
XMNS xn axon vss vss {NFET} w=1 l=0.25 ad=0.29 as=0.29 pd=2.58 ps=2.58
XMPM dendrite bias_p xp vdd {PFET} w=2 l=0.25
XMPS xp axon_b vdd vdd {PFET} w=1 l=0.25 ad=0.29 as=0.29 pd=2.58 ps=2.58
.ends synapse
"""
DRIVER = f"""\
.subckt driver trigger phase out out_b vdd vss
XN out_b trigger phase vss branch
XMP1 out_b trigger vdd vdd {PFET} l=0.15 w=1
XMP2 out_b phase vdd vdd {PFET} l=0.15 w=1
XMN3 out out_b vss vss {NFET} l=0.15 w=1
XMP3 out out_b vdd vdd {PFET} l=0.15 w=2
.ends driver
.subckt branch d g en s
XMA d g x s {NFET} l=0.15 w=8
XMB x en s s {NFET} l=0.15 w=8
.ends branch
"""
WITH_BRANCH = PLAIN.replace(f"XMNM dendrite bias_n xn vss {NFET} w=2 l=0.25\n", "XN dendrite bias_n axon vss branch\n").replace(
    f"XMNS xn axon vss vss {NFET} w=1 l=0.25 ad=0.29 as=0.29 pd=2.58 ps=2.58\n", ""
) + f".subckt branch d g en s\nXM1 d g x s {NFET} l=0.25 w=1\nXM2 x en s s {NFET} l=0.25 w=1\n.ends branch\n"  # fmt: skip


def body(text: str) -> str:
    return f".subckt synapse {PORTS}\n{text}\n.ends\n"


def parts(text: str) -> list[Element]:
    return list(elements(Design(cells={"synapse": body(text)}))["synapse"])


SAME = {
    "upper case": PLAIN.upper(),
    "a parameter of the file": ".param wm=2\n" + PLAIN.replace("w=2", "w=wm"),
    "defined behind": PLAIN.replace("w=2", "w={wm}") + ".param wm='2*half' half=1\n",
    "arithmetic": PLAIN.replace("w=2", "w='2*(0.5+0.5)'"),
    "metres": PLAIN.replace("w=2", "w=2u").replace("l=0.25", "l=250n"),
    "as magic writes": PLAIN.replace("w=2", "w=2e+06u").replace("l=0.25", "l=250000u"),
    "square metres": PLAIN.replace("ad=0.29", "ad=0.29p").replace("pd=2.58", "pd=2.58u"),
    "comments": PLAIN.replace("\nXMNS", " ; *#\n* µ: a comment\nXMNS").replace("w=2 l=0.25", "w=2 l=0.25 $ wide // w=9"),
    "line ends": PLAIN.replace("\n", "\r\n"),
    "continued": PLAIN.replace(" w=2", "\n* in between\n\n+ w=2"),
    "an end": PLAIN + ".end\n",
    "as xschem writes": PLAIN.replace(
        "w=1 l=0.25 ad=0.29 as=0.29 pd=2.58 ps=2.58",
        "L=0.25 W=1 ad='int((nf+1)/2) * W/nf * 0.29' as='int((nf+2)/2) * W/nf * 0.29' pd='2*int((nf+1)/2) * (W/nf + 0.29)' "
        "ps='2*int((nf+2)/2) * (W/nf + 0.29)' nf=1 mult=1 m=1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("spelling", SAME)
def test_a_cell_spelt_otherwise_is_the_same_cell(spelling: str) -> None:
    def told(text: str) -> list[tuple[str, tuple[str, ...], str, dict[str, str]]]:
        design = Design(cells={"synapse": text})
        found = [
            (one.path, one.nodes, one.what, dict(pair.split("=") for pair in one.parameters.split()))
            for one in elements(design)["synapse"]
        ]
        for *_, pairs in found:
            pairs.pop("nf", None)
        return found

    assert told(SAME[spelling]) == told(PLAIN)


def test_a_wrapper_with_parameters_is_the_plain_cell() -> None:
    text = f"""\
.subckt synapse {PORTS}
XN dendrite bias_n axon vss branch wm={{2*half}}
XP dendrite bias_p axon_b vdd other params: wide=2
.param half=1
.ends
.subckt branch d g en s wm=7 l0=0.25
XM d g x s fet w=wm
XS x en s s {NFET} w={{wm/2}} l=l0
.ends
.subckt fet d g s b w=1
.param long=0.25
XF d g s b {NFET} w={{w}} l=long
.ends
.subckt other d g en s wide=1
XM d g x s {PFET} w=wide l=0.25
XS x en s s {PFET} w='wide/2' l=0.25
.ends
"""
    found = {
        one.path: (one.nodes, one.parameters) for one in elements(Design(cells={"synapse": text}))["synapse"]
    }
    assert found == {
        "N_M_F": (("dendrite", "bias_n", "n_x", "vss"), "w=2 l=0.25"),
        "N_S": (("n_x", "axon", "vss", "vss"), "w=1 l=0.25"),
        "P_M": (("dendrite", "bias_p", "p_x", "vdd"), "w=2 l=0.25"),
        "P_S": (("p_x", "axon_b", "vdd", "vdd"), "w=1 l=0.25"),
    }


def test_helpers_of_one_name_in_two_files_keep_their_bodies() -> None:
    design = Design(cells={"synapse": WITH_BRANCH, "driver": DRIVER})
    text = cells_text(design)
    assert re.findall(r"\.subckt (\w+)", text) == ["synapse", "driver", "neuron"]
    assert (text.count("l=0.15 w=8"), text.count("l=0.25 w=1\n")) == (2, 2)
    neuron = {one.path: one.parameters for one in elements(design)["neuron"]}
    assert neuron["driver_N_MA"] == "l=0.15 w=8"
    check_include("deck", "cells.spice", text)


def test_a_neuron_has_the_designs_driver_or_one_of_its_own() -> None:
    ours = cells_text(Design())
    neuron = ours[ours.index(".subckt neuron") :]
    assert check_cell("neuron", neuron).splitlines()[-2] == "Xdriver sense phase spike spike_b vdd vss driver"
    private = check_cell("neuron", neuron + DRIVER)
    assert f"Xdriver_N_MA spike_b sense driver_n_x vss {NFET} l=0.15 w=8" in private.splitlines()
    design = Design(cells={"neuron": neuron + DRIVER})
    assert {one.path for one in elements(design)["driver"]} == {
        one.path for one in elements(Design())["driver"]
    }


def test_a_file_of_several_cells_replaces_what_it_is_named_for(tmp_path: Path) -> None:
    (tmp_path / "cell.spice").write_text(PLAIN + DRIVER)
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "mine"\n[circuit.cells]\nsynapse = "cell.spice"\n')
    with pytest.raises(ExperimentError, match=r"cell\.spice also holds driver, which would not replace ours"):
        load_experiment(str(mine))
    mine.write_text('name = "mine"\n[circuit.cells]\nsynapse = "cell.spice"\ndriver = "cell.spice"\n')
    cells = load_experiment(str(mine)).circuit.cells
    assert ("driver" in cells["synapse"], "synapse" in cells["driver"]) == (False, False)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            PLAIN.replace("XMNS", "* 1 \xb5m\nXMNS").encode("latin1"),
            r"cell\.spice, line 3, byte 5 of it: byte 0xb5",
        ),
        (PLAIN.encode() + b"\0", "NUL"),
    ],
)
def test_what_is_no_text_is_told_with_its_place(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "cell.spice").write_bytes(content)
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "mine"\n[circuit.cells]\nsynapse = "cell.spice"\n')
    with pytest.raises(ExperimentError, match=told):
        load_experiment(str(mine))


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "cell.spice").write_bytes(b"\xef\xbb\xbf* by a drawing program\n" + PLAIN.encode())
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "mine"\n[circuit.cells]\nsynapse = "cell.spice"\n')
    assert load_experiment(str(mine)).circuit.cells["synapse"] == PLAIN


AREAS = "ad=0.29 as=0.29 l=0.25 pd=2.58 ps=2.58"
WRITTEN_OUT = f"""\
.subckt synapse {PORTS}
XMNM dendrite bias_n xn vss {NFET} {AREAS} w=1.0
XMNS xn axon vss vss {NFET} {AREAS} w=1.0
XMPM dendrite bias_p xp vdd {PFET} {AREAS} w=1.0
XMPS xp axon_b vdd vdd {PFET} {AREAS} w=1.0
.ends synapse
"""
BARE = WRITTEN_OUT.replace(f"{AREAS} w=1.0", "l=0.25 w=2")
AS_FOUND = {
    "bom_comment": (f"\ufeff* synapse by xschem\n{WRITTEN_OUT}", WRITTEN_OUT),
    "upper": (WRITTEN_OUT.upper(), WRITTEN_OUT),
    "param": (f".param wm=2\n{BARE.replace('w=2', 'w=wm')}", BARE),
}
"""Files as people wrote them, and the plain cell that each of them is."""


@pytest.mark.parametrize("case", AS_FOUND)
def test_a_file_as_people_write_it_is_the_circuit_of_the_plain_cell(tmp_path: Path, case: str) -> None:
    """All that is characterised is written from the circuit: the same one gives the same numbers."""
    circuits = []
    for name, text in zip(("found", "plain"), AS_FOUND[case], strict=True):
        (tmp_path / f"{name}.spice").write_bytes(text.encode())
        toml = tmp_path / f"{name}.toml"
        toml.write_text(f'name = "{name}"\n[circuit.cells]\nsynapse = "{name}.spice"\n')
        circuits.append(load_experiment(str(toml)).circuit)
    assert cells_text(circuits[0]) == cells_text(circuits[1])
    assert cells_text(circuits[0]) != cells_text(Design())


COMMANDS = [f"{mark}#shell id" for mark in "*;!([,%=+-@&|:.<>?/\\~^`'\"$#{}_a1X"]


@pytest.mark.parametrize("line", [*COMMANDS, "  *#shell id", "\t;#shell id"])
@pytest.mark.parametrize("place", ["inside", "behind", "before"])
def test_a_line_that_a_simulator_takes_for_a_command_is_refused(line: str, place: str) -> None:
    text = {
        "inside": PLAIN.replace("XMNS", f"{line}\nXMNS"),
        "behind": f"{PLAIN}\n{line}\n",
        "before": f"{line}\n{PLAIN}",
    }
    with pytest.raises(CircuitError, match=rf"the file, line \d+: `{re.escape(line.strip())[:6]}"):
        check_cell("synapse", text[place])


REFUSED = {
    ".controlx": "has no place in a cell",
    ".lib x tt": "has no place in a cell",
    ".func f(x) {x}": "has no place in a cell",
    ".global vpwr": "has no place in a cell",
    "A1 [dendrite] [vss] code": "code models",
    "N1 dendrite vss code": "no device that a cell may hold",
    "B1 dendrite vss V=1": "not simulated here",
    "M1 dendrite bias_n vss vss nmos": "write XM1",
    ".model m nmos(level=1)": "models of type 'nmos'",
    ".model m d_source(input_file=x)": "models of type 'd_source'",
    '.model m d(file="/etc/passwd")': "a value expected",
    "R1 dendrite vss 1k\x0bXM9": "may stand in comments only",
    "R1 dendrite vss 1k\u2028": "may stand in comments only",
    "R1 dendrite vss 1k \u00b5": "may stand in comments only",
    "R1 dendrite vss 0": "must be positive",
    "R1 dendrite vss 1e999": "too large",
    "R1 dendrite vss nan": "no parameter nan here",
    "R1 dendrite vss {1/0}": "division by zero",
    "R1 dendrite vss agauss(1,1,1)": "has no place here",
    "R1 dendrite vss {agauss(1,1,1)}": "is random",
    "R1 dendrite vss {__import__('os')}": "",
    "R1 dendrite vss {system(1)}": "no function 'system'",
    "R1 dendrite vss 1k l=3": "no parameter l",
    "R1 dendrite vss {" + "(" * 5000 + "1" + ")" * 5000 + "}": "words",
    "R1 dendrite vss {" + "(" * 100 + "1" + ")" * 100 + "}": "deep",
    "C1 dendrite vss {wrong}": "no parameter wrong here",
    f"X1 dendrite bias_n vss vss {NFET} w=1": "no l=<um> given",
    f"X1 dendrite bias_n vss vss {NFET} w=1 l=1 mult=2 m=3": "m = 3, mult = 2: each says",
    f"X1 dendrite bias_n vss vss {NFET} w=1 l=1 m=1.5": "whole number",
    f"X1 dendrite bias_n vss vss {NFET} w=1 l=1 dvt=1": "no parameter dvt",
    f"X1 dendrite bias_n vss vss {NFET} w=0.1 l=1": "outside 0.42",
    f"X1 dendrite bias_n vss {NFET} w=1 l=1": "3 nets, but",
    f"X1 dendrite bias_n vss vss {NFET} w={{l}} l={{w}}": "need each other",
    "X1 dendrite vss nowhere": "defines no subcircuit nowhere",
    "X1 dendrite vss sky130_fd_pr__res_high_po w=1": "no device sky130_fd_pr__res_high_po",
    f"X1 {PORTS} synapse": "holds itself",
    ".param a=b b=a\nR1 dendrite vss a": "needs itself",
    ".param a=1 a=2\nR1 dendrite vss a": "given twice",
    "R1 dendrite vss 1k\nr1 dendrite vss 2k": "a second device of this name",
    "R1 dendrite a[0] 1k\nR2 a_0_ vss 1k": "would both be called a_0_",
    ".subckt inner a b": "stands inside of .subckt synapse",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_a_cell_may_not_hold_is_refused_by_line_and_text(line: str) -> None:
    with pytest.raises(CircuitError, match=r"circuit\.cells\.synapse: the file, line \d+: `") as caught:
        check_cell("synapse", body(f"R0 dendrite vss 1k\n{line}"))
    assert REFUSED[line] in str(caught.value)


def test_ideal_devices_are_written_as_numbers() -> None:
    text = """\
.model leak d (is={2*1e-15}, n=1.1)
.param r0=1k
R1 dendrite x {r0*2} tc1=1m m=2
C1 x 0 c=1f
D1 x vss leak 2
V1 x y dc 0.1
I1 y vss 1u
E1 z 0 x vss 2
G1 z GND x vss 1m"""
    cell = check_cell("synapse", body(text))
    assert cell.splitlines()[1:-1] == [
        ".model synapse_model_1 d(is=2e-15 n=1.1)",
        "R1 dendrite x 1000 tc1=0.001",
        "C1 x 0 1e-15",
        "D1 x vss synapse_model_1 area=2",
        "V1 x y 0.1",
        "I1 y vss 1e-06",
        "E1 z 0 x vss 2",
        "G1 z 0 x vss 0.001",
    ]
    check_include("deck", "cells.spice", cell)
    assert check_cell("synapse", cell) == cell
    assert ".model synapse_model_1 d(is=2e-15 n=1.1)" in flat_network(
        Topology((1, 1)), Design(cells={"synapse": cell})
    )


@pytest.mark.parametrize("spelling", ["m=2", "mult=2 m=2", "M=2 MULT={2}"])
def test_a_multiplier_is_one_number_however_it_is_spelt(spelling: str) -> None:
    (one,) = parts(f"XM1 dendrite bias_n vss vss {NFET} w=1 l=0.25 {spelling}")
    assert one.parameters == "w=1 l=0.25 m=2 mult=2"


def test_mult_alone_changes_statistics_and_no_current_as_in_the_library() -> None:
    (one,) = parts(f"XM1 dendrite bias_n vss vss {NFET} w=1 l=0.25 mult=2")
    assert one.parameters == "w=1 l=0.25 mult=2"
    wrapped = f"X1 dendrite bias_n vss pair m=3\n.ends\n.subckt pair d g s\nXM d g s s {NFET} w=1 l=0.25"
    assert parts(f"{wrapped} m=2 mult=2")[0].parameters == "w=1 l=0.25 m=6 mult=6"
    with pytest.raises(CircuitError, match=r"mult = 2 changes statistics alone.*write m=2 mult=2"):
        parts(f"{wrapped} mult=2")


@pytest.mark.spice
@pytest.mark.parametrize(("spelling", "times"), [("m=2", 2), ("mult=2", 1), ("mult=2 m=2", 2)])
def test_a_cell_carries_the_current_of_its_own_text(
    make_workbench: Callable[..., Any], tmp_path: Path, spelling: str, times: int
) -> None:
    """The text as it stands, on the PDK's own library, against the cell that is written from it."""
    line = f"XM dendrite bias_n vss vss {NFET} w=1 l=0.25"
    bench = make_workbench()
    top = ["Vd d 0 0.9", "Vg g 0 0.9", f".lib {bench.pdk.library} tt", ".op", ".save i(vd)", ".end"]
    texts = {
        "as_it_stands": body(f"{line} {spelling}"),
        "as_written": check_cell("synapse", body(f"{line} {spelling}")),
        "one": body(line),
    }
    current_A = {}
    for name, text in texts.items():
        deck = Deck(
            name,
            "\n".join(["* current of a cell", text, "X1 0 0 d g 0 0 0 synapse", *top]) + "\n",
            {},
            ("i(vd)",),
            libraries={str(bench.pdk.library): bench.pdk.sha256},
        )
        (result,) = run_many([deck], jobs=1, folder=tmp_path / name, timeout_s=60)
        assert isinstance(result, Result)
        current_A[name] = float(result.plots[0]["i(vd)"][0])
    assert current_A["as_written"] == pytest.approx(current_A["as_it_stands"], rel=1e-9)
    assert current_A["as_written"] == pytest.approx(times * current_A["one"], rel=1e-6)


def test_multipliers_that_differ_are_refused() -> None:
    assert parallel_devices({"m": "3", "mf": "3"}) == 3
    with pytest.raises(IllegalSize, match="m = 2, mult = 3"):
        parallel_devices({"m": "2", "mult": "3"})


@pytest.mark.spice
@pytest.mark.parametrize("spelling", ["m=2", "mult=2", "mult=2 m=2"])
def test_two_devices_in_parallel_have_the_sigma_of_two(
    make_workbench: Callable[..., Any], spelling: str
) -> None:
    design = Design(cells={"synapse": body(f"XM dendrite bias_n vss vss {NFET} w=1 l=0.25 {spelling}")})
    found = mismatch_sigmas(make_workbench().pdk, Corner.tt, design)
    assert found["synapse"]["M"] == pytest.approx(8.765e-3, abs=1e-6)


WORD = st.text(st.characters(min_codepoint=1, max_codepoint=0x2030), max_size=12)
LINE = st.one_of(
    WORD,
    st.sampled_from(
        [*COMMANDS, *REFUSED, *PLAIN.splitlines(), *DRIVER.splitlines(), "+ w=1", ".end", "", "* c"]
    ),
    st.builds("{}{} dendrite {} {}".format, st.sampled_from("XRCDVIEGMBA*;."), WORD, WORD, WORD),
)
FIRST = re.compile(r"[XRCDVIEG][A-Za-z0-9_]+ |\.subckt synapse |\.ends synapse$|\.model [a-z0-9_]+ [rcd]\(")


@settings(max_examples=400, deadline=None)
@given(lines=st.lists(LINE, max_size=8), end=st.booleans())
def test_whatever_a_file_holds_only_known_lines_are_written(lines: list[str], end: bool) -> None:
    """And what is written is read as the same cell again."""
    text = "\n".join([f".subckt synapse {PORTS}", "R0 dendrite vss 1k", *lines, *([".ends"] if end else [])])
    try:
        written = check_cell("synapse", text)
    except CircuitError as error:
        unprintable = [letter for letter in str(error) if not " " <= letter <= "~"]
    else:
        unprintable = []
        assert_known(written)
    assert not unprintable


def assert_known(written: str) -> None:
    assert written.isascii()
    for line in written.splitlines():
        assert FIRST.match(line), line
        assert "#" not in line
    check_include("deck", "cells.spice", written)
    assert check_cell("synapse", written) == written


VALUE = st.floats(1e-3, 1e3).map(lambda x: f"{x:.6g}")
SIZE = st.integers(84, 2000).map(lambda k: f"{k * 0.005:.3f}")
NETS = st.sampled_from([*PORTS.split(), "x", "y", "Z[1]", "0", "gnd"])
DEVICE = st.one_of(
    st.tuples(st.just("R"), NETS, NETS, VALUE).map(lambda t: (t[0], f"{t[1]} {t[2]} {t[3]}k")),
    st.tuples(st.just("C"), NETS, NETS, VALUE).map(lambda t: (t[0], f"{t[1]} {t[2]} {{{t[3]}f * 2 + 1f}}")),
    st.tuples(st.just("X"), NETS, NETS, NETS, SIZE, SIZE, st.integers(1, 4)).map(
        lambda t: (t[0], f"{t[1]} {t[2]} {t[3]} vss {NFET} W={t[4]} l={t[5]} m={t[6]} ad='W*0.29'")
    ),
)


@settings(max_examples=100, deadline=None)
@given(devices=st.lists(DEVICE, min_size=1, max_size=6))
def test_a_cell_written_anew_is_the_same_cell(devices: list[tuple[str, str]]) -> None:
    text = "\n".join(f"{kind}{k} {rest}" for k, (kind, rest) in enumerate(devices))
    written = check_cell("synapse", body(text))
    assert elements(Design(cells={"synapse": written})) == elements(Design(cells={"synapse": body(text)}))
    assert check_cell("synapse", written) == written
    assert schematic(Topology((1, 1)), Design(cells={"synapse": body(text)})).startswith(written)


@pytest.mark.spice
def test_the_simulator_reads_the_file_as_we_do(make_workbench: Callable[..., Any], tmp_path: Path) -> None:
    """Arithmetic, defaults and multipliers: currents of the cell written anew beside those of ngspice on what stands in the file."""
    from nonideal.spice import Deck, SimulatorOptions

    helper = """\
.param wg=7
.subckt leaf a b w=1 l=1
R1 a b {w+1000*l}
.ends
.subckt flael a b l=1 w=1
R1 a b {w+1000*l}
.ends
.subckt wrap a b w=3
.param k=w*2
X3 a b leaf w={2*w} l={w}
X4 a b flael w={2*w} l={w}
X5 a b flael w=5 l='2*k'
X1 a b leaf w=k l='2*wg'
X2 a b leaf w=5 l=w m=2
.ends
"""
    nested = f".subckt synapse {PORTS}\nX1 dendrite vss wrap\nX2 dendrite vss wrap w=4\n.ends\n"
    bench = make_workbench()
    found = []
    for name, cell in (("file", helper + nested), ("anew", check_cell("synapse", helper + nested))):
        text = f"* t\n.include cell.spice\nV1 dendrite 0 1\nX1 0 0 dendrite 0 0 0 0 synapse\n.save i(v1)\n{SimulatorOptions().lines()}\n.op\n.end\n"
        (result,) = bench.run_decks([Deck(name, text, {"cell.spice": cell}, ("i(v1)",))], tmp_path / name)
        found.append(float(np.asarray(result["i(v1)"]).ravel()[0]))
    assert found[1] == pytest.approx(found[0], rel=1e-6)
