"""What is told of a design rule check, as ``drc.json`` holds it."""

from __future__ import annotations

from nonideal.files.record import Record


class BrokenRule(Record):
    """A rule, how many places break it, and the boxes [x0, y0, x1, y1] in um of the first of them."""

    rule: str
    description: str
    count: int
    boxes_um: tuple[tuple[float, float, float, float], ...] = ()


class WorstAntenna(Record):
    """Of an antenna rule the net that comes nearest to breaking it, or breaks it most: its ratio and what its gates and diodes allow."""

    rule: str
    layer: str
    net: str
    ratio: float
    allowed: float
    gate_um2: float | None = None
    diode_um2: float | None = None

    @property
    def passed(self) -> bool:
        """Whether it keeps the rule."""
        return self.ratio <= self.allowed


class DrcSummary(Record):
    """Violations in all and by rule."""

    cell: str | None = None
    violations: int | None = None
    rules_checked: int | None = None
    by_rule: tuple[BrokenRule, ...] = ()
    antenna: tuple[WorstAntenna, ...] = ()
    seconds: float | None = None
