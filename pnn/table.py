"""A table of samples as a file holds it; what is wrong with a cell is told with its row and column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nonideal.pnn.errors import DataError

Array: TypeAlias = NDArray[np.float64]
TOLD: Final = 3
"""So many wrong cells are told one by one."""
LONGEST_CLASS: Final = 100
"""Characters in the name of a class."""
_NUMBER: Final = {
    mark: re.compile(rf"[+-]?(\d+(\{mark}\d*)?|\{mark}\d+)([eE][+-]?\d+)?", re.ASCII) for mark in ".,"
}
_INTEGER: Final = re.compile(r"[+-]?\d{1,18}(\.0*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of equal length, by name.

    ``place`` names the file, and what of it, in messages; ``first_row`` is the number of the first sample's row there, counted from 1: 2 below a
    line of names. ``text``: cells are text that was typed, so numbers are read from it; else columns are arrays.
    """

    path: Path
    place: str
    sha256: str
    names: tuple[str, ...]
    columns: tuple[Sequence[Any] | NDArray[Any], ...]
    first_row: int = 1
    text: bool = False

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def row(self, sample: int) -> str:
        """The place of a sample, as a spreadsheet counts."""
        return f"row {sample + self.first_row}"

    def position(self, key: str | int) -> int:
        """The index of a column, which is given by name, or by number from 1. Raises ``DataError`` that lists what there is."""
        if isinstance(key, int):
            if not 1 <= key <= len(self.names):
                raise DataError(
                    f"{self.place}: no column {key}; there are 1 .. {len(self.names)}: {self._listed()}"
                )
            self._check_named(key - 1)
            return key - 1
        found = [k for k, name in enumerate(self.names) if name == key]
        if not found:
            near = get_close_matches(key, self.names, n=1, cutoff=0.6)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise DataError(f"{self.place}: no column {key!r}{hint} There are: {self._listed()}")
        self._check_named(found[0])
        return found[0]

    def label_position(self, key: str | int | None) -> int:
        """The column of classes: the one given, else the one called ``label``, else the last."""
        if key is not None:
            return self.position(key)
        return self.position("label" if "label" in self.names else len(self.names))

    def feature_positions(self, keys: Sequence[str | int] | None, label: int) -> tuple[int, ...]:
        """The columns of features: those given, else all but the label. Raises ``DataError`` for one given twice, or the label."""
        if keys is None:
            chosen = [k for k in range(len(self.names)) if k != label]
            for k in chosen:
                self._check_named(k)
        else:
            chosen = [self.position(key) for key in keys]
        if not chosen:
            raise DataError(f"{self.place}: no column of features beside the label {self.names[label]!r}")
        if label in chosen:
            raise DataError(
                f"{self.place}: column {self.names[label]!r} is the label, and among the features too: name another label, or leave it out there"
            )
        twice = next((k for k in chosen if chosen.count(k) > 1), None)
        if twice is not None:
            raise DataError(f"{self.place}: column {self.names[twice]!r} is named twice among the features")
        return tuple(chosen)

    def numbers(self, chosen: Sequence[int], decimal: str = ".") -> Array:
        """Columns as finite numbers [samples, columns]. Raises ``DataError`` with the first cells that hold none."""
        values = np.empty((len(self), len(chosen)))
        problems: list[tuple[int, int, str]] = []
        for at, k in enumerate(chosen):
            if self.text:
                values[:, at] = _parsed(self.columns[k], decimal)
                bad = np.flatnonzero(~np.isfinite(values[:, at]))
                problems += [(int(i), k, _why_no_number(self.columns[k][int(i)], decimal)) for i in bad]
                continue
            column = np.asarray(self.columns[k])
            if column.dtype.kind not in "biuf":
                raise DataError(
                    f"{self.place}: column {self.names[k]!r} ({k + 1}) holds {_kind(column)}, not numbers; leave it out of the columns"
                )
            with np.errstate(over="ignore"):
                values[:, at] = column.astype(np.float64)
            bad = np.flatnonzero(~np.isfinite(values[:, at]))
            problems += [(int(i), k, _why_not_finite(values[i, at])) for i in bad]
        if problems:
            self._refuse(problems)
        return values

    def labels(self, k: int) -> list[str]:
        """The class of every sample, as text; whole numbers written in one way. Raises ``DataError`` with those that are none."""
        column = self.columns[k]
        if self.text:
            cells = [str(cell) for cell in column]
        else:
            array = np.asarray(column)
            if array.dtype.kind not in "biufUO":
                raise DataError(
                    f"{self.place}: the label column {self.names[k]!r} holds {_kind(array)}; classes are text or whole numbers"
                )
            cells = ["" if cell is None else str(cell).strip() for cell in array.tolist()]
        problems = [(i, k, why) for i, cell in enumerate(cells) if (why := _why_no_class(cell))]
        if problems:
            self._refuse(problems)
        if all(_INTEGER.fullmatch(cell) for cell in cells):
            return [str(int(cell.partition(".")[0])) for cell in cells]
        other = "." if not self.text else ".,"
        if all(any(_NUMBER[mark].fullmatch(cell) for mark in other) for cell in cells):
            i = next(i for i, cell in enumerate(cells) if not _INTEGER.fullmatch(cell))
            raise DataError(
                f"{self.place}: {self._cell(i, k)}: {cells[i]!r} is no class: classes are text or whole numbers; is another column the label?"
            )
        return cells

    def _refuse(self, problems: list[tuple[int, int, str]]) -> None:
        problems = sorted(problems)
        told = "; ".join(f"{self._cell(i, k)}: {why}" for i, k, why in problems[:TOLD])
        more = len(problems) - TOLD
        rest = f"; and {more} more cell{'s' * (more > 1)}" if more > 0 else ""
        raise DataError(f"{self.place}: {told}{rest}")

    def _cell(self, sample: int, k: int) -> str:
        return f"{self.row(sample)}, column {self.names[k]!r} ({k + 1})"

    def _check_named(self, k: int) -> None:
        name = self.names[k]
        if not name:
            raise DataError(
                f"{self.place}: column {k + 1} has no name; name it in the first row, or say which columns to use"
            )
        same = [str(i + 1) for i, other in enumerate(self.names) if other == name]
        if len(same) > 1:
            raise DataError(
                f"{self.place}: columns {' and '.join(same)} are both called {name!r}; rename all but one"
            )

    def _listed(self) -> str:
        shown = [shown_cell(name) for name in self.names[:20]]
        return ", ".join(shown) + (f", and {len(self.names) - 20} more" if len(self.names) > 20 else "")


def class_order(labels: Sequence[str]) -> list[str]:
    """The classes of a column of labels in the order of the outputs: whole numbers by size, text by the alphabet."""
    found = set(labels)
    whole = all(_INTEGER.fullmatch(name) for name in found)
    return sorted(found, key=int) if whole else sorted(found)


def shown_cell(cell: Any) -> str:
    """A cell's content for a message: quoted, and not longer than a line takes."""
    text = repr(str(cell))
    return text if len(text) <= 40 else text[:37] + "...'"


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, with either decimal mark."""
    return any(pattern.fullmatch(cell) for pattern in _NUMBER.values())


def _parsed(cells: Sequence[str] | NDArray[Any], decimal: str) -> Array:
    """Cells as numbers, NaN where a cell holds none."""
    pattern = _NUMBER[decimal]
    return np.array(
        [float(c.replace(decimal, ".")) if pattern.fullmatch(c) else np.nan for c in cells], dtype=np.float64
    )


def _why_no_number(cell: str, decimal: str) -> str:
    if cell == "":
        return "is empty"
    if _NUMBER[decimal].fullmatch(cell):
        return f"{shown_cell(cell)} is too large"
    other = "," if decimal == "." else "."
    if _NUMBER[other].fullmatch(cell):
        return f'{shown_cell(cell)} is no number with the decimal mark {decimal!r}; if {other!r} is the mark, say decimal = "{other}"'
    return f"{shown_cell(cell)} is no number"


def _why_not_finite(value: float) -> str:
    return "is empty, or NaN" if np.isnan(value) else f"{value:g} is no finite number"


def _why_no_class(cell: str) -> str:
    if cell == "":
        return "has no label"
    if cell.lower() in ("nan", "+nan", "-nan", "inf", "-inf", "+inf", "<na>"):
        return f"{shown_cell(cell)} is no class"
    if len(cell) > LONGEST_CLASS:
        return (
            f"the label has {len(cell)} characters, more than {LONGEST_CLASS}; is another column the label?"
        )
    if not cell.isprintable():
        return f"the label {shown_cell(cell)} has characters that cannot be printed"
    return ""


def _kind(array: NDArray[Any]) -> str:
    kinds = {
        "c": "complex numbers", "O": "text or mixed values", "U": "text", "S": "bytes", "M": "dates", "m": "durations", "V": "records",
    }  # fmt: skip
    return f"{kinds.get(array.dtype.kind, 'other values')} ({array.dtype})"
