"""An extracted netlist: devices, resistors and capacitors of one flat subcircuit.

A net that has resistance is spread over nodes: the node of the net's own name (its port, where it has one) and nodes
`<net>.<something>`. Net names hold no dot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from circuits.layout.errors import ExtractionFailed
from files import UnreadableFile, read_text

MOST_BYTES = 512 * 1024**2
"""A larger netlist is not read: 64-32-10, capacitance alone, has 60 MB."""
_SCALES = {
    "t": 1e12,
    "g": 1e9,
    "meg": 1e6,
    "k": 1e3,
    "": 1.0,
    "m": 1e-3,
    "u": 1e-6,
    "n": 1e-9,
    "p": 1e-12,
    "f": 1e-15,
    "a": 1e-18,
}
_NUMBER = re.compile(r"([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)(meg|[tgkmunpfa]?)[a-z]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Device:
    """A call of a PDK subcircuit."""

    name: str
    nodes: tuple[str, ...]
    model: str
    parameters: str


@dataclass(frozen=True, slots=True)
class Element:
    """A parasitic resistor (ohm) or capacitor (F)."""

    a: str
    b: str
    value: float


@dataclass(frozen=True, slots=True)
class Netlist:
    """One flat subcircuit."""

    cell: str
    ports: tuple[str, ...]
    devices: tuple[Device, ...]
    resistors: tuple[Element, ...]
    capacitors: tuple[Element, ...]

    def text(self, header: Sequence[str] = ()) -> str:
        """SPICE text of the subcircuit, after comment lines."""
        lines = [f"* {line}" for line in header]
        lines += _wrapped([".subckt", self.cell, *self.ports])
        for device in self.devices:
            lines.append(f"X{device.name} {' '.join(device.nodes)} {device.model} {device.parameters}")
        lines += [f"R{index} {r.a} {r.b} {r.value:.12g}" for index, r in enumerate(self.resistors, start=1)]
        lines += [f"C{index} {c.a} {c.b} {c.value:.12g}" for index, c in enumerate(self.capacitors, start=1)]
        return "\n".join([*lines, f".ends {self.cell}", ""])


def net_of(node: str) -> str:
    """The net that a node belongs to."""
    return node.split(".", 1)[0]


def parse_number(text: str) -> float:
    """A SPICE number in SI units; letters after the scale are a unit (`1.2fF`)."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no number")
    return float(match[1]) * _SCALES[match[2].lower()]


def read_netlist(path: Path) -> Netlist:
    """Read the one subcircuit that the extractor wrote; raises ExtractionFailed where it is not one, or no text."""
    try:
        return parse_netlist(read_text(path, most_bytes=MOST_BYTES), str(path))
    except UnreadableFile as error:
        raise ExtractionFailed(f"what was extracted is no netlist: {error}") from error


def parse_netlist(text: str, path: str) -> Netlist:
    """The same from its text; ``path`` is where that is from, for messages."""
    cell = ""
    ports: tuple[str, ...] = ()
    devices: list[Device] = []
    resistors: list[Element] = []
    capacitors: list[Element] = []
    ended = False
    for line in _cards(text.split("\n"), path):
        # A `$` begins a comment in ngspice: alone it does here too (magic), in a name it goes (kpex).
        words = line.split(" $ ")[0].replace("\\", "").replace("$", "").split()
        try:
            kind = words[0][0].lower()
            if words[0].lower() == ".subckt":
                if cell:
                    raise ExtractionFailed(f"{path}: more than one subcircuit ({cell}, {words[1]})")
                cell, ports = words[1], tuple(words[2:])
            elif words[0].lower() == ".ends":
                ended = True
            elif kind in "xm":
                first = next(index for index, word in enumerate(words) if "=" in word)
                devices.append(
                    Device(
                        words[0][1:], tuple(words[1 : first - 1]), words[first - 1], " ".join(words[first:])
                    )
                )
            elif kind in "rc":
                element = Element(words[1], words[2], parse_number(words[3]))
                (resistors if kind == "r" else capacitors).append(element)
            else:
                raise ExtractionFailed(f"{path}: card {_short(line)} is neither device nor parasitic")
            if not cell or (ended and kind != "."):
                raise ExtractionFailed(f"{path}: card {_short(line)} is in no subcircuit")
        except (IndexError, ValueError, StopIteration) as error:
            raise ExtractionFailed(f"{path}: card {_short(line)} does not parse ({error!r})") from error
    if not cell or not ended:
        raise ExtractionFailed(f"{path}: no complete subcircuit in it")
    return Netlist(cell, ports, tuple(devices), tuple(resistors), tuple(capacitors))


def _short(line: str) -> str:
    return repr(line) if len(line) <= 120 else f"{line[:120]!r}..."


def _cards(lines: Iterable[str], path: str) -> list[str]:
    cards: list[str] = []
    for line in lines:
        if line.startswith("+"):
            if not cards:
                raise ExtractionFailed(f"{path}: it begins with a continuation, {_short(line)}")
            cards[-1] += " " + line[1:].strip()
        elif line.strip() and not line.startswith("*"):
            cards.append(line.strip())
    return cards


def _wrapped(words: Sequence[str], width: int = 100) -> list[str]:
    lines, line = [], words[0]
    for word in words[1:]:
        if len(line) + len(word) + 1 > width:
            lines.append(line)
            line = "+"
        line += " " + word
    return [*lines, line]
