"""From densities and sensitivities to the noise of synapses and neurons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.errors import FitRefused
from nonideal.characterize.estimate import estimate
from nonideal.characterize.noise import RampNoise, SenseNoise, SynapseNoise
from nonideal.characterize.noise_bench import Density

Array = NDArray[np.float64]
CHARGE_C = 1.602176634e-19
"""Of an electron."""
MAX_EXPONENT_SPREAD = 0.02
"""Of flicker noise over bias and membrane potential."""
ACCUMULATES = 0.3
"""A device whose noise reaches the spike from far back, at so large a part of the largest, is the ramp's."""


def fit_synapse_noise(density: Density, current_A: Array, membrane_V: Array, v0_V: float, polarity: str) -> SynapseNoise:  # fmt: skip
    """From densities [currents, levels] at the currents of the reset level, which must be one of ``membrane_V``.

    Lines in the membrane's drop; their residual is the standard error. Raises ``FitRefused`` for noise that is missing: a device without any
    is a model that was asked wrongly, not a quiet device.
    """
    if np.any(density.white <= 0) or np.any(density.flicker <= 0):
        raise FitRefused(
            f"synapse {polarity}: the simulator says nothing of its white or flicker noise at some biases: have its models any (noia, tnoimod)?"
        )
    exponent = float(density.exponent.mean())
    if np.ptp(density.exponent) > MAX_EXPONENT_SPREAD:
        raise FitRefused(
            f"synapse {polarity}: its flicker falls with exponents from {density.exponent.min():.3g} to {density.exponent.max():.3g}, one is expected"
        )
    drop_V = v0_V - membrane_V
    white, white_slope, white_error = _lines(density.white, drop_V)
    amplitude, flicker_slope, amplitude_error = _lines(np.sqrt(density.flicker), drop_V)
    return SynapseNoise(
        ln_current=tuple(float(x) for x in np.log(current_A)),
        white=tuple(estimate(s, e, "A^2/Hz") for s, e in zip(white, white_error, strict=True)),
        white_slope_per_V=tuple(float(x) for x in white_slope),
        flicker=tuple(
            estimate(a**2, 2 * a * e, "A^2/Hz") for a, e in zip(amplitude, amplitude_error, strict=True)
        ),
        flicker_slope_per_V=tuple(float(x) for x in flicker_slope),
        exponent=exponent,
        shot_ratio=tuple(float(x) for x in white / (2 * CHARGE_C * current_A)),
    )


def _lines(values: Array, drop_V: Array) -> tuple[Array, Array, Array]:
    """Of rows that are lines ``a (1 - s x)``: a, s, and the rms of what they leave, [rows]."""
    slope, level = np.polyfit(drop_V, values.T, 1)
    rest = values - (level[:, None] + slope[:, None] * drop_V)
    return level, -slope / level, np.sqrt(np.mean(rest**2, axis=1))


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How far a charge moves the spike, s/C, over the time left to it, s, rising [times]; by node. A held node moves nothing."""

    before_s: Array
    per_charge: Mapping[str, Array]

    def across(self, drain: str, source: str) -> Array:
        """Of a current from drain to source, [times]."""
        none = np.zeros(len(self.before_s))
        return np.asarray(self.per_charge.get(source, none) - self.per_charge.get(drain, none))


@dataclass(frozen=True, slots=True)
class DeviceNoise:
    """One FET of a neuron on its way to the spike: its terminals and its noise [times]."""

    path: str
    drain: str
    source: str
    density: Density


def fit_neuron_noise(
    devices: Sequence[DeviceNoise], sensitivity: Sensitivity, membrane: str, curvature_per_s: float
) -> tuple[RampNoise, dict[str, SenseNoise], float]:
    """The ramp's noise, the others' by path, and how far every second instant alone moves their variance, relative.

    Raises ``FitRefused`` where no device's noise reaches the spike from the earliest instant, as the discharger's must.
    """
    early = {
        one.path: float(one.density.white[-1] * sensitivity.across(one.drain, one.source)[-1] ** 2)
        for one in devices
    }
    largest = max(early.values())
    if not largest > 0.0:
        raise FitRefused(
            "no device's noise reaches the spike from the ramp: is the discharger on in the firing phase?"
        )
    ramp = [one for one in devices if early[one.path] > ACCUMULATES * largest]
    if len(ramp) != 1:
        raise FitRefused(
            f"the noise of {', '.join(one.path for one in ramp)} adds up along the ramp, and the law knows one such device"
        )
    sense = {one.path: _sensed(one, sensitivity) for one in devices if one is not ramp[0]}
    half = Sensitivity(sensitivity.before_s[::2], {n: g[::2] for n, g in sensitivity.per_charge.items()})
    coarse = [
        _sensed(DeviceNoise(d.path, d.drain, d.source, Density(*(x[::2] for x in (d.density.white, d.density.flicker, d.density.exponent)))), half)
        for d in devices if d is not ramp[0]
    ]  # fmt: skip
    fine = sum(one.white_s2 for one in sense.values())
    grid_error = abs(sum(one.white_s2 for one in coarse) / fine - 1) if fine else 0.0
    return _ramp(ramp[0], sensitivity, membrane, curvature_per_s), sense, grid_error


def _sensed(one: DeviceNoise, sensitivity: Sensitivity) -> SenseNoise:
    x, g = sensitivity.before_s, sensitivity.across(one.drain, one.source)
    amplitude = np.sqrt(one.density.flicker) * g
    summed, squared = float(np.trapezoid(amplitude, x)), float(np.trapezoid(amplitude**2, x))
    return SenseNoise(
        white_s2=float(np.trapezoid(one.density.white * g**2, x)) / 2,
        flicker_s=abs(summed),
        # as long as a window of one height that holds as much
        window_s=summed**2 / squared if squared > 0 else float(x[-1]),
        exponent=float(np.max(one.density.exponent)) or 1.0,
    )


def _ramp(one: DeviceNoise, sensitivity: Sensitivity, membrane: str, curvature_per_s: float) -> RampNoise:
    """The law's numbers from the ends of what was seen: far from the spike noise and curvature are steady, near to it sensing fades."""
    x, g = sensitivity.before_s, sensitivity.across(one.drain, one.source)
    # What the ramp's curvature does between an instant and the spike is taken out of what a charge does, and put into the current it rides on.
    steady = np.exp(curvature_per_s * x)
    plateau = np.abs(g) * steady
    at_spike = float(plateau[-2:].mean())
    white = one.density.white / steady
    level, spread = float(white.mean()), float(white.std())
    amplitude = np.sqrt(one.density.flicker) / steady
    flat, flat_spread = float(amplitude.mean()), float(amplitude.std())
    rest = float(abs(plateau[-1] - plateau[-2]))
    part = plateau / at_spike
    membrane_s = float(np.abs(sensitivity.per_charge[membrane][-1]) * steady[-1])
    return RampNoise(
        per_charge_s_per_C=estimate(membrane_s, rest, "s/C"),
        white_s=estimate(level * at_spike**2 / 2, spread * at_spike**2 / 2, "s^2/s"),
        white_delay_s=float(np.trapezoid(1 - part**2, x)),
        flicker=estimate((flat * at_spike) ** 2, 2 * flat * flat_spread * at_spike**2, "1/Hz"),
        flicker_delay_s=float(np.trapezoid(1 - part, x)),
        exponent=float(one.density.exponent.mean()),
    )
