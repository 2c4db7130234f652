"""A waveform as few points: what one piece of a network shows another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NEAR = 0.02
"""Of the way between two levels: a slow edge begins and ends there."""
GRID_S = 1e-12
"""Of the times of sources: two breakpoints that a rounding error lies between stop a simulator."""
LEAST_STEP_S = 2e-12
"""Between points: a simulator must stop at every one."""


@dataclass(frozen=True, slots=True)
class Wave:
    """A piecewise linear waveform: ``time_s`` increasing, ``value`` in V or A, both [points]; constant before and after."""

    time_s: Array
    value: Array

    @classmethod
    def constant(cls, value: float) -> Wave:
        """The same at all times."""
        return cls(np.zeros(1), np.full(1, float(value)))

    @property
    def first_edge_s(self) -> tuple[float, float]:
        """Where it first leaves its first level, and has got to the next point; infinity where it never does."""
        moving = np.flatnonzero(np.diff(self.value))
        if not len(moving):
            return np.inf, np.inf
        return float(self.time_s[moving[0]]), float(self.time_s[moving[0] + 1])

    @property
    def last_edge_s(self) -> tuple[float, float]:
        """Where it last leaves a level, and has got to its last one; infinity where it never does."""
        moving = np.flatnonzero(np.diff(self.value))
        if not len(moving):
            return np.inf, np.inf
        return float(self.time_s[moving[-1]]), float(self.time_s[moving[-1] + 1])

    def shifted(self, by_s: float) -> Wave:
        """The same, ``by_s`` later."""
        return Wave(self.time_s + by_s, self.value)

    def at(self, time_s: Array) -> Array:
        """Its values at these times."""
        return np.asarray(np.interp(time_s, self.time_s, self.value))

    def value_at(self, time_s: float) -> float:
        """Its value at a time."""
        return float(np.interp(time_s, self.time_s, self.value))

    def within(self, tolerance: float, spacing_s: float = LEAST_STEP_S) -> Wave:
        """As few of its points as keep every point within ``tolerance`` of the line between them (Douglas and Peucker, 1973).

        Points that come sooner than ``spacing_s`` after another are left out before.
        """
        if len(self.time_s) > 1 and float(np.diff(self.time_s).min()) < spacing_s:
            return self._spaced(spacing_s).within(tolerance, 0.0)
        keep = np.zeros(len(self.time_s), dtype=bool)
        keep[[0, -1]] = True
        spans = [(0, len(self.time_s) - 1)]
        while spans:
            low, high = spans.pop()
            if high - low < 2:
                continue
            inside = slice(low + 1, high)
            t0, t1, v0, v1 = self.time_s[low], self.time_s[high], self.value[low], self.value[high]
            line = v0 + (v1 - v0) * (self.time_s[inside] - t0) / (t1 - t0)
            off = np.abs(self.value[inside] - line)
            worst = int(off.argmax())
            if off[worst] > tolerance:
                middle = low + 1 + worst
                keep[middle] = True
                spans += [(low, middle), (middle, high)]
        return Wave(self.time_s[keep], self.value[keep])

    def edges(self, low: float, high: float, quick_s: float, tolerance: float) -> Wave | None:
        """A wave that switches between two levels as its edges: levels in between are left out, and what is near a level is that level.

        A quick edge is two points on the line through 20 and 80 %, one that takes longer than ``quick_s`` is followed within ``tolerance``.
        None where the wave begins or ends in between.
        """
        part = (self.value - low) / (high - low)
        state = np.where(part > 0.8, 1, np.where(part < 0.2, 0, -1))
        settled = np.flatnonzero(state >= 0)
        if not len(settled) or settled[0] != 0 or settled[-1] != len(state) - 1:
            return None
        levels, time_s, value = (low, high), list[float](), list[float]()
        for turn in np.flatnonzero(np.diff(state[settled]) != 0):
            a, b = int(settled[turn]), int(settled[turn + 1])
            upward, span = part[b] > part[a], slice(a, b + 1)
            order = slice(None) if upward else slice(None, None, -1)
            twenty, eighty = np.interp([0.2, 0.8], part[span][order], self.time_s[span][order])
            begin, end = (twenty, eighty) if upward else (eighty, twenty)
            if end - begin <= quick_s:
                third = max((end - begin) / 3, LEAST_STEP_S)
                edge = Wave(np.array([begin - third, end + third]), np.zeros(2))
            else:
                before = np.flatnonzero(np.abs(part[: a + 1] - state[a]) < NEAR)
                after = np.flatnonzero(np.abs(part[b:] - state[b]) < NEAR)
                if not len(before) or not len(after):
                    return None
                whole = slice(int(before[-1]), b + int(after[0]) + 1)
                edge = Wave(self.time_s[whole], self.value[whole]).within(tolerance, LEAST_STEP_S)
            inner = edge.value[1:-1].tolist()
            time_s += edge.time_s.tolist()
            value += [levels[state[a]], *inner, levels[state[b]]]
        if not time_s:
            return Wave.constant(levels[state[0]])
        if np.any(np.diff(time_s) < LEAST_STEP_S):
            return None
        return Wave(np.array(time_s), np.array(value))

    def _spaced(self, spacing_s: float) -> Wave:
        """Without points that come sooner after one that stays."""
        keep, last = [], -np.inf
        for place, time_s in enumerate(self.time_s):
            if time_s - last >= spacing_s:
                keep.append(place)
                last = time_s
        return Wave(self.time_s[keep], self.value[keep])

    def source(self) -> str:
        """What stands behind a source's nodes; the simulator stops at every point."""
        time_s, value = self._from_zero()
        if len(time_s) == 1:
            return f"{value[0]:.9g}"
        return "PWL(" + " ".join(f"{t:.12g} {v:.7g}" for t, v in zip(time_s, value, strict=True)) + ")"

    def function(self, stop_s: float) -> str:
        """The same as a function of time until ``stop_s``, at whose points the simulator does not stop: it follows what comes of them."""
        time_s, value = self._from_zero()
        if len(time_s) == 1:
            return f"{value[0]:.9g}"
        if time_s[-1] < stop_s:
            time_s, value = np.append(time_s, 2 * stop_s), np.append(value, value[-1])
        return "pwl(time," + ",".join(f"{t:.12g},{v:.7g}" for t, v in zip(time_s, value, strict=True)) + ")"

    def _from_zero(self) -> tuple[Array, Array]:
        """Points on a grid; a source begins at 0 s, so that earlier points become one."""
        if len(self.time_s) == 1:
            return np.zeros(1), self.value
        time_s = np.round(self.time_s / GRID_S) * GRID_S
        inside = (time_s > 0) & (np.diff(time_s, append=np.inf) > GRID_S / 2)
        value = np.concatenate([self.at(np.zeros(1)), self.value[inside]])
        return np.concatenate([[0.0], time_s[inside]]), value


def mean(waves: Sequence[Wave], weights: Sequence[float]) -> Wave:
    """The weighted mean of waves, exact at every point of each."""
    time_s = np.unique(np.concatenate([wave.time_s for wave in waves]))
    total = np.asarray(weights) / np.sum(weights)
    return Wave(
        time_s,
        sum((w * wave.at(time_s) for w, wave in zip(total, waves, strict=True)), np.zeros(len(time_s))),
    )


def steps(edges_s: Sequence[tuple[float, float]], heights: Array) -> Wave:
    """A wave that goes up by a height in the course of each of these edges, (begin, end)."""
    time_s = np.unique([at for edge in edges_s for at in edge])
    begin, end = np.array(edges_s).T
    part = np.clip((time_s[:, None] - begin) / (end - begin), 0.0, 1.0)
    return Wave(time_s, part @ heights)
