"""How a command runs: parallel processes, cluster, where progress is shown."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TimeElapsedColumn
from rich.text import Text

from nonideal.runs.commands import CommandLine
from nonideal.runs.pulse import Pulse
from nonideal.runs.terminal import console_for


def available_cores() -> int:
    """Cores this process may use (containers and batch systems give fewer than the machine has)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def stderr_console() -> Console:
    """Progress: on stderr, so that stdout can be JSON."""
    return console_for(stderr=True)


@dataclass(frozen=True, slots=True)
class Context:
    """``jobs`` local processes, or a Dask cluster at ``scheduler``; ``console`` is for people.

    ``force`` runs stages even where their results stand; ``line`` is what the user asked for.
    """

    jobs: int = field(default_factory=available_cores)
    scheduler: str | None = None
    console: Console = field(default_factory=stderr_console)
    force: bool = False
    pulse: Pulse = field(default_factory=Pulse)
    line: CommandLine = field(default_factory=CommandLine)

    @property
    def bars(self) -> bool:
        """Are moving bars welcome?"""
        return self.console.is_terminal

    @property
    def progress(self) -> bool | Callable[[int, int], None]:
        """For batches of simulations: a bar (True), or what to call with (done, total)."""
        return True if self.bars else self.pulse.advance

    def beating(self, stage: str) -> AbstractContextManager[None]:
        """While a stage runs: a line now and then where there are no bars."""
        return nullcontext() if self.bars else self.pulse.beating(stage, self.console.print)

    def waiting(
        self, what: str, limit_s: float, told: Callable[[], str] | None = None
    ) -> AbstractContextManager[object]:
        """While one thing runs: its time and what ``told`` has to say of it now, on the line or beside a clock."""
        if not self.bars:
            return self.pulse.waiting(what, limit_s, told)
        clock = Progress(
            SpinnerColumn(),
            _Now(what, limit_s, told),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
        )
        clock.add_task(what, total=None)
        return clock


class _Now(ProgressColumn):
    """What is running, its time limit, and what there is to say of it at the moment."""

    max_refresh = 1.0

    def __init__(self, what: str, limit_s: float, told: Callable[[], str] | None) -> None:
        super().__init__()
        self._what, self._told = f"{what}, at most {limit_s / 60:g} min", told

    def render(self, task: Task) -> Text:
        """The line, without markup."""
        now = "" if self._told is None else self._told()
        return Text(f"{self._what}; {now}" if now else self._what)
