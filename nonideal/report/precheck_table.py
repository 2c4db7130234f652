"""What the precheck says of a tile, as tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nonideal.report.table import Cell, Column, Table, numbers, states, words

if TYPE_CHECKING:
    from nonideal.precheck import PrecheckSummary

MOST_PLACES = 5


def precheck_tables(found: PrecheckSummary) -> Iterable[Table]:
    """One row a rule; and for the rules that are broken where, and what to do."""
    yield Table(
        f"Precheck of {found.tile}",
        (*words("Rule", "Asked by"), *states("State"), *words("Found"), Column("Time", unit="s", digits=2)),
        tuple((one.rule, one.asked_by, one.state, one.found, one.seconds) for one in found.rules),
    )
    broken = [one for one in found.rules if one.state == "fail"]
    if broken:
        rows: list[tuple[Cell, ...]] = []
        for one in broken:
            rows.append((one.rule, None, None, one.advice))
            rows += [("", place.x_um, place.y_um, place.what) for place in one.places[:MOST_PLACES]]
        yield Table(
            "What to do, and where",
            (*words("Rule"), *numbers("x", "y", unit="", digits=6), *words("What")),
            tuple(rows),
            note="x and y in um; precheck.json has more places.",
        )
