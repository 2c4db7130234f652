"""What can be wrong with a cell's file."""

from __future__ import annotations

from nonideal.circuits.errors import CircuitError

SHOWN = 100


class CellFileError(CircuitError):
    """A line that a cell may not hold, or that says nothing definite; the message names file, line, text and why."""


def refusal(file: str, line: int, text: str, why: str) -> CellFileError:
    """``file, line 3: `text`: why``; what is not printable is shown escaped."""
    shown = _printable(text.strip())
    shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}..."
    return CellFileError(f"{file}, line {line}: `{shown}`: {_printable(why)}")


def _printable(text: str) -> str:
    return "".join(
        letter if " " <= letter <= "~" else letter.encode("unicode_escape").decode("ascii") for letter in text
    )
