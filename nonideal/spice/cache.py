"""Results by content: what was run once is not run again."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from nonideal.files import read_bytes, write_if_changed
from nonideal.spice.errors import FailureKind
from nonideal.spice.result import Attempt, Plot, Result

_FORMAT: Final = 2
_HEAD: Final = b"nonideal result "
_KEY: Final = re.compile(r"[0-9a-f]{64}")


class Cache:
    """A folder of results, one file a key (`Deck.key`). Failures are never stored.

    Safe for several processes on one folder: an entry appears whole or not at all, and equal keys mean equal
    results. Each entry begins with the SHA-256 of the rest, compared before anything is parsed: one that is not
    what was written, in whatever way, is a miss and is removed.
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
            content = _whole(read_bytes(path))
            found = None if content is None else _unpack(content, key)
        except (ValueError, KeyError, TypeError, OSError):
            found = None  # not there, no file, or whole and of another key or format
        if found is None and os.path.lexists(path):
            _remove(path)
        return found

    def put(self, key: str, result: Result) -> None:
        """Store `result` under `key`."""
        path = self.path(key)
        path.parent.mkdir(exist_ok=True)
        content = _pack(result, key)
        write_if_changed(path, _HEAD + hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


def _whole(entry: bytes) -> bytes | None:
    """What stands behind the head of an entry; None unless it is what the head's digest says."""
    head, _, content = entry.partition(b"\n")
    return content if head == _HEAD + hashlib.sha256(content).hexdigest().encode() else None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


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
        "messages": list(result.messages),
        "plots": plots,
        "attempts": [asdict(attempt) for attempt in result.attempts],
    }
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _unpack(content: bytes, key: str) -> Result:
    """The stored result; `ValueError` or `KeyError` for one of another format or key."""
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
    return Result(
        about["name"], plots, attempts, about["simulator"], tuple(about["messages"]), from_cache=True
    )
