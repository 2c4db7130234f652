"""Errors of the characterize room."""

from __future__ import annotations


class FitRefused(Exception):
    """A measured curve does not determine the parameter that was asked of it (flat, out of range, poor); the message says why."""


class CharacterizationFailed(Exception):
    """A bench did not run; no parameter is invented in its place. ``failures`` holds what the simulator reported."""

    def __init__(self, message: str, failures: tuple[object, ...] = ()) -> None:
        super().__init__(message)
        self.failures = failures


class NoColumn(Exception):
    """The physical model holds no measured column, which the caller needs."""


class NoSpread(Exception):
    """The physical model holds no mismatch, which the caller needs."""
