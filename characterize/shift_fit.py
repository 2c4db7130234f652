"""Fits what biases do in another condition than home: laws through measured ``FixedBiases``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from nonideal.characterize.errors import FitRefused
from nonideal.characterize.fixed_bias import FixedBiases
from nonideal.characterize.model import Branch, PhysicalModel
from nonideal.characterize.physics import BottomUp
from nonideal.characterize.shift import CurrentShift, LayerShift
from nonideal.circuits.network.mapping import bias_for_current

Array = NDArray[np.float64]
LN_BENDS = (-4.6, 4.6)
"""Where a bend is looked for, its ln: weights of a network lie well within."""
SMALLEST = 0.02
"""Smaller weights do not count: one of 0.02 moves a spike by a hundredth of a phase."""
POINTS = 20
MOST_LN = 0.1
MOST_NORM = 0.02
"""What a law may be off, rms, before it is refused: ln I, spike time in T_circ."""


@dataclass(frozen=True, slots=True)
class FittedShift:
    """A layer's shift and the rms errors of its laws: of ln I over weights, of spike times in T_circ over reset levels."""

    shift: LayerShift
    error_ln: float
    error_norm: float


def fit_layer(model: PhysicalModel, home: FixedBiases, here: FixedBiases, axons: int) -> FittedShift:
    """What a layer's biases do ``here`` that were written with ``model`` at ``home``.

    Raises ``FitRefused`` where the laws do not hold, or where too few neurons fire to tell.
    """
    unit_A = BottomUp(model).unit_current_A(axons)
    fitted = [
        _fit_branch(polarity, branch, unit_A, home, here)
        for polarity, branch in (("n", model.positive), ("p", model.negative))
    ]
    column = min(home.firing, key=lambda count: abs(count - axons))
    then, now = home.firing[column], here.firing[column]
    seen = np.isfinite(now.time_norm)
    wanted = then.times(now.drop_V[seen])
    inside = np.isfinite(wanted) & (wanted > 0.0)
    if inside.sum() < 3:
        raise FitRefused(
            f"at the biases of home a neuron fires from {int(inside.sum())} of {len(seen)} levels only, 3 are needed: "
            "train for conditions nearer home"
        )
    wanted, found = wanted[inside], now.time_norm[seen][inside]
    gain, offset = np.polyfit(wanted, found, 1)
    error = found - (gain * wanted + offset)
    result = FittedShift(
        LayerShift(fitted[0][0], fitted[1][0], float(gain), float(offset)),
        max(fitted[0][1], fitted[1][1]),
        float(np.sqrt(np.mean(error**2))),
    )
    if not gain > 0.0 or result.error_ln > MOST_LN or result.error_norm > MOST_NORM:
        raise FitRefused(
            f"kept biases do not follow the laws that training knows (rms {result.error_ln:.2g} of ln I, limit {MOST_LN}; "
            f"{result.error_norm:.2g} T_circ of spike times, limit {MOST_NORM}; spikes stretch by {gain:.3g}): train for conditions nearer home"
        )
    return result


def _fit_branch(
    polarity: str, branch: Branch, unit_A: float, home: FixedBiases, here: FixedBiases
) -> tuple[CurrentShift, float]:
    weight = np.geomspace(max(SMALLEST, branch.current_min_A / unit_A), branch.current_max_A / unit_A, POINTS)
    bias_V = bias_for_current(branch, weight * unit_A)
    ratio = here.curves.ln_current(polarity, bias_V) - home.curves.ln_current(polarity, bias_V)
    shift = fit_current(weight, ratio)
    return shift, float(np.sqrt(np.mean((shift.ln(weight) - ratio) ** 2)))


def fit_current(weight: Array, ln_ratio: Array) -> CurrentShift:
    """Least squares through measured ratios, both [points]; three points or more."""

    def solved(ln_bend: float) -> tuple[Array, float]:
        columns = np.stack([np.ones_like(weight), 1.0 / np.sqrt(1.0 + np.abs(weight) / np.exp(ln_bend))])
        found, *_ = np.linalg.lstsq(columns.T, ln_ratio, rcond=None)
        return found, float(np.sum((found @ columns - ln_ratio) ** 2))

    best = minimize_scalar(lambda x: solved(x)[1], bounds=LN_BENDS, method="bounded")
    (level, slope), _ = solved(best.x)
    return CurrentShift(float(level), float(slope), float(np.exp(best.x)))
