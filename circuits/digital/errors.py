"""What can go wrong between Verilog and placed cells."""

from nonideal.circuits.errors import CircuitError


class DigitalError(CircuitError):
    """The digital side cannot be made as it is asked for."""


class ToolMissing(DigitalError):
    """A program that synthesises or simulates is not installed."""
