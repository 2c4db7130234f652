"""Placed cells drawn and routed: clean by the rules, and the same circuit as the netlist."""

from __future__ import annotations

from pathlib import Path

import pytest

from nonideal.circuits.digital.buffering import buffered_and_placed
from nonideal.circuits.digital.build import build, spread
from nonideal.circuits.digital.control import Control
from nonideal.circuits.digital.drawing import Drawn, Strap, draw
from nonideal.circuits.digital.errors import DigitalError
from nonideal.circuits.digital.netlist import Netlist
from nonideal.circuits.digital.placement import FloorPlan
from nonideal.circuits.drc import check
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare
from tests.circuits.digital.test_cells import chain


def straps(plan: FloorPlan) -> list[Strap]:
    right = plan.width_um
    return [Strap("vss", -6.0, -3.6), Strap("vdd", -3.0, -0.6), Strap("vdd", right + 0.6, right + 3.0)]


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    plan, netlist = FloorPlan(4, 120), chain(12)
    pins = spread(["clk", "d"], plan, above=True) | spread(["q11"], plan, above=False)
    placed = buffered_and_placed(netlist, plan, {port: (box.x, box.y) for port, box in pins.items()})
    return draw(placed, pins, straps(plan))


@pytest.fixture(scope="module")
def gds(drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gds(drawn.block, tmp_path_factory.mktemp("digital") / "chain.gds")


def test_a_shift_register_is_clean_by_the_rules(gds: Path) -> None:
    check(gds, "chain").require_clean()


def test_a_shift_register_is_its_netlist(gds: Path, drawn: Drawn) -> None:
    report = compare(gds, drawn.netlist.spice(), "chain")
    report.require_match()
    assert set(report.ports) == {"clk", "d", "q11", "vdd", "vss"}
    assert report.devices_layout["sky130_fd_pr__special_nfet_01v8"] == 12 * 4
    assert drawn.netlist.counts()["dfxtp_1"] == 12
    assert any(name.startswith("decap") for name in drawn.netlist.counts())


def test_another_netlist_is_told_from_it(gds: Path, drawn: Drawn) -> None:
    one, other, *rest = drawn.netlist.instances
    swapped = type(one)(one.name, one.cell, one.nets | {"D": other.nets["D"]})
    netlist = Netlist("chain", drawn.netlist.inputs, drawn.netlist.outputs, (swapped, other, *rest))
    assert not compare(gds, netlist.spice(), "chain").matched


def test_rails_reach_to_the_straps_of_their_net(drawn: Drawn) -> None:
    pins = drawn.block.pins
    assert {name for name in pins if pins[name].layer == "met4"} >= {"vdd", "vdd 1", "vss"}
    assert pins["vdd 1"].x0 > drawn.block.width


def test_every_port_of_a_control_has_a_pin(control: Control, netlist: Netlist, tmp_path: Path) -> None:
    """The control drawn, clean and matching: as a part of a whole tile (tests/tapeout/test_stage.py)."""
    plan = FloorPlan.within(147.0, 33.0)
    pins = spread([port for port in (*netlist.inputs, *netlist.outputs) if port != "clk"], plan, above=True)
    with pytest.raises(DigitalError, match=r"no pin is given for the ports clk"):
        build(control, plan, pins, kept=tmp_path)
