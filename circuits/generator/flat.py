"""The generator without its cells: every device on the nets of the whole, and what it calls of the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nonideal.circuits.cells.contract import Call, Contract, Device
from nonideal.circuits.generator.generator import Generator


@dataclass(frozen=True, slots=True)
class Flat:
    """``devices`` with their path in front of their role, nets inside of a cell too; ``calls`` of cells that are the network's own."""

    devices: tuple[Device, ...]
    calls: tuple[Call, ...]


def flat(generator: Generator) -> Flat:
    """All devices of a generator, in the order of its netlist."""
    cells = {one.cell: one for one in generator.cells}
    devices: list[Device] = []
    calls: list[Call] = []
    _walk(generator.contract, "", {name: name for name in generator.contract.names}, cells, devices, calls)
    return Flat(tuple(devices), tuple(calls))


def _walk(
    cell: Contract,
    path: str,
    bound: Mapping[str, str],
    cells: Mapping[str, Contract],
    devices: list[Device],
    calls: list[Call],
) -> None:
    for part in cell.parts:
        nodes = tuple(bound.get(node, f"{path}{node}") for node in part.nodes)
        if isinstance(part, Device):
            devices.append(replace(part, role=f"{path}{part.role}", nodes=nodes))
        elif part.cell in cells:
            inner = cells[part.cell]
            _walk(
                inner,
                f"{path}{part.path}_",
                dict(zip(inner.names, nodes, strict=True)),
                cells,
                devices,
                calls,
            )
        else:
            calls.append(Call(f"{path}{part.path}", part.cell, nodes))
