"""Which shapes hang together: through cuts, not through the plate of a capacitor; each box on its pin's net, or on none."""

from __future__ import annotations

from collections import defaultdict

import pytest

from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.conductors import shapes_by_net
from nonideal.circuits.layout.contacts import stack
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.plates import round_plates
from nonideal.circuits.layout.shapes import region_from, region_of


@pytest.fixture(scope="module")
def block() -> Block:
    made = Block.named("wires", 20.0, 20.0)
    made.pins["a"] = made.rect("met2", 0.0, 0.0, 0.4, 10.0)
    made.rect("met4", 0.0, 8.8, 10.0, 9.2)
    stack(made, 0.2, 9.0, "met2", "met4")
    made.pins["b"] = made.rect("met3", 12.0, 0.0, 18.0, 6.0)
    made.rect("capm", 13.0, 1.0, 17.0, 5.0)
    made.square("via3", 15.0, 3.0, 0.2)
    made.pins["c"] = made.rect("met4", 14.0, 2.0, 16.0, 4.0)
    made.rect("met1", 0.0, 15.0, 5.0, 15.4)
    return made


def test_every_shape_is_on_the_net_of_the_pin_that_it_hangs_on(block: Block) -> None:
    found: dict[tuple[str, str], list[Box]] = defaultdict(list)
    for net, box in shapes_by_net(block.cell, {net: [box] for net, box in block.pins.items()}):
        found[net, box.layer].append(box)
    assert {layer for net, layer in found if net == "a"} == {"met2", "via2", "met3", "via3", "met4"}
    assert {layer for net, layer in found if net == "b"} == {"met3"}
    assert {layer for net, layer in found if net == "c"} == {"met4"}
    assert found["", "met1"] == [Box("met1", 0.0, 15.0, 5.0, 15.4)]
    for layer in ("met1", "met2", "met3", "met4", "via3"):
        together = region_from([box for key, boxes in found.items() if key[1] == layer for box in boxes])
        assert (together ^ region_of(block.cell, layer)).is_empty()


def test_pins_on_nothing_and_two_nets_on_one_piece_are_told(block: Block) -> None:
    with pytest.raises(LayoutError, match=r"pin lost at \(5\.50, 5\.50\) um lies on no met1"):
        list(shapes_by_net(block.cell, {"lost": [Box("met1", 5.0, 5.0, 6.0, 6.0)]}))
    two = {"a": [block.pins["a"]], "other": [Box("met4", 8.0, 8.8, 9.0, 9.2)]}
    with pytest.raises(LayoutError, match="pins a and other lie on one piece of metal"):
        list(shapes_by_net(block.cell, two))


def test_wires_keep_off_the_lower_plates_of_capacitors_alone(block: Block) -> None:
    assert round_plates(block.cell) == (Box("met3", 11.1, -0.9, 18.9, 6.9),)
