"""What a column sees of the supply rails: the resistance between its taps and the pin, and the drop that other columns' currents make there.

Both are exact for the resistors that were extracted. With ``Z`` the voltage at a tap for a current into another, the pin at 0 V, the
column gets the resistors of ``inv(Z)`` between its own taps; a current of others ``I`` is, seen from the taps ``T``, ``inv(Z_TT) Z_TO I``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU, splu

from nonideal.circuits.columns.cut import SHOWN, CutError
from nonideal.circuits.extraction.netlist import Element, Netlist, net_of

Array = NDArray[np.float64]
LEAST_PART = 1e-7
"""A conductance below this part of those that its nodes have is left out."""
MOST_DROP_V = 1e-5
"""Of the drop that others cause: a membrane takes a hundredth of it."""


@dataclass(frozen=True, slots=True)
class Rail:
    """The resistors of one rail, factorised: ``index`` of every node but the pin."""

    net: str
    index: Mapping[str, int]
    factor: SuperLU | None

    def transfer_ohm(self, taps: Sequence[str]) -> Array:
        """Voltage at every node for 1 A into each of these taps [nodes, taps]; a tap at the pin has none."""
        if self.factor is None:
            return np.zeros((0, len(taps)))
        ones = np.zeros((len(self.index), len(taps)))
        for column, tap in enumerate(taps):
            ones[self.index[tap], column] = 1.0
        return np.asarray(self.factor.solve(ones))

    def inner(self, taps: Sequence[str]) -> tuple[str, ...]:
        """Of these taps those that are not at the pin itself. Raises ``CutError`` for one that no wire leads to."""
        if lost := [tap for tap in taps if tap not in self.index and tap != self.net]:
            raise CutError(
                f"rail {self.net}: no wire leads to {', '.join(lost[:SHOWN])}; draw and extract the network anew (the command layout)"
            )
        return tuple(tap for tap in taps if tap in self.index)


def rails_of(netlist: Netlist, nets: Sequence[str]) -> dict[str, Rail]:
    """The rails of a netlist, by net. Raises ``CutError`` where a node of one hangs on no wire to the pin."""
    wires: dict[str, list[Element]] = {net: [] for net in nets}
    for wire in netlist.resistors:
        if net_of(wire.a) in wires:
            wires[net_of(wire.a)].append(wire)
    return {net: _rail(net, wires[net]) for net in nets}


def _rail(net: str, wires: list[Element]) -> Rail:
    nodes = sorted({node for wire in wires for node in (wire.a, wire.b)} - {net})
    if not nodes:
        return Rail(net, {}, None)
    index = {node: place for place, node in enumerate(nodes)}
    rows, columns, values = [], [], []
    for wire in wires:
        siemens = 1.0 / wire.value
        ends = [index[node] for node in (wire.a, wire.b) if node in index]
        rows += ends
        columns += ends
        values += [siemens] * len(ends)
        if len(ends) == 2:
            rows += ends
            columns += ends[::-1]
            values += [-siemens, -siemens]
    matrix = coo_array((values, (rows, columns)), shape=(len(nodes), len(nodes))).tocsc()
    # Apart from rounding, such a part makes the matrix singular; which nodes it has must be told.
    parts, part = connected_components(matrix, directed=False)
    at_pin = {int(part[index[n]]) for w in wires if net in (w.a, w.b) for n in (w.a, w.b) if n in index}
    if len(at_pin) != parts:
        loose = [node for node in nodes if int(part[index[node]]) not in at_pin]
        raise CutError(
            f"rail {net}: {', '.join(loose[:SHOWN])} hang on no wire to its pin; draw and extract the network anew (the command layout)"
        )
    return Rail(net, index, splu(matrix))


@dataclass(frozen=True, slots=True)
class Share:
    """A column's share of one rail: the resistors between its taps and the pin, and what others' currents do there.

    ``conductance_S`` [taps, taps] are these resistors, ``drop_V`` [taps, causes] is the voltage at its taps by what others draw.
    """

    rail: str
    taps: tuple[str, ...]
    resistors: tuple[Element, ...]
    conductance_S: Array
    drop_V: Array

    @property
    def into_A(self) -> Array:
        """The current into its taps that makes the drop in the column [taps, causes]."""
        return np.asarray(self.conductance_S @ self.drop_V)

    def modes(self, most_V: float = MOST_DROP_V) -> tuple[Array, Array]:
        """``into_A`` as a product: what flows into each tap [taps, modes], and how much of it each cause adds [modes, causes].

        The drop of neighbouring axons differs little along a rail, so that a few modes are all of it: what the others would add is at no
        tap and at no time more than ``most_V``.
        """
        left, size, right = np.linalg.svd(self.drop_V, full_matrices=False)
        for count in range(len(size) + 1):
            profile = left[:, :count] * size[:count]
            rest_V = np.abs(self.drop_V - profile @ right[:count]).sum(axis=1)
            if rest_V.max(initial=0.0) <= most_V:
                break
        return np.asarray(self.conductance_S @ profile), right[:count]


def share(rail: Rail, taps: Sequence[str], others_A: Array | csc_array) -> Share:
    """The share of a column with these taps, where others put ``others_A`` [nodes, causes] into the rail's nodes."""
    taps = rail.inner(taps)
    if not taps:
        return Share(rail.net, (), (), np.zeros((0, 0)), np.zeros((0, others_A.shape[1])))
    transfer = rail.transfer_ohm(taps)
    conductance: Array = np.asarray(np.linalg.inv(transfer[[rail.index[tap] for tap in taps]]), np.float64)
    scale = np.diag(conductance)
    resistors = []
    for a, tap in enumerate(taps):
        to_pin = float(conductance[a].sum())
        if to_pin > LEAST_PART * scale[a]:
            resistors.append(Element(tap, rail.net, 1.0 / to_pin))
        for b in range(a + 1, len(taps)):
            siemens = -float(conductance[a, b])
            if siemens > LEAST_PART * min(scale[a], scale[b]):
                resistors.append(Element(tap, taps[b], 1.0 / siemens))
    return Share(rail.net, taps, tuple(resistors), conductance, np.asarray(transfer.T @ others_A))
