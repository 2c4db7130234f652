"""Noise of a layer in the normalised units of training: time in T_circ, voltage in V_th, weight in the unit current of the layer's column.

The bridge from ``Noise`` to whoever evaluates or trains a network, as ``nonideal.characterize.variation`` is from ``Spread``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from nonideal.characterize.errors import NoNoise
from nonideal.characterize.flicker import AT_ONE, finite_part, series, window_s2
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.noise import Noise, SynapseNoise
from nonideal.characterize.physics import column_for

LOW_CORNER_HZ = 1.0
"""Flicker that is slower than a second is an offset, which a trim can take out; up to there every device is taken to be on for ever."""
MOST_CORNER_NORM = 0.5
"""A low corner times T_circ: beyond it the window's series would need more terms."""
TERMS = 7
POWERS = 5
"""Coefficients of a polarity's intensities."""


@dataclass(frozen=True, slots=True)
class Window:
    """``W(x) / T_circ^2`` of flicker over x T_circ: ``lead x^lead_power - sum_k terms_k x^(2 (k + 1))``, and for an exponent of 1 ``- log x^2 ln x``.

    The first terms of ``nonideal.characterize.flicker``: within 1e-5 for corners up to ``MOST_CORNER_NORM / T_circ``.
    """

    lead: float
    lead_power: float
    log: float
    terms: tuple[float, ...]

    @classmethod
    def of(cls, exponent: float, t_circ_s: float, low_Hz: float) -> Window:
        """Of noise that falls with f^-exponent. Raises ``ValueError`` for a corner that is no number above 0, or too high."""
        if not 0.0 < low_Hz * t_circ_s <= MOST_CORNER_NORM:
            raise ValueError(
                f"low corner {low_Hz:g} Hz: must lie above 0 and at most at {MOST_CORNER_NORM / t_circ_s:.3g} Hz, half of 1 / T_circ"
            )
        y = 2 * math.pi * low_Hz * t_circ_s
        factor = 2 * t_circ_s ** (exponent - 1) * (2 * math.pi) ** (exponent - 1)
        if abs(exponent - 1.0) < AT_ONE:
            # I(y) = (3/2 - gamma - ln y) / 2 + y^2 / 48 - ...
            level = (1.5 - np.euler_gamma - math.log(y)) / 2
            later = [-factor * c * y**power for c, power in series(1.0 + 1e-9, TERMS)[1:]]
            return cls(0.0, 2.0, factor / 2, (-factor * level, *(-x for x in later)))
        terms = [factor * c * y**power for c, power in series(exponent, TERMS)]
        return cls(factor * finite_part(exponent), 1.0 + exponent, 0.0, tuple(terms))


@dataclass(frozen=True, slots=True)
class SynapseJitter:
    """One polarity. The variance of v that its white noise leaves in dt is ``|w| white(s) (1 - white_slope v) dt`` with a polynomial in s = sqrt |w|;
    flicker's is ``w^2 flicker(s) W`` of an amplitude that goes with ``1 - flicker_slope v``.
    """

    white: tuple[float, ...]
    white_slope: float
    flicker: tuple[float, ...]
    flicker_slope: float
    window: Window


@dataclass(frozen=True, slots=True)
class LayerNoise:
    """What jitters a layer's spikes. ``switched`` is the variance of v that opening switches leave; ``sense_white`` and ``sense_flicker`` are of
    the spike time; the ramp's are as in ``nonideal.characterize.noise.RampNoise``, in T_circ. ``highest``: the weight up to which the
    polynomials hold; beyond it they stay.
    """

    positive: SynapseJitter
    negative: SynapseJitter
    highest: float
    switched: float
    ramp_white: float
    ramp_white_delay: float
    ramp_flicker: float
    ramp_flicker_delay: float
    ramp_window: Window
    sense_white: float
    sense_flicker: float
    discharge: float


def noise_of(model: PhysicalModel) -> Noise:
    """The model's noise; raises ``NoNoise`` where none was measured."""
    if model.noise is None:
        raise NoNoise(
            "the physical model knows no noise: set characterize.noise = true and characterise again"
        )
    return model.noise


def layer_noise(model: PhysicalModel, axons: int, low_Hz: float = LOW_CORNER_HZ) -> LayerNoise:
    """The noise of a layer whose dendrites carry ``axons`` pairs, flicker counted from ``low_Hz`` on.

    Raises ``NoNoise``, ``NoColumn``, or ``ValueError`` for a corner that is out of range.
    """
    noise, column, t_circ = noise_of(model), column_for(model, axons), model.t_circ_s
    c_m, v_th, ramp = column.membrane_F.value, column.v_th_V.value, noise.ramp
    unit_A = c_m * v_th / t_circ
    # What lies behind the isolation switch: the pairs' own capacitance.
    behind_F = min(axons * model.membrane_per_axon_F.value, c_m / 2)
    sampled_V2 = noise.kt_J / c_m + noise.kt_J * behind_F / ((c_m - behind_F) * c_m)
    sensed = [
        one.flicker_s**2 * float(window_s2(one.exponent, one.window_s, low_Hz)) / one.window_s**2
        for one in noise.sense.values()
        if one.flicker_s
    ]
    weights = np.exp([*noise.positive.ln_current, *noise.negative.ln_current]) / unit_A
    return LayerNoise(
        positive=_synapse(noise.positive, model, unit_A, v_th, low_Hz),
        negative=_synapse(noise.negative, model, unit_A, v_th, low_Hz),
        highest=float(weights.max()),
        switched=sampled_V2 / v_th**2,
        ramp_white=ramp.white_s.value / t_circ,
        ramp_white_delay=ramp.white_delay_s / t_circ,
        ramp_flicker=ramp.flicker.value,
        ramp_flicker_delay=ramp.flicker_delay_s / t_circ,
        ramp_window=Window.of(ramp.exponent, t_circ, low_Hz),
        sense_white=sum(one.white_s2 for one in noise.sense.values()) / t_circ**2,
        sense_flicker=sum(sensed) / t_circ**2,
        discharge=column.discharge_norm.value,
    )


def network_noise(model: PhysicalModel, layers: Sequence[int], low_Hz: float = LOW_CORNER_HZ) -> tuple[LayerNoise, ...]:  # fmt: skip
    """The noise of every layer of a network with these sizes, inputs first."""
    return tuple(layer_noise(model, axons, low_Hz) for axons in layers[:-1])


def _synapse(noise: SynapseNoise, model: PhysicalModel, unit_A: float, v_th: float, low_Hz: float) -> SynapseJitter:  # fmt: skip
    t_circ = model.t_circ_s
    charge_C = unit_A * t_circ
    weight = np.exp(noise.ln_current) / unit_A
    white = np.array([one.value for one in noise.white]) * t_circ / (2 * charge_C**2) / weight
    flicker = np.array([one.value for one in noise.flicker]) * (t_circ / charge_C) ** 2 / weight**2
    # A layer's slopes are one number each, where most current flows.
    at_half = int(np.argmin(np.abs(weight - 0.5)))
    fit = partial(np.polynomial.polynomial.polyfit, np.sqrt(weight), deg=min(POWERS - 1, len(weight) - 1))
    return SynapseJitter(
        white=tuple(float(c) for c in fit(white)),
        white_slope=noise.white_slope_per_V[at_half] * v_th,
        flicker=tuple(float(c) for c in fit(flicker)),
        flicker_slope=noise.flicker_slope_per_V[at_half] * v_th,
        window=Window.of(noise.exponent, t_circ, low_Hz),
    )
