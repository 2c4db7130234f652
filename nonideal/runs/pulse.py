"""Signs of life where no bar can move: in a pipe, a log file, CI."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY_S = 30.0
"""A line at most this often."""
KNOWN_S = 1.0
"""What is done this soon after a batch began came from the cache, and says nothing of the time that the rest takes."""


class Pulse:
    """A line every ``every_s`` on what a stage is doing, while it is doing it.

    ``advance(done, total)`` tells how far a batch of simulations or trainings has come; ``waiting`` names one long thing
    and what it tells of itself, if anything. Both may be called from any thread.
    """

    def __init__(self, every_s: float = EVERY_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s, self._clock = every_s, clock
        self._began = clock()
        self._batch = (0, 0)
        self._batch_began, self._known = self._began, 0
        self._waiting: tuple[str, float, float, Callable[[], str] | None] | None = None

    def advance(self, done: int, total: int) -> None:
        """``done`` of ``total`` are finished; fewer than before, or of another total, is another batch."""
        if total != self._batch[1] or done < self._batch[0]:
            self._batch_began, self._known = self._clock(), 0
        self._batch = (done, total)
        if self._clock() - self._batch_began < KNOWN_S:
            self._known = done

    @contextmanager
    def waiting(self, what: str, limit_s: float, told: Callable[[], str] | None = None) -> Iterator[None]:
        """While ``what`` runs, lines tell its time, its time limit, and what ``told`` returns."""
        self._waiting = (what, self._clock(), limit_s, told)
        try:
            yield
        finally:
            self._waiting = None

    @contextmanager
    def beating(self, stage: str, say: Callable[[str], object]) -> Iterator[None]:
        """While a stage runs, ``say`` a line every ``every_s``."""
        self._began, self._batch = self._clock(), (0, 0)
        over = threading.Event()

        def beat() -> None:
            while not over.wait(self._every_s):
                say(self.line(stage))

        thread = threading.Thread(target=beat, name="pulse", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def line(self, stage: str) -> str:
        """What there is to say now."""
        now = self._clock()
        told = f"  {stage}: {minutes(now - self._began)} so far"
        waiting = self._waiting
        if waiting is not None:
            what, began, limit_s, says = waiting
            told += f"; {what} has run {minutes(now - began)} of at most {minutes(limit_s)}"
            said = "" if says is None else says()
            return f"{told}; {said}" if said else told
        done, total = self._batch
        if not done < total:
            return told
        told += f"; {done} of {total} done in this batch"
        fresh = done - self._known
        if fresh > 0:
            told += f", about {minutes((now - self._batch_began) / fresh * (total - done))} left for it"
        return told


def minutes(seconds: float) -> str:
    """90.4 -> "1 min 30 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
