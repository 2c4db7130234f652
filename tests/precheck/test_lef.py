"""Rules of the LEF, of the pins in the layout, and of the supply stripes."""

from __future__ import annotations

from pathlib import Path

import gdstk
import pytest

from nonideal.precheck.lef import read_lef
from tests.precheck.tiles import ENDS, NAME, STRIPES, draft, judge, pin_purpose

CLK = "RECT 143.830 224.760 144.130 225.760 ;"
GROUND_STRIPE = f"RECT 2.000 {ENDS[0]:.3f} 4.400 {ENDS[1]:.3f} ;"
CENTRE = (143.98, 225.26)


def broken(tmp_path: Path, rule: str, old: str, new: str) -> str:
    """What a rule finds in a LEF with one passage changed."""
    tile = draft()
    assert old in tile.lef
    tile.lef = tile.lef.replace(old, new)
    found = judge(tile, tmp_path, rule)
    assert found.state == "fail", found
    return found.found


def test_the_reader_reads_what_was_written(tmp_path: Path) -> None:
    found = read_lef(draft().write(tmp_path).lef, NAME)
    assert (found.origin_um, found.size_um) == ((0.0, 0.0), (161.0, 225.76))
    assert len(found.pins) == 53
    pin = found.pins["ui_in[3]"]
    assert (pin.direction, pin.use, pin.ports[0].layer) == ("INPUT", "SIGNAL", "met4")
    assert pin.ports[0].box_um == (130.03, 224.76, 130.33, 225.76)
    assert [one.layer for one in found.obstructions] == ["met1"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (f"MACRO {NAME}", "MACRO other", "ends otherwise than with END other"),
        ("  END clk", "  END clock", "PIN clk ends otherwise"),
        (CLK, "RECT 1 2 3 ;", "RECT of pin clk is '1 2 3': give 4 numbers"),
        (f"END {NAME}\nEND LIBRARY", "", "does not end"),
        ("PIN ena", "PIN clk", "PIN clk stands twice"),
        (CLK, "RECT 1 2 3 1e999 ;", "RECT of pin clk is '1 2 3 1e999'"),
    ],
)
def test_a_lef_that_cannot_be_read_says_why(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert told in broken(tmp_path, "files", old, new)


def test_what_is_not_asked_for_is_passed_over(tmp_path: Path) -> None:
    tile = draft()
    tile.lef = tile.lef.replace(
        "MACRO", "PROPERTYDEFINITIONS\n MACRO made STRING ;\nEND PROPERTYDEFINITIONS\nMACRO", 1
    ).replace(
        "  CLASS BLOCK ;",
        '  CLASS BLOCK ;\n  PROPERTY made "in ; END haste" ;\n  DENSITY\n    LAYER met1 ;\n    RECT 0 0 1 1 50 ;\n  END',
    )
    assert len(read_lef(tile.write(tmp_path).lef, NAME).pins) == 53


def test_a_stripe_that_is_written_twice_bears_no_more(tmp_path: Path) -> None:
    tile = draft()
    tile.lef = tile.lef.replace(GROUND_STRIPE, f"{GROUND_STRIPE}\n {GROUND_STRIPE}")
    assert "VGND 2.4 um" in judge(tile, tmp_path, "supply current", current_mA=4.0).found
    tile.lef = tile.lef.replace(GROUND_STRIPE, GROUND_STRIPE.replace("4.400", "2.000"))
    assert judge(tile, tmp_path, "supply current", current_mA=4.0).state == "not run"


def test_another_size_is_found(tmp_path: Path) -> None:
    assert "SIZE (161.0, 225.7)" in broken(tmp_path, "LEF size", "BY 225.760", "BY 225.700")
    assert "ORIGIN (1.0, 0.0)" in broken(tmp_path, "LEF size", "ORIGIN 0.000", "ORIGIN 1.000")


def test_numbers_and_shapes_that_the_shuttle_misreads(tmp_path: Path) -> None:
    assert "SIZE of tt_um_small: 225.76" in broken(
        tmp_path, "LEF form", "225.760 ;\n  PIN", "225.76 ;\n  PIN"
    )
    assert "POLYGON of pin clk" in broken(tmp_path, "LEF form", CLK, f"{CLK} POLYGON 1 2 3 4 5 6 ;")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (CLK, "RECT 143.840 224.760 144.140 225.760 ;", "clk is on met4 at (143.84"),
        (f"LAYER met4 ;\n        {CLK}", f"LAYER met3 ;\n        {CLK}", "clk is on met3"),
        (CLK, f"{CLK} RECT 150.000 224.760 150.300 225.760 ;", "clk has 2 rectangles"),
        (CLK, "", "clk has no port"),
        ("PIN clk\n", "PIN clock\n", "ends otherwise"),
        ("VGND", "GND", "GND is no pin of the template"),
    ],
)
def test_pins_elsewhere_than_the_template_has_them(tmp_path: Path, old: str, new: str, told: str) -> None:
    rule = "files" if told == "ends otherwise" else "LEF pins"
    assert told in broken(tmp_path, rule, old, new)


def test_pins_that_touch_are_found(tmp_path: Path) -> None:
    found = broken(tmp_path, "LEF pins", GROUND_STRIPE, GROUND_STRIPE.replace("4.400", "5.200"))
    assert "VGND touches VDPWR" in found or "VDPWR touches VGND" in found


def test_the_older_name_of_the_supply_is_taken(tmp_path: Path) -> None:
    tile = draft()
    tile.lef = tile.lef.replace("VDPWR", "VPWR")
    for rule in ("LEF pins", "power use", "power stripes"):
        assert judge(tile, tmp_path, rule).state == "pass"


def test_a_power_pin_without_its_use_is_found(tmp_path: Path) -> None:
    assert broken(tmp_path, "power use", "USE GROUND", "USE SIGNAL") == "VGND: USE SIGNAL"
    assert broken(tmp_path, "power use", "    USE POWER ;\n", "") == "VDPWR: USE is missing"


def test_an_obstruction_on_metal_5_is_found(tmp_path: Path) -> None:
    assert broken(tmp_path, "obstruction", "LAYER met1 ;", "LAYER met5 ;") == "1 on met5"


def test_a_pin_that_is_not_in_the_layout_is_found(tmp_path: Path) -> None:
    tile = draft()
    tile.drop(71, 16, CENTRE)
    found = judge(tile, tmp_path, "pins in layout")
    assert (found.state, found.count) == ("fail", 1)
    assert found.places[0].what == "clk: no met4.pin over it"
    assert (found.places[0].x_um, found.places[0].y_um) == CENTRE


def test_a_pin_that_is_a_path_is_found_as_one(tmp_path: Path) -> None:
    tile = draft()
    tile.drop(71, 16, CENTRE)
    path = gdstk.FlexPath([(143.98, 224.76), (143.98, 225.76)], 0.3, simple_path=True, **pin_purpose("met4"))
    tile.cell.add(path)
    assert judge(tile, tmp_path, "pins in layout").places[0].what == "clk: its met4.pin is a path"


def test_a_pin_in_a_sub_cell_is_found_there(tmp_path: Path) -> None:
    tile = draft()
    tile.drop(71, 16, CENTRE)
    below = tile.library.new_cell("below")
    below.add(gdstk.rectangle((143.83, 224.76), (144.13, 225.76), **pin_purpose("met4")))
    tile.cell.add(gdstk.Reference(below))
    assert (
        judge(tile, tmp_path, "pins in layout").places[0].what
        == "clk: its met4.pin lies in the sub-cell below"
    )


def test_a_pin_too_small_or_without_metal_is_found(tmp_path: Path) -> None:
    tile = draft()
    tile.drop(71, 16, CENTRE)
    tile.cell.add(gdstk.rectangle((143.83, 224.76), (144.13, 225.7), **pin_purpose("met4")))
    assert judge(tile, tmp_path, "pins in layout").places[0].what == "clk: met4.pin does not cover it"
    other = draft()
    other.drop(71, 20, CENTRE)
    assert judge(other, tmp_path, "pins in layout").places[0].what == "clk: no met4 drawn under all of it"


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (GROUND_STRIPE.replace("4.400", "3.100"), "VGND: 1.1 um wide"),
        (GROUND_STRIPE.replace(f"{ENDS[0]:.3f}", "10.010"), "VGND: begins 10.01 um above the bottom edge"),
        (GROUND_STRIPE.replace(f"{ENDS[1]:.3f}", "215.750"), "VGND: ends 10.01 um below the top edge"),
        (GROUND_STRIPE.replace("2.000", "-0.100"), "VGND: reaches out of the tile"),
    ],
)
def test_stripes_that_the_shuttle_refuses(tmp_path: Path, new: str, told: str) -> None:
    assert told in broken(tmp_path, "power stripes", GROUND_STRIPE, new)


def test_a_stripe_on_another_layer_or_none_is_found(tmp_path: Path) -> None:
    old = f"LAYER met4 ;\n        {GROUND_STRIPE}"
    assert "VGND: on met3" in broken(tmp_path, "power stripes", old, old.replace("met4", "met3"))
    assert "VGND has no stripe" in broken(tmp_path, "power stripes", GROUND_STRIPE, "")


def test_supply_current(tmp_path: Path) -> None:
    tile = draft()
    width = STRIPES["VGND"][1] - STRIPES["VGND"][0]
    assert judge(tile, tmp_path, "supply current").state == "not run"
    assert judge(tile, tmp_path, "supply current", current_mA=4.0).state == "pass"
    much = judge(tile, tmp_path, "supply current", current_mA=17.0)
    assert much.state == "fail"
    assert f"VGND: {17.0 / width:.3g} of 6.8 mA/um" in much.found
    # 0.047 ohm a square over 225.76 um of 2.4 um is 4.42 ohm: 18 mV at 4.07 mA.
    drop = judge(tile, tmp_path, "supply current", current_mA=4.1)
    assert drop.state == "fail"
    assert "VGND: 18.1 of 18 mV drop" in drop.found
    tile.info = tile.info.replace("pinout:", "  supply_current_mA: 4.1\npinout:")
    assert judge(tile, tmp_path, "supply current").state == "fail"
