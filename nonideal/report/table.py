"""A table, however it is written down: on a terminal, in HTML, as Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from nonideal.report.units import quantity

Cell: TypeAlias = str | int | float | None
"""Text is shown as it stands, a count with all its digits, a quantity in its column's unit, None as what was not measured."""


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, and how the cells under it are shown: quantities in ``unit`` with so many ``digits``; words to the left, states as badges."""

    heading: str
    holds: Literal["numbers", "words", "states"] = "numbers"
    unit: str = ""
    digits: int = 4

    @property
    def left(self) -> bool:
        """Whether its cells stand to the left."""
        return self.holds != "numbers"

    def shown(self, cell: Cell) -> str:
        """A cell as text."""
        if isinstance(cell, str):
            return cell
        return str(cell) if isinstance(cell, int) else quantity(cell, self.unit, self.digits)


def words(*headings: str) -> tuple[Column, ...]:
    """Columns of words."""
    return tuple(Column(heading, "words") for heading in headings)


def numbers(*headings: str, unit: str = "", digits: int = 4) -> tuple[Column, ...]:
    """Columns of numbers of one unit."""
    return tuple(Column(heading, "numbers", unit, digits) for heading in headings)


def states(heading: str) -> tuple[Column]:
    """A column of states: pass, fail, not run, no limit."""
    return (Column(heading, "states"),)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under ``columns``; ``note`` says what has to be known to read them."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    @property
    def headings(self) -> tuple[str, ...]:
        """What stands over the columns."""
        return tuple(column.heading for column in self.columns)

    @property
    def shown(self) -> tuple[tuple[str, ...], ...]:
        """All rows as text."""
        return tuple(
            tuple(column.shown(cell) for column, cell in zip(self.columns, row, strict=True))
            for row in self.rows
        )
