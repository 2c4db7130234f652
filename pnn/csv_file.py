"""CSV files as tables: the first row names the columns, every row has as many cells, and nothing is guessed in silence."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from nonideal.files import decode, read_bytes
from nonideal.pnn.errors import DataError
from nonideal.pnn.table import Table, is_number, shown_cell

DELIMITERS: Final = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
MOST_CSV_BYTES: Final = 64 * 1024**2
MOST_CELLS: Final = 8_000_000
_MARK: Final = b"\xef\xbb\xbf"


def read_csv(path: Path, *, delimiter: str | None = None) -> Table:
    """A CSV file (UTF-8, with or without byte order mark) as text cells, without the white space around them.

    ``delimiter``: what is between cells; found in the first row where it is not given. Raises ``DataError`` that names the row, and
    ``UnreadableFile`` for what is no text or too large.
    """
    content = read_bytes(path, most_bytes=MOST_CSV_BYTES)
    digest = sha256(content).hexdigest()
    text = decode(content.removeprefix(_MARK), str(path)).replace("\r\n", "\n").replace("\r", "\n")
    place = str(path)
    if not text.strip():
        raise DataError(f"{place}: is empty; the first row names the columns, every other is a sample")
    mark = delimiter if delimiter is not None else _delimiter(text, path)
    rows = _rows(text, mark, place)
    names = tuple(next(rows, []))
    if len(names) < 2:
        raise DataError(
            f"{place}: one column only with {DELIMITERS.get(mark, repr(mark))} between cells; say the delimiter, or give features and a label"
        )
    if all(is_number(name) for name in names):
        raise DataError(
            f"{place}: row 1 holds numbers ({', '.join(shown_cell(n) for n in names[:3])}, ...); put a row with the names of the columns before it"
        )
    samples: list[list[str]] = []
    blank: int | None = None
    for number, cells in enumerate(rows, start=2):
        if not any(cells):
            blank = blank or number
            continue
        if blank is not None:
            raise DataError(f"{place}: row {blank} is empty, and rows follow; remove it")
        if len(cells) != len(names):
            raise DataError(_ragged(place, number, cells, names, mark))
        samples.append(cells)
        if len(samples) * len(names) > MOST_CELLS:
            raise DataError(
                f"{place}: more than {MOST_CELLS} cells; give so large a table as .parquet or .npz"
            )
    if not samples:
        raise DataError(f"{place}: names of columns and no sample")
    return Table(path, place, digest, names, tuple(zip(*samples, strict=True)), first_row=2, text=True)


def _rows(text: str, delimiter: str, place: str) -> Iterator[list[str]]:
    """The rows of a file, white space around cells removed."""
    number = 0
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            number += 1
            yield [cell.strip() for cell in cells]
    except csv.Error as error:
        raise DataError(f"{place}: row {number + 1} cannot be read: {error}") from error


def _delimiter(text: str, path: Path) -> str:
    """The one delimiter that the first row has. Raises ``DataError`` where it has none, or several."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    found = []
    for mark in DELIMITERS:
        try:
            if len(next(_rows(text, mark, str(path)), [])) > 1:
                found.append(mark)
        except DataError:
            continue
    if len(found) == 1:
        return found[0]
    if not found:
        first = text.split("\n", 1)[0]
        raise DataError(
            f"{path}: row 1, {shown_cell(first)}, has one cell only: between cells stands a comma, a semicolon, a tab or a bar"
        )
    told = " and ".join(DELIMITERS[mark] for mark in found)
    raise DataError(f"{path}: row 1 has {told}; say which is between cells: delimiter = {found[0]!r}")


def _ragged(place: str, number: int, cells: list[str], names: tuple[str, ...], mark: str) -> str:
    told = f"{place}: row {number} has {len(cells)} cells, row 1 names {len(names)} columns"
    if mark == "," and len(cells) > len(names):
        return f'{told}; if commas stand in numbers, put semicolons between cells and say decimal = ","'
    return f"{told}; make them equal"
