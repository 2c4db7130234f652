"""What is told of layouts: drawn, checked, extracted."""

from __future__ import annotations

from nonideal.files.record import Record


class ExtractionSummary(Record):
    """Parasitics before and after the reduction. ``mode``: CC (capacitances) or RC; ``dendrite_F``, ``membrane_F``: least and largest
    capacitance of such a net. ``cached``: kept by content from an earlier extraction.
    """

    extractor: str
    mode: str
    sidewall: str | None = None
    resistors_extracted: int
    capacitors_extracted: int
    resistors: int
    capacitors: int
    dendrite_F: tuple[float, float] | None = None
    membrane_F: tuple[float, float] | None = None
    cached: bool | None = None
    seconds_cpu: float | None = None


class CheckSeconds(Record):
    """How long the checks took, s."""

    drc: float
    lvs: float


class LayoutSummary(Record):
    """A drawn and checked network: its size, placements of every cell, named regions [x0, y0, x1, y1] from the lower left corner, what DRC and
    LVS found. ``override``: errors of those would not have stopped it.
    """

    layers: tuple[int, ...]
    cell: str | None = None
    area_um2: float
    width_um: float | None = None
    height_um: float | None = None
    cells: dict[str, int] | None = None
    regions_um: dict[str, tuple[float, ...]] | None = None
    devices: int
    drc_violations: int
    drc_rules: int
    worst_antenna: str | None = None
    lvs_matched: bool
    override: bool
    seconds: CheckSeconds | None = None
    extraction: ExtractionSummary | None = None


class ColumnsSummary(Record):
    """The layouts of the columns that are characterised, as extracted into ``netlist``, and those with the axons between two layers."""

    netlist: str | None = None
    columns: tuple[LayoutSummary, ...]
    fan_outs: tuple[LayoutSummary, ...] = ()
