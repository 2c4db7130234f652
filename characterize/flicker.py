"""What flicker noise adds up to over a window: the closed form, and how far back it is taken to reach.

A current of density ``K / f^a`` (A^2/Hz, f in Hz, one-sided) that flows for a time T leaves a charge of variance ``K W(T)``,

    W(T) = integral over f from f_low of f^-a T^2 sinc^2(f T) = T^(1+a) (2 pi)^(a-1) 2 I(2 pi f_low T),
    I(y) = integral over u from y of u^(-a-2) (1 - cos u)

which for a = 1 and small f_low T is ``T^2 (3/2 - gamma - ln(2 pi f_low T))``. The law has no end towards low frequencies, so W has to be
told one, ``f_low``: what is slower than a spike is watched for is no noise but an offset, which stays or is trimmed. A simulator's
flicker is stationary, a device in it has been on for ever. Here devices are off between their phases, and a FET that is switched off forgets:
measured flicker below the switching frequency falls, so that a low corner far below 1 / period bounds the noise from above.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
AT_ONE = 1e-6
"""Exponents that are closer to 1 are 1, where the general form has a pole less a pole."""
TERMS = 40
FAR = 15.0
"""From this y on the series loses digits, and the asymptotic form has them."""


def window_s2(exponent: float, duration_s: Array | float, low_Hz: float) -> Array:
    """W(T), s^2 Hz^(1-a), of the shape of ``duration_s`` (0 for windows that are none).

    Raises ``ValueError`` for an exponent outside of (0, 2), where noise of a window has no such form, or a corner that is not above 0.
    """
    if not 0.0 < exponent < 2.0:
        raise ValueError(f"flicker noise falls with f^-a, a between 0 and 2, not {exponent:g}")
    if not 0.0 < low_Hz < math.inf:
        raise ValueError(f"low corner {low_Hz:g} Hz: flicker noise needs one above 0")
    duration = np.maximum(np.asarray(duration_s, float), 0.0)
    some = duration > 0
    safe = np.where(some, duration, 1.0)
    factor = safe ** (1 + exponent) * (2 * np.pi) ** (exponent - 1) * 2
    return np.asarray(np.where(some, factor * _integral(exponent, 2 * np.pi * low_Hz * safe), 0.0))


def _integral(exponent: float, y: Array) -> Array:
    """I(y)."""
    s = exponent + 2.0
    near, far = np.minimum(y, FAR), np.maximum(y, FAR)
    if abs(exponent - 1.0) < AT_ONE:
        from scipy.special import sici  # an experiment's settings do not need it

        close = (2 * (np.sin(near / 2) / near) ** 2 + np.sin(near) / near - sici(near)[1]) / 2
    else:
        close = np.full(np.shape(y), finite_part(exponent))
        for term, power in series(exponent, TERMS):
            close = close - term * near**power
    # by parts, three times
    wave = np.sin(far) - s * np.cos(far) / far - s * (s + 1) * np.sin(far) / far**2
    distant = far ** (1 - s) / (s - 1) + far**-s * wave
    return np.where(y < FAR, close, distant)


def finite_part(exponent: float) -> float:
    """I(0), for an exponent above 1 continued to where the integral itself has no end."""
    s = exponent + 2.0
    return math.pi / (2 * math.gamma(s) * math.sin(math.pi * (s - 1) / 2))


def series(exponent: float, terms: int) -> list[tuple[float, float]]:
    """(coefficient, power) of ``I(0) - I(y)``, the first terms."""
    s = exponent + 2.0
    return [
        ((-1) ** (m + 1) / (math.factorial(2 * m) * (2 * m + 1 - s)), 2 * m + 1 - s)
        for m in range(1, terms + 1)
    ]
