"""The leaf cells of a design as SPICE text: ours, drawn from sizes, or the user's own with the same ports, written anew."""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType

from nonideal.circuits.cell_file import Cell, own_cell, parse_cell_file
from nonideal.circuits.cells import driver, neuron, synapse
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError

LEAVES: dict[str, ModuleType] = {"synapse": synapse, "driver": driver, "neuron": neuron}


def cells_text(design: Design) -> str:
    """Cells synapse, driver and neuron. Raises ``CircuitError`` for a cell of the user's that may not stand in for ours."""
    return "\n".join(texts_by_cell(design).values())


def texts_by_cell(design: Design) -> dict[str, str]:
    """The SPICE text of each leaf cell, in the order of ``LEAVES``."""
    ours = {
        "synapse": synapse.synapse(design.synapse),
        "driver": driver.driver(design.driver),
        "neuron": neuron.neuron(design.neuron),
    }
    return {
        name: check_cell(name, design.cells[name]) if name in design.cells else str(ours[name])
        for name in LEAVES
    }


def cell_of(name: str, text: str, file: str = "the file") -> Cell:
    """A leaf cell as devices, from the text of a file that holds it; raises ``CircuitError`` for what may not be in one."""
    return _cell(name, text, file)


def check_cell(
    name: str, text: str, file: str = "the file", taken: frozenset[str] = frozenset(LEAVES)
) -> str:
    """A user's cell, written anew, if it may stand in for ours: a ``.subckt`` of this name with our ports in our order, of known devices.

    Subcircuits of the file are the cell's own, whatever other cells call theirs. ``taken`` are the cells that the user gives files for: where the
    file holds another of our cells that is not among them and that this one does not use, it is refused, for the user may mean it to be taken.
    """
    try:
        made = _cell(name, text, file)
        tree = parse_cell_file(text, file)
    except CircuitError as error:
        raise CircuitError(f"circuit.cells.{name}: {error}") from error
    left = [
        other for other in LEAVES if other in tree.subcircuits and other not in taken | tree.used_by(name)
    ]
    if left:
        raise CircuitError(
            f"circuit.cells.{name}: {file} also holds {' and '.join(left)}, which would not replace ours: name the file at circuit.cells.{left[0]} "
            "too, or remove it from the file"
        )
    return made.text()


@lru_cache(maxsize=64)
def _cell(name: str, text: str, file: str) -> Cell:
    """Kept, for every deck of a characterisation asks again."""
    return own_cell(name, text, LEAVES[name].PORTS, file=file, shared_ports=driver.PORTS)
