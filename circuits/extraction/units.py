"""Units that stand side by side between the same nets, as one device: a bank of a coded synapse has fifteen, drawn one by one.

A simulator's time goes with the devices. What lies between units is wire, and it counts in one place: some hundred ohms of contacts and local
interconnect from a unit's source to the inverter take a few uV, a twentieth of a percent of a weak current. So the one that stands for many has a
source that is the mean of theirs: each gives an equal part of its current to the wire, where it stands, and its potential is the mean of what
that makes there. Drains and gates, where microvolts do not count, are where the middle unit has its own. On a pin of the network, rails among
them, only those that share a node are one: what flows there drops a voltage that counts. Units in the lines of a bias generator stand in strings
as these do; its other FETs stay as they are, for on their nets others have single nodes, so that a mean of those is none of resistors.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.extraction.netlist import Device, Element, Netlist, net_of
from nonideal.circuits.extraction.reduction import Reduction, reduce
from nonideal.sky130_models.device import find_device

Array = NDArray[np.float64]
DRAIN, GATE, SOURCE, BULK = range(4)
_OF_END = {"ad": DRAIN, "pd": DRAIN, "as": SOURCE, "ps": SOURCE}
"""Area and perimeter of a diffusion by the terminal that it is of."""
_INSIDE = re.compile(r"(?:network_)?(?:synapse_\d+_\d+_\d+_|generator_bias_line_[np]_\d+_s\d+$)", re.ASCII)
"""How nets are called that lie inside of a synapse, or are the source of a line's units, in a network or in a tile."""
_GENERATOR = re.compile(r"(?:network_)?generator_", re.ASCII)
LEAST_SIEMENS = 1e-9
"""A conductance that is less is none: rounding leaves such between ports that no wire joins."""


def joined_units(netlist: Netlist, ground: str = "vss", pins: Collection[str] | None = None) -> Netlist:
    """The netlist with each group of like FETs on the same four nets as one, ``m`` of them; alone or on different nodes of a pin they stay.

    Its diffusions are the mean of theirs: areas and widths add up to what they were. ``pins``: all ports, where None.
    """
    pins = set(netlist.ports if pins is None else pins)
    groups: dict[object, list[Device]] = defaultdict(list)
    for device in netlist.devices:
        groups[_kind(device, pins) or device.name].append(device)
    if len(groups) == len(netlist.devices):
        return netlist
    means: dict[str, dict[str, list[str]]] = defaultdict(dict)
    devices = []
    for group in groups.values():
        one = _joined(group)
        if len(group) > 1:
            for end in (DRAIN, SOURCE):
                net = net_of(one.nodes[end])
                if _INSIDE.match(net):
                    node = f"{net}.mean_{one.name}"
                    means[net][node] = [_on(unit, net) for unit in group]
                    nodes = tuple(node if at == end else n for at, n in enumerate(one.nodes))
                    one = replace(one, nodes=nodes)
        devices.append(one)
    stood = tuple({node for nets in means.values() for nodes in nets.values() for node in nodes})
    # The nodes where other units stood are nodes of wires now; those that a mean is of stay until it is taken.
    alone = tuple(replace(d, nodes=tuple(n for n in d.nodes if ".mean_" not in n)) for d in devices)
    left = reduce(replace(netlist, devices=alone, ports=(*netlist.ports, *stood)), Reduction(), ground)
    return _with_means(replace(left, devices=tuple(devices), ports=netlist.ports), means)


def _kind(device: Device, pins: Collection[str]) -> object:
    """What units that are one have in common; None for what is no FET between two nets."""
    if find_device(device.model).kind == "mim":
        return None
    nets = [net_of(node) for node in device.nodes]
    if nets[DRAIN] == nets[SOURCE]:
        return None
    if _GENERATOR.match(device.name) and not any(_INSIDE.match(nets[end]) for end in (DRAIN, SOURCE)):
        return None
    ends = frozenset(device.nodes[end] if nets[end] in pins else nets[end] for end in (DRAIN, SOURCE))
    size = tuple(pair for pair in sorted(_pairs(device).items()) if pair[0] not in _OF_END)
    return device.model, size, ends, nets[GATE], nets[BULK]


def _joined(group: Sequence[Device]) -> Device:
    middle = group[len(group) // 2]
    if len(group) == 1:
        return middle
    found = _pairs(middle)
    for name, end in _OF_END.items():
        if name in found:
            net = net_of(middle.nodes[end])
            found[name] = f"{sum(_at(one, name, net) for one in group) / len(group):.6g}"
    return replace(
        middle, parameters=" ".join(f"{k}={v}" for k, v in (found | {"m": str(len(group))}).items())
    )


def _on(device: Device, net: str) -> str:
    """The node of a net that the channel of a device ends on."""
    return next(device.nodes[end] for end in (DRAIN, SOURCE) if net_of(device.nodes[end]) == net)


def _at(device: Device, name: str, net: str) -> float:
    """Area or perimeter, as ``name`` of a drain or source says, of the device's diffusion on a net: either may be called its drain."""
    ends = {net_of(device.nodes[end]): other for other, end in _OF_END.items() if other[0] == name[0]}
    return float(_pairs(device)[ends[net]])


def _pairs(device: Device) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in device.parameters.split())


def _with_means(netlist: Netlist, means: Mapping[str, Mapping[str, Sequence[str]]]) -> Netlist:
    """The netlist whose devices are on means of nodes: ``means`` by net, and by the name that each goes by the nodes, with how often each."""
    wires: dict[str, list[Element]] = defaultdict(list)
    others: list[Element] = []
    for wire in netlist.resistors:
        net = net_of(wire.a)
        (wires[net] if net in means else others).append(wire)
    on: dict[str, set[str]] = defaultdict(set)
    for device in netlist.devices:
        for node in device.nodes:
            on[net_of(node)].add(node)
    moved: dict[str, str] = {}
    for net, here in means.items():
        ports = {node: [node] for node in sorted(on[net] - here.keys())} | dict(here)
        ohms, index = _resistances(wires[net], [node for nodes in ports.values() for node in nodes])
        mean = np.zeros((len(index), len(ports)))
        for k, nodes in enumerate(ports.values()):
            for node in nodes:
                mean[index[node], k] += 1.0 / len(nodes)
        others += _wires(list(ports), mean.T @ ohms @ mean)
        # A node's capacitance hangs on the port whose current raises it most.
        nearest = np.argmax(ohms @ mean - np.diag(mean.T @ ohms @ mean), axis=1)
        moved |= {node: list(ports)[nearest[k]] for node, k in index.items()}

    def at(node: str) -> str:
        return moved.get(node, node)

    ends = ((at(c.a), at(c.b), c.value) for c in netlist.capacitors)
    return replace(
        netlist,
        resistors=tuple(others),
        capacitors=tuple(Element(a, b, value) for a, b, value in ends if a != b),
    )


def _resistances(wires: Sequence[Element], nodes: Sequence[str]) -> tuple[Array, dict[str, int]]:
    """Potentials (V) that 1 A into each node of a net makes on all of them, up to a constant: [nodes, nodes], and the nodes' places."""
    named = dict.fromkeys([*nodes, *(node for wire in wires for node in (wire.a, wire.b))])
    index = {node: k for k, node in enumerate(named)}
    siemens = np.zeros((len(index), len(index)))
    for wire in wires:
        a, b = index[wire.a], index[wire.b]
        siemens[[a, b], [a, b]] += 1.0 / wire.value
        siemens[[a, b], [b, a]] -= 1.0 / wire.value
    return np.asarray(np.linalg.pinv(siemens, hermitian=True), np.float64), index


def _wires(ports: Sequence[str], ohms: Array) -> list[Element]:
    """The resistors between ports that make these potentials, where all currents into them sum to 0."""
    count = len(ports)
    flat = np.eye(count) - 1.0 / count
    siemens = np.linalg.pinv(flat @ ohms @ flat, hermitian=True)
    return [
        Element(ports[a], ports[b], -1.0 / siemens[a, b])
        for a in range(count)
        for b in range(a + 1, count)
        if abs(siemens[a, b]) > LEAST_SIEMENS
    ]
