"""Synthetic bias tables, and a reader of netlists that is not the one under test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from tests.circuits.tables import Silicon, Table


@dataclass(frozen=True)
class Netlist:
    """Cells of a netlist: name -> (ports, instance cards)."""

    cells: dict[str, tuple[list[str], list[list[str]]]]

    @classmethod
    def read(cls, text: str) -> Netlist:
        cells: dict[str, tuple[list[str], list[list[str]]]] = {}
        here: list[list[str]] | None = None
        for line in text.replace("\n+", " ").splitlines():
            words = line.split()
            if not words or words[0].startswith("*"):
                continue
            if words[0] == ".subckt":
                here = []
                cells[words[1]] = (words[2:], here)
            elif words[0] == ".ends":
                here = None
            else:
                assert here is not None, f"card outside a cell: {line}"
                here.append(words)
        return cls(cells)

    def ports(self, cell: str) -> list[str]:
        return self.cells[cell][0]

    def instances(self, cell: str) -> list[tuple[str, list[str], str, dict[str, float]]]:
        """(name, nets, master, parameters) of each card."""
        found = []
        for name, *rest in self.cells[cell][1]:
            parameters = dict(word.split("=") for word in rest if "=" in word)
            nets = [word for word in rest if "=" not in word]
            found.append((name, nets[:-1], nets[-1], {k: float(v) for k, v in parameters.items()}))
        return found

    def devices(self, cell: str) -> dict[str, int]:
        """How many of each PDK device the flattened cell holds."""
        total: dict[str, int] = {}
        for _, _, master, _ in self.instances(cell):
            inside = self.devices(master) if master in self.cells else {master: 1}
            for device, count in inside.items():
                total[device] = total.get(device, 0) + count
        return total


@pytest.fixture(scope="session")
def read_netlist() -> Callable[[str], Netlist]:
    return Netlist.read


@pytest.fixture(scope="session")
def silicon() -> Silicon:
    """Tables as round numbers in floating point make them: steps of 12.5 mV added up, so their ends are not round."""
    n = 0.2 + 0.0125 * np.arange(45)
    p = 1.8 - 0.35 - 0.0125 * np.arange(45)
    ln_current = np.log(1e-13) + np.cumsum(np.linspace(0.5, 0.2, 45))
    return Silicon(
        Table(tuple(ln_current), tuple(n), 0.0),
        Table(tuple(ln_current - 0.3), tuple(p), 1.8),
    )


@pytest.fixture(scope="session")
def table_type() -> type[Table]:
    return Table


@pytest.fixture(scope="session")
def silicon_type() -> type[Silicon]:
    return Silicon
