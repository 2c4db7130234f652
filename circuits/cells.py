"""The leaf cells of a design as SPICE text: ours, drawn from sizes, or the user's own with the same ports."""

from __future__ import annotations

from types import ModuleType

from circuits import driver, neuron, synapse
from circuits.design import Design
from circuits.errors import CircuitError

LEAVES: dict[str, ModuleType] = {"synapse": synapse, "driver": driver, "neuron": neuron}


def cells_text(design: Design) -> str:
    """Cells synapse, driver and neuron. Raises ``CircuitError`` for a cell of the user's whose name or ports are not the contract's."""
    ours = {
        "synapse": synapse.synapse(design.synapse),
        "driver": driver.driver(design.driver),
        "neuron": neuron.neuron(design.neuron),
    }
    own = {name: check_cell(name, text) for name, text in design.cells.items()}
    return "\n".join(own[name] if name in own else str(ours[name]) for name in LEAVES)


def check_cell(name: str, text: str) -> str:
    """A user's cell, if it may stand in for ours: one ``.subckt`` of this name with our ports in our order, and no simulator commands."""
    ports = LEAVES[name].PORTS
    wanted = f".subckt {name} {' '.join(ports)}"
    heads = [line for line in logical_lines(text) if line.lower().startswith(".subckt")]
    found = [line.split() for line in heads if line.split()[1:2] == [name]]
    if len(found) != 1:
        raise CircuitError(
            f"circuit.cells.{name}: the file must hold exactly one `{wanted}`, it has {len(found)} of that name"
        )
    if tuple(found[0][2:]) != tuple(ports):
        raise CircuitError(
            f"circuit.cells.{name}: its ports are `{' '.join(found[0][2:])}`; they must be `{' '.join(ports)}`, in this order"
        )
    ends = [line for line in logical_lines(text) if line.lower().startswith(".ends")]
    if len(ends) != len(heads):
        raise CircuitError(
            f"circuit.cells.{name}: {len(heads)} `.subckt` but {len(ends)} `.ends`: the cells that follow would end up inside it"
        )
    for line in logical_lines(text):
        card = line.split()[0].lower()
        if card.startswith(".") and card not in (".subckt", ".ends", ".param", ".model"):
            raise CircuitError(
                f"circuit.cells.{name}: `{card}` has no place in a cell; only .subckt, .ends, .param and .model do"
            )
    return text.rstrip("\n") + "\n"


def logical_lines(text: str) -> list[str]:
    """Lines of a netlist without comments, continuations joined."""
    lines: list[str] = []
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("+") and lines:
            lines[-1] += " " + line[1:]
        elif line and not line.startswith("*"):
            lines.append(line)
    return lines
