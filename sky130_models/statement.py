"""The statements of a SPICE text: physical lines joined, comments dropped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_REMARK = re.compile(r";|//|(?:^|(?<=[\s,]))\$")
_BLANK = " \t\r"


class Statement(NamedTuple):
    """One statement and the number of the line that it begins on, from 1."""

    line: int
    text: str


def statements(text: str) -> Iterator[Statement]:
    """Statements of a text: lines that begin with ``*`` or ``$`` and what follows ``;``, ``//`` or ``$`` after a blank are comments; ``+`` continues.

    A line ends at a line feed and nowhere else; blanks at both ends go. A ``+`` that continues nothing is a statement by itself.
    """
    begun: Statement | None = None
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip(_BLANK)
        if line.startswith("*"):
            continue
        if ";" in line or "$" in line or "//" in line:
            line = _REMARK.split(line, maxsplit=1)[0].strip(_BLANK)
        if not line:
            continue
        if line[0] == "+" and begun is not None:
            begun = Statement(begun.line, f"{begun.text} {line[1:].strip(_BLANK)}")
            continue
        if begun is not None:
            yield begun
        begun = Statement(number, line)
    if begun is not None:
        yield begun
