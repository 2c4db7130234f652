"""How a command runs: parallel processes, cluster, where progress is shown."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from rich.console import Console


def available_cores() -> int:
    """Cores this process may use (containers and batch systems give fewer than the machine has)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def stderr_console() -> Console:
    """Progress and tables for people: on stderr, so that stdout can be JSON."""
    return Console(stderr=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Context:
    """``jobs`` local processes, or a Dask cluster at ``scheduler``; ``console`` is for people.

    ``force`` runs stages even where their results stand.
    """

    jobs: int = field(default_factory=available_cores)
    scheduler: str | None = None
    console: Console = field(default_factory=stderr_console)
    force: bool = False

    @property
    def progress(self) -> bool:
        """Are moving bars welcome?"""
        return self.console.is_terminal
