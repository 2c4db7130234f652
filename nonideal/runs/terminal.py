"""What people see: the one place where consoles are made.

Text on them is printed as it stands. Paths, names, error messages and commands may hold square brackets or colons, so neither markup nor
emoji codes are read, in lines as in tables; our own styling is a ``rich.text.Text`` or a ``style``.
"""

from __future__ import annotations

from typing import IO

from rich.console import Console

ONE_LINE = 10_000
"""Columns of an output that is no terminal: nothing is wrapped there."""


def console_for(*, stderr: bool, file: IO[str] | None = None, width: int | None = None) -> Console:
    """A console for people, on stdout, stderr or ``file``, that wraps lines on a terminal only, or at ``width``."""
    console = Console(stderr=stderr, file=file, width=width, markup=False, emoji=False, highlight=False)
    if width is None and not console.is_terminal:
        console.width = ONE_LINE
    return console
