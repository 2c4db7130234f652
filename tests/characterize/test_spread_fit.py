"""Fits of drawn specimens find the law that made them, and refuse what no law of theirs made."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from nonideal.characterize.errors import FitRefused
from nonideal.characterize.estimate import estimate
from nonideal.characterize.library_check import check_library
from nonideal.characterize.model import Branch
from nonideal.characterize.responses import fit_responses, least_squares, total
from nonideal.characterize.spread import NeuronSpread, SynapseSpread
from nonideal.characterize.spread_fit import (
    DrawnNeurons,
    DrawnSynapses,
    fire_time_norm,
    fit_neurons,
    fit_synapses,
)

Array = NDArray[np.float64]
UNIT_A, V0_V, B = 1e-7, 1.3, 0.15
MEMBRANE_V = np.linspace(0.5, 1.5, 11)
SIGMA_V = 0.012
UNDISTURBED = np.array([1.0, 0.77, 0.52, 0.32, 0.17])


def ln_current(bias_V: Array) -> Array:
    """A FET from weak to strong inversion."""
    return np.asarray(np.log(4e-7 * np.log1p(np.exp((bias_V - 0.62) / 0.066)) ** 2))


def branch(sign: float = 1.0) -> Branch:
    """Its table; ``sign`` -1 is a PMOS whose bias counts down from 1.8 V."""
    bias = np.linspace(0.2, 0.8, 49)
    return Branch(
        lambda_per_V=estimate(0.4, 0.0, "1/V"),
        lambda_polynomial_per_V=(0.4,),
        lambda_polynomial_rms_per_V=0.0,
        ln_current=tuple(ln_current(bias)),
        bias_V=tuple(bias if sign > 0 else 1.8 - bias),
        off_bias_V=0.0 if sign > 0 else 1.8,
        linearity_rms=0.0,
        current_min_A=1e-12,
        current_max_A=4e-7,
    )


def synapses(gain: float, sign: float = 1.0, noise: float = 0.0, draws: int = 200) -> DrawnSynapses:
    """Drawn pairs with that gain, selectors that add (0.3 x - 2 x^2) to ln I, and lambda of 0.4 - 0.02 ln(I / 1e-7 A)."""
    generator = np.random.default_rng(1)
    memory, select = generator.normal(0.0, SIGMA_V, (2, draws))
    overdrive = np.linspace(0.49, 0.68, 8)
    bias = overdrive if sign > 0 else 1.8 - overdrive
    table = branch(sign)
    curve = PchipInterpolator(np.sort(table.bias_V), np.array(table.ln_current)[np.argsort(table.bias_V)])
    moved = curve(bias + gain * np.append(0.0, memory)[:, None])
    x = np.append(0.0, select)[:, None]
    ln_I = (
        moved
        + 0.3 * x
        - 2.0 * x**2
        + noise * generator.normal(size=moved.shape) * (np.arange(1 + draws) > 0)[:, None]
    )
    slope = 0.4 - 0.02 * (ln_I - np.log(1e-7))
    current = np.exp(ln_I)[..., None] * (1.0 + slope[..., None] * (MEMBRANE_V - V0_V))
    return DrawnSynapses(bias, MEMBRANE_V, current, memory, select)


def fitted(drawn: DrawnSynapses, sign: float = 1.0) -> SynapseSpread:
    return fit_synapses(drawn, branch(sign), "n", ("MNM", "MNS"), UNIT_A, V0_V, (0.45, 1.57))


@pytest.mark.parametrize(("gain", "sign"), [(-1.0, 1.0), (-0.97, -1.0), (0.9, 1.0)])
def test_a_branchs_law_is_found_whatever_its_sign(gain: float, sign: float) -> None:
    found = fitted(synapses(gain, sign), sign)
    assert found.memory_gain.value == pytest.approx(gain, abs=1e-5)
    assert found.select_slope_per_V == pytest.approx([0.3] * 8, abs=1e-3)
    assert found.select_curvature_per_V2 == pytest.approx([-2.0] * 8, abs=0.05)
    assert max(found.residual_ln_current) < 1e-5
    assert np.all(np.diff(found.ln_current) > 0)
    assert (found.memory, found.select, found.draws) == ("MNM", "MNS", 200)


def test_spreads_are_standard_deviations_with_their_errors() -> None:
    drawn = synapses(-1.0)
    found = fitted(drawn)
    at_v0 = drawn.current_A[1:, :, 8]
    for j, one in enumerate(found.sigma_ln_current):
        assert one.value == pytest.approx(np.std(np.log(at_v0[:, j]), ddof=1), rel=1e-9)
        assert one.stderr == pytest.approx(one.value / np.sqrt(2 * 199))
    assert found.sigma_ln_current[0].value > found.sigma_ln_current[-1].value
    # lambda = 0.4 - 0.02 ln(I / 1e-7 A): its relative spread is 0.02 sigma / lambda.
    lam = 0.4 - 0.02 * (found.ln_current[4] - np.log(1e-7))
    expected = 0.02 * found.sigma_ln_current[4].value / lam
    assert found.sigma_lambda_rel[4].value == pytest.approx(expected, rel=1e-3)
    between = found.sigma_at(float(np.exp(0.5 * (found.ln_current[2] + found.ln_current[3]))))
    assert found.sigma_ln_current[3].value < between.value < found.sigma_ln_current[2].value


def test_currents_that_the_shifts_do_not_explain_are_refused() -> None:
    with pytest.raises(
        FitRefused, match=r"branch n: the shifts of MNM and MNS leave 2(\.\d)? % rms .* limit 1 %"
    ):
        fitted(synapses(-1.0, noise=0.02))


def test_a_current_that_is_none_is_refused() -> None:
    drawn = synapses(-1.0)
    drawn.current_A[3, 2] = -1e-15
    with pytest.raises(FitRefused, match="1 of 1608 currents of drawn synapses are not positive"):
        fitted(drawn)


def neurons(draws: int = 120, noise: float = 0.0) -> DrawnNeurons:
    """Ramp by the discharger alone, threshold by discharger, sensing bias (with the ramp too) and capacitor; ``MIS`` does nothing."""
    generator = np.random.default_rng(2)
    width = {"MDI": 0.007, "MSB": 0.012, "CM": 0.0066, "MIS": 0.02}
    shifts = {path: generator.normal(0.0, sigma, draws) for path, sigma in width.items()}
    ramp = -22.0 * shifts["MDI"] - 13.0 * shifts["MDI"] ** 2
    theta = (
        -0.8 * shifts["MDI"] + 0.8 * shifts["CM"] - shifts["MSB"] * (1.25 - 3.0 * shifts["MSB"] + 0.4 * ramp)
    )
    times = fire_time_norm(UNDISTURBED, ramp[:, None], theta[:, None], B)
    times += noise * generator.normal(size=times.shape)
    return DrawnNeurons(np.vstack([UNDISTURBED, times]), shifts)


def neuron_fit(drawn: DrawnNeurons) -> NeuronSpread:
    return fit_neurons(drawn, B, 1e-6, {"CM"})


def test_a_neurons_law_is_found_and_what_does_nothing_is_left_out() -> None:
    found = neuron_fit(neurons(noise=2e-5))
    assert set(found.ln_ramp) == {"MDI"}
    assert set(found.threshold) == {"MDI", "MSB", "CM"}
    assert set(found.threshold_with_ramp) == {"MSB"}
    discharger = found.ln_ramp["MDI"]
    assert (discharger.slope.value, discharger.slope.unit) == (pytest.approx(-22.0, rel=1e-3), "1/V")
    assert discharger.curvature == pytest.approx(-13.0, rel=0.1)
    assert found.threshold["MSB"].slope.value == pytest.approx(-1.25, rel=1e-3)
    assert found.threshold["MSB"].curvature == pytest.approx(3.0, rel=0.05)
    assert found.threshold_with_ramp["MSB"].value == pytest.approx(-0.4, rel=0.05)
    capacitor = found.threshold["CM"].slope
    assert (capacitor.value, capacitor.unit) == (pytest.approx(0.8, rel=0.01), "1")
    assert found.residual_s < 0.05e-9
    assert (found.draws, found.left_out) == (120, 0)
    assert found.sigma_ln_ramp.stderr == pytest.approx(found.sigma_ln_ramp.value / np.sqrt(2 * 119))


def test_a_neuron_that_does_not_fire_is_counted_and_changes_nothing() -> None:
    whole, lame = neurons(), neurons()
    lame.time_norm[[5, 9], 0] = np.nan
    found = neuron_fit(lame)
    assert (found.draws, found.left_out) == (118, 2)
    kept = [k for k in range(120) if k not in (4, 8)]
    alone = neuron_fit(
        DrawnNeurons(
            whole.time_norm[[0, *(k + 1 for k in kept)]], {p: x[kept] for p, x in whole.shifts.items()}
        )
    )
    assert found == alone.model_copy(update={"left_out": 2})


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda t: t.__setitem__((slice(1, 40), 0), np.nan), r"39 of 120 drawn neurons do not fire .* at most 2 %.*discharge.*draws = 0"),
        (lambda t: t.__setitem__((slice(1, 4), 0), np.nan), "3 of 120 drawn neurons do not fire"),
        (lambda t: t.__setitem__((0, slice(1, None)), 0.1), "the undisturbed neuron fires on a steady ramp from 1 of 5"),
        (lambda t: t.__setitem__(slice(1, None), t[1:, ::-1].copy()), "the later the more charge"),
    ],
)  # fmt: skip
def test_neurons_that_cannot_be_fitted_are_refused(spoil: object, told: str) -> None:
    drawn = neurons()
    assert callable(spoil)
    spoil(drawn.time_norm)
    with pytest.raises(FitRefused, match=told):
        neuron_fit(drawn)


def test_neurons_that_do_not_obey_the_law_are_refused() -> None:
    with pytest.raises(FitRefused, match=r"ns rms .* limit 5 ns: the sensing stage is too slow .*draws = 0"):
        neuron_fit(neurons(noise=0.01))


def test_spike_times_that_the_shifts_do_not_explain_are_refused() -> None:
    drawn = neurons()
    unknown = DrawnNeurons(drawn.time_norm, {p: x for p, x in drawn.shifts.items() if p != "MSB"})
    with pytest.raises(
        FitRefused,
        match=r"the shifts of a neuron's devices leave \d+ ns rms .* limit 5 ns: raise characterize.draws",
    ):
        neuron_fit(unknown)


def test_responses_add_up_to_what_was_fitted() -> None:
    generator = np.random.default_rng(3)
    shifts = {path: generator.normal(0.0, 0.01, 80) for path in "abc"}
    other = generator.normal(0.0, 0.1, 80)
    values = 2.0 * shifts["a"] - 30.0 * shifts["a"] ** 2 + shifts["b"] * (1.0 - 2.0 * other)
    found = fit_responses(shifts, values, other, apart={"a"})
    answers, along = found.responses(), found.along()
    assert (set(answers), set(along)) == ({"a", "b"}, {"b"})
    assert total(answers, shifts, along, other) == pytest.approx(values, abs=1e-9)
    assert total({}, shifts) == pytest.approx(np.zeros(80))
    assert fit_responses(shifts, generator.normal(size=80)).responses() == {}


def test_more_responses_than_specimens_are_refused() -> None:
    with pytest.raises(FitRefused, match=r"raise characterize\.draws"):
        least_squares(np.ones((3, 3)), np.ones(3))


@pytest.mark.parametrize(
    ("mean", "sigma", "agrees"), [(0.0, 1.0, True), (0.2, 1.0, False), (0.0, 1.15, False), (0.0, 0.85, False)]
)
def test_the_librarys_draws_are_judged(mean: float, sigma: float, agrees: bool) -> None:
    drawn = np.random.default_rng(4).normal(3.0 + mean * 0.01, sigma * 0.01, 1000)
    found = check_library("device", drawn, nominal=3.0, sigma=0.01, confidence=0.99996)
    assert found.agrees is agrees
    assert found.library_mean == pytest.approx(mean * 0.01, abs=2e-3)
    assert found.library_sigma == pytest.approx(sigma * 0.01, rel=0.1)
