"""Measurements in a CSV file, written after every row, so that a restart goes on where the last one stopped."""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from nonideal.files import write_text

Key = tuple[object, ...]


class Table:
    """Rows of ``keys`` (what was measured) and ``values`` (the result) below a comment line that says how.

    A file that was measured otherwise is refused (the program ends and says so); a last line that was cut short
    is dropped.
    """

    def __init__(self, path: Path, keys: tuple[str, ...], values: tuple[str, ...], how: str) -> None:
        self.path, self.keys, self.columns = path, keys, (*keys, *values)
        head = f"# {how}\n{','.join(self.columns)}\n"
        old = path.read_text(encoding="utf-8") if path.is_file() else head
        if not old.startswith(head):
            sys.exit(f"{path} was measured otherwise than now ({how}): remove it, or choose another --out")
        whole = [line for line in old[len(head) :].splitlines(keepends=True) if line.endswith("\n")]
        self._known = {tuple(row[: len(keys)]) for row in csv.reader(whole)}
        self._lines = [head, *whole]
        path.parent.mkdir(parents=True, exist_ok=True)
        self._write()

    def missing(self, wanted: Iterable[Key]) -> Iterator[Key]:
        """The keys that have no row yet, with a line of progress before each."""
        everything = list(wanted)
        for index, key in enumerate(everything, start=1):
            if self._text(key) not in self._known:
                names = ", ".join(f"{name} {value}" for name, value in zip(self.keys, key, strict=True))
                print(
                    f"[{time.strftime('%X')}] {self.path.stem} {index}/{len(everything)}: {names}", flush=True
                )
                yield key

    def add(self, key: Key, *values: object) -> None:
        """Keep a row: the file is written anew at once, whole or not at all. Floats have six digits."""
        cells = [f"{value:.6g}" if isinstance(value, float) else value for value in values]
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow([*self._text(key), *cells])
        self._lines.append(line.getvalue())
        self._write()
        self._known.add(self._text(key))
        named = zip(self.columns[len(self.keys) :], cells, strict=True)
        print("    " + ", ".join(f"{name} {cell}" for name, cell in named), flush=True)

    def _write(self) -> None:
        write_text(self.path, "".join(self._lines))

    def frame(self) -> pd.DataFrame:
        """All rows."""
        return pd.read_csv(self.path, comment="#")

    @staticmethod
    def _text(key: Key) -> tuple[str, ...]:
        return tuple(f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in key)
