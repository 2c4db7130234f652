"""What the columns draw from the rails, and what makes them: a spike on an axon, the neurons of the layer before, those of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scipy.sparse import coo_array, csc_array

from nonideal.circuits.columns.cut import Place, Terminal
from nonideal.circuits.columns.rails import Rail
from nonideal.circuits.network.netlist import Topology

Cause = tuple[str, int]
"""Who draws from the rails, and when: ("axon", j) of this layer's crossbar, ("before", 0) and ("here", 0) the neurons that fire."""


def causes_of(topology: Topology, layer: int) -> list[Cause]:
    """All that a layer's columns draw for."""
    axons = topology.layers[layer - 1]
    return [*(("axon", j) for j in range(axons)), ("before", 0), ("here", 0)]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What columns put into the nodes of each rail, in A, with all axons on and the neuron firing: [nodes, causes of the layer].

    ``total``: by layer and rail, of all its columns and the neurons of the layer before; ``own``: by column and rail, its own part.
    A column draws at few of the nodes, and all of them from the sum of all: what a network costs grows with its columns.
    """

    total: Mapping[int, Mapping[str, csc_array]]
    own: Mapping[Place, Mapping[str, csc_array]]

    @classmethod
    def of(
        cls,
        topology: Topology,
        rails: Mapping[str, Rail],
        current_A: Mapping[Place, Sequence[tuple[Terminal, float]]],
    ) -> Drawn:
        """Of the current of every terminal of the columns. What flows at a rail's pin drops nothing."""
        total, own = {}, {}
        for layer in sorted({place.layer for place in current_A}):
            causes = causes_of(topology, layer)
            number = {cause: k for k, cause in enumerate(causes)}
            all_entries: list[tuple[str, int, int, float]] = []
            for place, currents in current_A.items():
                before = layer - place.layer
                if not 0 <= before <= 1:
                    continue
                entries = list(_entries(currents, rails, number, before))
                all_entries += entries
                if not before:
                    own[place] = _matrices(entries, rails, len(causes))
            total[layer] = _matrices(all_entries, rails, len(causes))
        return cls(total, own)

    def others(self, place: Place) -> dict[str, csc_array]:
        """What others than this column put into the rails."""
        return {net: (whole - self.own[place][net]).tocsc() for net, whole in self.total[place.layer].items()}


def _entries(
    currents: Sequence[tuple[Terminal, float]],
    rails: Mapping[str, Rail],
    number: Mapping[Cause, int],
    before: int,
) -> Iterator[tuple[str, int, int, float]]:
    """Rail, node, cause and current of the terminals of a column, so many layers before the one whose causes these are."""
    for terminal, ampere in currents:
        cause = number.get(_cause(terminal.instance, before))
        at = rails[terminal.rail].index.get(terminal.node)
        if cause is not None and at is not None:
            yield terminal.rail, at, cause, ampere


def _matrices(
    entries: Sequence[tuple[str, int, int, float]], rails: Mapping[str, Rail], causes: int
) -> dict[str, csc_array]:
    by_rail: dict[str, list[tuple[int, int, float]]] = defaultdict(list)
    for rail, node, cause, ampere in entries:
        by_rail[rail].append((node, cause, ampere))
    made = {}
    for net, rail_ in rails.items():
        found = by_rail.get(net, [])
        nodes, numbers, amperes = ([one[k] for one in found] for k in range(3))
        shape = (len(rail_.index), causes)
        made[net] = coo_array((amperes, (nodes, numbers)), shape=shape, dtype=float).tocsc()
    return made


def _cause(instance: str, layers_before: int) -> Cause:
    kind, *numbers = instance.split("_")
    if kind == "synapse":
        return ("axon", int(numbers[1])) if layers_before == 0 else ("none", 0)
    return ("here", 0) if layers_before == 0 else ("before", 0)
