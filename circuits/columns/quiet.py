"""Branches that are off: those of a kind on a dendrite, as one.

A synapse holds its weight in one of its branches; what closes the others is the level of their weight pins. Such a branch carries leakage
and loads the dendrite. As its axon spikes it takes a few aC from the dendrite, whenever that is, and as the axon goes back, the node inside is
pulled beyond the rail and takes some more; that all do at once. So all of a kind whose axons spike become one that is as wide, on the axon of
one in their middle, and so do all whose axons rest.

A branch that its weight opens and whose axon rests carries nothing either: it loads the dendrite, and its node inside follows. On long columns
neighbours in weight are one, as many as `ALIKE`: most pixels of an image are dark.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from nonideal.circuits.cells.port import VDD, VSS
from nonideal.circuits.columns.cut import Piece, beside, carries, instance_of
from nonideal.circuits.extraction.netlist import Device, Element, net_of
from nonideal.sky130_models.device import find_device

CLOSED = {"nmos": VSS, "pmos": VDD}
"""The rail that a gate is on that carries no current."""
ALIKE = 8
"""So many resting branches at the most are one; the one in their middle has their weights' median."""


@dataclass(frozen=True, slots=True)
class _Branch:
    """A closed branch: its net inside, a node of it, and the devices on it."""

    inner: str
    node: str
    devices: tuple[Device, ...]


Kind = tuple[tuple[str, str], ...]


def quieted(
    piece: Piece, held: Mapping[str, str], spiking: Collection[str], weight_V: Mapping[str, float]
) -> Piece:
    """The piece with its closed branches joined; ``held`` is the rail of each weight pin that stands at one, ``spiking`` are the nets of
    axons that spike. So are branches at rest that the pins in ``weight_V`` open, by their volts."""
    kinds: dict[tuple[bool, Kind], list[_Branch]] = defaultdict(list)
    closed = _closed(piece, held)
    for branch in closed:
        spikes = any(net_of(node) in spiking for device in branch.devices for node in device.nodes)
        kinds[spikes, _kind(branch)].append(branch)
    groups = [*kinds.values(), *_resting(piece, {one.inner for one in closed}, spiking, weight_V)]
    gone: dict[str, str] = {}
    joined: dict[str, Device] = {}
    quiet = set()
    for branches in groups:
        kept = branches[len(branches) // 2]
        quiet.add(kept.inner)
        gone |= {branch.inner: kept.node for branch in branches if branch is not kept}
        joined |= {device.name: _wide(device, kept.inner, len(branches)) for device in kept.devices}
    if not joined:
        return piece
    devices = tuple(
        joined.get(device.name, device)
        for device in piece.devices
        if not any(net_of(node) in gone for node in device.nodes)
    )
    there = {device.name for device in devices}
    gates = {net_of(node) for device in devices for node in device.nodes}
    axons = tuple(net for net in piece.axons if net in gates)
    farads, neighbours = _coupled(piece, gone, quiet, set(piece.axons) - set(axons))
    return replace(
        piece,
        own=piece.own - gone.keys(),
        devices=devices,
        resistors=tuple(wire for wire in piece.resistors if net_of(wire.a) not in gone),
        capacitors=tuple(Element(a, b, value) for (a, b), value in farads.items()),
        axons=axons,
        neighbours=neighbours,
        terminals=tuple(terminal for terminal in piece.terminals if terminal.device in there),
    )


def _kind(branch: _Branch) -> Kind:
    """What the devices of a branch are, whichever synapse it is of."""
    instance = instance_of(branch.inner)
    return tuple(sorted((d.name.lower().removeprefix(instance), d.model) for d in branch.devices))


def _resting(
    piece: Piece, closed: Collection[str], spiking: Collection[str], weight_V: Mapping[str, float]
) -> list[list[_Branch]]:
    """Branches of two devices, one on an axon at rest and one on a weight pin, in groups of neighbours in weight."""
    inside: dict[str, list[Device]] = defaultdict(list)
    for device in piece.devices:
        for net in map(net_of, device.nodes[:3:2]):
            if net in piece.own and instance_of(net).startswith("synapse") and net not in closed:
                inside[net].append(device)
    found: dict[Kind, list[tuple[float, _Branch]]] = defaultdict(list)
    for net, devices in inside.items():
        gates = [net_of(device.nodes[1]) for device in devices]
        volts = [weight_V[gate] for gate in gates if gate in weight_V]
        rests = [gate for gate in gates if gate in piece.axons and gate not in spiking]
        if len(devices) == 2 and len(volts) == len(rests) == 1:
            node = next(node for node in devices[0].nodes if net_of(node) == net)
            branch = _Branch(net, node, tuple(devices))
            found[_kind(branch)].append((volts[0], branch))
    groups = []
    for ordered in (sorted(some, key=lambda one: (one[0], one[1].inner)) for some in found.values()):
        branches = [branch for _, branch in ordered]
        groups += [branches[k : k + ALIKE] for k in range(0, len(branches), ALIKE)]
    return groups


def _closed(piece: Piece, held: Mapping[str, str]) -> list[_Branch]:
    """The branches that a held net closes, each once."""
    on: dict[str, list[Device]] = defaultdict(list)
    for device in piece.devices:
        for net in dict.fromkeys(map(net_of, device.nodes)):
            if net in piece.own and instance_of(net):
                on[net].append(device)
    found: dict[str, _Branch] = {}
    for device in piece.devices:
        kind = find_device(device.model).kind
        if kind not in CLOSED or held.get(net_of(device.nodes[1])) != CLOSED[kind]:
            continue
        instance = instance_of(device.name.lower())
        for index in (0, 2):
            node = device.nodes[index]
            net = net_of(node)
            if net not in on or instance_of(net) != instance or len(on[net]) < 2:
                continue
            if all(net_of(d.nodes[1]) != net for d in on[net]):
                found[net] = _Branch(net, node, tuple(on[net]))
    return list(found.values())


def _wide(device: Device, inner: str, count: int) -> Device:
    """One device for as many of those whose channel ends inside of the branch."""
    if count == 1 or not any(carries(device, i) and net_of(device.nodes[i]) == inner for i in (0, 2)):
        return device
    return replace(device, parameters=f"{device.parameters} m={count}")


def _coupled(
    piece: Piece, gone: Mapping[str, str], quiet: set[str], lost: set[str]
) -> tuple[dict[tuple[str, str], float], dict[str, dict[str, float]]]:
    """Capacitors and neighbours, where the axons in ``lost`` drive no gate of the piece any more: what couples to one is a neighbour."""
    farads: dict[tuple[str, str], float] = defaultdict(float)
    neighbours = {net: dict(nets) for net, nets in piece.neighbours.items()}
    for c in piece.capacitors:
        a, b = (gone.get(net_of(node), node) for node in (c.a, c.b))
        if net_of(a) in lost:
            a, b = b, a
        if net_of(b) in lost:
            near = net_of(a)
            if near in quiet or near in lost:
                b = VSS
            else:
                beside_it = neighbours.setdefault(near, {})
                beside_it[net_of(b)] = beside_it.get(net_of(b), 0.0) + c.value
                b = beside(near)
        if net_of(a) in lost:
            a = VSS
        if a != b:
            farads[a, b] += c.value
    return farads, neighbours
