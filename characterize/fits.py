"""From curves to parameters, each with a standard error; what does not fit is refused with the reason."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from nonideal.characterize.errors import FitRefused
from nonideal.characterize.model import Estimate

Array = NDArray[np.float64]
Moves = tuple[tuple[str, str], ...]
"""What a refusal says to try, as ``FitRefused`` takes it."""
FEW_POINTS: Moves = (("lower", "characterize.membrane_step_V"), ("widen", "characterize.window_V"))
SLOW_SENSING: Moves = (
    ("lower", "circuit.supplies.vsense_V"),
    ("lower", "circuit.supplies.v0_V"),
    ("raise", "circuit.supplies.vdd_V"),
    ("widen", "circuit.neuron.sense_bias.w_um"),
)
"""The source of the sensing stage carries too little, or the reset level lies too near to the supply."""
LITTLE_ROOM: Moves = (
    ("raise", "circuit.supplies.v0_V"),
    ("raise", "circuit.supplies.vsense_V"),
    ("change", "circuit.neuron.discharge.w_um"),
)
"""The reset level lies too little above the sensing threshold."""
MIN_DROP_SPAN_V = 0.1
"""How far apart neurons must start to fire for a fit of threshold and discharge."""


@dataclass(frozen=True, slots=True)
class LineFit:
    """``y = intercept + slope * x`` with standard errors, their covariance, and the rms residual (units of y)."""

    slope: float
    slope_stderr: float
    intercept: float
    intercept_stderr: float
    covariance: float
    rms: float


def fit_line(x: Array, y: Array) -> LineFit:
    """Least-squares line through at least three points. Raises ``FitRefused`` for fewer points, no spread in x, or non-finite values."""
    if len(x) < 3 or not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        raise FitRefused(f"a line needs at least 3 finite points, got {len(x)}", *FEW_POINTS)
    if float(np.ptp(x)) == 0.0:
        raise FitRefused("all points lie at one abscissa: the slope is not determined", *FEW_POINTS)
    (slope, intercept), covariance = np.polyfit(x, y, 1, cov="unscaled")
    residual = y - (intercept + slope * x)
    variance = float(residual @ residual) / max(len(x) - 2, 1)
    errors = np.sqrt(np.diag(covariance) * variance)
    return LineFit(
        float(slope), float(errors[0]), float(intercept), float(errors[1]), float(covariance[0, 1] * variance), float(np.sqrt(np.mean(residual**2)))
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LambdaFit:
    """One I(V) curve as ``I0 (1 + lambda (V - V_0))``: I0 in amperes, lambda per volt (signed), rms residual relative to I0."""

    current_A: float
    lambda_per_V: float
    stderr_per_V: float
    linearity_rms: float


def fit_lambda(
    membrane_V: Array, current_A: Array, v0_V: float, window_V: tuple[float, float], max_rms: float = 0.02
) -> LambdaFit:
    """Relative slope of a current against membrane potential over ``window_V`` (paper, section 6).

    Raises ``FitRefused`` when the curve is flat within its error, not positive, or further than ``max_rms`` (relative) from a line.
    """
    inside = (membrane_V >= window_V[0] - 1e-9) & (membrane_V <= window_V[1] + 1e-9)
    line = fit_line(membrane_V[inside] - v0_V, current_A[inside])
    if line.intercept <= 0:
        raise FitRefused(
            f"the current at V_0 = {v0_V} V is {line.intercept:.3g} A, not positive: is the bias in range?",
            ("lower", "circuit.supplies.v0_V"),
            ("widen", "circuit.neuron.discharge.w_um"),
        )
    slope = line.slope / line.intercept
    # The slope and the current it is relative to come from one fit: V_0 lies at the window's edge, so their errors go together.
    variance = line.slope_stderr**2 + (slope * line.intercept_stderr) ** 2 - 2 * slope * line.covariance
    stderr = float(np.sqrt(max(variance, 0.0))) / line.intercept
    rms = line.rms / line.intercept
    if abs(slope) < 3 * stderr or abs(slope) < 1e-4:
        raise FitRefused(
            f"the curve is flat: lambda = {slope:.3g} +- {stderr:.2g} per volt",
            ("shorten", "circuit.neuron.discharge.l_um"),
            ("widen", "characterize.window_V"),
        )
    if rms > max_rms:
        raise FitRefused(
            f"the current is not linear in V over {window_V[0]} .. {window_V[1]} V: rms {100 * rms:.2f} % of I0, limit {100 * max_rms:.1f} %",
            ("lengthen", "circuit.neuron.discharge.l_um"),
            ("narrow", "characterize.window_V"),
            ("raise", "characterize.max_linearity_rms"),
        )
    return LambdaFit(line.intercept, slope, stderr, rms)


def fit_chord(membrane_V: Array, current_A: Array, v0_V: float, swing_V: tuple[float, float]) -> float:
    """Lambda of the line through the current at V_0 itself, for membranes that start there, per volt (signed).

    Deviations count by their distance from V_0: where a membrane ends up it has also spent the least time.
    """
    at_v0 = float(np.interp(v0_V, membrane_V, current_A))
    inside = (membrane_V >= swing_V[0] - 1e-9) & (membrane_V <= swing_V[1] + 1e-9)
    away = np.where(inside, membrane_V - v0_V, 0.0)
    relative = current_A / at_v0 - 1.0
    return float(np.sum(np.sign(away) * relative) / np.sum(np.abs(away)))


BETWEEN = 101
"""Currents at which a polynomial is looked at, as the trainer does."""


def fit_lambda_polynomial(
    current_norm: Array, lambda_per_V: Array, degree: int = 5
) -> tuple[tuple[float, ...], float]:
    """lambda as a polynomial of the normalised current (weight); returns (c_0, c_1, ...) and the rms residual per volt.

    Points and residual are weighted by the current: an error of lambda moves the membrane in proportion to it. Raises ``FitRefused`` for too
    few points, and where the polynomial is not above 0 all the way between them: it would swing between points that are too far apart.
    """
    if len(current_norm) <= degree + 1:
        raise FitRefused(
            f"lambda against current has {len(current_norm)} points, a polynomial of degree {degree} needs more than {degree + 1}",
            ("lower", "characterize.bias_step_V"),
            ("raise", "characterize.bias_span_V"),
        )
    coefficients = np.polyfit(current_norm, lambda_per_V, degree, w=np.sqrt(current_norm))[::-1]
    between = np.linspace(np.min(current_norm), np.max(current_norm), BETWEEN)
    lowest = int(np.argmin(along := np.polyval(coefficients[::-1], between)))
    if along[lowest] < 0.0:
        raise FitRefused(
            f"lambda against current is {along[lowest]:.3g} per volt at weight {between[lowest]:.3g} in the polynomial of degree {degree} "
            f"through {len(current_norm)} points, where a synapse's is positive",
            ("lower", "characterize.bias_step_V"),
            ("lower", "characterize.max_weight"),
        )
    residual = lambda_per_V - np.polyval(coefficients[::-1], current_norm)
    return tuple(float(c) for c in coefficients), float(
        np.sqrt(np.average(residual**2, weights=current_norm))
    )


def firing_time_norm(v_norm: Array, b: float) -> Array:
    """Unclipped firing time, in T_circ, of a neuron at v when firing starts (paper, section 2, non-ideal discharger)."""
    return np.asarray((np.log1p(-b) - np.log1p(-b * v_norm)) / np.log1p(-b))


@dataclass(frozen=True, slots=True)
class FiringFit:
    """Threshold and discharge of the firing phase from measured spike times."""

    v_th_V: Estimate
    b: Estimate
    rms_s: float
    worst_s: float


def fit_firing(drop_V: Array, spike_time_s: Array, t_circ_s: float, max_rms_s: float = 2e-9) -> FiringFit:
    """Fit V_th and b to spike times of neurons that start to fire ``drop_V`` below the reset level.

    Points that did not fire inside the phase must be left out. Raises ``FitRefused`` with the reason when the formula does not describe
    the measurement or a parameter is out of range.
    """
    if len(drop_V) < 5:
        raise FitRefused(
            f"only {len(drop_V)} neurons fired inside the phase; at least 5 are needed",
            *LITTLE_ROOM,
        )

    def formula(drop: Array, v_th: float, b: float) -> Array:
        return firing_time_norm(drop / v_th, b)

    if not (np.all(np.isfinite(drop_V)) and np.all(np.isfinite(spike_time_s))):
        raise FitRefused("the firing phase holds spike times that are not finite", *SLOW_SENSING)
    if float(np.ptp(drop_V)) < MIN_DROP_SPAN_V:
        raise FitRefused(
            f"the neurons start to fire within {np.ptp(drop_V):.3g} V: threshold and discharge need {MIN_DROP_SPAN_V} V",
            *LITTLE_ROOM,
        )
    spike_norm = spike_time_s / t_circ_s
    start = (float(np.clip(drop_V.max() * 1.1, 0.11, 1.69)), 0.1)
    try:
        (v_th, b), covariance = curve_fit(
            formula, drop_V, spike_norm, p0=start, bounds=((0.1, 1e-3), (1.7, 0.6))
        )
    except (RuntimeError, ValueError) as error:
        raise FitRefused(
            f"the firing phase does not determine threshold and discharge: {error}", *LITTLE_ROOM
        ) from error
    residual_s = (spike_norm - formula(drop_V, v_th, b)) * t_circ_s
    rms_s = float(np.sqrt(np.mean(residual_s**2)))
    errors = np.sqrt(np.diag(covariance))
    if rms_s > max_rms_s:
        raise FitRefused(
            f"the firing phase deviates {rms_s * 1e9:.2f} ns rms from the discharger's formula, limit {max_rms_s * 1e9:.1f} ns",
            *SLOW_SENSING,
        )
    if not 1.1e-3 < b < 0.59:
        raise FitRefused(
            f"discharge b = {b:.3g} ran into its bound: the ramp {'is flat' if b < 0.1 else 'collapses'}",
            ("shorten" if b < 0.1 else "lengthen", "circuit.neuron.discharge.l_um"),
            *SLOW_SENSING,
        )
    if not 0.101 < v_th < 1.69:
        raise FitRefused(
            f"threshold {v_th:.3g} V below the reset level ran into its bound",
            *(LITTLE_ROOM if v_th < 0.5 else SLOW_SENSING),
        )
    if not np.all(np.isfinite(errors)):
        raise FitRefused(
            f"the spike times of {len(drop_V)} neurons do not determine threshold and discharge: do they start at different levels?",
            *LITTLE_ROOM,
        )
    return FiringFit(
        Estimate(value=float(v_th), stderr=float(errors[0]), unit="V"), Estimate(value=float(b), stderr=float(errors[1]), unit="1"),
        rms_s, float(np.abs(residual_s).max()),
    )  # fmt: skip


def crossing_time_s(time_s: Array, voltage_V: Array, level_V: float, after_s: float) -> float | None:
    """First upward crossing of ``level_V`` after ``after_s`` by linear interpolation; None when there is none."""
    for i in np.flatnonzero(
        (voltage_V[:-1] < level_V) & (voltage_V[1:] >= level_V) & (time_s[1:] >= after_s)
    ):
        fraction = (level_V - voltage_V[i]) / (voltage_V[i + 1] - voltage_V[i])
        at = float(time_s[i] + fraction * (time_s[i + 1] - time_s[i]))
        if at >= after_s:
            return at
    return None


def solve_at(x: Array, y: Array, target: float, what: str, *, above: Moves = (), below: Moves = ()) -> float:
    """The x at which a monotone measured y reaches ``target`` (linear between points); refuses a target outside the measured span.

    What the refusal says to try: ``above`` where the target lies above all that was measured, else ``below``.
    """
    low, high = float(np.min(y)), float(np.max(y))
    if not low <= target <= high:
        raise FitRefused(
            f"{what}: {target:.4g} is outside the measured {low:.4g} .. {high:.4g}",
            *(above if target > high else below),
        )
    # Plateaus (a switch at its rails) are no trouble: only the step that passes the target counts.
    before = y < target if y[0] < y[-1] else y > target
    i = int(np.argmin(before)) if before[0] else 0
    if i == 0:
        return float(x[0])
    return float(x[i - 1] + (target - y[i - 1]) / (y[i] - y[i - 1]) * (x[i] - x[i - 1]))
