"""The table of conditions as maps: corner by temperature at the supplies of home, and supply by how far it is off."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from nonideal.circuits.supply_offsets import NAMES

COLUMNS = (
    ("kept_accuracy", "Accuracy, biases as written at home"),
    ("anew_accuracy", "Accuracy, biases derived anew"),
    ("kept_rms_change_s", "Spike times against home, rms: kept"),
    ("anew_rms_change_s", "Spike times against home, rms: anew"),
)
"""Columns of the table that are mapped, with their titles."""
OFFSETS = {f"{name.removesuffix('_V')}_offset_V": told for name, told in NAMES.items()}
"""Columns of the table that say how far a supply is off -> its name."""


@dataclass(frozen=True, slots=True)
class ConditionMap:
    """Rows of the table as cells: ``cells`` [table row] is (row, column) of the map or None; ``home`` is the cell that is home, if any."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[int, int] | None, ...]
    home: tuple[int, int] | None = None

    def values(self, table: pd.DataFrame, column: str) -> dict[tuple[int, int], float]:
        """A column of the table by cell; NaN where a condition has no number."""
        return {
            cell: float(value)
            for cell, value in zip(self.cells, table[column], strict=True)
            if cell is not None
        }


def by_corner(table: pd.DataFrame) -> ConditionMap:
    """Corners by temperature; the table's first row is home."""
    off = _offsets(table)
    corners = list(dict.fromkeys(table["corner"]))
    temperatures = sorted(dict.fromkeys(table["temperature_C"]))
    cells = tuple(
        None if off.iloc[k].any() else (corners.index(corner), temperatures.index(temperature))
        for k, (corner, temperature) in enumerate(zip(table["corner"], table["temperature_C"], strict=True))
    )
    return ConditionMap(tuple(corners), tuple(f"{value:g} °C" for value in temperatures), cells, cells[0])


def by_supply(table: pd.DataFrame) -> ConditionMap | None:
    """Supplies by how far each is off, one at a time; None where none was."""
    found = [
        next(((name, by) for name, by in row.items() if by), None)
        for row in _offsets(table).to_dict(orient="records")
    ]
    given = [one for one in found if one is not None]
    if not given:
        return None
    supplies = [name for name in OFFSETS if any(name == one[0] for one in given)]
    offsets = sorted({by for _, by in given})
    cells = tuple(
        None if one is None else (supplies.index(str(one[0])), offsets.index(one[1])) for one in found
    )
    return ConditionMap(
        tuple(OFFSETS[name] for name in supplies), tuple(f"{1e3 * by:+g} mV" for by in offsets), cells
    )


def _offsets(table: pd.DataFrame) -> pd.DataFrame:
    """A table that was written before supplies were conditions has none."""
    return table.reindex(columns=list(OFFSETS), fill_value=0.0)
