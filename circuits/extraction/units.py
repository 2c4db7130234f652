"""Units that stand side by side between the same nets, as one device: a bank of a coded synapse has fifteen, drawn one by one.

What lies between them is a few squares of wire, tens of ohms, through which nanoamperes flow: a simulator's time goes with the devices. Units on a
pin of the network, rails among them, stay as they are: what flows there drops a voltage that counts.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from nonideal.circuits.extraction.netlist import Device, Netlist, net_of
from nonideal.circuits.extraction.reduction import Reduction, reduce
from nonideal.sky130_models.device import find_device

DRAIN, GATE, SOURCE, BULK = range(4)
_OF_END = {"ad": DRAIN, "pd": DRAIN, "as": SOURCE, "ps": SOURCE}
"""Area and perimeter of a diffusion by the terminal that it is of."""


def joined_units(netlist: Netlist) -> Netlist:
    """The netlist with each group of like FETs on the same four nets as one, ``m`` of them; alone or on a pin they stay.

    The one is where the middle of them is, its diffusions the mean of theirs: areas and widths add up to what they were.
    """
    pins = set(netlist.ports)
    groups: dict[object, list[Device]] = defaultdict(list)
    for device in netlist.devices:
        groups[_kind(device, pins) or device.name].append(device)
    if len(groups) == len(netlist.devices):
        return netlist
    # The nodes where units stood are nodes of wires now.
    return reduce(replace(netlist, devices=tuple(map(_joined, groups.values()))), Reduction())


def _kind(device: Device, pins: set[str]) -> object:
    """What units that are one have in common; None for what is no FET between two inner nets."""
    if find_device(device.model).kind == "mim":
        return None
    nets = [net_of(node) for node in device.nodes]
    ends = frozenset((nets[DRAIN], nets[SOURCE]))
    if len(ends) == 1 or ends & pins:
        return None
    size = tuple(pair for pair in sorted(_pairs(device).items()) if pair[0] not in _OF_END)
    return device.model, size, ends, nets[GATE], nets[BULK]


def _joined(group: list[Device]) -> Device:
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


def _at(device: Device, name: str, net: str) -> float:
    """Area or perimeter, as ``name`` of a drain or source says, of the device's diffusion on a net: either may be called its drain."""
    ends = {net_of(device.nodes[end]): other for other, end in _OF_END.items() if other[0] == name[0]}
    return float(_pairs(device)[ends[net]])


def _pairs(device: Device) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in device.parameters.split())
