"""Wires that break an antenna rule are led in another way."""

from __future__ import annotations

from collections.abc import Sequence

from nonideal.circuits.drc.wires import exposed, safe
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import stack
from nonideal.circuits.routing import RoutingError, Wire

LENGTH_UM = 60.0


def gate_and_diode() -> Block:
    """A gate of 0.063 um2 with a stack to metal 3, and far from it a diode with one."""
    block = Block.named("antenna")
    block.rect("diff", 0.0, 0.0, 0.42, 1.0)
    block.rect("nsdm", -0.2, -0.2, 0.62, 1.2)
    block.rect("poly", -0.5, 0.4, 1.3, 0.55)
    block.rect("poly", 1.0, 0.3, 1.5, 0.8)
    block.square("licon1", 1.25, 0.55, 0.17)
    block.square("li1", 1.25, 0.55, 0.4)
    stack(block, 1.25, 0.55, "li1", "met3")
    block.square("diff", LENGTH_UM, 0.55, 0.3)
    block.square("nsdm", LENGTH_UM, 0.55, 0.6)
    block.square("licon1", LENGTH_UM, 0.55, 0.17)
    block.square("li1", LENGTH_UM, 0.55, 0.4)
    stack(block, LENGTH_UM, 0.55, "li1", "met4")
    return block


def on_metal_4() -> Wire:
    """Metal 3 nearly to the diode, and metal 4 the rest of the way."""
    far = LENGTH_UM - 3.0
    cut = Box("via3", far - 0.25, 0.45, far - 0.05, 0.65)
    return Wire("a", (Box("met3", 1.0, 0.4, far, 0.7), cut, Box("met4", far - 0.4, 0.4, LENGTH_UM, 0.7)))


def on_metal_3() -> Wire:
    return Wire("a", (Box("met3", 1.0, 0.4, LENGTH_UM, 0.7),))


def test_a_wire_that_meets_its_diode_on_metal_4_alone_is_led_without() -> None:
    block, tried = gate_and_diode(), list[Sequence[str]]()

    def again(name: str, others: Sequence[Wire], metals: Sequence[str]) -> Wire:
        assert name == "a"
        assert not others
        tried.append(metals)
        return on_metal_3()

    assert exposed(block.cell, [on_metal_4()]) == {"a"}
    assert safe(block.cell, [on_metal_4()], again) == (on_metal_3(),)
    assert tried == [("met1", "met2", "met3")]


def test_a_wire_without_another_way_stays() -> None:
    def again(name: str, others: Sequence[Wire], metals: Sequence[str]) -> Wire:
        raise RoutingError("no way")

    assert safe(gate_and_diode().cell, [on_metal_4()], again) == (on_metal_4(),)
    assert safe(gate_and_diode().cell, [on_metal_3()], again) == (on_metal_3(),)
