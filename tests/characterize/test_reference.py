"""The reference evaluation against the differential equation it solves, and against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from nonideal.characterize.physics import Physics
from nonideal.characterize.reference import beta, coupling_matrix, firing_time, membrane, spike_times

BARE = Physics((0.36,), (-0.67,), (0.0, 4.0), (0.0, 4.0), 0.154, 0.0, 0.0, 0.0, 0.0, 0.0)
FULL = Physics(
    (0.37, -0.02, 0.004),
    (-0.69, 0.1, -0.02),
    (1e-5, 4.0),
    (1e-5, 4.0),
    0.156,
    3e-4,
    2e-4,
    -1e-4,
    1.6e-3,
    3e-4,
)


def slope(_: float, v: np.ndarray, g: np.ndarray, f: np.ndarray) -> np.ndarray:
    return np.asarray(g - f * v)


def ode(physics: Physics, weight: np.ndarray, arrive: np.ndarray) -> np.ndarray:
    """One sample by scipy, from arrival to arrival, then coupled."""
    conductance = beta(physics, weight) * weight
    charge = np.where(
        weight > 0, -physics.charge_positive, np.where(weight < 0, physics.charge_negative, 0.0)
    )
    when = np.where(arrive < 1.0, np.maximum(arrive, 0.0) + physics.delay, np.inf)
    v, now = np.zeros(len(weight)), 0.0
    on = np.zeros(len(arrive))
    for j in [*np.argsort(when, kind="stable"), None]:
        until = 1.0 if j is None else min(float(when[j]), 1.0)
        if until > now:
            g, f = weight @ on, conductance @ on
            v = solve_ivp(slope, (now, until), v, args=(g, f), rtol=1e-11, atol=1e-13).y[:, -1]
            now = until
        if j is None or when[j] >= 1.0:
            if j is None:
                break
            continue
        on[j] = 1.0
        v = v + charge[:, j]
    return np.asarray(coupling_matrix(len(weight), physics.coupling) @ v)


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    neurons=st.integers(1, 4),
    axons=st.integers(1, 6),
    physics=st.sampled_from([BARE, FULL]),
)
def test_it_solves_the_equation(seed: int, neurons: int, axons: int, physics: Physics) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.uniform(-1.5, 1.5, (neurons, axons))
    arrive = rng.uniform(-0.1, 1.2, axons)
    assert membrane(physics, weight, arrive[None])[0] == pytest.approx(ode(physics, weight, arrive), abs=1e-8)


def test_no_conductance_is_the_weighted_sum() -> None:
    ideal = replace(BARE, beta_positive=(0.0,), beta_negative=(0.0,))
    v = membrane(ideal, np.array([[0.5, -0.25]]), np.array([[0.2, 0.6]]))
    assert v[0, 0] == pytest.approx(0.5 * 0.8 - 0.25 * 0.4, abs=1e-12)


def test_what_comes_at_one_or_later_or_is_held_back_beyond_it_does_nothing() -> None:
    late = replace(FULL, delay=0.01)
    weight = np.array([[0.7, 0.7, 0.7]])
    assert membrane(late, weight, np.array([[1.0, np.inf, 0.995]]))[0, 0] == 0.0


def test_an_absent_synapse_brings_no_charge() -> None:
    assert membrane(FULL, np.zeros((2, 3)), np.zeros((1, 3))).tolist() == [[0.0, 0.0]]


def test_charge_is_taken_off_at_the_arrival() -> None:
    """A synapse of no current but with charge: v jumps down and stays, to first order in the tiny weight."""
    charged = replace(BARE, charge_positive=0.01)
    v = membrane(charged, np.array([[1e-9]]), np.array([[0.5]]))
    assert v[0, 0] == pytest.approx(-0.01, abs=1e-8)


def test_coupled_swings_conserve_charge() -> None:
    """C_i v_i - C_c (v of the neighbours) is what was put on membrane i; outer ones have one neighbour less."""
    coupling, own = 0.01, np.array([0.3, -0.1, 0.5, 0.2])
    v = coupling_matrix(4, coupling) @ own
    capacitance = np.array([1 - coupling, 1.0, 1.0, 1 - coupling])
    left, right = np.array([0.0, *v[:-1]]), np.array([*v[1:], 0.0])
    assert capacitance * v - coupling * (left + right) == pytest.approx(own, abs=1e-15)
    assert coupling_matrix(1, 0.0).tolist() == [[1.0]]


def test_common_swings_see_no_coupling_but_a_smaller_capacitance() -> None:
    v = coupling_matrix(5, 0.002) @ np.ones(5)
    assert v == pytest.approx(np.full(5, 1 / (1 - 0.004)), rel=1e-12)


def test_firing_is_the_papers_formula() -> None:
    v = np.array([0.0, 0.4, 1.0])
    b = BARE.discharge
    expected = (np.log(1 - b) - np.log(1 - b * v)) / np.log(1 - b)
    assert firing_time(BARE, v) == pytest.approx(expected, abs=1e-14)
    assert firing_time(replace(BARE, spike_delay=0.01), v) == pytest.approx(expected + 0.01, abs=1e-14)


def test_a_silent_neuron_drives_nothing() -> None:
    """Layer 2 of a network whose layer 1 never fires stays at its reset level, and so does not fire inside the phase."""
    times = spike_times([BARE, BARE], [np.array([[-1.0]]), np.array([[2.0]])], np.array([[0.1]]))
    assert times[0][0, 0] > 1.0
    assert times[1][0, 0] == pytest.approx(1.0, abs=1e-12)
