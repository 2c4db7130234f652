"""Errors of the tapeout."""

from __future__ import annotations

from nonideal.circuits.errors import CircuitError


class TapeoutError(CircuitError):
    """A tile was asked for that cannot be made; the message says what does not fit and what would."""
