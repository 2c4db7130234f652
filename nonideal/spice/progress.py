"""How far a batch has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Advance = Callable[[int, int], None]
"""Called with (done, total)."""


@contextmanager
def shown(progress: bool | Advance, total: int) -> Iterator[Advance]:
    """What to call with (done, total): the callable given, a bar on the terminal, or nothing visible."""
    if callable(progress):
        yield progress
        return
    bar: AbstractContextManager[Any] = nullcontext()
    if progress:
        bar = Progress(
            TextColumn("ngspice", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True, markup=False, emoji=False, highlight=False),
            transient=True,
        )
    with bar as display:
        task = None if display is None else display.add_task("ngspice", total=total)

        def advance(done: int, _total: int) -> None:
            if display is not None:
                display.update(task, completed=done)

        yield advance
