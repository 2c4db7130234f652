"""The leaf cells of a design as SPICE text: ours, drawn from sizes, or the user's own with the same ports, written anew."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from nonideal.circuits.cell_file import Cell, own_cell, parse_cell_file
from nonideal.circuits.cells.contract import Contract
from nonideal.circuits.cells.kinds import default_contracts
from nonideal.circuits.errors import CircuitError
from nonideal.sky130_models import IllegalSize, check_size

if TYPE_CHECKING:
    from nonideal.circuits.design import Design

LEAVES = ("synapse", "driver", "neuron")


def cells_text(design: Design) -> str:
    """Cells synapse, driver and neuron. Raises ``CircuitError`` for a cell of the user's that may not stand in for ours."""
    return "\n".join(texts_by_cell(design).values())


def texts_by_cell(design: Design) -> dict[str, str]:
    """The SPICE text of each leaf cell, in the order of ``LEAVES``."""
    return {
        one.cell: check_cell(one.cell, design.cells[one.cell], contract=one)
        if one.cell in design.cells
        else one.text()
        for one in design.contracts
    }


def illegal_sizes(design: Design) -> list[str]:
    """A line for every size of the design that the process does not have; cells of the user's own carry their own sizes."""
    problems: dict[str, None] = {}
    for contract in design.contracts:
        for device in () if contract.cell in design.cells else contract.devices:
            try:
                check_size(device.model, device.size.w_um, device.size.l_um)
            except IllegalSize as error:
                problems[f"circuit.{contract.cell}.{device.setting}: {error}"] = None
    if design.generator is not None:
        problems |= dict.fromkeys(design.generator.illegal_sizes())
    return list(problems)


def cell_of(contract: Contract, text: str, file: str = "the file") -> Cell:
    """A leaf cell as devices, from the text of a file that holds it; raises ``CircuitError`` for what may not be in one."""
    return _cell(contract.cell, contract.names, text, file)


def check_cell(
    name: str,
    text: str,
    file: str = "the file",
    taken: frozenset[str] = frozenset(LEAVES),
    contract: Contract | None = None,
) -> str:
    """A user's cell, written anew, if it may stand in for ours: a ``.subckt`` of this name with our ports in our order, of known devices.

    ``contract`` is what it stands in for, None for the default kind.
    Subcircuits of the file are the cell's own, whatever other cells call theirs. ``taken`` are the cells that the user gives files for: where the
    file holds another of our cells that is not among them and that this one does not use, it is refused, for the user may mean it to be taken.
    """
    if contract is None:
        contract = next(one for one in default_contracts() if one.cell == name)
    try:
        made = cell_of(contract, text, file)
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
def _cell(name: str, ports: tuple[str, ...], text: str, file: str) -> Cell:
    """Kept, for every deck of a characterisation asks again."""
    return own_cell(name, text, ports, file=file, shared_ports=default_contracts().driver.names)
