"""Every file that comes from outside is read here: regular, of bounded size, and text is UTF-8 with or without a byte order mark."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, Final

from nonideal.files.errors import UnreadableFile

MOST_TEXT_BYTES: Final = 256 * 1024**2
MOST_BYTES: Final = 8 * 1024**3
_MOST_NESTED: Final = "its values are nested too deeply"
_MARK: Final = b"\xef\xbb\xbf"


def read_bytes(path: Path, *, most_bytes: int = MOST_BYTES) -> bytes:
    """The content of a regular file.

    Raises ``UnreadableFile`` for one that is not there or cannot be opened, a folder, a pipe or a device (which might never end), and for more
    than ``most_bytes``.
    """
    try:
        # A pipe without a writer would block the opening itself.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise UnreadableFile(f"{path}: no such file") from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UnreadableFile(f"{_shown(path)}: cannot be opened: {why}") from error
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise UnreadableFile(f"{path}: is {_kind(status.st_mode)}; give a regular file")
    with os.fdopen(handle, "rb") as file:
        if status.st_size > most_bytes:
            raise UnreadableFile(
                f"{path}: has {status.st_size} bytes, more than the {most_bytes} that are read"
            )
        # No more is asked for than there is: as much memory is taken at once. A byte more shows a file that grows meanwhile.
        content = file.read(min(status.st_size + 1, most_bytes))
        return content if len(content) <= status.st_size else content + file.read(most_bytes - len(content))


def no_file(path: Path) -> str:
    """What is to be told of a path that is no regular file: ``no such file``, or what it is."""
    try:
        return f"is {_kind(path.stat().st_mode)}; give a regular file"
    except (OSError, ValueError):
        return "no such file"


def read_text(path: Path, *, most_bytes: int = MOST_TEXT_BYTES) -> str:
    """A text file's content, without its byte order mark, line ends as ``\\n``.

    Raises ``UnreadableFile`` as ``read_bytes`` does, and for a byte that is not UTF-8 or is NUL, with its place.
    """
    content = read_bytes(path, most_bytes=most_bytes).removeprefix(_MARK)
    return decode(content, str(path)).replace("\r\n", "\n").replace("\r", "\n")


def decode(content: bytes, name: str) -> str:
    """UTF-8 to text; raises ``UnreadableFile`` that says where in ``name`` a byte does not belong."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        wrong = error.start
        told = f"byte 0x{content[wrong]:02x} is not UTF-8; save the file as UTF-8"
    else:
        wrong = content.find(b"\0")
        if wrong < 0:
            return text
        told = "a NUL byte; this is no text file"
    line = content.count(b"\n", 0, wrong) + 1
    column = wrong - (content.rfind(b"\n", 0, wrong) + 1) + 1
    raise UnreadableFile(f"{name}, line {line}, byte {column} of it: {told}")


def read_json(path: Path) -> Any:
    """Read JSON. Raises ``UnreadableFile`` as ``read_text`` does, and for what is no JSON, is nested too deeply, or holds NaN or infinity."""
    try:
        return json.loads(read_text(path), parse_constant=_refuse)
    except UnreadableFile:
        raise
    except (ValueError, RecursionError) as error:
        why = _MOST_NESTED if isinstance(error, RecursionError) else str(error)
        raise UnreadableFile(
            f"{path} is not valid JSON ({why}): remove it and run the stage that writes it again"
        ) from error


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _shown(path: Path) -> str:
    return str(path).replace("\0", "\\0")


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "a device")
