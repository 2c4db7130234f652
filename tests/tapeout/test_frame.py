"""The frame of a tile: the template's pins as flat polygons, supplies joined, unused outputs tied; its LEF."""

from __future__ import annotations

import re
from pathlib import Path

import gdstk
import pytest

from nonideal.circuits.drc import check
from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import write_database
from nonideal.sky130_models.layers import LAYERS
from nonideal.sky130_models.tile import GROUND, SUPPLY, TEMPLATES
from nonideal.tapeout.frame import draw_frame, inside
from nonideal.tapeout.lef import lef_text
from nonideal.tapeout.pins import Pinning, Use

TOP = "tt_um_frame"
USES = {
    "ua[0]": Use("iref", "reference"),
    "uo_out[0]": Use("spike_2_0", "spike"),
    "ui_in[0]": Use("in_0", "input"),
}


@pytest.fixture(scope="module")
def pinning() -> Pinning:
    return Pinning(TEMPLATES["1x2"], USES)


@pytest.fixture(scope="module")
def frame(pinning: Pinning) -> Block:
    return draw_frame(TOP, pinning)


@pytest.fixture(scope="module")
def gds(frame: Block, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gds(frame, tmp_path_factory.mktemp("frame") / f"{TOP}.gds")


@pytest.mark.parametrize("size", TEMPLATES)
def test_a_frame_of_any_size_breaks_no_rule(size: str, tmp_path: Path) -> None:
    made = draw_frame(TOP, Pinning(TEMPLATES[size], {}))
    check(write_gds(made, tmp_path / "frame.gds"), TOP).require_clean()
    x0, y0, x1, y1 = inside(TEMPLATES[size])
    assert x0 < 8
    assert y0 < 10
    assert (round(x0 + x1, 3), round(y0 + y1, 3)) == (made.width, made.height)


def boxes(top: gdstk.Cell, layer: str, purpose: str) -> set[tuple[float, ...]]:
    number = LAYERS[layer]
    kind = (number.gds_layer, getattr(number, purpose))
    found = [p.bounding_box() for p in top.polygons if (p.layer, p.datatype) == kind]
    return {tuple(round(float(value), 3) for corner in box for value in corner) for box in found}


def test_pins_are_drawn_labelled_and_flat_in_the_one_top_cell(gds: Path, pinning: Pinning) -> None:
    library = gdstk.read_gds(gds)
    (top,) = library.top_level()
    assert top.name == TOP
    assert not top.references
    boundary = [p for p in top.polygons if (p.layer, p.datatype) == (235, 4)]
    assert len(boundary) == 1
    assert boundary[0].bounding_box() == top.bounding_box() == ((0.0, 0.0), (161.0, 225.76))
    drawn, pins = (boxes(top, "met4", purpose) for purpose in ("drawing", "pin"))
    assert pins <= drawn
    for pin in pinning.template.pins:
        assert (pin.x0_um, pin.y0_um, pin.x1_um, pin.y1_um) in pins
    assert {one.text for one in top.labels} == {pin.name for pin in pinning.template.pins} | {GROUND, SUPPLY}
    assert not [p for p in top.polygons if p.layer == LAYERS["met5"].gds_layer]


def test_supplies_are_one_net_each_and_unused_outputs_are_on_ground(gds: Path, tmp_path: Path) -> None:
    nets = [set(name.split(",")) for name in write_database(gds, TOP, tmp_path / "frame.lvsdb.gz")]
    (ground,) = [net for net in nets if GROUND in net]
    (supply,) = [net for net in nets if SUPPLY in net]
    outputs = {pin.name for pin in TEMPLATES["1x2"].pins if pin.direction == "output"}
    assert ground == {GROUND} | outputs - {"uo_out[0]"}
    assert supply == {SUPPLY}
    assert {"uo_out[0]"} in nets
    assert {"ui_in[0]"} in nets


def test_stripes_begin_and_end_near_the_edges(frame: Block) -> None:
    stripes = [box for key, box in frame.pins.items() if key.split(" ")[0] in (GROUND, SUPPLY)]
    assert len(stripes) == 4
    for box in stripes:
        assert (box.layer, box.y0 <= 10, box.y1 >= 215.76) == ("met4", True, True)
        assert box.x1 - box.x0 >= 1.2


def test_the_lef_has_the_templates_pins_and_leaves_metal_5_alone(frame: Block, pinning: Pinning) -> None:
    text = lef_text(frame, pinning)
    assert "met5" not in text
    assert "SIZE 161.000 BY 225.760 ;" in text
    pins = dict(re.findall(r"  PIN (\S+)\n(.*?)  END \1\n", text, re.S))
    assert set(pins) == {pin.name for pin in pinning.template.pins} | {GROUND, SUPPLY}
    assert "USE GROUND" in pins[GROUND]
    assert "USE POWER" in pins[SUPPLY]
    assert pins[SUPPLY].count("RECT ") == 2
    assert "DIRECTION OUTPUT" in pins["uo_out[3]"]
    assert "RECT 151.810 0.000 152.710 1.000 ;" in pins["ua[0]"]
    obstructions = text.partition("  OBS\n")[2]
    assert re.findall(r"LAYER (\w+)", obstructions) == ["li1", "met1", "met2", "met3", "met4"]
