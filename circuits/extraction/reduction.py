"""Makes an extracted netlist small enough to simulate, and says what that neglects.

Four steps, in this order:

1. Couplings between two nets that sum to less than `coupling_F` become capacitors to ground on both nets, so every net
   keeps its total. All couplings to the ground net end on its port: the ground net is a few ohms, its nodes are one.
   Capacitors between nodes of one net are dropped.
2. Resistors below `short_ohm` become shorts.
3. Nodes between resistors, which no device and no port touches, are eliminated where their time constant is below `tau_s`
   and no more resistors come of it than go (at most `degree` neighbours). Resistances between what is left are exact; the
   node's capacitance goes to its neighbours by their conductances, its couplings to the nearest one (first order in
   frequency, as in TICER).
4. The couplings left between two nets are joined to one, between the best connected node of each: that moves them by less
   than the time constants neglected above, and a simulator's matrix stays sparse.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from nonideal.circuits.extraction.netlist import Device, Element, Netlist, net_of


@dataclass(frozen=True, slots=True)
class Reduction:
    """How far to reduce; 0 switches a step off, `join` merges the couplings of two nets into one.

    Spikes of an extracted network of two axons and one neuron, against every extracted element (737 resistors, 4000
    capacitors, 751.626 ns; schematic 664.96 ns): elimination and joining alone -0.01 ns; `short_ohm` = 5 another -0.02 ns;
    `coupling_F` = 0.005 fF, 0.01 fF, 0.02 fF: -0.02, +0.07, +0.16 ns. A sample of the 5-5-5 network takes 4.8 s with the
    defaults, 12 s with 1 ohm and all couplings, from which its spikes are within 0.05 ns.
    """

    coupling_F: float = 0.002e-15
    short_ohm: float = 5.0
    tau_s: float = 1e-12
    degree: int = 3
    join: bool = True


NO_REDUCTION = Reduction(coupling_F=0.0, short_ohm=0.0, tau_s=0.0, join=False)


def reduce(netlist: Netlist, reduction: Reduction, ground: str = "vss") -> Netlist:
    """The reduced netlist, devices and ports as before."""
    if reduction == NO_REDUCTION:
        return netlist
    netlist = shorted(netlist, reduction.short_ohm)
    to_ground, couplings = _lump(netlist, reduction.coupling_F, ground)
    network = _Network(netlist, to_ground, couplings, ground)
    if reduction.tau_s > 0:
        network.eliminate(reduction.tau_s, reduction.degree)
    if reduction.join:
        network.join()
    return Netlist(
        netlist.cell, netlist.ports, netlist.devices, tuple(network.resistors()), tuple(network.capacitors())
    )


def shorted(netlist: Netlist, short_ohm: float, nets: Collection[str] | None = None) -> Netlist:
    """Join the nodes of resistors below `short_ohm`, of all nets or of these; a port keeps its name, and two ports stay apart."""
    ports = set(netlist.ports)
    joined: dict[str, str] = {}

    def of(node: str) -> str:
        while node in joined:
            node = joined[node]
        return node

    for r in netlist.resistors:
        a, b = of(r.a), of(r.b)
        if r.value >= short_ohm or a == b or (a in ports and b in ports):
            continue
        if nets is not None and net_of(r.a) not in nets:
            continue
        if b in ports:
            a, b = b, a
        joined[b] = a
    if not joined:
        return netlist

    def moved(elements: tuple[Element, ...]) -> tuple[Element, ...]:
        ends = ((of(e.a), of(e.b), e.value) for e in elements)
        return tuple(Element(a, b, value) for a, b, value in ends if a != b)

    devices = tuple(
        Device(d.name, tuple(of(node) for node in d.nodes), d.model, d.parameters) for d in netlist.devices
    )
    return Netlist(netlist.cell, netlist.ports, devices, moved(netlist.resistors), moved(netlist.capacitors))


def _lump(netlist: Netlist, least_F: float, ground: str) -> tuple[dict[str, float], list[Element]]:
    """Capacitance of each node to ground, and the couplings that stay."""
    totals: dict[tuple[str, str], float] = defaultdict(float)
    for c in netlist.capacitors:
        totals[_pair(c)] += c.value
    to_ground: dict[str, float] = defaultdict(float)
    couplings: list[Element] = []
    for c in netlist.capacitors:
        low, high = _pair(c)
        if low == high:
            continue
        if ground in (low, high):
            to_ground[c.a if net_of(c.b) == ground else c.b] += c.value
        elif totals[low, high] < least_F:
            to_ground[c.a] += c.value
            to_ground[c.b] += c.value
        else:
            couplings.append(c)
    return to_ground, couplings


def _pair(c: Element) -> tuple[str, str]:
    a, b = net_of(c.a), net_of(c.b)
    return (a, b) if a <= b else (b, a)


class _Network:
    """Conductances between nodes, capacitances of nodes to ground and to each other."""

    def __init__(
        self, netlist: Netlist, to_ground: dict[str, float], couplings: list[Element], ground: str
    ) -> None:
        self.ground = ground
        self.kept = set(netlist.ports) | {node for device in netlist.devices for node in device.nodes}
        self.conductances: dict[str, dict[str, float]] = defaultdict(dict)
        for r in netlist.resistors:
            if r.a != r.b:
                self._connect(r.a, r.b, 1.0 / r.value)
        self.to_ground = defaultdict(float, to_ground)
        self.coupled: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for c in couplings:
            self.coupled[c.a][c.b] += c.value
            self.coupled[c.b][c.a] += c.value

    def _connect(self, a: str, b: str, siemens: float) -> None:
        self.conductances[a][b] = self.conductances[a].get(b, 0.0) + siemens
        self.conductances[b][a] = self.conductances[b].get(a, 0.0) + siemens

    def eliminate(self, tau_s: float, degree: int) -> None:
        """Eliminate internal nodes, those with the fewest neighbours first."""
        queue = [(len(around), node) for node, around in self.conductances.items() if node not in self.kept]
        heapq.heapify(queue)
        while queue:
            count, node = heapq.heappop(queue)
            around = self.conductances.get(node)
            if around is None or len(around) != count or count > degree:
                continue
            total = sum(around.values())
            farads = self.to_ground.get(node, 0.0) + sum(self.coupled[node].values())
            if total <= 0 or farads / total > tau_s:
                continue
            for touched in self._remove(node, dict(around), total):
                if touched not in self.kept:
                    heapq.heappush(queue, (len(self.conductances[touched]), touched))

    def _remove(self, node: str, around: dict[str, float], total: float) -> list[str]:
        neighbours = list(around)
        for neighbour in neighbours:
            del self.conductances[neighbour][node]
        del self.conductances[node]
        for index, a in enumerate(neighbours):
            for b in neighbours[index + 1 :]:
                self._connect(a, b, around[a] * around[b] / total)
        farads = self.to_ground.pop(node, 0.0)
        for neighbour in neighbours:
            if farads:
                self.to_ground[neighbour] += farads * around[neighbour] / total
        nearest = max(neighbours, key=lambda neighbour: around[neighbour])
        for other, value in self.coupled.pop(node, {}).items():
            del self.coupled[other][node]
            self.coupled[nearest][other] += value
            self.coupled[other][nearest] += value
        return neighbours

    def join(self) -> None:
        """Put all couplings of two nets between their best connected nodes, so that the matrix stays sparse."""
        totals: dict[tuple[str, str], float] = defaultdict(float)
        hubs = {net_of(node): node for node in self.coupled}
        for a, others in self.coupled.items():
            for b, value in others.items():
                if net_of(a) < net_of(b):
                    totals[net_of(a), net_of(b)] += value
        strength: dict[str, float] = {}
        for node, around in self.conductances.items():
            total, net = sum(around.values()), net_of(node)
            if total > strength.get(net, 0.0):
                strength[net], hubs[net] = total, node
        self.coupled.clear()
        for (low, high), value in totals.items():
            a, b = hubs[low], hubs[high]
            self.coupled[a][b] = self.coupled[b][a] = value

    def resistors(self) -> list[Element]:
        return [
            Element(a, b, 1.0 / g)
            for a, around in self.conductances.items()
            for b, g in around.items()
            if a < b
        ]

    def capacitors(self) -> list[Element]:
        grounded = [Element(node, self.ground, value) for node, value in self.to_ground.items() if value > 0]
        coupled = [
            Element(a, b, value)
            for a, others in self.coupled.items()
            for b, value in others.items()
            if a < b and value > 0
        ]
        return grounded + coupled
