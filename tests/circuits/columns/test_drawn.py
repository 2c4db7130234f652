"""What the others draw from a rail: everything but a column's own, by what makes it."""

from __future__ import annotations

import numpy as np
import pytest

from nonideal.circuits.columns.cut import Place, Terminal
from nonideal.circuits.columns.drawn import Drawn, causes_of
from nonideal.circuits.columns.rails import rails_of
from nonideal.circuits.extraction.netlist import Element, Netlist
from nonideal.circuits.network.netlist import Topology

TOPOLOGY = Topology((2, 2, 1))
WIRES = tuple(Element(f"vss.{k}" if k else "vss", f"vss.{k + 1}", 1.0) for k in range(4))
RAILS = rails_of(Netlist("network", ("vss",), (), WIRES, ()), ["vss"])


def _at(node: int, instance: str, ampere: float) -> tuple[Terminal, float]:
    return Terminal("xm", instance, "vss", f"vss.{node}" if node else "vss"), ampere


CURRENT_A = {
    Place(1, 0): [_at(1, "synapse_1_0_0", 1.0), _at(1, "synapse_1_1_0", 2.0), _at(2, "neuron_1_0", 4.0)],
    Place(1, 1): [_at(1, "synapse_1_0_1", 8.0), _at(3, "neuron_1_1", 16.0), _at(0, "neuron_1_1", 64.0)],
    Place(2, 0): [_at(4, "synapse_2_0_0", 32.0)],
}


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (Place(1, 0), {(1, ("axon", 0)): 8.0, (3, ("here", 0)): 16.0}),
        (Place(1, 1), {(1, ("axon", 0)): 1.0, (1, ("axon", 1)): 2.0, (2, ("here", 0)): 4.0}),
        # Of the layer before its neurons alone: when this one accumulates, those axons have long gone back.
        (Place(2, 0), {(2, ("before", 0)): 4.0, (3, ("before", 0)): 16.0}),
    ],
)
def test_others(place: Place, told: dict[tuple[int, tuple[str, int]], float]) -> None:
    causes = causes_of(TOPOLOGY, place.layer)
    expected = np.zeros((len(RAILS["vss"].index), len(causes)))
    for (node, cause), ampere in told.items():
        expected[RAILS["vss"].index[f"vss.{node}"], causes.index(cause)] = ampere
    found = Drawn.of(TOPOLOGY, RAILS, CURRENT_A).others(place)["vss"]
    assert found.toarray() == pytest.approx(expected)
