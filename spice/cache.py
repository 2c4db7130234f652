"""Results by content: what was run once is not run again."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from files import write_if_changed

from .errors import FailureKind
from .result import Attempt, Plot, Result

_FORMAT: Final = 1
_KEY: Final = re.compile(r"[0-9a-f]{64}")


class Cache:
    """A folder of results, one file a key (`Deck.key`). Failures are never stored.

    Safe for several processes on one folder: an entry appears whole or not at all, and equal keys mean equal
    results. An entry that cannot be read is a miss and is removed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, key: str) -> Path:
        """Where the entry of `key` lies; raises `ValueError` for what is no key."""
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is not a key; it comes from Deck.key")
        return self.folder / key[:2] / f"{key}.npz"

    def get(self, key: str) -> Result | None:
        """The result of `key`, or None."""
        path = self.path(key)
        try:
            return _unpack(path.read_bytes(), key)
        except FileNotFoundError:
            return None
        except (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError, TypeError):
            path.unlink(missing_ok=True)
            return None

    def put(self, key: str, result: Result) -> None:
        """Store `result` under `key`."""
        path = self.path(key)
        path.parent.mkdir(exist_ok=True)
        write_if_changed(path, _pack(result, key))


def _pack(result: Result, key: str) -> bytes:
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    plots = []
    for i, plot in enumerate(result.plots):
        arrays[f"{i}.axis"] = plot.axis
        for j, values in enumerate(plot.vectors.values()):
            arrays[f"{i}.{j}"] = values
        plots.append({"title": plot.title, "axis": plot.axis_name, "vectors": list(plot.vectors)})
    about = {
        "format": _FORMAT,
        "key": key,
        "name": result.name,
        "simulator": result.simulator,
        "plots": plots,
        "attempts": [asdict(attempt) for attempt in result.attempts],
    }
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _unpack(content: bytes, key: str) -> Result:
    """The stored result; `ValueError`, `KeyError` or `BadZipFile` if it is not whole (zip has checksums)."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        about = json.loads(file["about"].tobytes())
        if about["format"] != _FORMAT or about["key"] != key:
            raise ValueError("another format or another key")
        plots = tuple(
            Plot(
                one["title"],
                one["axis"],
                file[f"{i}.axis"],
                {vector: file[f"{i}.{j}"] for j, vector in enumerate(one["vectors"])},
            )
            for i, one in enumerate(about["plots"])
        )
    attempts = tuple(
        Attempt(**{**one, "kind": None if one["kind"] is None else FailureKind(one["kind"])})
        for one in about["attempts"]
    )
    return Result(about["name"], plots, attempts, about["simulator"], from_cache=True)
