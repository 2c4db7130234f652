"""What can go wrong when a deck is run."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nonideal.spice.result import Attempt


class FailureKind(StrEnum):
    """Why a run gave no result."""

    crashed = "crashed"
    """The simulator was ended by a signal before its results were complete."""
    timed_out = "timed_out"
    """The time limit passed; the whole process group was ended."""
    short = "short"
    """An analysis stopped before its end (`t_stop`, or the last point of a sweep)."""
    missing_vector = "missing_vector"
    """A vector that the deck promises is not in the results."""
    not_finite = "not_finite"
    """A required vector holds NaN or infinity."""
    limited = "limited"
    """A limit of memory, of a file's size or of the log was reached."""
    misread = "misread"
    """The simulator's messages say that it took the deck for another one than it is."""
    no_output = "no_output"
    """No results at all: mostly a deck that the simulator could not read."""


class SpiceError(Exception):
    """Base of this room's errors."""


class UnsafeName(SpiceError, ValueError):
    """A name that must not reach a deck (a deck is code: ngspice has `shell`)."""


class BadDeck(SpiceError, ValueError):
    """A deck that cannot be run or whose results could not be judged."""


class BadLimit(SpiceError, ValueError):
    """A limit in the environment that is no number."""


class SimulatorMissing(SpiceError):
    """No usable ngspice was found."""


class SchedulerUnavailable(SpiceError):
    """The Dask cluster cannot be used: not installed, no answer, or no worker."""


class Interrupted(SpiceError):
    """A run was ended because the caller asked for it; it is neither a result nor a failure."""


class SimulationFailed(SpiceError):
    """A deck gave no complete result. Nothing stands in for it.

    Attributes: `kind`; `deck` (its name); `folder` (where deck and log lie); `message` (what was wrong);
    `tail` (the last lines of the log); `attempts` (every try so far, in order).
    """

    def __init__(
        self,
        kind: FailureKind,
        deck: str,
        folder: Path,
        message: str,
        *,
        tail: str = "",
        attempts: tuple[Attempt, ...] = (),
    ) -> None:
        super().__init__(kind, deck, folder, message)
        self.kind = kind
        self.deck = deck
        self.folder = folder
        self.message = message
        self.tail = tail
        self.attempts = attempts

    def __str__(self) -> str:
        tries = f" after {len(self.attempts)} attempts" if len(self.attempts) > 1 else ""
        text = f"{self.deck}: {self.kind.value}{tries}: {self.message}; deck and log: {self.folder}"
        return f"{text}\n{self.tail}" if self.tail else text
