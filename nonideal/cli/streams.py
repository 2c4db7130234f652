"""The streams that people and programs read: no character, closed pipe or full device ends a command with a traceback."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, TextIO

PLAIN: Final = {
    "±": "+-", "×": "x", "µ": "u", "μ": "u", "°": " deg ", "²": "2", "–": "-", "—": "-", "−": "-", "…": "...", "→": "->", "·": ".",
    "≥": ">=", "≤": "<=", "λ": "lambda", "σ": "sigma", "Ω": "ohm", "✓": "ok", "✗": "no", "•": "*", "“": '"', "”": '"', "’": "'",
}  # fmt: skip
"""What stands for a character where the stream's encoding lacks it; a question mark for others."""


class OutputClosed(BaseException):
    """The reader of the output went away (`nonideal doctor | head -1`). Not an `Exception`: nothing may go on printing."""


class OutputFailed(OSError):
    """The output cannot be written: its device is full, or gone."""

    def __str__(self) -> str:
        return str(self.strerror)


def plain(error: UnicodeError) -> tuple[str, int]:
    """For `codecs.register_error`: characters that an encoding lacks, in ASCII."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(one, "?") for one in error.object[error.start : error.end]), error.end


class _Guarded:
    """A text stream whose failures have names; all else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with _named():
            return self._stream.write(text)

    def writelines(self, lines: list[str]) -> None:
        with _named():
            self._stream.writelines(lines)

    def flush(self) -> None:
        with _named():
            self._stream.flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise OutputClosed from error
    except OSError as error:
        raise OutputFailed(error.errno, f"the output cannot be written: {error.strerror}") from error


@contextmanager
def guarded() -> Iterator[None]:
    """Inside, stdout and stderr print any text, and raise `OutputClosed` or `OutputFailed`; nothing fails when Python ends."""
    codecs.register_error("nonideal.plain", plain)
    before = sys.stdout, sys.stderr
    # A command that is started without a stream (`>&-`) has None there, and prints nothing.
    usable = [open(os.devnull, "w", encoding="utf-8") if one is None else one for one in before]  # noqa: SIM115
    for stream in usable:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="nonideal.plain")
    sys.stdout, sys.stderr = _Guarded(usable[0]), _Guarded(usable[1])  # type: ignore[assignment]
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except (OutputClosed, OutputFailed):
        _discard(usable[0])
        raise
    finally:
        sys.stdout, sys.stderr = before


def _discard(stream: TextIO) -> None:
    """What is still buffered has no reader: Python would try, and complain, once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
