"""Design rule check: every rule of the tables, antenna rules too, named as the process names them, on a flat view of the layout.

report = check(Path("network.gds"))
report.require_clean()          # raises DrcFailed
report.write(Path("drc.json"))  # and report.write_markers(Path("drc.lyrdb")) for KLayout's marker browser
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb
from klayout import rdb

from nonideal.circuits.drc.antenna import Antenna, antennas
from nonideal.circuits.drc.checks import violations
from nonideal.circuits.drc.regions import Regions
from nonideal.circuits.drc_summary import BrokenRule, DrcSummary, WorstAntenna
from nonideal.circuits.layout.errors import DrcFailed, LayoutError
from nonideal.files import written_whole
from nonideal.sky130_models.antenna import ANTENNA_RULES, AntennaRule
from nonideal.sky130_models.rules import RULES, Rule

MAX_BOXES = 50

__all__ = ["Antenna", "DrcReport", "Violation", "check", "check_cell"]


@dataclass(frozen=True, slots=True)
class Violation:
    """The places that break one rule: how many, and the boxes (x0, y0, x1, y1 in um) of the first of them.

    Of an antenna rule every net that breaks it is one place, the box round what it has of the layer.
    """

    rule: str
    description: str
    count: int
    boxes_um: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True, slots=True)
class DrcReport:
    """What a check found; `rules` are the names of all rules that were checked.

    `antennas` holds, for every antenna rule that some net is under, the net that comes nearest to breaking it or breaks it most.
    """

    cell: str
    rules: tuple[str, ...]
    violations: tuple[Violation, ...]
    antennas: tuple[Antenna, ...]
    seconds: float

    @property
    def clean(self) -> bool:
        return not self.violations

    @property
    def count(self) -> int:
        return sum(violation.count for violation in self.violations)

    @property
    def worst_antenna(self) -> Antenna | None:
        """The net that is nearest to breaking its antenna rule or breaks it most; None where no net has a gate."""
        return max(self.antennas, key=lambda antenna: antenna.ratio / antenna.allowed, default=None)

    def require_clean(self) -> None:
        """Raise DrcFailed unless there is no violation."""
        if not self.clean:
            worst = ", ".join(f"{v.rule} x {v.count} at {v.boxes_um[0]} um" for v in self.violations[:5])
            raise DrcFailed(f"{self.cell}: {self.count} design rule violations: {worst}")

    def summary(self) -> DrcSummary:
        """What is told of it."""
        return DrcSummary(
            cell=self.cell,
            violations=self.count,
            rules_checked=len(self.rules),
            by_rule=tuple(
                BrokenRule(rule=v.rule, description=v.description, count=v.count, boxes_um=v.boxes_um)
                for v in self.violations
            ),
            antenna=tuple(
                WorstAntenna(
                    rule=worst.rule.name,
                    layer=worst.rule.layer,
                    net=worst.net,
                    ratio=round(worst.ratio, 4),
                    allowed=round(worst.allowed, 4),
                    gate_um2=round(worst.gate_um2, 6),
                    diode_um2=round(worst.diode_um2, 6),
                )
                for worst in self.antennas
            ),
            seconds=round(self.seconds, 3),
        )

    def write(self, path: Path) -> None:
        """Write the report as JSON, whole or not at all."""
        self.summary().save(path)

    def write_markers(self, path: Path) -> None:
        """Write the violations for KLayout's marker browser."""
        database = rdb.ReportDatabase("drc")
        cell = database.create_cell(self.cell)
        for violation in self.violations:
            category = database.create_category(violation.rule)
            category.description = violation.description
            for box in violation.boxes_um:
                database.create_item(cell.rdb_id(), category.rdb_id()).add_value(kdb.DBox(*box))
        with written_whole(path) as part:
            database.save(str(part))


def check(
    gds: Path,
    cell: str | None = None,
    rules: Sequence[Rule] = RULES,
    antenna_rules: Sequence[AntennaRule] = ANTENNA_RULES,
) -> DrcReport:
    """Check a GDS file's cell (default: its only top cell) against the rules."""
    layout = kdb.Layout()
    layout.read(str(gds))
    if cell is None and len(layout.top_cells()) != 1:
        names = ", ".join(top.name for top in layout.top_cells())
        raise LayoutError(f"{gds} has the top cells {names}: name the one to check")
    top = layout.top_cell() if cell is None else layout.cell(cell)
    if top is None:
        raise LayoutError(f"{gds} has no cell {cell!r}")
    return check_cell(layout, top, rules, antenna_rules)


def check_cell(
    layout: kdb.Layout,
    top: kdb.Cell,
    rules: Sequence[Rule] = RULES,
    antenna_rules: Sequence[AntennaRule] = ANTENNA_RULES,
) -> DrcReport:
    """Check a cell of a layout in memory."""
    started = time.perf_counter()
    regions = Regions(layout, top)
    if not regions.drawn():
        raise LayoutError(
            f"cell {top.name} has no shape on any layer of the process: there is nothing to check"
        )
    found = []
    for rule in rules:
        bad = violations(regions, rule)
        if bad.is_empty():
            continue
        boxes = [polygon.bbox().to_dtype(layout.dbu) for polygon in bad.each()]
        parts = (rule.kind, rule.layer, rule.other or "", rule.value_um or "")
        found.append(
            Violation(
                rule=rule.name,
                description=" ".join(str(part) for part in parts if part != ""),
                count=len(boxes),
                boxes_um=tuple(
                    (round(b.left, 3), round(b.bottom, 3), round(b.right, 3), round(b.top, 3))
                    for b in boxes[:MAX_BOXES]
                ),
            )
        )
    by_rule: dict[str, list[Antenna]] = {}
    for antenna in antennas(layout, top, regions, antenna_rules):
        by_rule.setdefault(antenna.rule.name, []).append(antenna)
    for name, judged in by_rule.items():
        judged.sort(key=lambda antenna: antenna.ratio / antenna.allowed, reverse=True)
        broken = [antenna for antenna in judged if antenna.broken]
        if broken:
            boxes_um = tuple(antenna.box_um for antenna in broken[:MAX_BOXES])
            found.append(Violation(name, f"antenna {broken[0]}", len(broken), boxes_um))
    return DrcReport(
        cell=top.name,
        rules=(*(rule.name for rule in rules), *(rule.name for rule in antenna_rules)),
        violations=tuple(found),
        antennas=tuple(judged[0] for judged in by_rule.values()),
        seconds=time.perf_counter() - started,
    )
