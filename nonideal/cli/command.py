"""What a command of the command line is: a function, its name, and the example at the end of its help page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import typer


class Panel(StrEnum):
    """The headings under which `nonideal --help` lists commands."""

    start = "Start"
    loop = "The loop, a stage at a time"
    beside = "Beside the loop"
    look = "Look at results"


@dataclass(frozen=True, slots=True)
class Command:
    """``run`` as typer takes it; ``example``: a whole command line."""

    run: Callable[..., None]
    name: str
    example: str
    panel: Panel

    def add_to(self, app: typer.Typer) -> None:
        """Make it a command of ``app``."""
        app.command(self.name, epilog=f"Example: {self.example}", rich_help_panel=self.panel.value)(self.run)


def command(example: str, panel: Panel) -> Callable[[Callable[..., None]], Command]:
    """A function as a command; it is called as its example says."""

    def decorate(run: Callable[..., None]) -> Command:
        return Command(run, example.split()[1], example, panel)

    return decorate
