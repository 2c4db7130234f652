"""Devices of own cells: their numbers, multipliers and statistics; the current is that of the cell's own text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nonideal.circuits.cells.leaf_cells import check_cell
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.chip import mismatch_sigmas
from nonideal.circuits.network.flat import flat_network
from nonideal.circuits.network.netlist import Topology
from nonideal.sky130_models import Corner, IllegalSize
from nonideal.sky130_models.netlist import parallel_devices
from nonideal.spice import Deck, Result, run_many
from nonideal.spice.grammar import check_include
from tests.circuits.own_cells import NFET, body, parts


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
def test_a_cell_carries_the_current_of_its_own_text(
    make_workbench: Callable[..., Any], tmp_path: Path
) -> None:
    """Texts as they stand, on the PDK's own library, against the cells that are written from them."""
    line = f"XM dendrite bias_n vss vss {NFET} w=1 l=0.25"
    spellings = {"m=2": 2, "mult=2": 1, "mult=2 m=2": 2}
    texts = [body(line)]
    for spelling in spellings:
        texts += [body(f"{line} {spelling}"), check_cell("synapse", body(f"{line} {spelling}"))]
    bench = make_workbench()
    lines = ["* currents of cells", "Vg g 0 0.9", f".lib {bench.pdk.library} tt", ".op"]
    for number, text in enumerate(texts):
        name = f"cell_{number}"
        lines += [text.replace(".subckt synapse", f".subckt {name}").replace(".ends synapse", ".ends")]
        lines += [f"V{number} d{number} 0 0.9", f"X{number} 0 0 d{number} g 0 0 0 {name}"]
    vectors = tuple(f"i(v{number})" for number in range(len(texts)))
    deck = Deck(
        "currents",
        "\n".join([*lines, f".save {' '.join(vectors)}", ".end"]) + "\n",
        {},
        vectors,
        libraries={str(bench.pdk.library): bench.pdk.sha256},
    )
    (result,) = run_many([deck], jobs=1, folder=tmp_path, timeout_s=60)
    assert isinstance(result, Result)
    one_A, *pairs_A = (float(result.plots[0][vector][0]) for vector in vectors)
    for times, as_it_stands_A, as_written_A in zip(
        spellings.values(), pairs_A[::2], pairs_A[1::2], strict=True
    ):
        assert as_written_A == pytest.approx(as_it_stands_A, rel=1e-9)
        assert as_written_A == pytest.approx(times * one_A, rel=1e-6)


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
