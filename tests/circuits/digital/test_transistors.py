"""The cells as transistors in ngspice: the first clocks of an inference, edge for edge those of the Verilog."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nonideal.circuits.digital.buffering import buffered_and_placed
from nonideal.circuits.digital.cells import cell
from nonideal.circuits.digital.errors import ToolMissing
from nonideal.circuits.digital.netlist import Instance, Netlist
from nonideal.circuits.digital.placement import FloorPlan
from nonideal.circuits.digital.simulation import Change, as_written, simulate
from nonideal.circuits.digital.skew import leaf_delays_s, skew_s
from nonideal.circuits.digital.synthesis import synthesised
from nonideal.circuits.digital.transistors import deck, node, simulated
from nonideal.sky130_models import find_pdk, lean_library
from nonideal.spice import SimulatorOptions, find_ngspice, run
from tests.circuits.digital.conftest import made
from tests.circuits.digital.test_cells import chain

LINES = ("phase_0", "reset_1", "reset_b_1", "iso_1", "early")
STOP_NS = 260.0
DELAY_NS = 1.0
COARSE = SimulatorOptions(
    reltol=1e-3, abstol_A=1e-12, vntol_V=1e-5, gmin_S=1e-12, max_step_s=2e-9, bypass=True
)


def test_devices_without_a_model_are_replaced() -> None:
    netlist = chain(1)
    assert "special_nfet" in netlist.spice()
    text = simulated(netlist)
    assert "special_nfet" not in text
    assert text.count("nfet_01v8 w=0.42") > netlist.spice().count("nfet_01v8 w=0.42")


def test_ports_of_buses_have_plain_names_in_a_deck() -> None:
    buffer = Instance("u0", cell("buf_2").name, {"A": "ui_in[3]", "X": "uo_out[0]"})
    netlist = Netlist("m", ("ui_in[3]",), ("uo_out[0]",), (buffer,))
    changes: list[Change] = [(0.0, "ui_in[3]", "1"), (10.0, "ui_in[3]", "0")]
    text = deck(made(), netlist, "* models\n", changes, 2e-8, ("uo_out[0]",), COARSE)
    assert node("uo_out[0]") == "uo_out_0"
    assert text.vectors == ("v(uo_out_0)",)
    assert "Vui_in_3 ui_in_3 0 PWL(0 1.8 9.9e-09 1.8 1.01e-08 0)" in text.text
    assert "[" not in text.includes["control.spice"]


def test_the_skew_of_a_small_tree_is_small() -> None:

    placed = buffered_and_placed(chain(30), FloorPlan(6, 150), {"d": (0.0, 5.0), "clk": (0.0, 0.0)})
    assert len(leaf_delays_s(placed)) == 3
    # Data are held up to a skew of 160 ps at the least (ff, -40 degrees: bench/digital.py hold).
    assert 0 < skew_s(placed) < 80e-12


@pytest.mark.slow
@pytest.mark.spice
@pytest.mark.timeout(1500)
@pytest.mark.usefixtures("icarus")
def test_transistors_do_what_the_verilog_does(tmp_path: Path) -> None:
    control = made((1, 1, 1), t_circ_s=40e-9, reset_s=40e-9)
    try:
        netlist = synthesised(control, tmp_path)
    except ToolMissing as missing:
        pytest.skip(str(missing))
    changes: list[Change] = [(0.0, "ena", "1"), (25.0, "rst_n", "1")]
    written = simulate(control, as_written(control), [*changes, (85.0, "ui_in[7]", "1")], STOP_NS)
    models = lean_library(find_pdk(), "tt", simulated(netlist))
    single = [*changes, (85.0, "ui_in[7]", "1")]
    result = run(
        deck(control, netlist, models, single, STOP_NS * 1e-9, LINES, COARSE),
        find_ngspice(),
        tmp_path,
        1200.0,
    )
    moved = 0
    for line in LINES:
        high = result[f"v({node(line)})"] > 0.9
        times = result.axis[1:][np.diff(high.astype(int)) != 0] * 1e9
        expected = written.edges(line)
        assert len(times) == len(expected), line
        moved += len(times)
        for time, (clocked, value) in zip(times, expected, strict=True):
            assert 0 < time - clocked < DELAY_NS, line
            assert bool(np.interp(time * 1e-9 + 2e-9, result.axis, result[f"v({node(line)})"]) > 0.9) == (
                value == "1"
            )
    assert moved >= 3
