"""What is told of a tile."""

from __future__ import annotations

from nonideal.files.record import Record


class TapeoutSummary(Record):
    """A tile: its size, its pins, how it was judged, and how far from ground and supply its blocks are.

    ``precheck_failed`` are the rules that it breaks, ``precheck_not_run`` those that could not be asked. ``drop_V`` by part: the largest
    drop of its supply and rise of its ground at ``supply_A``.
    """

    top: str
    tile: str
    analog_pins: int
    devices: int
    standard_cells: int
    drc_violations: int
    worst_antenna: str | None = None
    lvs_matched: bool
    precheck_passed: bool
    precheck_failed: tuple[str, ...] = ()
    precheck_not_run: tuple[str, ...] = ()
    wires: int
    wire_length_um: float
    fill: dict[str, int]
    density: dict[str, float]
    supply_A: float
    drop_V: dict[str, float]
    resistors: int | None = None
    capacitors: int | None = None
