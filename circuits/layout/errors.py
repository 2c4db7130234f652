"""Errors of the layout, its checks and its extraction."""

from __future__ import annotations

from pathlib import Path

from nonideal.circuits.errors import CircuitError


class LayoutError(CircuitError):
    """A layout was asked for that cannot be drawn; the message says which value and what would be legal."""


class DrcFailed(CircuitError):
    """The layout breaks design rules."""


class LvsFailed(CircuitError):
    """The layout is not the circuit of the netlist."""


class ExtractionFailed(RuntimeError):
    """The extractor failed, or what it wrote is not a complete extraction.

    `log` is where its output is kept; the message ends with its last lines.
    """

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log
