"""What can go wrong between Verilog and placed cells."""

from nonideal.circuits.errors import CircuitError


class DigitalError(CircuitError):
    """The digital side cannot be made as it is asked for."""


class ToolMissing(DigitalError):
    """A program that synthesises or simulates is not installed."""


class ToolFailed(DigitalError):
    """A program that synthesises or simulates ended otherwise than it should, or not in time; the message has its last words."""
