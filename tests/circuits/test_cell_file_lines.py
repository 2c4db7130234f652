"""Lines of own cells by the hundred: nothing of a file's own text is ever written, and the simulator reads it as we do."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nonideal.circuits.cells.leaf_cells import check_cell
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.flat import elements
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.spice.grammar import check_include
from tests.circuits.own_cells import COMMANDS, DRIVER, NFET, PLAIN, PORTS, REFUSED, body

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
