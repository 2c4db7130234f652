"""What the output pins of a simulated tile say: when each neuron spiked, counted from its phase, both as the pins show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.network.testbench import first_rise_s
from nonideal.spice import Result
from nonideal.tapeout.errors import TapeoutError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PinWaves:
    """Waveforms of a run by the names of ``TileCircuit.probes``, and half of the supply."""

    time_s: Array
    volts: Mapping[str, Array]
    half_V: float

    @classmethod
    def of(cls, result: Result, probes: Mapping[str, str], vdd_V: float) -> PinWaves:
        """Of a deck's result."""
        volts = {name: np.asarray(result[vector], float) for name, vector in probes.items()}
        return cls(np.asarray(result.axis, float), volts, vdd_V / 2)

    def at(self, name: str, time_s: float) -> float:
        """A waveform's value at a time."""
        return float(np.interp(time_s, self.time_s, self.volts[name]))

    def bit(self, pin: str, time_s: float) -> int:
        """What a pin says at a time."""
        return int(self.at(pin, time_s) > self.half_V)

    def rise_s(self, name: str, since_s: float, until_s: float = np.inf) -> float:
        """When it first rises within a span; infinity where it does not."""
        inside = (self.time_s >= since_s) & (self.time_s <= until_s)
        return first_rise_s(self.time_s[inside], self.volts[name][inside], self.half_V)

    def edges(self, pin: str, since_s: float = 0.0) -> list[tuple[float, int]]:
        """(s, bit) of every crossing of half the supply."""
        wave = self.volts[pin]
        high = wave > self.half_V
        found = []
        for i in np.flatnonzero(high[1:] != high[:-1]):
            part = (self.half_V - wave[i]) / (wave[i + 1] - wave[i])
            at_s = float(self.time_s[i] + part * (self.time_s[i + 1] - self.time_s[i]))
            if at_s >= since_s:
                found.append((at_s, int(high[i + 1])))
        return found


def spike_times_s(
    waves: PinWaves, layers: tuple[int, ...], since_s: float, window_s: float
) -> tuple[tuple[Array, ...], float]:
    """By layer of two the spike times [neurons] in s from the rise of its phase's pin, infinity for none; and when the first phase rose.

    ``since_s``: of the first inference that counts. Raises ``TapeoutError`` where a phase does not begin.
    """
    found, begins = [], []
    for bus, phase, neurons in (("uio_out", "uio_out[6]", layers[1]), ("uo_out", "uio_out[7]", layers[2])):
        begin_s = waves.rise_s(phase, since_s)
        if not np.isfinite(begin_s):
            raise TapeoutError(
                f"{phase} does not rise after {since_s * 1e9:.0f} ns: the tile runs no inference"
            )
        rises = [waves.rise_s(f"{bus}[{k}]", begin_s, begin_s + window_s) for k in range(neurons)]
        found.append(np.array(rises) - begin_s)
        begins.append(begin_s)
    return tuple(found), begins[0]
