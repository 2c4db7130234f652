"""Errors of the circuits room."""

from __future__ import annotations


class CircuitError(ValueError):
    """A circuit was asked for that cannot be built; the message says which value and what would be legal."""


class OutOfRange(CircuitError):
    """Weights lie outside what the synapse can realise."""


class MappingError(CircuitError):
    """A netlist or mapping file does not read back as a network."""
