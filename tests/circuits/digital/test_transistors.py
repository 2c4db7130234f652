"""The cells as transistors in ngspice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nonideal.circuits.digital.buffering import buffered_and_placed
from nonideal.circuits.digital.cells import cell
from nonideal.circuits.digital.netlist import Instance, Netlist
from nonideal.circuits.digital.placement import FloorPlan
from nonideal.circuits.digital.simulation import Change
from nonideal.circuits.digital.skew import leaf_delays_s, skew_s
from nonideal.circuits.digital.transistors import deck, node, simulated
from nonideal.sky130_models import find_pdk, lean_library
from nonideal.spice import SimulatorOptions, find_ngspice, run
from tests.circuits.digital.conftest import made
from tests.circuits.digital.test_cells import chain

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


@pytest.mark.spice
def test_transistors_shift_as_the_cells_should(tmp_path: Path) -> None:
    """Two flip-flops: the datum is at the output by the second edge of the clock. The control's own edges: bench/digital.py edges."""
    netlist = chain(2)
    models = lean_library(find_pdk(), "tt", simulated(netlist))
    changes: list[Change] = [(0.0, "d", "0"), (15.0, "d", "1")]
    text = deck(made(), netlist, models, changes, 60e-9, ("q1",), COARSE)
    result = run(text, find_ngspice(), tmp_path, 120.0)
    high = result["v(q1)"] > 0.9
    edges_ns = result.axis[1:][np.diff(high.astype(int)) != 0] * 1e9
    # Clocked at 10, 30 and 50 ns; what they hold when they are switched on is gone by the second.
    (at,) = edges_ns[edges_ns > 32.0]
    assert 50.0 < at < 51.0
    assert high[-1]
