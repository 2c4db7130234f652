"""An extracted netlist: devices, resistors and capacitors of one flat subcircuit.

A net that has resistance is spread over nodes: the node of the net's own name (its port, where it has one) and nodes
`<net>.<something>`. Net names hold no dot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.files import UnreadableFile, read_text
from nonideal.sky130_models.statement import statements
from nonideal.spice.number import number

MOST_BYTES = 1024**3
"""A larger netlist is not read: 65-32-10, with resistances, has 49 MB, and it grows with the synapses."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:|,#\-\[\]]*", re.ASCII)
_IN_NAME = re.compile(r"\\|\$(?=\S)")


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


def read_netlist(path: Path) -> Netlist:
    """Read the one subcircuit that the extractor wrote; raises ExtractionFailed where it is not one."""
    try:
        text = read_text(path, most_bytes=MOST_BYTES)
    except UnreadableFile as error:
        raise ExtractionFailed(str(error)) from error
    return parse_netlist(text, str(path))


def parse_netlist(text: str, path: str) -> Netlist:
    """The same from its text; ``path`` is where that is from, for messages.

    Names, numbers and pairs are of plain letters alone: what is written from them anew is nothing but devices and parasitics.
    """
    cell = ""
    ports: tuple[str, ...] = ()
    devices: list[Device] = []
    resistors: list[Element] = []
    capacitors: list[Element] = []
    ended = False
    # A `$` begins a comment in ngspice: alone it does here too (magic), in a name it goes (kpex).
    for count, line in statements(_IN_NAME.sub("", text)):
        words = line.split()
        card, kind = words[0].lower(), words[0][0].lower()
        told = f"{path}, line {count}: card {line[:80]!r}"
        if ended:
            raise ExtractionFailed(f"{told} stands behind the end of the subcircuit")
        try:
            if card == ".subckt":
                if cell:
                    raise ExtractionFailed(f"{path}: more than one subcircuit ({cell}, {words[1]})")
                cell, *rest = map(_name, words[1:])
                ports = tuple(rest)
            elif not cell:
                raise ExtractionFailed(f"{told} stands outside of the subcircuit")
            elif card == ".ends":
                ended = True
            elif kind in "xm":
                first = next(index for index, word in enumerate(words) if "=" in word)
                *nodes, model = map(_name, words[1:first])
                pairs = " ".join(map(_pair, words[first:]))
                devices.append(Device(_name(words[0][1:]), tuple(nodes), model, pairs))
            elif kind in "rc":
                element = Element(_name(words[1]), _name(words[2]), number(words[3]))
                (resistors if kind == "r" else capacitors).append(element)
            else:
                raise ExtractionFailed(f"{told} is neither device nor parasitic")
        except (IndexError, ValueError, StopIteration) as error:
            raise ExtractionFailed(f"{told} does not parse ({error!r})") from error
    if not cell or not ended:
        raise ExtractionFailed(f"{path}: no complete subcircuit in it")
    return Netlist(cell, ports, tuple(devices), tuple(resistors), tuple(capacitors))


def _name(word: str) -> str:
    if not _NAME.fullmatch(word):
        raise ValueError(f"{word!r} is no name")
    return word


def _pair(word: str) -> str:
    name, _, value = word.partition("=")
    number(value)
    return f"{_name(name)}={value}"


def _wrapped(words: Sequence[str], width: int = 100) -> list[str]:
    lines, line = [], words[0]
    for word in words[1:]:
        if len(line) + len(word) + 1 > width:
            lines.append(line)
            line = "+"
        line += " " + word
    return [*lines, line]
