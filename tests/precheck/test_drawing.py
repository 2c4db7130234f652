"""Rules of what is drawn, of densities, and of the netlist."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gdstk
import pytest

from nonideal.precheck import RULES, precheck
from nonideal.precheck.result import RuleResult
from nonideal.sky130_models.metals import METALS
from nonideal.sky130_models.tile import GROUND, SUPPLY
from tests.precheck.tiles import NAME, TEMPLATE, Draft, draft, judge


def found_in(tile: Draft, folder: Path, rule: str) -> RuleResult:
    """What a rule says of a tile that breaks it."""
    found = judge(tile, folder, rule)
    assert found.state == "fail", found
    return found


def test_a_design_rule_is_broken_where_it_is(tmp_path: Path) -> None:
    tile = draft()
    tile.rect("met1", 50.0, 50.0, 50.13, 60.0)
    found = found_in(tile, tmp_path, "design rules")
    assert found.found == "1 violations of 1 rules: m1.1 x 1"
    assert (found.places[0].x_um, found.places[0].y_um) == pytest.approx((50.065, 55.0), abs=0.002)
    assert found.places[0].what == "m1.1: width met1 0.14"
    assert judge(tile, tmp_path, "grid").state == "pass"


def test_a_corner_off_the_grid_is_found_as_such(tmp_path: Path) -> None:
    tile = draft()
    tile.rect("met1", 50.0, 50.0, 51.002, 60.0)
    assert judge(tile, tmp_path, "design rules").state == "pass"
    assert found_in(tile, tmp_path, "grid").places[0].what.startswith("x.1b")


def test_a_shape_without_an_area_is_found(tmp_path: Path) -> None:
    tile = draft()
    tile.cell.add(gdstk.rectangle((50, 50), (50, 60), layer=68, datatype=20))
    tile.cell.add(gdstk.FlexPath([(20, 20), (30, 20)], 0.0, layer=69, datatype=20, simple_path=True))
    found = found_in(tile, tmp_path, "empty shapes")
    assert {(one.what, one.x_um, one.y_um) for one in found.places} == {("68/20", 50, 55), ("69/20", 25, 20)}


def test_pins_and_labels_without_drawing_are_found(tmp_path: Path) -> None:
    tile = draft()
    tile.cell.add(gdstk.rectangle((50, 50), (51, 51), layer=69, datatype=16))
    tile.cell.add(gdstk.Label("lost", (60, 60), layer=68, texttype=5))
    found = found_in(tile, tmp_path, "pins and labels")
    assert {(one.what, one.x_um, one.y_um) for one in found.places} == {
        ("met2.pin without met2", 50.5, 50.5),
        ("label lost on no met1", 60, 60),
    }
    tile.rect("met2", 50, 50, 51, 51)
    tile.rect("met1", 60, 60, 61, 61)
    assert judge(tile, tmp_path, "pins and labels").state == "pass"


def test_urpm_by_an_n_well_is_found(tmp_path: Path) -> None:
    tile = draft()
    tile.rect("nwell", 50, 50, 60, 60)
    tile.cell.add(gdstk.rectangle((60.7, 50), (65, 60), layer=79, datatype=20))
    assert judge(tile, tmp_path, "urpm").found == "0.7 um kept"
    tile.cell.add(gdstk.rectangle((60.69, 50), (65, 51), layer=79, datatype=20))
    assert found_in(tile, tmp_path, "urpm").found == "1 places nearer than 0.7 um"
    tile.cell.add(gdstk.rectangle((55, 55), (56, 56), layer=79, datatype=20))
    assert found_in(tile, tmp_path, "urpm").count == 2


def test_an_antenna_is_found_with_its_net(tmp_path: Path) -> None:
    tile = draft()
    tile.rect("diff", 50.0, 50.0, 51.0, 50.42)
    tile.rect("poly", 50.4, 49.0, 50.55, 51.0)
    tile.rect("licon1", 50.4, 50.8, 50.57, 50.97)
    tile.rect("li1", 50.3, 50.7, 50.7, 51.1)
    tile.rect("mcon", 50.4, 50.8, 50.57, 50.97)
    tile.rect("met1", 50.3, 50.7, 120.0, 51.1)
    tile.cell.add(gdstk.Label("long", (100, 51.0), layer=68, texttype=5))
    found = found_in(tile, tmp_path, "antennas")
    assert found.count == 1
    assert "met1 to gate 778" in found.places[0].what  # 2 x (69.7 + 0.4) um x 0.35 um / (0.15 x 0.42 um2)
    assert found.places[0].what.endswith("on long")


def test_too_much_metal_is_found_and_too_little_told(tmp_path: Path) -> None:
    tile = draft()
    thin = judge(tile, tmp_path, "density")
    assert thin.state == "pass"
    assert "met2 below 35 %" in thin.advice
    tile.rect("met2", 0, 0, 161, 160)
    found = found_in(tile, tmp_path, "density")
    assert found.places[0].what == "met2 70.9 % of 70 % at most"
    assert METALS["met2"].densest_percent == 70


def test_windows_of_a_wide_tile_move(tmp_path: Path) -> None:
    tile = draft()
    tile.drop(235, 4)
    tile.cell.add(gdstk.rectangle((0, 0), (1030.4, 225.76), layer=235, datatype=4))
    tile.rect("met1", 500, 0, 1030.4, 225.76)
    found = found_in(tile, tmp_path, "density")
    assert found.places[0].what == "met1 75.8 % of 70 % at most"
    assert found.places[0].x_um == pytest.approx(1030.4 - 350)


def lvs(folder: Path, ports: str, body: str = "") -> RuleResult:
    """What the rule says of the small tile against such a subcircuit."""
    files = draft().write(folder)
    netlist = folder / "tile.spice"
    netlist.write_text(f".subckt {NAME} {ports}\n{body}.ends\n", encoding="utf-8")
    rules = [one for one in RULES if one.name == "LVS"]
    return precheck(replace(files, netlist=netlist), rules=rules).rules[0]


def test_lvs_against_a_netlist(tmp_path: Path) -> None:
    outputs = [pin.name for pin in TEMPLATE.pins if pin.direction == "output"]
    ports = "\n+ ".join([pin.name for pin in TEMPLATE.pins if pin.name not in outputs] + [GROUND, SUPPLY])
    assert lvs(tmp_path, ports).state == "pass"
    more = lvs(tmp_path, ports, "X1 VGND VGND VGND VGND sky130_fd_pr__nfet_01v8 w=1 l=0.15\n")
    assert more.state == "fail"
    assert "1 x sky130_fd_pr__nfet_01v8" in more.found
    # An output that is a port is none that is tied.
    assert lvs(tmp_path, f"{ports} {outputs[0]}").state == "fail"
    unknown = lvs(tmp_path, ports, "X1 VGND VGND unheard_of\n")
    assert unknown.state == "fail"
    assert "unheard_of" in unknown.found.lower()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('.include "/etc/hostname"\n', 'includes another file (.include "/etc/hostname"): write all of it into one'),
        ("X1 a b a b sky130_fd_pr__nfet_01v8 w=1 l=0.15 m=1000000000\n", "m = 1000000000.0 is no number of devices"),
        ("X1 a b a b sky130_fd_pr__nfet_01v8 w={x} l=0.15\n", "w = X, l = 0.15: give numbers for both"),
        (".ends\n.subckt\n", "cannot be read: "),
    ],
)  # fmt: skip
def test_a_netlist_that_makes_no_sense_says_why(tmp_path: Path, body: str, told: str) -> None:
    found = lvs(tmp_path, "a b", body)
    assert found.state == "fail"
    assert told in found.found


def test_a_netlist_of_calls_of_calls_is_counted_before_it_is_flat(tmp_path: Path) -> None:
    levels = [f".subckt e{k} a b\n" + "".join(f"X{j} a b e{k - 1}\n" for j in range(10)) + ".ends\n" for k in range(1, 10)]  # fmt: skip
    one = ".ends\n.subckt e0 a b\nX1 a b a b sky130_fd_pr__nfet_01v8 w=1 l=0.15\n.ends\n"
    found = lvs(tmp_path, "a b", f"X1 a b e9\n{one}{''.join(levels)}.subckt z\n")
    assert "asks for 1000000000 devices; 10000000 are the most" in found.found


def test_an_empty_layout_gets_a_verdict(tmp_path: Path) -> None:
    tile = draft()
    tile.cell.remove(*tile.cell.polygons, *tile.cell.labels)
    found = precheck(tile.write(tmp_path))
    assert not found.passed
    for rule in ("design rules", "antennas"):
        assert found.rule(rule).found == "nothing is drawn on a mask"


def test_devices_that_are_not_judged_are_told(tmp_path: Path) -> None:
    tile = draft()
    tile.cell.add(gdstk.rectangle((50, 50), (60, 60), layer=75, datatype=20))
    found = judge(tile, tmp_path, "design rules")
    assert found.state == "pass"
    assert "rules of 5 V devices (hvi) are not among them" in found.advice
