"""The charge of a membrane and what flows beside weights, from membranes that were moved by known currents."""

from __future__ import annotations

import numpy as np
import pytest

from nonideal.characterize import stored_charge
from nonideal.characterize.column_bench import NEURONS, ColumnBench, Lone
from nonideal.characterize.leakage import Flowing
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.stored_charge import fit_stored_charge
from nonideal.characterize.swing import Levels, Swing
from nonideal.circuits.design import Design
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Circuit
from nonideal.spice import SimulatorOptions

C_M, BENT, UNIT_A, RESET_V = 117e-15, -0.3e-15, 1e-7, 1.3
BESIDE, MISSED_C = Flowing(4e-11, -2e-11), 3e-17


def moved(weight: float, start_s: float, beside: Flowing) -> Swing:
    """A membrane that bends, moved by a weight's current and what flows beside it, but for the charge that the arrival missed."""
    time_s = np.linspace(start_s, 1e-6, 301)
    charge_C = (weight * UNIT_A + beside.of(weight)) * (time_s - start_s) - np.sign(weight) * MISSED_C
    drop_V = (np.sqrt(C_M**2 + 4 * BENT * charge_C) - C_M) / (2 * BENT)
    lone = Lone(2, weight, start_s / 1e-6, False)
    return Swing(lone, start_s, 0.0, time_s, RESET_V - drop_V, (0.0, float(drop_V[-1]), 0.0), 0.0, 0.0)


@pytest.mark.parametrize("beside", [BESIDE, Flowing()])
def test_small_weights_show_what_flows_beside_them(
    beside: Flowing, model: PhysicalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        stored_charge, "charge_C",
        lambda column, swing, model, families: abs(swing.lone.weight) * UNIT_A * (swing.time_s - swing.arrival_s),
    )  # fmt: skip
    topology, design = Topology((5, NEURONS)), Design()
    circuit = Circuit(topology, design, schematic(topology, design), "* models\n", 0.55)
    column = ColumnBench(circuit, model, SimulatorOptions())
    starts = [(0.05, 1e-7), (-0.05, 1e-7), (0.5, 1e-7), (-0.5, 5e-7), (0.9, 2.5e-7), (-0.9, 7.5e-7)]
    swings = [moved(weight, start_s, beside) for weight, start_s in starts]
    levels = Levels(RESET_V, np.array([]), np.array([]))
    stored, found = fit_stored_charge(column, swings, model, {}, levels, leaks=True)
    assert stored.coefficients == pytest.approx((C_M, BENT), rel=1e-4)
    assert (found.positive_A, found.negative_A) == pytest.approx(
        (beside.positive_A, beside.negative_A), abs=1e-14
    )
    if beside == Flowing():
        quiet, none = fit_stored_charge(column, swings, model, {}, levels, leaks=False)
        assert quiet.coefficients == pytest.approx((C_M, BENT), rel=1e-4)
        assert none == Flowing()
