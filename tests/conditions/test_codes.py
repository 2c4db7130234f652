"""A network of codes in other conditions: home's model with what the silicon does otherwise there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nonideal.characterize.condition import Condition
from nonideal.characterize.fixed_bias import FiringCurve
from nonideal.characterize.generator import Settled
from nonideal.characterize.lines import OnLines
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp, column_for, network_physics
from nonideal.characterize.reference import spike_times
from nonideal.circuits.design import Design
from nonideal.circuits.supply_offsets import SupplyOffsets
from nonideal.conditions.codes import Coded, Met, design_there, predicted, table, tell_all
from nonideal.conditions.network import Task
from nonideal.sky130_models import Corner

WEIGHTS = (np.array([[0.5, -0.2], [0.3, 0.4]]), np.array([[0.6, 0.1]]))
HOME = Condition(Corner.tt, 27.0)


@pytest.fixture
def coded(two_axons: PhysicalModel) -> Coded:
    inputs = np.random.default_rng(2).uniform(0.0, 0.9, (6, 2))
    task = Task(WEIGHTS, inputs, np.zeros(6, np.int64), 1)
    column = column_for(two_axons, 2)
    unit_A = BottomUp(two_axons).unit_current_A(2)
    return Coded(
        task, network_physics(two_axons, (2, 2, 1)), (column.v_th_V.value,) * 2, (unit_A,) * 2, (0.6, 0.6)
    )


@pytest.fixture
def home() -> OnLines:
    drop_V = np.linspace(0.0, 0.8, 9)
    settled = Settled(
        replica_s=np.array([1e-6]),
        silent_s=np.array([1e-6]),
        control_V=np.array([0.88]),
        current_A={"n": 1e-8, "p": 1e-8, "dis": 1e-7},
        static_A=5e-6,
        bias_V={"vdis": 0.55, "vsense": 0.95},
        target_s=1e-6,
    )
    return OnLines(settled, FiringCurve(drop_V, 1.0 - drop_V), {"n": 0.2, "p": -0.05}, 140e-15, 0.0, 0.0)


def moved(home: OnLines, **current_A: float) -> OnLines:
    return replace(home, settled=replace(home.settled, current_A=dict(home.settled.current_A) | current_A))


def test_home_is_what_its_blind_model_says(coded: Coded, home: OnLines) -> None:
    told = predicted(coded, home, home)
    for one, other in zip(told.times, spike_times(coded.physics, WEIGHTS, coded.task.inputs), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_units_that_carry_more_are_larger_weights(coded: Coded, home: OnLines) -> None:
    there = predicted(coded, home, moved(home, n=1.05e-8))
    larger = tuple(np.where(weight >= 0, 1.05, 1.0) * weight for weight in WEIGHTS)
    for one, other in zip(there.times, spike_times(coded.physics, larger, coded.task.inputs), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
    # A membrane that is larger by as much takes it back.
    same = predicted(coded, home, replace(moved(home, n=1.05e-8, p=1.05e-8), membrane_F=1.05 * 140e-15))
    np.testing.assert_allclose(same.times[0], predicted(coded, home, home).times[0], atol=1e-12)


def test_a_later_ramp_and_leakage_move_spikes(coded: Coded, home: OnLines) -> None:
    at_home = predicted(coded, home, home).times[0]
    late = FiringCurve(home.firing.drop_V, home.firing.time_norm + 0.01)
    np.testing.assert_allclose(
        predicted(coded, home, replace(home, firing=late)).times[0], at_home + 0.01, atol=1e-12
    )
    leaky = predicted(coded, home, replace(home, idle_A=1e-9)).times[0]
    assert np.all(leaky < at_home)


def test_a_condition_that_was_not_measured_keeps_its_reason(coded: Coded, home: OnLines) -> None:
    cold = Condition(Corner.ss, -40.0)
    told = tell_all(coded, [Met(HOME, home), Met(cold, None, "its loop has not settled")], 1e-6, 1.005)
    found = table(told)
    assert list(found["problem"]) == ["", "its loop has not settled"]
    assert found["kept_accuracy"][0] == 1.0
    assert np.isnan(found["kept_accuracy"][1])
    assert np.isnan(found["kept_unit_ratio_N"][1])


def test_the_reset_level_follows_the_supply_and_may_be_off_itself() -> None:
    weak = Condition(Corner.tt, 85.0, SupplyOffsets(vdd_V=-0.18))
    supplies = design_there(weak, Design()).supplies
    assert (supplies.vdd_V, supplies.v0_V, supplies.temperature_C) == (1.62, 1.165, 85.0)
    off = Condition(Corner.tt, 27.0, SupplyOffsets(v0_V=0.02))
    assert design_there(off, Design()).supplies.v0_V == pytest.approx(1.32)
