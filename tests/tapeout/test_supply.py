"""Parts in a tile: their nets, their cells in its netlist, and the bars that supply them; LVS of the whole with tied outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from nonideal.circuits.drc import check
from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.fill import draw_fill
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare
from nonideal.sky130_models.tile import GROUND, SUPPLY, TEMPLATES
from nonideal.tapeout.errors import TapeoutError
from nonideal.tapeout.frame import draw_frame
from nonideal.tapeout.part import Part, tile_netlist
from nonideal.tapeout.pins import Pinning, Use
from nonideal.tapeout.supply import BARS, join_supplies

TOP = "tt_um_supplied"
PINNING = Pinning(TEMPLATES["1x2"], {"uo_out[0]": Use("spike", "a spike")})


def part(layer: str = "met2", *, crossed: bool = False) -> Part:
    """Two straps, and a wire on metal 3 that crosses their way in the middle or all along."""
    block = Block.named("straps", 20.0, 40.0)
    block.pins["vss"] = block.rect(layer, 0.0, 0.0, 2.8, 40.0)
    block.pins["vdd"] = block.rect(layer, 3.2, 0.0, 6.0, 40.0)
    low, high = (0.0, 40.0) if crossed else (18.0, 18.4)
    block.rect("met3", -6.0, low, -4.0, high)
    text = ".subckt straps vdd vss\n.ends straps"
    return Part("one", block, "straps", ("vdd", "vss"), (text,), x_um=20.0, y_um=100.0)


def test_bars_join_straps_to_stripes_off_what_crosses(tmp_path: Path) -> None:
    one = part()
    top = draw_frame(TOP, PINNING)
    top.place(one.block, one.x_um, one.y_um)
    joints = join_supplies(top, one)
    assert {joint.net for joint in joints} == {GROUND, SUPPLY}
    assert len(joints) == 2 * BARS
    assert all(joint.box.y1 < 118.0 or joint.box.y0 > 118.4 for joint in joints)
    draw_fill(top, (0.5, 0.5, 160.5, 225.2), {})
    gds = write_gds(top, tmp_path / f"{TOP}.gds")
    check(gds, TOP).require_clean()
    netlist = tile_netlist(TOP, PINNING.ports, [one])
    tied = {pin.name: GROUND for pin in PINNING.tied}
    compare(gds, netlist, TOP, tied=tied).require_match()

    # What is said to be tied and is not, and what is tied and was not said to be, are differences.
    wrong = compare(gds, netlist, TOP, tied=tied | {"ui_in[0]": GROUND})
    assert "ui_in[0] is not on the net of VGND" in wrong.differences
    missed = dict(list(tied.items())[1:])
    assert not compare(gds, netlist, TOP, tied=missed).matched


def test_a_strap_that_no_bar_reaches_is_told() -> None:
    one = part(crossed=True)
    top = draw_frame(TOP, PINNING)
    top.place(one.block, one.x_um, one.y_um)
    with pytest.raises(
        TapeoutError, match=r"one: no bar of 2\.4 um on metal 3 reaches from its strap of VGND"
    ):
        join_supplies(top, one)


def test_a_supply_pin_that_is_no_strap_is_told() -> None:
    with pytest.raises(TapeoutError, match="its supply pin vss lies on met1, not on a strap"):
        join_supplies(draw_frame(TOP, PINNING), part("met1"))


def test_a_part_is_called_with_the_tiles_nets() -> None:
    one = part()
    text = ".subckt cell a b vss\n.ends cell"
    two = Part("two", one.block, "cell", ("a", "b", "vss"), (text, text), nets={"a": "ua[0]"})
    netlist = tile_netlist(TOP, ("ua[0]", GROUND), [one, two, two])
    assert netlist.count(".subckt cell") == 1
    assert "Xone VDPWR VGND straps\nXtwo ua[0] b VGND cell\n" in netlist
    with pytest.raises(LayoutError, match="two: pin vdd is drawn, but cell has no such port"):
        list(two.pins())
