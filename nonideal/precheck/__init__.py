"""What an open shuttle asks of a sky130 analog tile, asked of anybody's: one function a rule.

summary = precheck(TileFiles.beside(Path("tt_um_mine.gds")))
summary.passed
summary.rule("boundary").found
summary.save(Path("precheck.json"))
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from nonideal.precheck.errors import PrecheckError
from nonideal.precheck.info import is_current
from nonideal.precheck.result import Finding, Place, PrecheckSummary, RuleResult
from nonideal.precheck.rules import RULES, PrecheckRule
from nonideal.precheck.tile import Tile, TileFiles

__all__ = [
    "RULES",
    "Finding",
    "Place",
    "PrecheckError",
    "PrecheckRule",
    "PrecheckSummary",
    "RuleResult",
    "Tile",
    "TileFiles",
    "precheck",
]


def precheck(
    files: TileFiles, *, current_mA: float | None = None, rules: Sequence[PrecheckRule] = RULES
) -> PrecheckSummary:
    """Judge a tile by every rule. A companion that cannot be read breaks the rule ``files``; what needs it is not run.

    ``current_mA`` is the supply current, for the stripes. Raises ``PrecheckError`` for one that is no number above 0, ``PrecheckError`` and
    ``UnreadableFile`` for a layout or a netlist that cannot be read.
    """
    started = time.perf_counter()
    if current_mA is not None and not is_current(current_mA):
        raise PrecheckError(f"current {current_mA:g} mA: give a number above 0 (--current), or none")
    tile = Tile(files, current_mA)
    _ = tile.layout, tile.netlist
    results = [_judged(tile, rule) for rule in rules]
    return PrecheckSummary(
        tile=tile.name,
        template=None if tile.template is None else tile.template.size,
        files=files.told(),
        passed=all(one.state != "fail" for one in results),
        rules=tuple(results),
        seconds=round(time.perf_counter() - started, 3),
    )


def _judged(tile: Tile, rule: PrecheckRule) -> RuleResult:
    started = time.perf_counter()
    found = rule.check(tile)
    seconds = round(time.perf_counter() - started, 3)
    told = {name: getattr(found, name) for name in Finding.model_fields}
    return RuleResult(rule=rule.name, asked_by=rule.asked_by, seconds=seconds, **told)
