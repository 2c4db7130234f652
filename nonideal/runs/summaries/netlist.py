"""What is told of networks that were written back as netlists."""

from __future__ import annotations

from nonideal.files.record import Record


class NetlistSummary(Record):
    """One network. ``realised``: what makes its currents; ``clipped`` weights were above the largest current, ``off`` ones below the smallest.

    ``circuit_unknown``: what could not be told of the circuit that the weights were trained for. ``order``: names of the matrices, where a file
    of another program held them, and those that were ``left_out``. ``deck``: the one that runs it; None without a PDK.
    """

    realised: str | None = None
    vdis_V: float | None = None
    layers: tuple[int, ...]
    synapses: int
    clipped: int
    off: int | None = None
    largest_current_A: float
    circuit_unknown: str | None = None
    order: tuple[str, ...] | None = None
    left_out: tuple[str, ...] = ()
    deck: str | None = None


class WriteBackSummary(Record):
    """The networks of an experiment, by mapping."""

    mappings: dict[str, NetlistSummary]
