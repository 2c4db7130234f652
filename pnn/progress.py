"""What a training tells where no bar can move: a line now and then, and one at the end."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY_S = 10.0
"""A line at most this often, but for the last."""


class EpochLines:
    """Lines with epoch, loss, test accuracy and time left, by ``say``, at most every ``every_s`` seconds.

    ``done`` epochs were there from an earlier run: they say nothing of the time that the rest takes.
    """

    def __init__(
        self,
        name: str,
        epochs: int,
        done: int,
        say: Callable[[str], object],
        *,
        every_s: float = EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._epochs, self._done = name, epochs, done
        self._say, self._every_s, self._clock = say, every_s, clock
        self._began = self._said = clock()

    def epoch(self, epoch: int, loss: float, test_accuracy: float | None) -> None:
        """Epoch ``epoch`` has ended; ``test_accuracy`` is the last that was measured, None before the first."""
        now = self._clock()
        if epoch < self._epochs and now - self._said < self._every_s:
            return
        self._said = now
        tested = "" if test_accuracy is None else f", test {100 * test_accuracy:.1f} %"
        left_s = (now - self._began) / (epoch - self._done) * (self._epochs - epoch)
        end = f"about {left_s:.0f} s left" if epoch < self._epochs else f"done in {now - self._began:.0f} s"
        self._say(f"  {self._name}: epoch {epoch} of {self._epochs}, loss {loss:.4f}{tested}, {end}")
