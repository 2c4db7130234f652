"""Fill: dense enough, clean, on no net, and nowhere where it was told to keep off."""

from __future__ import annotations

from pathlib import Path

import gdstk
import pytest

from nonideal.circuits.drc import check
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.fill import FILLS, draw_fill
from nonideal.circuits.layout.shapes import boxes_of, drawn_boxes, region_from, region_of
from nonideal.circuits.layout.write import write_gds

SIDE = 60.0
AREA = (0.5, 0.5, SIDE - 0.5, SIDE - 0.5)
LINE = Box("met1", 10.0, 10.0, 10.3, 50.0)
MEMBRANE = Box("met1", 30.0, 30.0, 45.0, 40.0)


@pytest.fixture(scope="module")
def filled() -> Block:
    block = Block.named("filled", SIDE, SIDE)
    block.rect(LINE.layer, LINE.x0, LINE.y0, LINE.x1, LINE.y1)
    counts = draw_fill(block, AREA, {"met1": (MEMBRANE,)})
    assert set(counts) == {fill.layer for fill in FILLS}
    assert all(counts.values())
    return block


def test_fill_breaks_no_rule_and_is_dense(filled: Block, tmp_path: Path) -> None:
    check(write_gds(filled, tmp_path / "filled.gds"), "filled").require_clean()
    for fill in FILLS:
        density = region_of(filled.cell, fill.layer).area() * 1e-6 / SIDE**2
        assert 0.45 < density < 0.70, fill.layer


def test_fill_keeps_off_wires_and_what_it_is_told(filled: Block) -> None:
    (fill,) = (one for one in FILLS if one.layer == "met1")
    met1 = region_of(filled.cell, "met1")
    wire = region_from([LINE])
    around = wire.sized(round(fill.keep_um * 1000) - 1) - wire
    assert (met1 & around).is_empty()
    assert (met1 & region_from([MEMBRANE])).is_empty()
    assert (met1 - region_from([Box("met1", *AREA)])).is_empty()


def test_shapes_of_right_angles_are_taken_apart_into_boxes_that_are_all_of_them() -> None:
    cell = gdstk.Cell("corner")
    inner = gdstk.Cell("inner")
    inner.add(gdstk.Polygon([(0, 0), (3, 0), (3, 1), (1, 1), (1, 2), (0, 2)], layer=68, datatype=20))
    cell.add(gdstk.Reference(inner, (10, 5)))
    boxes = drawn_boxes(cell, ("met1", "met2"))
    assert boxes["met2"] == ()
    region = region_of(cell, "met1")
    assert (region_from(boxes["met1"]) ^ region).is_empty()
    assert sum((box.x1 - box.x0) * (box.y1 - box.y0) for box in boxes["met1"]) == pytest.approx(4.0)
    assert boxes_of(region, "met1") == boxes["met1"]
