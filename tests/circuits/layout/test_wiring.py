"""What is whose metal in a drawn block, and wires between its pins."""

from __future__ import annotations

import pytest

from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import stack
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.wiring import trace, wire

AREA = (0.0, 0.0, 12.0, 6.0)


def two_pads() -> tuple[Block, list[tuple[str, Box]]]:
    """Pads on metal 2: a line with two of them, and one by itself; a line of nobody's between."""
    block = Block.named("pads")
    left = block.rect("met2", 1.0, 1.0, 1.4, 1.4)
    block.rect("met1", 0.9, 0.9, 3.4, 1.5)
    low, high = stack(block, 1.2, 1.2, "met1", "met2"), stack(block, 3.0, 1.2, "met1", "met2")
    assert low.x0 > left.x0
    far = block.rect("met2", 10.0, 4.0, 10.4, 4.4)
    block.rect("met3", 6.0, 0.5, 6.4, 5.5)
    return block, [("a", left), ("a", high), ("a", far)]


def test_boxes_of_a_piece_are_one_pin() -> None:
    block, pins = two_pads()
    found = trace(block, pins)
    assert sorted(len(pin) for pin in found.pins["a"]) == [1, 2]
    named = {net for net, box in found.drawn if box.layer == "met1"}
    assert named == {"a"}
    assert {net for net, box in found.drawn if box.layer == "met3"} == {""}


def test_wires_join_the_pieces_and_keep_out() -> None:
    block, pins = two_pads()
    wire(block, pins, AREA, [Box(metal, 5.0, 2.0, 7.0, 6.0) for metal in ("met1", "met2", "met3", "met4")])
    found = trace(block, pins)
    assert len(found.pins["a"]) == 1
    crossing = [box for net, box in found.drawn if net == "a" and box.x0 < 6.9 and box.x1 > 5.1]
    assert crossing
    assert all(box.y1 < 2.0 for box in crossing)


def test_refused() -> None:
    block, pins = two_pads()
    with pytest.raises(LayoutError, match="nothing is drawn at the pin of b"):
        trace(block, [*pins, ("b", Box("met2", 8.0, 1.0, 8.2, 1.2))])
    with pytest.raises(LayoutError, match="b and a are one piece"):
        trace(block, [*pins, ("b", pins[1][1])])
