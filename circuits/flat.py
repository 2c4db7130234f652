"""A netlist without leaf cells: every device of the network one line, named by its path, so that each can differ from its like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from circuits.cells import LEAVES, cells_text, logical_lines
from circuits.design import Design
from circuits.errors import CircuitError
from circuits.network import Topology
from circuits.network import instances as network_instances
from sky130_models.device import PREFIX


@dataclass(frozen=True, slots=True)
class Element:
    """A line of a leaf cell with everything that stands in it expanded: ``MN1``, or ``driver_MN1`` inside a neuron.

    ``what`` is the device's name (``sky130_fd_pr__...``), or the value of a resistor or capacitor; ``parameters`` are as written.
    """

    kind: str
    path: str
    nodes: tuple[str, ...]
    what: str
    parameters: str

    @property
    def is_device(self) -> bool:
        """Whether it is a device of the process, which varies from chip to chip."""
        return self.what.startswith(PREFIX)


def elements(design: Design) -> dict[str, tuple[Element, ...]]:
    """What each leaf cell is made of; nodes that are not its ports are its own, and written in lower case.

    Raises ``CircuitError`` for a cell of the user's that holds more than X, R and C lines with plain values.
    """
    bodies: dict[str, list[str]] = {}
    inside: list[str] | None = None
    ports: dict[str, tuple[str, ...]] = {}
    for line in logical_lines(cells_text(design)):
        words = _words(line)
        if not words:
            continue
        if words[0].lower() == ".subckt":
            inside = bodies.setdefault(words[1].lower(), [])
            ports[words[1].lower()] = tuple(map(_node, words[2:]))
        elif words[0].lower() == ".ends":
            inside = None
        elif inside is not None:
            inside.append(line)
        else:
            raise CircuitError(
                f"`{line}` stands outside of every .subckt: a chip's cells cannot be flattened with it"
            )
    return {cell: tuple(_expanded(cell, bodies, ports)) for cell in LEAVES}


def _words(line: str) -> list[str]:
    """A line without its comment, every ``name = value`` one word."""
    return re.sub(r"\s*=\s*", "=", re.split(r";|\s\$", line)[0]).split()


def _node(name: str) -> str:
    """SPICE knows no upper case, and two names of ground."""
    return "0" if name.lower() == "gnd" else name.lower()


def _expanded(
    cell: str, bodies: dict[str, list[str]], ports: dict[str, tuple[str, ...]], depth: int = 0
) -> Iterator[Element]:
    if depth > 8:
        raise CircuitError(f"cell {cell} holds itself: it cannot be flattened")
    for line in bodies[cell]:
        words = _words(line)
        if any(word.count("'") % 2 or word.count("{") != word.count("}") for word in words):
            raise CircuitError(
                f"circuit.cells.{cell}: `{line}` cannot be flattened: write its expressions without blanks"
            )
        name, kind = words[0][1:], words[0][0].upper()
        plain = [word for word in words[1:] if "=" not in word]
        parameters = " ".join(word for word in words[1:] if "=" in word)
        if kind in "RC" and len(plain) == 3:
            yield Element(kind, name, (_node(plain[0]), _node(plain[1])), plain[2], parameters)
        elif kind != "X":
            raise CircuitError(
                f"circuit.cells.{cell}: `{line}` cannot be flattened: a chip's cells may hold X lines, and R and C lines with a value"
            )
        elif plain[-1].lower() in bodies:
            inner = plain[-1].lower()
            if parameters or len(plain) - 1 != len(ports[inner]):
                raise CircuitError(f"circuit.cells.{cell}: `{line}` does not fit the ports of {inner}")
            bound = dict(zip(ports[inner], map(_node, plain[:-1]), strict=True)) | {"0": "0"}
            for element in _expanded(inner, bodies, ports, depth + 1):
                nodes = tuple(bound.get(node, f"{name}_{node}") for node in element.nodes)
                yield Element(element.kind, f"{name}_{element.path}", nodes, element.what, element.parameters)
        else:
            yield Element(kind, name, tuple(map(_node, plain[:-1])), plain[-1], parameters)


def instances(topology: Topology) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(instance, leaf cell, nets by port) of every cell of the network, in netlist order."""
    for name, cell, nets in network_instances(topology):
        yield name, cell, dict(zip(LEAVES[cell].PORTS, nets, strict=True))


@dataclass(frozen=True, slots=True)
class FlatElement:
    """An element of the network by its full name, ``synapse_1_0_2_MNM``, between nets of the flat netlist."""

    name: str
    element: Element
    nodes: tuple[str, ...]


def flat_elements(topology: Topology, design: Design) -> Iterator[FlatElement]:
    """Every element of the network, in netlist order."""
    cells = elements(design)
    for instance, cell, bound in instances(topology):
        for element in cells[cell]:
            nodes = (bound.get(node, node if node == "0" else f"{instance}_{node}") for node in element.nodes)
            yield FlatElement(f"{instance}_{element.path}", element, tuple(nodes))


def flat_network(topology: Topology, design: Design, extra: dict[str, str] | None = None) -> str:
    """Cell ``network`` with its ports as in the schematic and nothing but devices in it.

    ``extra`` parameters by the device's full name, as in ``synapse_1_0_2_MNM``. Raises ``CircuitError`` for a name that is no device.
    """
    added = dict(extra or {})
    lines = [f".subckt network {' '.join(topology.ports)}"]
    for one in flat_elements(topology, design):
        kind, what = one.element.kind, one.element.what
        words = [f"{kind}{one.name}", *one.nodes, what, one.element.parameters, added.pop(one.name, "")]
        lines.append(" ".join(word for word in words if word))
    if added:
        raise CircuitError(f"the network has no device {', '.join(sorted(added)[:5])}")
    return "\n".join([*lines, ".ends network"]) + "\n"
