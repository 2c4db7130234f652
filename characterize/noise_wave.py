"""Noise currents over time, drawn from recorded seeds: what a transient simulation is given, for the simulator's own know no flicker's exponent.

A wave is a row of samples, joined by lines. White noise of density S then has samples of variance ``S / (2 step)``; flicker of density
``K / f^a`` is a sum of waves of random phase and size: those that fit into the record by Fourier's transform, slower ones down to
the low corner in steps of a ratio.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.flicker import AT_ONE

Array = NDArray[np.float64]
RECORD = 8
"""The record is so many times as long as what is used of it: a transform's waves come round."""
PER_DECADE = 8
"""Waves slower than the record."""


def generator_of(seed: int, run: int, name: str) -> np.random.Generator:
    """The stream of one source in one run: no other's draws move it."""
    return np.random.Generator(
        np.random.Philox(np.random.SeedSequence([seed, run, zlib.crc32(name.encode())]))
    )


@dataclass(frozen=True, slots=True)
class Grid:
    """Where waves are sampled: from ``start_s`` on, ``count`` samples ``step_s`` apart."""

    start_s: float
    step_s: float
    count: int

    @property
    def times_s(self) -> Array:
        """[count]."""
        return np.asarray(self.start_s + self.step_s * np.arange(self.count), np.float64)


def white_wave(grid: Grid, generator: np.random.Generator) -> Array:
    """Of density 1 A^2/Hz: [count] in A."""
    wave: Array = generator.standard_normal(grid.count)
    return np.asarray(wave / np.sqrt(2 * grid.step_s), np.float64)


def flicker_wave(grid: Grid, exponent: float, low_Hz: float, generator: np.random.Generator) -> Array:
    """Of density f^-exponent A^2/Hz (f in Hz) from ``low_Hz`` up to half of the sampling frequency: [count] in A."""
    count = RECORD * grid.count
    apart_Hz = 1 / (count * grid.step_s)
    # Each wave has the power of the frequencies that are nearer to its own than to any other's.
    edges = np.maximum(apart_Hz * (np.arange(count // 2 + 1) + 0.5), low_Hz)
    size = count / 2 * np.sqrt(_power(exponent, edges))
    spectrum = np.zeros(count // 2 + 1, complex)
    spectrum[1:] = size * (generator.standard_normal(len(size)) + 1j * generator.standard_normal(len(size)))
    wave = np.fft.irfft(spectrum, count)[: grid.count]
    if low_Hz >= edges[0]:
        return np.asarray(wave)
    slower = np.geomspace(low_Hz, edges[0], max(2, int(PER_DECADE * np.log10(edges[0] / low_Hz)) + 1))
    time_s = grid.step_s * np.arange(grid.count)
    for a, b, power in zip(slower[:-1], slower[1:], _power(exponent, slower), strict=True):
        phase = 2 * np.pi * np.sqrt(a * b) * time_s
        one, other = generator.standard_normal(2)
        wave = wave + np.sqrt(power) * (one * np.cos(phase) + other * np.sin(phase))
    return np.asarray(wave)


def thinned(wave: Array, kept: NDArray[np.int64]) -> Array:
    """A wave [count] at fewer of its points, ``kept``, the first and the last among them: each the mean of what lies about it, nearer points
    for more, so that the charge is the same whatever it is weighted with that is a line between neighbouring points."""
    at = np.arange(len(wave))
    left = np.clip(np.searchsorted(kept, at, side="right") - 1, 0, len(kept) - 2)
    part = (at - kept[left]) / (kept[left + 1] - kept[left])

    def gathered(values: Array) -> Array:
        low, high = (np.bincount(left + k, w * values, len(kept)) for k, w in ((0, 1 - part), (1, part)))
        return np.asarray(low + high, np.float64)

    return gathered(wave) / gathered(np.ones(len(wave)))


def _power(exponent: float, edges_Hz: Array) -> Array:
    """What a density f^-exponent holds between neighbouring edges."""
    if abs(exponent - 1.0) < AT_ONE:
        return np.diff(np.log(edges_Hz))
    return np.asarray(np.diff(edges_Hz ** (1 - exponent)) / (1 - exponent))
