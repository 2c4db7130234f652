"""The charge of edges, from membranes that were moved by known ones."""

from __future__ import annotations

import numpy as np
import pytest

from nonideal.characterize.column import EdgeCharge
from nonideal.characterize.column_bench import NEURONS, ColumnBench
from nonideal.characterize.column_fit import Watched, _turn_on
from nonideal.characterize.edge_fit import StoredCharge, edge_charge
from nonideal.characterize.estimate import estimate
from nonideal.characterize.model import PhysicalModel
from nonideal.circuits.design import Design
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Circuit
from nonideal.spice import SimulatorOptions

C_M, C_C = 120e-15, 0.3e-15
EDGE_C, FIRST_C, LAST_C, BESIDE_C = 8e-17, 2e-17, -3.7e-16, 1.1e-17
"""Taken off by a spike that meets no weight; by the first and the last axon beside; off the first dendrite beside."""


def drops_V(axon: int, axons: int) -> tuple[float, float, float]:
    """How far three coupled membranes fall where an axon's spike takes its charge off each."""
    more = (FIRST_C if axon == 0 else 0.0) + (LAST_C if axon == axons - 1 else 0.0)
    taken = np.full(3, EDGE_C + more)
    taken[0] += BESIDE_C
    matrix = np.array([[C_M - C_C, -C_C, 0.0], [-C_C, C_M, -C_C], [0.0, -C_C, C_M - C_C]])
    left, inner, right = np.linalg.solve(matrix, -taken)
    return float(left), float(inner), float(right)


@pytest.mark.parametrize("axons", [2, 5, 65])
def test_charges_are_found(axons: int) -> None:
    seen = {axon: drops_V(axon, axons) for axon in {0, axons // 2, axons // 2 + 1, axons - 1} if axon < axons}
    found = edge_charge(seen, StoredCharge((C_M,)), C_C, axons)
    if axons == 2:  # the first and the last stand for all
        assert found.charge_C.value == pytest.approx(EDGE_C + (FIRST_C + LAST_C) / 2, rel=1e-9)
        assert found.first_axon_C.value == pytest.approx((FIRST_C - LAST_C) / 2, rel=1e-9)
    else:
        assert found.charge_C.value == pytest.approx(EDGE_C, rel=1e-9)
        assert found.first_axon_C.value == pytest.approx(FIRST_C, rel=1e-6)
        assert found.last_axon_C.value == pytest.approx(LAST_C, rel=1e-6)
    assert found.first_neuron_C.value == pytest.approx(BESIDE_C, rel=1e-6)
    assert found.first_neuron_C.stderr < 1e-24


def test_one_axon_is_no_last_one() -> None:
    found = edge_charge({0: drops_V(0, 3)}, StoredCharge((C_M,)), C_C, 1)
    assert found.charge_C.value == pytest.approx(EDGE_C + FIRST_C, rel=1e-9)
    assert found.first_axon_C.value == found.last_axon_C.value == 0.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_what_the_last_axon_does_more_is_no_charge_of_the_weight(model: PhysicalModel, sign: float) -> None:
    """It takes charge off the membrane whatever the weight; a negative weight's charge counts upwards."""
    charge_C, delay_s, axons = 3e-17, 5e-10, 5
    topology, design = Topology((axons, NEURONS)), Design()
    bench = ColumnBench(
        Circuit(topology, design, schematic(topology, design), "* models\n", 0.55), model, SimulatorOptions()
    )
    more_C = {0: FIRST_C, axons - 1: LAST_C}
    watched = [
        Watched(
            one,
            1e-8 * abs(one.weight),
            C_M,
            charge_C + delay_s * 1e-8 * abs(one.weight) + sign * more_C.get(one.axon, 0.0),
            0.0,
        )
        for one in bench.lone()
        if sign * one.weight > 0
    ]
    edge = EdgeCharge(
        charge_C=estimate(EDGE_C, 0.0, "C"),
        first_axon_C=estimate(FIRST_C, 0.0, "C"),
        last_axon_C=estimate(LAST_C, 0.0, "C"),
        first_neuron_C=estimate(0.0, 0.0, "C"),
    )
    found, rms_V = _turn_on(bench, watched, edge, C_M)
    assert found.charge_C.value == pytest.approx(charge_C, rel=1e-6)
    assert found.delay_s.value == pytest.approx(delay_s, rel=1e-6)
    assert rms_V < 1e-9
