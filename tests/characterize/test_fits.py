"""Fits against closed forms: what was put in comes out, and what determines nothing is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from nonideal.characterize import fits
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.fits import (
    crossing_time_s,
    firing_time_norm,
    fit_firing,
    fit_lambda,
    fit_lambda_polynomial,
    fit_line,
    solve_at,
)
from nonideal.characterize.options import CharacterizeOptions
from nonideal.circuits.design import Design, Supplies

Array = NDArray[np.float64]
V0, WINDOW = 1.3, (0.43, 1.36)
VOLTS = np.arange(0.3, 1.701, 0.02)


@given(
    lam=st.floats(0.01, 1.0) | st.floats(-1.0, -0.01),
    ln_current=st.floats(np.log(1e-13), np.log(1e-6)),
)
def test_lambda_of_a_straight_curve(lam: float, ln_current: float) -> None:
    current = np.exp(ln_current)
    fit = fit_lambda(VOLTS, current * (1 + lam * (VOLTS - V0)), V0, WINDOW)
    assert fit.lambda_per_V == pytest.approx(lam, rel=1e-9)
    assert fit.current_A == pytest.approx(current, rel=1e-9, abs=0)
    assert fit.stderr_per_V < 1e-9
    assert fit.linearity_rms < 1e-9


def test_only_the_window_counts() -> None:
    current = 1e-7 * (1 + 0.4 * (VOLTS - V0))
    current[(VOLTS < 0.42) | (VOLTS > 1.37)] = np.nan
    assert fit_lambda(VOLTS, current, V0, WINDOW).lambda_per_V == pytest.approx(0.4)


def test_standard_error_is_that_of_repeated_measurements() -> None:
    """Over 400 noisy curves the scatter of lambda equals what each fit claims, and its error bars hold the truth."""
    rng = np.random.default_rng(1)
    truth = 1e-7 * (1 + 0.4 * (VOLTS - V0))
    fits = [fit_lambda(VOLTS, truth * (1 + rng.normal(0, 0.005, VOLTS.size)), V0, WINDOW) for _ in range(400)]
    found = np.array([f.lambda_per_V for f in fits])
    claimed = np.array([f.stderr_per_V for f in fits])
    assert found.mean() == pytest.approx(0.4, abs=4 * found.std() / 20)
    assert claimed.mean() == pytest.approx(found.std(), rel=0.15)
    assert 0.60 < np.mean(np.abs(found - 0.4) < claimed) < 0.76


@pytest.mark.parametrize(("current", "said"), [
    (np.full(VOLTS.size, 1e-7), "flat"),
    (1e-7 * (1 + 1e-5 * (VOLTS - V0)), "flat"),
    (1e-7 * (1 + 0.01 * (-1.0) ** np.arange(VOLTS.size)), "flat"),
    (1e-7 * np.exp(3 * (VOLTS - V0)), "not linear in V over 0.43 .. 1.36 V"),
    (-1e-7 * (1 + 0.4 * (VOLTS - V0)), "not positive"),
    (np.where(VOLTS > 0.9, np.nan, 1e-7), "finite"),
])  # fmt: skip
def test_curves_that_determine_no_lambda_are_refused(current: Array, said: str) -> None:
    with pytest.raises(FitRefused, match=said):
        fit_lambda(VOLTS, current, V0, WINDOW)


def test_a_refusal_names_the_keys_that_would_move_it_with_their_values() -> None:
    late = times_s(DROP, 0.87, 0.15) + 2e-8 * np.sin(20 * DROP)
    with pytest.raises(FitRefused) as caught:
        fit_firing(DROP, late, 1e-6)
    design = Design(supplies=Supplies(vdd_V=1.6, v0_V=1.3, vsense_V=0.95))
    sections = {"circuit": design.model_dump(), "characterize": CharacterizeOptions().model_dump()}
    told = str(caught.value.with_values(sections))
    assert "To try: lower circuit.supplies.vsense_V = 0.95; or lower circuit.supplies.v0_V = 1.3; or" in told
    assert "widen circuit.neuron.sense_bias.w_um = 0.5" in told
    own = sections | {"circuit": design.model_dump() | {"cells": {"neuron": "* mine"}}}
    assert "sense_bias" not in str(caught.value.with_values(own))


def test_every_key_that_a_refusal_may_name_exists() -> None:
    """Of every module that refuses: a key that was renamed would else be a KeyError in place of the message."""
    sections = {"circuit": Design().model_dump(), "characterize": CharacterizeOptions().model_dump()}
    keys = set()
    for name in ("fits", "neuron", "branch", "column_fit", "stage"):
        text = (Path(fits.__file__).parent / f"{name}.py").read_text(encoding="utf-8")
        for key in re.findall(r"\", f?\"((?:circuit|characterize)\.[\w.{}]+)\"\)", text):
            keys |= {key.replace("{polarity}", polarity) for polarity in "np"}
    assert {"circuit.supplies.v0_V", "circuit.synapse.memory_p.w_um", "characterize.window_V"} <= keys
    for key in keys:
        assert f"{key} = " in str(FitRefused("flat", ("move", key)).with_values(sections))


def test_the_limit_of_linearity_is_the_callers() -> None:
    bent = 1e-7 * (1 + 0.4 * (VOLTS - V0) + 0.1 * (VOLTS - V0) ** 2)
    with pytest.raises(FitRefused, match=r"limit 0\.1 %"):
        fit_lambda(VOLTS, bent, V0, WINDOW, max_rms=0.001)
    assert fit_lambda(VOLTS, bent, V0, WINDOW, max_rms=0.02).linearity_rms > 0.001


@pytest.mark.parametrize(("x", "said"), [([0.0, 1.0], "at least 3"), ([1.0, 1.0, 1.0], "one abscissa")])
def test_a_line_needs_points_apart(x: list[float], said: str) -> None:
    with pytest.raises(FitRefused, match=said):
        fit_line(np.array(x), np.array(x))


def test_lambda_polynomial_is_recovered_and_weighted_by_current() -> None:
    w = np.geomspace(1e-4, 2.0, 25)
    coefficients, rms = fit_lambda_polynomial(w, 0.78 - 0.1 * w + 0.02 * w**2)
    assert coefficients == pytest.approx((0.78, -0.1, 0.02, 0.0, 0.0, 0.0), abs=1e-9)
    assert rms < 1e-12
    spoiled = 0.78 - 0.1 * w + np.where(w < 1e-3, 0.5, 0.0)
    assert fit_lambda_polynomial(w, spoiled)[0][0] == pytest.approx(0.78, abs=0.02)
    with pytest.raises(FitRefused, match="6 points, a polynomial of degree 5 needs more than 6"):
        fit_lambda_polynomial(w[:6], w[:6])


def test_a_polynomial_that_swings_below_zero_is_refused_with_the_key_that_mends_it() -> None:
    """Eight points, as ``bias_step_V = 0.05`` leaves them: training on such a model failed, with "beta is -0.05"."""
    w = np.array([1e-3, 5e-3, 0.02, 0.06, 0.2, 0.6, 1.6, 4.0])
    lambdas = np.where(w < 0.3, 0.8, 0.05)
    with pytest.raises(
        FitRefused, match=r"is -\S+ per volt at weight \S+ in the polynomial .* 8 points"
    ) as caught:
        fit_lambda_polynomial(w, lambdas)
    assert caught.value.moves[0] == ("lower", "characterize.bias_step_V")
    finer = np.geomspace(1e-3, 4.0, 60)
    assert fit_lambda_polynomial(finer, 0.4 + 0.35 * np.exp(-finer))[1] < 0.01


# Spike times: t = [ln(1-b) - ln(1 - b v)] / ln(1-b), v the drop below the reset level in units of V_th.
def times_s(drop_V: Array, v_th: float, b: float) -> Array:
    return np.array([1e-6 * (1 - np.log(1 - b * v / v_th) / np.log(1 - b)) for v in drop_V])


@given(v_th=st.floats(0.3, 1.4), b=st.floats(0.01, 0.5))
def test_threshold_and_discharge_are_recovered(v_th: float, b: float) -> None:
    drop = v_th * np.linspace(-0.1, 0.85, 20)
    fit = fit_firing(drop, times_s(drop, v_th, b), 1e-6)
    assert fit.v_th_V.value == pytest.approx(v_th, rel=1e-5)
    assert fit.b.value == pytest.approx(b, abs=2e-5)
    assert fit.worst_s < 1e-12


def test_firing_time_runs_from_the_threshold_to_the_end_of_the_phase() -> None:
    assert firing_time_norm(np.array([1.0, 0.0]), 0.2) == pytest.approx([0.0, 1.0])
    assert firing_time_norm(np.array([0.5]), 1e-9)[0] == pytest.approx(0.5, abs=1e-6)


def test_firing_errors_are_those_of_repeated_measurements() -> None:
    rng = np.random.default_rng(2)
    drop = np.linspace(0.0, 0.75, 20)
    truth = times_s(drop, 0.87, 0.15)
    fits = [fit_firing(drop, truth + rng.normal(0, 0.5e-9, drop.size), 1e-6) for _ in range(150)]
    for name, true in (("v_th_V", 0.87), ("b", 0.15)):
        found = np.array([getattr(f, name).value for f in fits])
        claimed = np.mean([getattr(f, name).stderr for f in fits])
        assert claimed == pytest.approx(found.std(), rel=0.25)
        assert found.mean() == pytest.approx(true, abs=5 * found.std() / 12)


DROP = np.linspace(0.0, 0.75, 12)


@pytest.mark.parametrize(("drop", "seconds", "said"), [
    (DROP[:4], times_s(DROP, 0.87, 0.15)[:4], "only 4 neurons fired"),
    (DROP, times_s(DROP, 0.87, 0.15) + 2e-8 * np.sin(20 * DROP), "deviates .* ns rms"),
    (DROP, times_s(DROP, 0.87, 1e-5), "ran into its bound"),
    (DROP, np.full(12, np.nan), "not finite"),
    (np.zeros(12), np.full(12, 1e-6), "start to fire within 0 V"),
    (DROP * 0.1, times_s(DROP, 0.87, 0.15), "start to fire within 0.075 V"),
    (DROP * 3, times_s(DROP, 0.87, 0.15), "deviates|bound"),
])  # fmt: skip
def test_firing_that_determines_nothing_is_refused(drop: Array, seconds: Array, said: str) -> None:
    with pytest.raises(FitRefused, match=said):
        fit_firing(drop, seconds, 1e-6)


def test_crossing_is_interpolated_and_upward() -> None:
    time = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    wave = np.array([1.8, 0.0, 0.6, 1.2, 0.0, 1.8])
    assert crossing_time_s(time, wave, 0.9, 0.0) == pytest.approx(2.5)
    assert crossing_time_s(time, wave, 0.9, 3.0) == pytest.approx(4.5)
    assert crossing_time_s(time, wave, 0.9, 2.4) == pytest.approx(2.5)
    assert crossing_time_s(time, wave, 1.9, 0.0) is None


def test_a_crossing_before_the_start_does_not_count_though_its_interval_reaches_past_it() -> None:
    assert crossing_time_s(np.array([0.0, 1.0]), np.array([0.0, 1.8]), 0.9, 0.6) is None


def test_solve_at_takes_rising_and_falling_curves() -> None:
    x = np.linspace(0, 1, 11)
    assert solve_at(x, 2 * x, 0.5, "y") == pytest.approx(0.25)
    assert solve_at(x, 1 - x, 0.3, "y") == pytest.approx(0.7)
    step = np.where(x < 0.45, 1.8, 0.0)
    assert solve_at(x, step, 0.9, "switch") == pytest.approx(0.45)


@pytest.mark.parametrize("target", [-0.1, 2.1, float("nan")])
def test_solve_at_refuses_what_was_not_measured(target: float) -> None:
    with pytest.raises(FitRefused, match=r"threshold: .* outside the measured 0 \.\. 2"):
        solve_at(np.linspace(0, 1, 5), 2 * np.linspace(0, 1, 5), target, "threshold")
