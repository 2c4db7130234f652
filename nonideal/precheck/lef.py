"""The LEF of a tile, read as far as a shuttle looks at it: size, pins with their ports, obstructions, and how numbers are written."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nonideal.files import read_text
from nonideal.precheck.errors import PrecheckError

WORD = re.compile(r';|"[^"]*"|[^\s;"]+|"')
NUMBER = re.compile(r"[+-]?\d*\.?\d+(e[+-]?\d+)?", re.IGNORECASE)
EXACT = re.compile(r"\d+\.\d{3,}")
"""Numbers that every reader of the shuttle takes as they are meant: it reads the digits after the point as thousandths."""


@dataclass(frozen=True, slots=True)
class Port:
    """A rectangle of a pin or an obstruction, in um."""

    layer: str
    x0_um: float
    y0_um: float
    x1_um: float
    y1_um: float

    @property
    def box_um(self) -> tuple[float, float, float, float]:
        return (self.x0_um, self.y0_um, self.x1_um, self.y1_um)


@dataclass(slots=True)
class LefPin:
    """A pin: its direction and use as written ("" where they are not), and its ports."""

    name: str
    direction: str = ""
    use: str = ""
    ports: list[Port] = field(default_factory=list)


@dataclass(slots=True)
class LefMacro:
    """A macro of a LEF file; ``inexact`` are numbers that are not written with three decimals, ``shapes`` what is no rectangle."""

    name: str
    origin_um: tuple[float, float] | None = None
    size_um: tuple[float, float] | None = None
    pins: dict[str, LefPin] = field(default_factory=dict)
    obstructions: list[Port] = field(default_factory=list)
    inexact: list[str] = field(default_factory=list)
    shapes: list[str] = field(default_factory=list)


def read_lef(path: Path, macro: str) -> LefMacro:
    """The macro of that name in a LEF file. Raises ``PrecheckError`` where it is not there or is no LEF, ``UnreadableFile`` for the file."""
    lines = [line.partition("#")[0] for line in read_text(path).split("\n")]
    words = (found[0] for found in WORD.finditer("\n".join(lines)))
    named = []
    for word in words:
        if word == "PROPERTYDEFINITIONS":  # they speak of macros and pins too
            _past_end(words)
            next(words, "")
        elif word == "MACRO":
            found = _macro(words, next(words, ""), path)
            if found.name == macro:
                return found
            named.append(found.name)
    raise PrecheckError(
        f"{path} has no MACRO {macro}" + (f", but {', '.join(named)}" if named else "") + ": name it so"
    )


def _macro(words: Iterator[str], name: str, path: Path) -> LefMacro:
    macro = LefMacro(name)
    for word in words:
        if word == "END":
            if next(words, "") != name:
                raise PrecheckError(f"{path}: MACRO {name} ends otherwise than with END {name}")
            return macro
        if word == "PIN":
            _pin(words, macro, LefPin(next(words, "")), path)
        elif word == "OBS":
            macro.obstructions += _shapes(words, macro, "an obstruction", path)
        elif word == "DENSITY":
            _past_end(words)
        elif word in ("SIZE", "ORIGIN"):
            numbers = [one for one in _statement(words, path) if one != "BY"]
            pair = _numbers(numbers, 2, macro, f"{word} of {name}", path)
            if word == "SIZE":
                macro.size_um = (pair[0], pair[1])
            else:
                macro.origin_um = (pair[0], pair[1])
        elif word != ";":
            _statement(words, path)
    raise PrecheckError(f"{path}: MACRO {name} does not end")


def _pin(words: Iterator[str], macro: LefMacro, pin: LefPin, path: Path) -> None:
    if pin.name in macro.pins:
        raise PrecheckError(f"{path}: PIN {pin.name} stands twice")
    macro.pins[pin.name] = pin
    for word in words:
        if word == "END":
            if next(words, "") != pin.name:
                raise PrecheckError(f"{path}: PIN {pin.name} ends otherwise than with END {pin.name}")
            return
        if word == "PORT":
            pin.ports += _shapes(words, macro, f"pin {pin.name}", path)
        elif word in ("DIRECTION", "USE"):
            said = " ".join(_statement(words, path)).upper()
            if word == "USE":
                pin.use = said
            else:
                pin.direction = said
        elif word != ";":
            _statement(words, path)
    raise PrecheckError(f"{path}: PIN {pin.name} does not end")


def _shapes(words: Iterator[str], macro: LefMacro, of: str, path: Path) -> list[Port]:
    """The rectangles up to END."""
    layer = ""
    found: list[Port] = []
    for word in words:
        if word == "END":
            return found
        if word == "LAYER":
            layer = (_statement(words, path) or [""])[0]
        elif word == "RECT":
            x0, y0, x1, y1 = _numbers(_statement(words, path), 4, macro, f"RECT of {of}", path)
            found.append(Port(layer, min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))
        elif word != ";":
            said = _statement(words, path)
            if word in ("POLYGON", "PATH", "VIA"):
                macro.shapes.append(f"{word} of {of}: {' '.join(said[:4])}")
    raise PrecheckError(f"{path}: {of} does not end")


def _past_end(words: Iterator[str]) -> None:
    for word in words:
        if word == "END":
            return


def _statement(words: Iterator[str], path: Path) -> list[str]:
    said: list[str] = []
    for word in words:
        if word == ";":
            return said
        said.append(word)
    raise PrecheckError(f"{path}: the last statement ({' '.join(said[:5])}) ends without a semicolon")


def _numbers(said: list[str], many: int, macro: LefMacro, of: str, path: Path) -> list[float]:
    if len(said) != many or not all(NUMBER.fullmatch(one) and math.isfinite(float(one)) for one in said):
        raise PrecheckError(f"{path}: {of} is {' '.join(said)!r}: give {many} numbers in um")
    macro.inexact += [f"{of}: {one}" for one in said if not EXACT.fullmatch(one)]
    return [float(one) for one in said]
