"""Leakage: read off membranes that wait, told in unit currents where it counts, and solved for exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nonideal.characterize.column import Column, Leakage
from nonideal.characterize.estimate import estimate
from nonideal.characterize.leakage import Drift, Flowing, Wait, fit_drift
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp, Physics, layer_physics
from nonideal.characterize.reference import beta, membrane

BARE = Physics((0.0,), (0.0,), (0.0, 4.0), (0.0, 4.0), 0.154, 0.0, 0.0, 0.0, 0.0, 0.0)
LEAKY = replace(BARE, leak=3e-3, leak_positive=2e-3, leak_negative=-1e-3)


def test_what_waiting_synapses_pass_is_what_idle_membranes_do_not() -> None:
    waits = [Wait(0.5, 1e-7, 6e-5), Wait(1.0, 4e-7, 2.4e-4), Wait(-0.2, 2e-7, 4e-5), Wait(0.0, 5e-7, 9.0)]
    found = fit_drift(400.0, waits)
    assert (found.idle, found.positive, found.negative) == pytest.approx((400.0, 200.0, -200.0))
    assert [found.waiting(w) for w in (0.7, -0.7, 0.0)] == pytest.approx([200.0, -200.0, 0.0])
    told = found.leakage(estimate(1e-13, 1e-16, "F"))
    assert (told.idle_A, told.positive_A, told.negative_A) == pytest.approx((4e-11, 2e-11, -2e-11))
    assert fit_drift(400.0, []) == Drift(400.0, 0.0, 0.0)
    beside = found.leakage(estimate(1e-13, 1e-16, "F"), Flowing(1e-11, -3e-11))
    assert (beside.on_positive_A, beside.on_negative_A) == (1e-11, -3e-11)
    assert [Flowing(1e-11, -3e-11).of(w) for w in (0.1, -2.0, 0.0)] == [1e-11, -3e-11, 0.0]


def test_the_reference_leaks_until_each_spike_comes() -> None:
    weight, arrive = np.array([[0.5, -0.3, 0.0], [-0.2, 0.4, 0.1]]), np.array([[0.25, np.inf, 0.5]])
    told = membrane(BARE, weight, arrive)
    leaked = membrane(LEAKY, weight, arrive) - told
    assert leaked[0] == pytest.approx([3e-3 + 2e-3 * 0.25 - 1e-3, 3e-3 - 1e-3 * 0.25 + 2e-3 + 2e-3 * 0.5])


def test_a_synapse_that_is_on_leaks_otherwise() -> None:
    weight, arrive = np.array([[0.5, -0.3, 0.0]]), np.array([[0.25, 0.75, 0.5]])
    on = replace(LEAKY, leak_on_positive=-4e-3, leak_on_negative=5e-3)
    more = membrane(on, weight, arrive) - membrane(LEAKY, weight, arrive)
    assert more[0, 0] == pytest.approx(-4e-3 * 0.75 + 5e-3 * 0.25)


def test_what_leaked_decays_as_all_else_does() -> None:
    physics = replace(LEAKY, beta_positive=(0.4,), leak_positive=0.0, leak_negative=0.0)
    weight = np.array([[0.8]])
    f = float(beta(physics, weight)[0, 0] * 0.8)
    quiet = membrane(replace(physics, leak=0.0), weight, np.array([[0.0]]))
    found = membrane(physics, weight, np.array([[0.0]])) - quiet
    assert found[0, 0] == pytest.approx(3e-3 * (1 - np.exp(-f)) / f)


def test_a_layer_tells_leakage_where_it_moves_spikes(columned: PhysicalModel, column: Column) -> None:
    def physics(factor: float) -> Physics:
        leakage = Leakage(idle_A=4e-11 * factor, positive_A=2.6e-11 * factor, negative_A=-2.2e-11 * factor)
        own = column.model_copy(update={"leakage": leakage})
        return layer_physics(columned.model_copy(update={"columns": (own,)}), column.axons)

    hot, mild = physics(1.0), physics(1e-3)
    unit_A = BottomUp(columned).unit_current_A(column.axons)
    assert (hot.leak, hot.leak_positive, hot.leak_negative) == pytest.approx(
        (4e-11 / unit_A, 2.6e-11 / unit_A, -2.2e-11 / unit_A)
    )
    assert (mild.leak, mild.leak_positive, mild.leak_negative) == (0.0, 0.0, 0.0)
    assert layer_physics(columned, column.axons).leak == 0.0
