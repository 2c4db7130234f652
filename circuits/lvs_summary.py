"""What is told of a comparison of layout and schematic, as ``lvs.json`` holds it."""

from __future__ import annotations

from pydantic import Field

from nonideal.files.record import Record


class LvsSummary(Record):
    """Whether both are the same circuit; devices by class on either side; how many differences, and messages of the first of them."""

    cell: str | None = None
    matched: bool | None = None
    devices: int | None = None
    devices_layout: dict[str, int] = Field(default_factory=dict)
    devices_netlist: dict[str, int] = Field(default_factory=dict)
    nets: int | None = None
    ports: int | None = None
    differences: int | None = None
    messages: tuple[str, ...] = ()
    seconds: float | None = None
