"""The physical model evaluated by itself, in numpy and exactly in time: what every faster form is held against.

Between spikes a membrane relaxes as ``dv/dt = g - f v``; at each arrival its charge is taken off; coupling to the neighbours
is solved for (paper, section 2, with what the column adds).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.physics import Physics

Array = NDArray[np.float64]


def beta(physics: Physics, weight: Array) -> Array:
    """beta(w), the shape of ``weight``: 1 / E_rev of its sign at its current."""
    size = np.abs(weight)
    rising = np.polynomial.polynomial.polyval(size.clip(*physics.positive_range), physics.beta_positive)
    falling = np.polynomial.polynomial.polyval(size.clip(*physics.negative_range), physics.beta_negative)
    return np.where(weight >= 0.0, rising, falling)


def coupling_matrix(neurons: int, coupling: float) -> Array:
    """[neurons, neurons]: from the swings that the charges alone would cause to those with neighbours coupled.

    An outer membrane lacks one neighbour, and that neighbour's share of the capacitance.
    """
    matrix = np.eye(neurons)
    for i in range(neurons):
        for k in (i - 1, i + 1):
            matrix[i, min(max(k, 0), neurons - 1)] -= coupling
    return np.asarray(np.linalg.inv(matrix), np.float64)


def membrane(
    physics: Physics,
    weight: Array,
    spike_time: Array,
    rails: tuple[float, float] = (-np.inf, np.inf),
) -> Array:
    """v at the end of accumulation, [samples, neurons], from ``weight`` [neurons, axons] and ``spike_time`` [samples, axons].

    Spikes at 1 or later (infinity too) do not arrive. v is held between ``rails``: exactly, since it is monotone between arrivals.
    """
    arrive = np.maximum(spike_time, 0.0) + physics.delay
    arrive = np.where((spike_time < 1.0) & (arrive < 1.0), arrive, np.inf)
    conductance = beta(physics, weight) * weight
    charge = np.where(weight >= 0.0, -physics.charge_positive, physics.charge_negative)
    charge = np.where(weight == 0.0, -physics.charge_zero, charge)
    charge = charge - physics.lag * weight - physics.skew * np.abs(weight)
    if physics.axon_charge:
        charge = charge - np.array(physics.axon_charge)
    if physics.neuron_charge:
        charge = charge - np.array(physics.neuron_charge)[:, None]
    waiting = np.where(
        weight > 0.0, physics.leak_positive, np.where(weight < 0.0, physics.leak_negative, 0.0)
    )
    flowing = np.where(
        weight > 0.0, physics.leak_on_positive, np.where(weight < 0.0, physics.leak_on_negative, 0.0)
    )
    v = np.zeros((len(spike_time), len(weight)))
    f, g, now = np.zeros_like(v), np.zeros_like(v) + physics.leak + waiting.sum(1), np.zeros(len(spike_time))
    order = np.argsort(arrive, axis=1, kind="stable")
    rows = np.arange(len(spike_time))
    for step in range(order.shape[1] + 1):
        axon = order[:, step] if step < order.shape[1] else None
        until = np.ones(len(rows)) if axon is None else np.minimum(arrive[rows, axon], 1.0)
        x = f * (until - now)[:, None]
        small = x < 1e-9
        phi = np.where(small, 1.0 - x / 2, -np.expm1(-x) / np.where(small, 1.0, x))
        v = np.clip(v * np.exp(-x) + g * phi * (until - now)[:, None], *rails)
        now = until
        if axon is not None:
            live = np.isfinite(arrive[rows, axon])[:, None]
            f = f + live * conductance[:, axon].T
            g = g + live * (weight + flowing - waiting)[:, axon].T
            v = v + live * charge[:, axon].T
    return np.asarray(v @ coupling_matrix(len(weight), physics.coupling).T)


def firing_time(physics: Physics, v: Array) -> Array:
    """Spike time before the clip to the phase, [..., neurons] as ``v``; infinity where the ramp never gets there (v above 1 / b)."""
    late = physics.spike_delay + np.array(physics.spike_lag or (0.0,))
    argument = 1.0 - physics.discharge * v
    with np.errstate(invalid="ignore", divide="ignore"):
        time = 1.0 - np.log(argument) / np.log1p(-physics.discharge) + late
    return np.where(argument > 0.0, time, 0.0)


def spike_times(physics: Sequence[Physics], weights: Sequence[Array], spike_time: Array) -> list[Array]:
    """Spike times of every layer before the clip at the end of the phase, [samples, neurons] in T_circ; never below 0."""
    times: list[Array] = []
    arriving = spike_time
    for layer, weight in zip(physics, weights, strict=True):
        late = np.maximum(firing_time(layer, membrane(layer, weight, arriving)), 0.0)
        times.append(late)
        arriving = np.where(late < 1.0, late, np.inf)
    return times
