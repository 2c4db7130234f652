"""Standard cells as the digital side reads them: sizes, functions, netlists; and cells in rows."""

from __future__ import annotations

from itertools import pairwise

import pytest

from nonideal.circuits.digital.buffering import MOST_FLIP_FLOPS, buffered_and_placed
from nonideal.circuits.digital.cells import SITE_UM, cell
from nonideal.circuits.digital.errors import DigitalError
from nonideal.circuits.digital.liberty import function, liberty
from nonideal.circuits.digital.netlist import Instance, Netlist, from_yosys, with_outputs
from nonideal.circuits.digital.placement import FloorPlan, place


def chain(length: int) -> Netlist:
    """A shift register."""
    nets = ["d", *(f"q{k}" for k in range(length))]
    flops = tuple(
        Instance(f"u{k}", cell("dfxtp_1").name, {"CLK": "clk", "D": nets[k], "Q": nets[k + 1]})
        for k in range(length)
    )
    return Netlist("chain", ("clk", "d"), (nets[-1],), flops)


def test_cells_are_read_from_their_files() -> None:
    flop = cell("dfrtp_1")
    assert (flop.sites, flop.width_um) == (20, 9.2)
    assert set(flop.inputs) == {"CLK", "D", "RESET_B"}
    assert flop.output == "Q"
    assert flop.gate_um2["CLK"] > 0
    assert "w=0.42 l=0.15" in flop.spice()
    assert "u " not in flop.spice()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nand2_1", "!(B&A)"),
        ("nor2b_1", "(!(A)&B_N)"),
        ("mux2_1", "((A0&!S)|(A1&S))"),
        ("o21ai_0", "!(B1&(A2|A1))"),
    ],
)
def test_functions_are_those_of_the_functional_verilog(name: str, expected: str) -> None:
    assert function(cell(name)) == f"({expected})"


def test_liberty_has_flip_flops_with_their_resets() -> None:
    text = liberty(("dfrtn_1", "inv_1"))
    assert 'clocked_on : "!CLK_N"; next_state : "D"; clear : "!RESET_B";' in text
    assert text.count("cell (") == 2


def test_an_unknown_cell_is_named() -> None:
    with pytest.raises(DigitalError, match="no cell 'nand9_1'"):
        cell("nand9_1")


def test_constants_and_other_cells_are_refused() -> None:
    module = {
        "ports": {"a": {"direction": "input", "bits": [2]}},
        "netnames": {},
        "cells": {"x": {"type": cell("inv_1").name, "connections": {"A": ["1"], "Y": [3]}}},
    }
    with pytest.raises(DigitalError, match="tied to 1"):
        from_yosys({"modules": {"m": module}}, "m")
    module["cells"] = {"x": {"type": "$_DLATCH_P_", "connections": {}}}
    with pytest.raises(DigitalError, match="DLATCH"):
        from_yosys({"modules": {"m": module}}, "m")


def test_an_output_on_an_inputs_net_needs_a_buffer() -> None:
    empty = Netlist("m", ("a",), ("x",), ())
    with pytest.raises(DigitalError, match="give it a buffer"):
        with_outputs(empty, {"x": "a"}, {})
    assert with_outputs(empty, {"x": "a"}, {"x": "buf_2"}).instances[0].nets == {"A": "a", "X": "x"}


def test_taps_are_near_everywhere() -> None:
    plan = FloorPlan(4, 320)
    for row in range(4):
        taps = [tap * SITE_UM for tap in plan.taps(row)]
        assert all(b - a < 2 * 14 for a, b in pairwise(taps))
    assert set(plan.taps(0)[1:-1]).isdisjoint(plan.taps(1)[1:-1])
    with pytest.raises(DigitalError, match="an even number of rows"):
        FloorPlan(3, 320)


def test_cells_are_placed_apart_and_the_same_again() -> None:
    plan, pins = FloorPlan(4, 120), {"d": (0.0, 5.0), "q13": (55.0, 5.0)}
    placed = place(chain(14), plan, pins, seed=3, apart=frozenset({"clk"}), moves_a_cell=300)
    assert placed == place(chain(14), plan, pins, seed=3, apart=frozenset({"clk"}), moves_a_cell=300)
    taken = set()
    for index, one in enumerate(placed.netlist.instances):
        row, first = placed.rows[index], placed.sites[index]
        here = {(row, site) for site in range(first, first + one.standard.sites)}
        assert not here & taken
        assert not here & {(row, tap) for tap in plan.taps(row)}
        assert max(site for _, site in here) < plan.sites
        taken |= here
    # A chain from the left to the right is not much longer than the way.
    assert placed.length_um < 200
    with pytest.raises(DigitalError, match="do not fit"):
        place(chain(60), FloorPlan(2, 120), pins)


def test_every_flip_flop_hangs_on_a_leaf_of_the_clock_tree() -> None:
    placed = buffered_and_placed(chain(30), FloorPlan(6, 150), {"d": (0.0, 5.0), "clk": (0.0, 0.0)})
    netlist = placed.netlist
    leaves = [one for one in netlist.instances if one.cell.endswith("clkbuf_4")]
    assert [pin for _, pin in netlist.sinks["clk"]] == ["DIODE", "A"]
    assert len(netlist.sinks["clock"]) == len(leaves) == 3
    counts = [len(netlist.sinks[one.nets["X"]]) for one in leaves]
    assert sum(counts) == 30
    assert max(counts) <= MOST_FLIP_FLOPS
    assert max(counts) - min(counts) <= 1
