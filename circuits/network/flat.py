"""A netlist without leaf cells: every device of the network one line, named by its path, so that each can differ from its like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nonideal.circuits.cell_file import Cell, Element
from nonideal.circuits.cells.driver import CELL as DRIVER
from nonideal.circuits.cells.leaf_cells import cell_of, texts_by_cell
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.netlist import Topology, instances

__all__ = ["Element", "FlatElement", "elements", "flat_elements", "flat_network", "instances", "leaf_cells"]


def elements(design: Design) -> dict[str, tuple[Element, ...]]:
    """What each leaf cell is made of, the driver inside the neuron too; nodes that are not its ports are its own, in lower case."""
    return {name: cell.elements for name, cell in leaf_cells(design).items()}


def leaf_cells(design: Design) -> dict[str, Cell]:
    """Each leaf cell as devices alone. Raises ``CircuitError`` for a cell of the user's that may not stand in for ours."""
    texts = texts_by_cell(design)
    whole = "\n".join(texts.values())
    # A cell that calls the design's driver is read with it.
    return {
        one.cell: cell_of(one, whole if _calls_driver(one.cell, texts[one.cell]) else texts[one.cell])
        for one in design.contracts
    }


def _calls_driver(name: str, text: str) -> bool:
    return name != DRIVER and any(
        line.endswith(f" {DRIVER}") for line in text.splitlines() if line[:1] in "Xx"
    )


@dataclass(frozen=True, slots=True)
class FlatElement:
    """An element of the network by its full name, ``synapse_1_0_2_MNM``, between nets of the flat netlist."""

    name: str
    element: Element
    nodes: tuple[str, ...]


def flat_elements(topology: Topology, design: Design) -> Iterator[FlatElement]:
    """Every element of the network, in netlist order."""
    topology.check(design)
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
    lines += [model.line for cell in leaf_cells(design).values() for model in cell.models]
    for one in flat_elements(topology, design):
        element = one.element
        parameters = f"{element.parameters} {added.pop(one.name, '')}".strip()
        lines.append(Element(element.kind, one.name, one.nodes, element.what, parameters).line)
    if added:
        raise CircuitError(f"the network has no device {', '.join(sorted(added)[:5])}")
    return "\n".join([*lines, ".ends network"]) + "\n"
