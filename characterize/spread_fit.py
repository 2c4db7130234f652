"""From drawn specimens, whose shifts are known, to responses and spreads; what the laws do not describe is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from nonideal.characterize import fits
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.estimate import Estimate, estimate
from nonideal.characterize.model import Branch
from nonideal.characterize.responses import fit_responses, least_squares, total
from nonideal.characterize.spread import NeuronSpread, SynapseSpread

Array = NDArray[np.float64]
WEIGHTS = (0.1, 2.0)
"""Where a trained network's currents lie: the memory FET's gain is found and the residual judged there."""
MAX_LN_RMS = 0.01
"""Largest rms of ln I that known shifts may leave unexplained."""
MAX_TIME_RMS_NORM = 5e-3
"""Largest rms of a drawn neuron's spike times, in T_circ, that known shifts may leave unexplained."""
EARLIEST_NORM = 0.15
"""Earlier spikes are left out: the sensing stage has not yet reached its steady ramp."""
LEAST_SPIKES = 3
"""Of one drawn neuron, later than that: two parameters and a residual."""
MOST_LEFT_OUT = 0.02
"""Share of the drawn neurons that may be left out as not firing: they are the tail, and sigma without it is up to 5 % too small,
which is one standard error of it on 200 draws."""


def spread_of(values: Array, unit: str) -> Estimate:
    """Standard deviation of normal values [draws] and its standard error."""
    sigma = float(np.std(values, ddof=1))
    return estimate(sigma, sigma / np.sqrt(2 * (len(values) - 1)), unit)


@dataclass(frozen=True, slots=True)
class DrawnSynapses:
    """One branch as measured, the undisturbed pair first: positive currents ``[1 + draws, bias, membrane]`` in A, and the shifts in V."""

    bias_V: Array
    membrane_V: Array
    current_A: Array
    memory_V: Array
    select_V: Array


def fit_synapses(
    drawn: DrawnSynapses,
    branch: Branch,
    polarity: str,
    paths: tuple[str, str],
    unit_A: float,
    v0_V: float,
    swing_V: tuple[float, float],
) -> SynapseSpread:
    """How a branch answers to the shifts of its memory FET and selector (``paths``), and how far it spreads.

    Raises ``FitRefused`` where the law of ``SynapseSpread`` leaves more than ``MAX_LN_RMS`` within ``WEIGHTS``.
    """
    draws = len(drawn.memory_V)
    at_v0 = np.array([[np.interp(v0_V, drawn.membrane_V, row) for row in one] for one in drawn.current_A])
    if not np.all(at_v0 > 0):
        raise FitRefused(
            f"branch {polarity}: {int(np.sum(at_v0 <= 0))} of {at_v0.size} currents of drawn synapses are not positive: are the biases in range?"
        )
    order = np.argsort(at_v0[0])
    bias_V, ln_I = drawn.bias_V[order], np.log(at_v0[:, order])
    change = ln_I[1:] - ln_I[0]
    # One table forwards, from bias to ln I; ``nonideal.circuits.network.mapping`` inverts the one from ln I to bias, alike to 1e-5 in between.
    rising = np.argsort(branch.bias_V)
    table = PchipInterpolator(np.array(branch.bias_V)[rising], np.array(branch.ln_current)[rising])
    weight = np.exp(ln_I[0]) / unit_A
    inside = (weight >= WEIGHTS[0]) & (weight <= WEIGHTS[1])
    if inside.sum() < 2:
        raise FitRefused(
            f"branch {polarity}: {int(inside.sum())} of {len(weight)} biases lie between weights {WEIGHTS[0]} and {WEIGHTS[1]}, at least 2 are needed"
        )
    memory, select = drawn.memory_V, drawn.select_V
    gains = np.array(
        [_memory_gain(table, bias_V[j], change[:, j], memory, select) for j in np.flatnonzero(inside)]
    )
    gain = float(gains.mean())
    # That the gain is one number for all currents is the larger part of its error.
    memory_gain = estimate(gain, float(gains.std(ddof=1)), "1")
    slopes, curvatures, residuals = [], [], []
    for j, bias in enumerate(bias_V):
        rest = change[:, j] - (table(bias + gain * memory) - table(bias))
        columns = np.stack([select, select**2], axis=1)
        (slope, curvature), _ = least_squares(columns, rest)
        slopes.append(float(slope))
        curvatures.append(float(curvature))
        residuals.append(float(np.sqrt(np.mean((rest - columns @ (slope, curvature)) ** 2))))
    worst = float(np.max(np.array(residuals)[inside]))
    if not worst <= MAX_LN_RMS:
        raise FitRefused(
            f"branch {polarity}: the shifts of {paths[0]} and {paths[1]} leave {100 * worst:.2g} % rms of the current unexplained, limit "
            f"{100 * MAX_LN_RMS:.0f} %: is the memory FET far from weak inversion, or characterize.max_weight too large?"
        )
    lambdas = np.array(
        [[fits.fit_chord(drawn.membrane_V, one[i], v0_V, swing_V) for i in order] for one in drawn.current_A]
    )
    return SynapseSpread(
        memory=paths[0],
        select=paths[1],
        memory_gain=memory_gain,
        ln_current=tuple(float(x) for x in ln_I[0]),
        select_slope_per_V=tuple(slopes),
        select_curvature_per_V2=tuple(curvatures),
        sigma_ln_current=tuple(spread_of(change[:, j], "1") for j in range(len(bias_V))),
        sigma_lambda_rel=tuple(spread_of(lambdas[1:, j] / lambdas[0, j], "1") for j in range(len(bias_V))),
        residual_ln_current=tuple(residuals),
        draws=draws,
    )


def _memory_gain(
    table: PchipInterpolator, bias_V: float, change: Array, memory_V: Array, select_V: Array
) -> float:
    """The change of gate bias that a shift of the memory FET amounts to, per volt, at one bias."""
    slope = float(table(bias_V, 1))
    gain = float(memory_V @ change / (memory_V @ memory_V)) / slope
    for _ in range(6):
        moved = bias_V + gain * memory_V
        columns = np.stack([table(moved, 1) * memory_V, select_V, select_V**2], axis=1)
        found, _ = least_squares(columns, change - (table(moved) - table(bias_V)))
        gain += float(found[0])
        if abs(found[0]) < 1e-7:
            break
    return gain


@dataclass(frozen=True, slots=True)
class DrawnNeurons:
    """Spike times ``[1 + draws, levels]`` in T_circ, NaN for none, the undisturbed neuron first; shifts by path, [draws]."""

    time_norm: Array
    shifts: Mapping[str, Array]


def fit_neurons(drawn: DrawnNeurons, b: float, t_circ_s: float, capacitors: Collection[str]) -> NeuronSpread:
    """How a neuron's ramp and threshold answer to the shifts of its devices (``capacitors`` are those that are none).

    Raises ``FitRefused`` where too few neurons fire, or the law of ``NeuronSpread`` leaves more than ``MAX_TIME_RMS_NORM``.
    """
    usable = drawn.time_norm > EARLIEST_NORM
    levels = usable[0] & np.isfinite(drawn.time_norm[0])
    if levels.sum() < LEAST_SPIKES:
        raise FitRefused(
            f"the undisturbed neuron fires on a steady ramp from {int(levels.sum())} of {len(levels)} charges, at least {LEAST_SPIKES} are needed"
        )
    undisturbed, times, usable = drawn.time_norm[0, levels], drawn.time_norm[1:, levels], usable[1:, levels]
    fired = np.isfinite(times).all(axis=1) & (usable.sum(axis=1) >= LEAST_SPIKES)
    draws = len(times)
    left_out = int(draws - fired.sum())
    if left_out > MOST_LEFT_OUT * draws:
        raise FitRefused(
            f"{left_out} of {draws} drawn neurons do not fire often enough to be fitted, at most {100 * MOST_LEFT_OUT:.0f} % may be left out: "
            "the spread of the others would be too small. Enlarge the devices that spread most (circuit.neuron.discharge, sense_n, "
            "sense_bias), or set characterize.draws = 0"
        )
    ln_ramp, threshold = np.array(
        [
            _ramp_and_threshold(undisturbed[ok], row[ok], b)
            for row, ok in zip(times[fired], usable[fired], strict=True)
        ]
    ).T
    late = usable[fired]
    own = fire_time_norm(undisturbed, ln_ramp[:, None], threshold[:, None], b)
    own_rms = _rms((own - times[fired])[late])
    if not own_rms <= MAX_TIME_RMS_NORM:
        raise FitRefused(
            f"a ramp and a threshold of each drawn neuron's own leave {1e9 * own_rms * t_circ_s:.2g} ns rms of its spike times unexplained, limit "
            f"{1e9 * MAX_TIME_RMS_NORM * t_circ_s:.2g} ns: the sensing stage is too slow for the firing law; lower circuit.supplies.vsense_V, or "
            "set characterize.draws = 0"
        )
    shifts = {path: values[fired] for path, values in drawn.shifts.items()}
    ramp = fit_responses(shifts, ln_ramp).responses(capacitors)
    known_ramp = total(ramp, shifts)
    found = fit_responses(shifts, threshold, known_ramp, apart=ramp)
    theta, with_ramp = found.responses(capacitors), found.along()
    known_theta = total(theta, shifts, with_ramp, known_ramp)
    predicted = fire_time_norm(undisturbed, known_ramp[:, None], known_theta[:, None], b)
    rms = _rms((predicted - times[fired])[late])
    if not rms <= MAX_TIME_RMS_NORM:
        raise FitRefused(
            f"the shifts of a neuron's devices leave {1e9 * rms * t_circ_s:.2g} ns rms of its spike times unexplained, limit "
            f"{1e9 * MAX_TIME_RMS_NORM * t_circ_s:.2g} ns: raise characterize.draws, or enlarge the devices that spread most"
        )
    return NeuronSpread(
        ln_ramp=ramp,
        threshold=theta,
        threshold_with_ramp=with_ramp,
        sigma_ln_ramp=spread_of(ln_ramp, "1"),
        sigma_threshold=spread_of(threshold, "1"),
        residual_s=rms * t_circ_s,
        draws=int(fired.sum()),
        left_out=left_out,
    )


def fire_time_norm(undisturbed: Array, ln_ramp: Array, threshold: Array, b: float) -> Array:
    """When a neuron fires, by the law of ``NeuronSpread``; ``threshold`` is theta - 1."""
    crossing = np.log1p(-b * (1.0 + threshold)) / np.log1p(-b)
    return np.asarray((undisturbed - 1.0 + crossing) * np.exp(-ln_ramp))


def _rms(error: Array) -> float:
    return float(np.sqrt(np.mean(error**2)))


def _ramp_and_threshold(undisturbed: Array, times: Array, b: float) -> tuple[float, float]:
    """ln r and theta - 1 of one neuron: by the law its times are a line in those of the undisturbed one."""
    line = fits.fit_line(undisturbed, times)
    if not line.slope > 0:
        raise FitRefused("a drawn neuron fires the later the more charge its membrane holds")
    crossing = 1.0 + line.intercept / line.slope
    return -float(np.log(line.slope)), float(-np.expm1(crossing * np.log1p(-b)) / b) - 1.0
