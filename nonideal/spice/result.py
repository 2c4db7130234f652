"""What a run gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonideal.spice.errors import FailureKind

AS_GIVEN = "as_given"
"""The rung of a deck that was run unchanged."""


def canonical(vector: str) -> str:
    """One spelling for one quantity: `V(Out)`, `out`; `i(VDD)`, `vdd#branch`; `i(@m1[id])`, `@m1[id]`."""
    name = "".join(vector.lower().split())
    if name.startswith(("v(", "i(")) and name.endswith(")"):
        inner = name[2:-1]
        return inner if name[0] == "v" or inner.startswith("@") else f"{inner}#branch"
    return name


@dataclass(frozen=True, slots=True)
class Plot:
    """The results of one analysis: `axis` (time in s, swept source, frequency in Hz) and vectors over it.

    SI units. Arrays are float64; those of an AC analysis complex128. An operating point's axis is a single 0.
    """

    title: str
    axis_name: str
    axis: NDArray[np.float64]
    vectors: dict[str, NDArray[Any]]
    _names: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Of two spellings of one quantity the first counts.
        names = {canonical(name): name for name in reversed(self.vectors)}
        object.__setattr__(self, "_names", names)

    def __getitem__(self, vector: str) -> NDArray[Any]:
        """The vector by any of its spellings; `KeyError` says what there is."""
        name = self._names.get(canonical(vector))
        if name is None:
            raise KeyError(f"{vector!r} is not in {self.title!r}; there are {', '.join(self.vectors)}")
        return self.vectors[name]

    def __contains__(self, vector: str) -> bool:
        return canonical(vector) in self._names


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: the ladder's rung, how it ended (None is success), and its cost in s."""

    rung: str
    kind: FailureKind | None
    seconds_cpu: float
    seconds_wall: float
    message: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A complete result: required vectors present, finite, to the end of every analysis.

    `seconds_cpu` and `seconds_wall` are of all attempts together; `simulator` is its version, `messages` what it
    said that is not known to be harmless, numbers replaced by N.
    """

    name: str
    plots: tuple[Plot, ...]
    attempts: tuple[Attempt, ...]
    simulator: str
    messages: tuple[str, ...] = ()
    from_cache: bool = field(default=False, compare=False)

    @property
    def seconds_cpu(self) -> float:
        """CPU time of the simulator, user and system, all attempts, s."""
        return sum(attempt.seconds_cpu for attempt in self.attempts)

    @property
    def seconds_wall(self) -> float:
        """Elapsed time, all attempts, s."""
        return sum(attempt.seconds_wall for attempt in self.attempts)

    @property
    def rung(self) -> str:
        """The ladder's rung that gave the answer; `as_given` where the deck ran unchanged."""
        return self.attempts[-1].rung

    @property
    def plot(self) -> Plot:
        """The only plot; `LookupError` if there are several: the simulator's order is not the deck's."""
        if len(self.plots) != 1:
            titles = ", ".join(repr(plot.title) for plot in self.plots)
            raise LookupError(
                f"{self.name} has {len(self.plots)} plots ({titles}); pick one from `plots` or `find`"
            )
        return self.plots[0]

    def find(self, title: str) -> Plot:
        """The only plot whose title starts with `title` in any case, e.g. `"trans"`, `"dc"`, `"oper"`."""
        found = [plot for plot in self.plots if plot.title.lower().startswith(title.lower())]
        if len(found) != 1:
            raise LookupError(f"{self.name}: {len(found)} plots start with {title!r}")
        return found[0]

    @property
    def axis(self) -> NDArray[np.float64]:
        """The axis of the only plot."""
        return self.plot.axis

    @property
    def vectors(self) -> dict[str, NDArray[Any]]:
        """The vectors of the only plot, by the simulator's names."""
        return self.plot.vectors

    def __getitem__(self, vector: str) -> NDArray[Any]:
        return self.plot[vector]

    def at(self, vector: str, where: float) -> float:
        """A vector of real values between the two points of the axis that are nearest to ``where``, on the line through them."""
        return float(np.interp(where, self.axis, self[vector]))


@dataclass(frozen=True, slots=True)
class Failure:
    """A deck without a result after the whole ladder; never replaced by a value. `folder` has its files."""

    name: str
    kind: FailureKind
    message: str
    attempts: tuple[Attempt, ...]
    folder: Path
    tail: str = ""
