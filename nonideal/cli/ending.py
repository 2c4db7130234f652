"""How a command ends when it is told to: SIGTERM and SIGHUP as Ctrl-C does, children first, with a code and words of their own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

KEPT = "what is finished is kept, and the same command goes on from there"


@dataclass(slots=True)
class Ending:
    """The signal that asked the command to end, if one did."""

    number: int | None = None

    @property
    def code(self) -> int:
        """As shells tell it: 128 and the signal's number; 130, Ctrl-C's, without one."""
        return 128 + (signal.SIGINT if self.number is None else self.number)

    @property
    def told(self) -> str:
        """For people."""
        words = {signal.SIGTERM: "terminated", signal.SIGHUP: "its terminal hung up"}
        return f"{words.get(self.number, 'interrupted')}; {KEPT}"  # type: ignore[call-overload]


@contextmanager
def told_to_end() -> Iterator[Ending]:
    """Inside, the first SIGTERM or SIGHUP raises `KeyboardInterrupt`, so that all is ended in order; a second one ends at once.

    A signal that is ignored stays so (`nohup`). Only in the main thread, which alone gets signals.
    """
    ending = Ending()
    before: dict[signal.Signals, Any] = {}

    def end(number: int, frame: FrameType | None) -> None:
        ending.number = number
        for one in before:
            signal.signal(one, signal.SIG_DFL)
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        for one in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(one) == signal.SIG_DFL:
                before[one] = signal.signal(one, end)
    try:
        yield ending
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
