"""Files appear whole or not at all: each is written beside its place, flushed to disk, then renamed."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` to write to, of the same ending; renamed when the block ends well, else removed.

    No other process has its name.
    Raises ``OSError`` where the place is a folder or a device: a rename would replace the device itself. Errors name ``path``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():
        raise OSError(f"{path}: is no regular file, and is not replaced; give another name")
    ending = f".part{path.suffix}"
    temporary = path.with_name(f".{path.name[:80]}.{secrets.token_hex(8)}{ending}")
    # Whose group and others may read it is for the caller's umask to say.
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        # A full disk or a limit says no more than that.
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes."""
    with written_whole(path) as temporary:
        temporary.write_bytes(content)


def write_if_changed(path: Path, content: bytes) -> None:
    """Write bytes, unless the file already holds them."""
    if not (path.is_file() and path.read_bytes() == content):
        write_bytes(path, content)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write JSON: keys in their order, no NaN (a missing number is null)."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def write_parquet(path: Path, table: pd.DataFrame) -> None:
    """Write a table as Parquet, without its index."""
    with written_whole(path) as temporary:
        table.to_parquet(temporary, index=False)


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, without its index."""
    with written_whole(path) as temporary:
        table.to_csv(temporary, index=False)


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files that a killed process left in a folder."""
    for leftover in folder.glob(".*.part*"):
        leftover.unlink(missing_ok=True)
