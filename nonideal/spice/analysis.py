"""The analyses a deck asks for, and whether their results are complete."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nonideal.spice.errors import BadDeck
from nonideal.spice.number import number

PLOT_NAMES: Final = {
    "tran": "Transient Analysis",
    "dc": "DC transfer characteristic",
    "ac": "AC Analysis",
    "op": "Operating Point",
    "noise": "Noise Spectral Density Curves",
}
_OTHERS: Final = {"sens", "tf", "pz", "disto", "sp", "pss", "hb", "step"}
_TIME_SLACK: Final = 1e-6
"""Relative: ngspice's last time point is t_stop up to rounding."""
_EXACT_POINTS: Final = 1000
"""ngspice adds the step up; beyond so many points the rounding may cost a sweep its last one."""


def join_card(lines: str) -> str:
    """A card and its continuation lines (`+`) on one line, without end-of-line comments."""
    bare = (re.split(r"[ \t]\$|;", line, maxsplit=1)[0].strip() for line in lines.splitlines())
    return " ".join(line.removeprefix("+").strip() for line in bare)


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis card: its kind (`tran dc ac op noise`) and its arguments.

    Of `.noise` only densities are results: a deck saves the `onoise` vectors that it wants, and by that no integrals.
    """

    kind: str
    arguments: tuple[str, ...]

    @property
    def plot_name(self) -> str:
        """What ngspice calls the results."""
        return PLOT_NAMES[self.kind]

    def t_stop_s(self) -> float:
        """Where a `.tran` ends, s."""
        return number(self.arguments[1])

    def sweeps(self) -> list[tuple[float, float, float]]:
        """(start, stop, step) of a `.dc`, the inner sweep first."""
        values = self.arguments
        return [
            (number(values[i + 1]), number(values[i + 2]), number(values[i + 3]))
            for i in range(0, len(values), 4)
        ]

    def frequencies(self) -> tuple[str, ...]:
        """Scale, count, start and stop of an `.ac` or a `.noise`, as written."""
        return self.arguments[2:6] if self.kind == "noise" else self.arguments

    def least_points(self) -> int:
        """The points that a complete `.dc` has at least; 1 for the others."""
        least = 1
        for start, stop, step in self.sweeps() if self.kind == "dc" else []:
            points = math.floor((stop - start) / step + 1e-6) + 1
            least *= points if points <= _EXACT_POINTS else points - 1
        return least

    def shortfall(self, axis: NDArray[np.float64]) -> str | None:
        """What is missing at the end of `axis`, or None where the analysis is complete."""
        if axis.size == 0:
            return f".{self.kind} has no points"
        if self.kind == "tran":
            stop = self.t_stop_s()
            return (
                None
                if axis[-1] >= stop * (1 - _TIME_SLACK)
                else f".tran ends at {axis[-1]:.6g} s of {stop:.6g} s"
            )
        if self.kind == "dc":
            least = self.least_points()
            return None if axis.size >= least else f".dc has {axis.size} of {least} points"
        if self.kind in ("ac", "noise"):
            scale, counted, _, last = self.frequencies()
            count, stop = number(counted), number(last)
            if scale.lower() == "lin":
                return None if axis.size >= count else f".{self.kind} has {axis.size} of {count:g} points"
            ratio = (10.0 if scale.lower() == "dec" else 2.0) ** (1 / count)
            return (
                None
                if axis[-1] * ratio >= stop * (1 - 1e-6)
                else f".{self.kind} ends at {axis[-1]:.6g} Hz of {stop:.6g} Hz"
            )
        return None

    def disorder(self, axis: NDArray[np.float64]) -> str | None:
        """What is wrong with the course of a whole `axis`: it runs back, stands still, or leaves what was asked for."""
        if self.kind == "op":
            return None if axis.size == 1 else f".op has {axis.size} points"
        if self.kind == "dc":
            return self._swept_otherwise(axis)
        back = np.flatnonzero(np.diff(axis) <= 0)
        if back.size:
            return f"the axis of .{self.kind} does not rise after {axis[back[0]]:.6g}: {axis[back[0] + 1]:.6g} follows"
        if self.kind == "tran":
            stop, start = self.t_stop_s(), number(self.arguments[2]) if self._has_start() else 0.0
            late = start + number(self.arguments[0])
            if axis[0] < 0 or axis[0] > late * (1 + _TIME_SLACK) or axis[-1] > stop * (1 + _TIME_SLACK):
                return f".tran runs from {axis[0]:.6g} s to {axis[-1]:.6g} s instead of {start:g} s to {stop:.6g} s"
        return None

    def _has_start(self) -> bool:
        return len(self.arguments) > 2 and self.arguments[2].lower() != "uic"

    def _swept_otherwise(self, axis: NDArray[np.float64]) -> str | None:
        sweeps = self.sweeps()
        most = math.prod(math.floor((stop - start) / step + 1e-6) + 2 for start, stop, step in sweeps)
        if axis.size > most:
            return f".dc has {axis.size} points, {most} at most were asked for"
        start, stop, step = sweeps[0]
        low, high = min(start, stop) - 0.01 * abs(step), max(start, stop) + 0.01 * abs(step)
        outside = np.flatnonzero((axis < low) | (axis > high))
        if outside.size:
            return f".dc goes to {axis[outside[0]]:.6g}, outside of {start:g} to {stop:g}"
        if len(sweeps) == 1 and np.any(np.diff(axis) * step <= 0):
            return f".dc does not go on from {start:g} to {stop:g} all the way"
        return None


def parse_analyses(name: str, cards: Sequence[str]) -> tuple[Analysis, ...]:
    """The analyses among the joined `cards` of deck `name`; `BadDeck` for one that could not be judged."""
    found: list[Analysis] = []
    for card in cards:
        words = card.split()
        if not words or not words[0].startswith("."):
            continue
        kind = words[0][1:].lower()
        if kind in _OTHERS:
            raise BadDeck(
                f"deck {name}: `{words[0]}`: only .tran, .dc, .ac, .op and .noise can be run and judged"
            )
        if kind in PLOT_NAMES:
            found.append(_checked(name, Analysis(kind, tuple(words[1:]))))
    if not found:
        raise BadDeck(f"deck {name}: no analysis; add a .tran, .dc, .ac, .op or .noise card")
    if sum(analysis.kind == "tran" for analysis in found) > 1:
        raise BadDeck(
            f"deck {name}: more than one .tran; ngspice runs each with the first one's times: split the deck"
        )
    return tuple(found)


def _checked(name: str, analysis: Analysis) -> Analysis:
    """`analysis` itself, if its arguments are numbers that make sense."""
    shown = f"deck {name}: `.{analysis.kind} {' '.join(analysis.arguments)}`"
    count = len(analysis.arguments)
    try:
        if analysis.kind == "tran" and (count < 2 or not analysis.t_stop_s() > 0):
            raise BadDeck(f"{shown}: needs a step and a positive stop time")
        if analysis.kind == "dc":
            if count not in (4, 8):
                raise BadDeck(f"{shown}: needs source, start, stop, step (once, or twice when nested)")
            if not all(step != 0 and (stop - start) / step >= 0 for start, stop, step in analysis.sweeps()):
                raise BadDeck(f"{shown}: the step does not lead from start to stop")
        if analysis.kind == "noise" and count != 7:
            raise BadDeck(
                f"{shown}: needs output, source, lin, dec or oct, a count, two frequencies, and 1 for the parts of each device"
            )
        if analysis.kind in ("ac", "noise"):
            sweep = analysis.frequencies()
            if (
                len(sweep) != 4
                or sweep[0].lower() not in ("lin", "dec", "oct")
                or not all(number(text) > 0 for text in sweep[1:])
            ):
                raise BadDeck(f"{shown}: needs lin, dec or oct, a count, and two positive frequencies")
    except ValueError as error:
        if isinstance(error, BadDeck):
            raise
        raise BadDeck(f"{shown}: {error}; write numbers, so that completeness can be checked") from error
    return analysis
