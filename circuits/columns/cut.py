"""Cuts an extracted network into pieces: a column for every neuron, a driver for every input.

A column holds the synapses on one dendrite, the neuron and the wires between them as extracted. What its wires couple to in other pieces
becomes a node that is driven there; the gates that its spike drives in the next crossbar are loads, with their other ends on their rail.
Control lines, weights and levels are held at their pins: no current flows in them. Supply rails stay (``rails.py``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from nonideal.circuits.cells.port import VDD, VSS
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.extraction.netlist import Device, Element, Netlist, net_of
from nonideal.circuits.network.netlist import Topology
from nonideal.sky130_models.device import find_device

SHOWN = 5


class CutError(CircuitError):
    """A netlist that does not fall into columns; the message names the devices or nets."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which neuron a column is of; ``layer`` 0 is an input's driver."""

    layer: int
    index: int

    @property
    def name(self) -> str:
        """As files call it."""
        return f"column_{self.layer}_{self.index}" if self.layer else f"driver_{self.index}"


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a device draws current from a rail: a node of the rail."""

    device: str
    instance: str
    rail: str
    node: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A column or a driver: what is simulated by itself.

    Nodes of its own nets are named as in the netlist, of rails where a device of its own draws current; all else is on the node of its
    net's name: ``axons`` are driven by the layer before, ``neighbours`` are the nets of other pieces that each own
    net couples to, in F; in the piece they are one node, ``beside(net)``, for all that counts of them is the charge that they bring.
    """

    place: Place
    own: frozenset[str]
    devices: tuple[Device, ...]
    loads: tuple[Device, ...]
    resistors: tuple[Element, ...]
    capacitors: tuple[Element, ...]
    axons: tuple[str, ...]
    neighbours: dict[str, dict[str, float]]
    terminals: tuple[Terminal, ...]

    @property
    def active(self) -> frozenset[str]:
        """The nets that its devices are on, and the rails."""
        nodes = [node for device in (*self.devices, *self.loads) for node in device.nodes]
        return frozenset(map(net_of, nodes)) | self.own | {VDD, VSS}

    @property
    def nets(self) -> frozenset[str]:
        """All nets that something in it is on."""
        return self.active | {net_of(node) for c in self.capacitors for node in (c.a, c.b)}

    @property
    def taps(self) -> dict[str, tuple[str, ...]]:
        """By rail the nodes that its devices draw current from, each once."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for terminal in self.terminals:
            found[terminal.rail][terminal.node] = None
        return {rail: tuple(nodes) for rail, nodes in found.items()}


def beside(net: str) -> str:
    """The node that stands for all that couples to a net from other pieces."""
    return f"beside_{net}"


@dataclass(frozen=True, slots=True)
class Cut:
    """A network in pieces. ``seen``: for an axon's net and a column the node of the net where that column's gates are."""

    topology: Topology
    rails: tuple[str, ...]
    pieces: dict[Place, Piece]
    owner: dict[str, Place]
    seen: dict[tuple[str, Place], str]
    netlist: Netlist

    def columns(self, layer: int) -> list[Piece]:
        """The columns of a layer."""
        return [self.pieces[Place(layer, k)] for k in range(self.topology.layers[layer])]


def cut(netlist: Netlist, topology: Topology) -> Cut:
    """The pieces of an extracted network. Raises ``CutError`` where a device or a net belongs to none or to two."""
    places = dict(_places(topology))
    of_device, owner = _owners(netlist, topology, places)
    rails = tuple(net for net, _, _ in topology.lines())
    held = {*topology.ports} - {topology.spike(*where) for where in topology.neurons()}
    mine: dict[Place, list[Device]] = defaultdict(list)
    touching: dict[Place, list[Device]] = defaultdict(list)
    seen: dict[tuple[str, Place], str] = {}
    for device in netlist.devices:
        place = of_device[device.name]
        mine[place].append(device)
        for node in device.nodes:
            other = owner.get(net_of(node))
            if other is not None and other != place:
                touching[other].append(device)
                seen.setdefault((net_of(node), place), node)
    wires = _by_place(netlist.resistors, owner)
    coupled = _by_place(netlist.capacitors, owner)
    nets: dict[Place, set[str]] = defaultdict(set)
    for net, place in owner.items():
        nets[place].add(net)
    pieces = {
        place: _piece(
            place,
            frozenset(nets[place]),
            mine[place],
            touching[place],
            wires[place],
            coupled[place],
            rails,
            held,
            _axons_of(topology, place.layer),
        )
        for place in dict.fromkeys(places.values())
    }
    _check(netlist, pieces)
    return Cut(topology, rails, pieces, owner, seen, netlist)


def _axons_of(topology: Topology, layer: int) -> frozenset[str]:
    """The axons of a layer, and their complements; none of the input drivers'."""
    if layer == 0:
        return frozenset()
    indices = range(topology.layers[layer - 1])
    return frozenset(net(layer - 1, j) for j in indices for net in (topology.spike, topology.spike_b))


def _places(topology: Topology) -> Iterator[tuple[str, Place]]:
    """The piece of every cell of the network, by instance."""
    for j in range(topology.layers[0]):
        yield f"driver_{j}", Place(0, j)
    for layer, k in topology.neurons():
        yield f"neuron_{layer}_{k}", Place(layer, k)
    for layer, axon, k in topology.synapses():
        yield f"synapse_{layer}_{axon}_{k}", Place(layer, k)


_INSTANCE = re.compile(r"driver_\d+|neuron_\d+_\d+|synapse_\d+_\d+_\d+", re.ASCII)


def instance_of(name: str) -> str:
    """The cell of the network that a device or an inner net belongs to: ``neuron_1_0_misn`` is of ``neuron_1_0``; "" for what is of none."""
    found = _INSTANCE.match(name)
    return found[0] if found and name[found.end() :][:1] in ("", "_") else ""


def _owners(
    netlist: Netlist, topology: Topology, places: dict[str, Place]
) -> tuple[dict[str, Place], dict[str, Place]]:
    """The piece of every device, and of every net that is inside of one."""
    of_device = {device.name: places.get(instance_of(device.name.lower())) for device in netlist.devices}
    if lost := [name for name, place in of_device.items() if place is None]:
        raise CutError(
            f"{len(lost)} devices belong to no driver, synapse or neuron of layers {list(topology.layers)}: {', '.join(lost[:SHOWN])}; "
            "draw and extract the network anew (the command layout)"
        )
    owner: dict[str, Place] = {}
    for layer in range(topology.depth + 1):
        for index in range(topology.layers[layer]):
            for net in (topology.spike(layer, index), topology.spike_b(layer, index)):
                owner[net] = Place(layer, index)
    owner |= {topology.dendrite(*where): Place(*where) for where in topology.neurons()}
    pins = set(topology.ports)
    everything = {net_of(node) for device in netlist.devices for node in device.nodes}
    everything |= {net_of(node) for wire in netlist.resistors for node in (wire.a, wire.b)}
    lost_nets = []
    for net in everything - pins - owner.keys():
        place = places.get(instance_of(net))
        if place is None:
            lost_nets.append(net)
        else:
            owner[net] = place
    if lost_nets:
        raise CutError(
            f"{len(lost_nets)} nets belong to no driver, dendrite or neuron: {', '.join(sorted(lost_nets)[:SHOWN])}; "
            "draw and extract the network anew (the command layout)"
        )
    return {name: place for name, place in of_device.items() if place is not None}, owner


def _by_place(elements: Iterable[Element], owner: dict[str, Place]) -> dict[Place, list[Element]]:
    """Resistors or capacitors by the pieces that one of their ends is in."""
    found: dict[Place, list[Element]] = defaultdict(list)
    for element in elements:
        for place in {owner.get(net_of(element.a)), owner.get(net_of(element.b))} - {None}:
            if place is not None:
                found[place].append(element)
    return found


def _piece(
    place: Place,
    own: frozenset[str],
    devices: list[Device],
    touching: list[Device],
    wires: list[Element],
    coupled: list[Element],
    rails: tuple[str, ...],
    held: set[str],
    crossing: frozenset[str],
) -> Piece:
    """The piece of a place: ``devices`` of its own, those of others ``touching`` its nets, ``wires`` and capacitors that end in it.

    ``crossing`` are the axons of its layer: of a weight that is wired one may drive no gate, and couples all the same.
    """
    terminals = tuple(
        Terminal(device.name, instance_of(device.name.lower()), net_of(node), node)
        for device in devices
        for index, node in enumerate(device.nodes)
        if net_of(node) in rails and carries(device, index)
    )
    taps = {terminal.node for terminal in terminals}

    def at(node: str) -> str:
        return node if net_of(node) in own or node in taps else net_of(node)

    placed = []
    for device in devices:
        nodes = [at(node) for node in device.nodes]
        if find_device(device.model).kind != "mim":
            # A bulk takes no current: it is where the source or drain on the same rail is.
            same = [node for node in (nodes[0], nodes[2]) if net_of(node) == net_of(nodes[3])]
            nodes[3] = same[0] if same else net_of(nodes[3])
        placed.append(replace(device, nodes=tuple(nodes)))
    loads = _joined(touching, own, rails)
    farads: dict[tuple[str, str], float] = defaultdict(float)
    for c in coupled:
        a, b = sorted((at(c.a), at(c.b)))
        if a != b:
            farads[a, b] += c.value
    used = {net_of(node) for device in placed for node in device.nodes}
    used |= {net_of(node) for pair in farads for node in pair} & crossing
    axons = tuple(sorted(net for net in used - own - held - set(rails)))
    foreign = {net_of(node) for pair in farads for node in pair} - own - held - set(rails) - set(axons)
    neighbours: dict[str, dict[str, float]] = defaultdict(dict)
    kept: dict[tuple[str, str], float] = defaultdict(float)
    for (a, b), value in farads.items():
        near, far = (b, a) if net_of(a) in foreign else (a, b)
        if far in foreign:
            beside_it = neighbours[net_of(near)]
            beside_it[far] = beside_it.get(far, 0.0) + value
            far = beside(net_of(near))
        kept[near, far] += value
    return Piece(
        place,
        own,
        tuple(placed),
        tuple(loads),
        tuple(wire for wire in wires if net_of(wire.a) in own and net_of(wire.b) in own),
        tuple(Element(a, b, value) for (a, b), value in kept.items()),
        axons,
        dict(neighbours),
        terminals,
    )


def _joined(touching: list[Device], own: frozenset[str], rails: tuple[str, ...]) -> list[Device]:
    """The gates of other pieces on nets of this one: those of a kind on a net as one device, the other ends of each on its rail, of a
    switch on a rail on the net itself.

    It hangs on a node in the middle of theirs, by name: how they are spread over the wire moves an edge by less than the wire's own delay.
    """
    kinds: dict[tuple[tuple[str, ...], str, str], list[tuple[str, Device]]] = defaultdict(list)
    for device in {device.name: device for device in touching}.values():
        rail = net_of(device.nodes[-1])
        at = next(node for node in device.nodes if net_of(node) in own)
        # A switch that is on leads on to its own piece: here its channel leads nowhere.
        beyond = net_of(at) if device.nodes.index(at) != 1 and net_of(device.nodes[1]) in rails else rail
        ends = tuple(
            net_of(node) if net_of(node) in own or net_of(node) in rails else beyond for node in device.nodes
        )
        kinds[ends, device.model, device.parameters.split(" as=")[0]].append((at, device))
    found = []
    for (ends, _, _), devices in kinds.items():
        at = sorted(node for node, _ in devices)[len(devices) // 2]
        first = devices[0][1]
        nodes = tuple(at if end == net_of(at) else end for end in ends)
        parameters = first.parameters if len(devices) == 1 else f"{first.parameters} m={len(devices)}"
        found.append(Device(f"load_{first.name}", nodes, first.model, parameters))
    return found


def carries(device: Device, index: int) -> bool:
    """Whether current flows through this terminal: drains and sources."""
    return find_device(device.model).kind != "mim" and index in (0, 2)


def _check(netlist: Netlist, pieces: dict[Place, Piece]) -> None:
    """Every resistor of a signal net is in one piece: none leads from one net to another. Of devices `_owners` sees to it."""
    own = {net for piece in pieces.values() for net in piece.own}
    inside = sum(len(piece.resistors) for piece in pieces.values())
    want = sum(net_of(wire.a) in own for wire in netlist.resistors)
    if inside != want:
        raise CutError(f"the pieces hold {inside} resistors of signal nets, the netlist {want}")
