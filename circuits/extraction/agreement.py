"""How far two extractions of one layout lie apart: capacitances of nets, couplings of two nets, resistances between pins and devices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import splu

from nonideal.circuits.extraction.netlist import Netlist, net_of
from nonideal.circuits.extraction.totals import net_capacitances

Couplings = dict[tuple[str, str], float]
LEAST_OHM = 1e-3
"""Resistances below this are as good as none."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Of an extraction: capacitance of every net and between every two (F), and from a net's pin, or the first of its devices where it has none,
    to every device on it (ohm), by (net, device, terminal)."""

    nets_F: dict[str, float]
    couplings_F: Couplings
    paths_ohm: dict[tuple[str, str, int], float]


@dataclass(frozen=True, slots=True)
class Agreement:
    """The largest differences, each with what has it: nets relative to the first extraction, couplings in F, resistances relative to it."""

    net: tuple[float, str]
    coupling_F: tuple[float, str]
    path: tuple[float, str]


def measured(netlist: Netlist) -> Measured:
    """What an extraction says of nets, whatever its nodes are called."""
    between: Couplings = defaultdict(float)
    for c in netlist.capacitors:
        a, b = sorted((net_of(c.a), net_of(c.b)))
        if a != b:
            between[a, b] += c.value
    return Measured(net_capacitances(netlist), dict(between), paths_ohm(netlist))


def agreement(one: Measured, other: Measured) -> Agreement:
    """How far the second lies from the first; what only one of them has counts in full."""
    return Agreement(
        _worst(_relative(one.nets_F, other.nets_F, 0.0)),
        _worst({" ".join(pair): abs(one.couplings_F.get(pair, 0.0) - other.couplings_F.get(pair, 0.0))
                for pair in one.couplings_F.keys() | other.couplings_F.keys()}),
        _worst(_relative(one.paths_ohm, other.paths_ohm, LEAST_OHM)),
    )  # fmt: skip


def _relative(one: Mapping[Any, float], other: Mapping[Any, float], least: float) -> dict[str, float]:
    def apart(a: float, b: float) -> float:
        return abs(a - b) / max(abs(a), least) if max(abs(a), abs(b)) > least else 0.0

    return {
        str(key): apart(one.get(key, 0.0), other.get(key, 0.0)) if key in one and key in other else np.inf
        for key in one.keys() | other.keys()
    }


def _worst(differences: dict[str, float]) -> tuple[float, str]:
    if not differences:
        return 0.0, ""
    name = max(differences, key=lambda key: differences[key])
    return float(differences[name]), name


def paths_ohm(netlist: Netlist) -> dict[tuple[str, str, int], float]:
    """Resistance from a net's pin (else from the first of its devices by name) to every terminal on it, by (net, device, terminal)."""
    terminals: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for device in netlist.devices:
        for index, node in enumerate(device.nodes):
            terminals[net_of(node)].append((device.name, index, node))
    wires: dict[str, list[tuple[str, str, float]]] = defaultdict(list)
    for r in netlist.resistors:
        wires[net_of(r.a)].append((r.a, r.b, r.value))
    ports = set(netlist.ports)
    found: dict[tuple[str, str, int], float] = {}
    for net, ends in terminals.items():
        start = net if net in ports else min(ends)[2]
        ohm = _from(start, wires[net], {node for _, _, node in ends})
        found |= {(net, device, index): ohm[node] for device, index, node in ends}
    return found


def _from(start: str, wires: list[tuple[str, str, float]], ends: set[str]) -> dict[str, float]:
    """Resistance from one node to others of its net; without a way it is infinite."""
    reached = {start}
    around: dict[str, list[str]] = defaultdict(list)
    for a, b, _ in wires:
        around[a].append(b)
        around[b].append(a)
    todo = [start]
    while todo:
        for node in around[todo.pop()]:
            if node not in reached:
                reached.add(node)
                todo.append(node)
    number = {node: index for index, node in enumerate(sorted(reached - {start}))}
    rows, columns, values = [], [], []
    for a, b, ohm in wires:
        for one, other in ((a, b), (b, a)):
            if one in number:
                rows.append(number[one])
                columns.append(number[one])
                values.append(1 / ohm)
                if other in number:
                    rows.append(number[one])
                    columns.append(number[other])
                    values.append(-1 / ohm)
    found = {end: 0.0 if end == start else np.inf for end in ends}
    if number:
        solve = splu(
            coo_matrix(
                (np.array(values), (np.array(rows), np.array(columns))), shape=(len(number), len(number))
            ).tocsc()
        ).solve
        for end in ends & number.keys():
            unit = np.zeros(len(number))
            unit[number[end]] = 1.0
            found[end] = float(solve(unit)[number[end]])
    return found
