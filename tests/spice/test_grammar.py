"""What a deck may consist of: a whitelist, the last wall before the simulator."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nonideal.spice import BadDeck, Deck, Ngspice
from nonideal.spice.grammar import check_include

COMMANDS = [
    *(f"{character}#shell touch hacked" for character in '!"$%&(),*:;=?[]\f'),
    ".control\nshell touch hacked\n.endc",
    ".controlx\nshell touch hacked\n.endcx",
    "  .CONTROL\nshell touch hacked\n.endc",
    "\t.control\nshell touch hacked\n.endc",
    " *#shell touch hacked",
    "\t*#shell touch hacked",
    "\r*#shell touch hacked",
    "R2 a 0 1k\0\n*#shell touch hacked",
    ".end\n*#shell touch hacked",
    ".end\n* another\n.control\nshell touch hacked\n.endc",
    "*#echo hi > hacked",
]
"""Each of these makes ngspice 39 run a command."""
OTHERS = [
    "R2 a 0 1k\r*#shell touch hacked",
    "A1 %vd([b 0]) model",
    ".model fs filesource (file=/etc/hostname)",
    ".model d d_process (process_file=/bin/sh)",
    "N1 a 0 osdi_model",
    "U1 a 0 urc",
    ".include /etc/passwd",
    ".include ../other.lib",
    '.include "m.lib"',
    ".include '|touch hacked'",
    ".inc m.lib",
    ".lib /etc/passwd tt",
    ".lib m.lib tt",
    ".write hacked v(a)",
    ".exec touch hacked",
    ".csparam x=1",
    ".if (1)",
    ".meas tran x max v(a)",
    ".print tran v(a)",
    ".probe v(a)",
    ".plot tran v(a)",
    ".four 1meg v(a)",
    ".hdl x.va",
    ".pre_osdi x",
    ".title t",
    ".func f(x) 'x'",
    ".step param x 1 2 1",
    ".save v(a) > hacked",
    ".save `touch hacked`",
    ".ic v(a)=`touch hacked`",
    ".ic v(a)=1 > hacked",
    ".ic v(a)={1+1}",
    ".ic v(a)=b",
    ".options rawfile=hacked",
    ".options method=`touch`",
    ".option savecurrents",
    ".temp `touch`",
    "R2 a 0 `touch hacked`",
    'V2 b 0 PWL file=/etc/passwd"x"',
    "R2 a 0 1k \\",
    "R2 a\x0c0 1k",
    "R2 ä 0 1k",
    "\u2028*#shell touch hacked",
    "\u00a0*#shell",
    "R2 a 0 1\u212a",
    "#shell touch hacked",
    "@x",
    "shell touch hacked",
]


def deck(line: str) -> Deck:
    return Deck("a", f"* t\nV1 a 0 1\nR1 a 0 1k\n{line}\n.save v(a)\n.op\n.end\n", vectors=("v(a)",))


@pytest.mark.parametrize("line", [*COMMANDS, *OTHERS])
def test_a_deck_of_other_lines_is_refused(line: str) -> None:
    with pytest.raises(BadDeck, match=r"deck a[,:]"):
        deck(line)
    if not line.startswith(".end\n"):
        with pytest.raises(BadDeck, match=r"deck a, m\.lib: "):
            Deck("a", "* t\n.include m.lib\n.op\n", {"m.lib": f"* m\n{line}\n"}, ("v(a)",))


@pytest.mark.spice
def test_the_refused_commands_are_indeed_run_by_ngspice(real: Ngspice, tmp_path: Path) -> None:
    """Why comment-like lines are refused."""
    for line in COMMANDS:
        text = f"* t\nV1 a 0 1\nR1 a 0 1k\n{line}\n.save v(a)\n.op\n.end\n"
        (tmp_path / "x.cir").write_bytes(text.encode())
        command = [real.path, "-b", "-r", "x.raw", "x.cir"]
        subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, stdin=subprocess.DEVNULL)
        hacked = tmp_path / "hacked"
        assert hacked.exists(), line
        hacked.unlink()


@pytest.mark.parametrize(
    "title",
    ["*ng_script", "*NG_SCRIPT", "*ng_script_with_params", "", "deck", ".op", "*#shell", "* a\r*#shell x"],
)
def test_the_title_is_a_comment(title: str) -> None:
    with pytest.raises(BadDeck, match="the first line is the title"):
        Deck("a", f"{title}\nV1 a 0 1\n.op\n", vectors=("v(a)",))


@pytest.mark.parametrize(
    "card", [".save v(a)", ".tran 1n 1u", ".op", ".end", ".temp 27", ".lib /pdk/x.lib tt"]
)
def test_analyses_belong_to_the_text(card: str) -> None:
    with pytest.raises(BadDeck, match=r"m\.lib: `\.\w+.* is no line"):
        Deck("a", "* t\n.include m.lib\n.op\n", {"m.lib": f"{card}\n"}, ("v(a)",))


LINES = [
    "",
    "*",
    '* comment with any `printable` ~ASCII~ "text" # $ \\',
    "*-- section --",
    "Vbias_n_1_0_0 bias_n_1_0_0 0 0.512345678901 ; layer=1 axon=0 neuron=0 weight=+0.25 current_A=2.7e-08",
    "Vphase_1 phase_1 0 PWL(0 0 1.29995e-06 0 1.30005e-06 1.8)",
    "Iinject_0 a 0 PWL(0 0 1e-6 1e-9)",
    "XMN1 a b 0 0 sky130_fd_pr__nfet_01v8 w=1.0 l=0.15 ad=0.29 as=0.29 dvt=-0.001",
    "c1 a 0 c = {(((2e-15*(w+0.15))*(l+0.15))*(1.0+dc))}",
    "+ ic=0",
    ".param w=1 l=1 nrd={0.14/w} x='w*l'",
    ".model nshort_model.1 nmos",
    ".model dio d (is=1e-14)",
    ".option scale=1.0u",
    ".options method=trap reltol=0.00015 bypass=0",
    ".temp -40",
    ".ic v(xgenerator.control)=0.85 v(a)=-1e-3",
    ".save v(a) i(v1) @m.xa.m1[delvto] v(xnetwork.xneuron_1_0.membrane)",
    ".ic v(a)=0.4339 v(neuron_1_0_membrane.3)=-1.5e-06",
    ".tran 1e-08 2e-06 0 1e-08 uic $ a remark",
]


@pytest.mark.parametrize("line", LINES)
def test_what_our_writers_produce_passes(line: str) -> None:
    stop = 2e-6 if line.startswith(".tran") else None
    text = f"* t\nV1 a 0 1\nR1 a 0 1k\n{line}\n{'' if stop else '.op'}\n.end\n"
    Deck("a", text, vectors=("v(a)",), t_stop_s=stop)


@given(st.text(max_size=60), st.text(max_size=60))
@example("*", "#shell")
@example(" " * 50_000, "\f")
@example("R1 a 0 " + "a " * 20_000, "#")
def test_no_line_passes_that_ngspice_might_run(before: str, after: str) -> None:
    """Whatever the text: what passes is printable ASCII, in lines that begin as ours do."""
    try:
        passed = deck(before + after)
    except BadDeck:
        return
    for line in passed.text.split("\n"):
        assert line.isascii()
        assert all(character == "\t" or character.isprintable() for character in line)
        bare = line.strip()
        assert bare[:2] != "*#"
        assert bare == "" or bare[0] in "*.+" or bare[0].upper() in "RCLKVIEFGHBXMDQJ"


ANY_LINE = st.sampled_from([*LINES[:15], *COMMANDS, *OTHERS]) | st.text(
    st.sampled_from("*.#+R x\t;$(){}\f\r"), max_size=8
)


@given(st.lists(ANY_LINE, max_size=8))
def test_a_text_passes_where_each_of_its_lines_does(lines: list[str]) -> None:
    """A whole network is matched at once; what is refused, and told, is its first line that would be refused alone."""
    text = "\n".join(lines)
    refused = []
    for line in text.split("\n"):
        try:
            check_include("a", "m.lib", line)
        except BadDeck as error:
            refused.append(str(error))
    if refused:
        with pytest.raises(BadDeck) as told:
            check_include("a", "m.lib", text)
        assert str(told.value) == refused[0]
    else:
        check_include("a", "m.lib", text)


def test_a_library_is_trusted_by_path_and_hash(tmp_path: Path) -> None:
    text = f"* t\n.lib {tmp_path}/sky.lib tt\nV1 a 0 1\n.op\n.end\n"
    with pytest.raises(BadDeck, match="not among `libraries`"):
        Deck("a", text, vectors=("v(a)",))
    with pytest.raises(BadDeck, match="needs the SHA-256"):
        Deck("a", text, vectors=("v(a)",), libraries={f"{tmp_path}/sky.lib": "7"})
    one = Deck("a", text, vectors=("v(a)",), libraries={f"{tmp_path}/sky.lib": "0" * 64})
    other = Deck("a", text, vectors=("v(a)",), libraries={f"{tmp_path}/sky.lib": "1" * 64})
    assert one.key("39") != other.key("39"), "another library is another result"


def test_two_definitions_of_one_name_are_refused() -> None:
    cell = ".subckt branch a b\nR1 a b 1k\n.ends branch\n"
    inner = f".subckt outer a b\n{cell}X1 a b branch\n.ends outer\n"
    body = "* t\n.include one.spice\n.include two.spice\n.op\n"
    with pytest.raises(BadDeck, match=r"`\.subckt branch` is defined twice, in one\.spice and in two\.spice"):
        Deck("a", body, {"one.spice": cell, "two.spice": cell.replace("branch", "BRANCH")}, ("v(a)",))
    with pytest.raises(BadDeck, match=r"`\.model m` is defined twice"):
        Deck("a", body, {"one.spice": ".model m nmos\n.model m nmos\n", "two.spice": "*\n"}, ("v(a)",))
    Deck("a", body, {"one.spice": cell, "two.spice": inner}, ("v(a)",))
