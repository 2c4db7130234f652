"""What is told of an extraction, as ``pex.json`` holds it."""

from __future__ import annotations

from pydantic import Field

from nonideal.files.record import Record


class ReductionSummary(Record):
    """What the reduction neglects: couplings, resistors and time constants below these; whether couplings of two nets are joined."""

    coupling_F: float | None = None
    short_ohm: float | None = None
    tau_s: float | None = None
    join: bool | None = None


class PexOptions(Record):
    """What it was asked for; None: nothing was reduced."""

    reduction: ReductionSummary | None = None


class PexSummary(Record):
    """Resistors and capacitors before and after the reduction; ``resistance_ohm``: smallest, median and largest; capacitance of every net to
    all others; ``mode``: CC (capacitances) or RC; ``cached``: kept by content from an earlier extraction.
    """

    extractor: str | None = None
    mode: str | None = None
    sidewall: str | None = None
    resistors_extracted: int | None = None
    capacitors_extracted: int | None = None
    resistors: int | None = None
    capacitors: int | None = None
    resistance_ohm: dict[str, float] = Field(default_factory=dict)
    net_capacitance_F: dict[str, float] = Field(default_factory=dict)
    options: PexOptions | None = None
    tools: dict[str, str] = Field(default_factory=dict)
    seconds_cpu: float | None = None
    cached: bool | None = None
