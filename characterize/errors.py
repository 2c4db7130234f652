"""Errors of the characterize room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class FitRefused(Exception):
    """A measured curve does not determine the parameter that was asked of it (flat, out of range, poor); the message says why.

    ``moves``: what would help, as (verb, dotted key of the experiment), most likely first.
    """

    def __init__(self, message: str, *moves: tuple[str, str]) -> None:
        super().__init__(message)
        self.moves = moves

    def with_values(self, sections: Mapping[str, Any]) -> FitRefused:
        """The same refusal that says what to try, with the present value of every key in ``sections``."""
        # The sizes of a cell that the user replaced change nothing.
        own = tuple(f"circuit.{cell}." for cell in sections["circuit"]["cells"])
        moves = [(verb, key) for verb, key in self.moves if not key.startswith(own)]
        if not moves:
            return self
        told = "; or ".join(f"{verb} {key} = {_shown(sections, key)}" for verb, key in moves)
        return FitRefused(f"{self}. To try: {told}")


def _shown(sections: Mapping[str, Any], key: str) -> str:
    value: Any = sections
    for part in key.split("."):
        value = value[part]
    return f"{value:g}" if isinstance(value, float) else str(value)


class CharacterizationFailed(Exception):
    """A bench did not run; no parameter is invented in its place. ``failures`` holds what the simulator reported.

    ``nothing_ran``: every simulation ended in the same way and none began, so that no other design would fare better.
    """

    def __init__(self, message: str, failures: tuple[object, ...] = (), *, nothing_ran: bool = False) -> None:
        super().__init__(message)
        self.failures = failures
        self.nothing_ran = nothing_ran


class NoColumn(Exception):
    """The physical model holds no measured column, which the caller needs."""


class NoSpread(Exception):
    """The physical model holds no mismatch, which the caller needs."""


class NoNoise(Exception):
    """The physical model holds no noise, which the caller needs."""
