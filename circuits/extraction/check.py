"""What a complete extraction must hold: parasitics, the same ports and devices, no floating node."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import inf

from nonideal.circuits.extraction.netlist import Netlist, net_of
from nonideal.circuits.layout.errors import ExtractionFailed


def check_extraction(netlist: Netlist, ports: Sequence[str], devices: int, *, resistance: bool) -> None:
    """Raise ExtractionFailed unless the netlist is a complete extraction of a circuit with these ports and so many devices."""
    if not netlist.capacitors:
        raise ExtractionFailed(
            f"{netlist.cell}: the extraction holds no capacitor; no parasitics were extracted"
        )
    if resistance and not netlist.resistors:
        raise ExtractionFailed(
            f"{netlist.cell}: the extraction holds no resistor, though resistances were asked for"
        )
    for kind, elements in (("resistor", netlist.resistors), ("capacitor", netlist.capacitors)):
        bad = [e for e in elements if not 0 < e.value < inf]
        if bad:
            raise ExtractionFailed(
                f"{netlist.cell}: {len(bad)} {kind}s of no positive finite value, for instance {bad[0]}"
            )
    _check_ports(netlist, ports)
    if len(netlist.devices) != devices:
        raise ExtractionFailed(
            f"{netlist.cell}: {len(netlist.devices)} devices were extracted, the layout has {devices}"
        )
    floating = floating_nodes(netlist)
    if floating:
        shown = ", ".join(floating[:5])
        raise ExtractionFailed(
            f"{netlist.cell}: {len(floating)} nodes have no way to their net for direct current: {shown}"
        )


def _check_ports(netlist: Netlist, ports: Sequence[str]) -> None:
    have, want = Counter(netlist.ports), Counter(ports)
    if have == want:
        return
    lost, extra = sorted((want - have).elements()), sorted((have - want).elements())
    raise ExtractionFailed(
        f"{netlist.cell}: the extracted ports are not the circuit's: lost {lost[:5]} ({len(lost)} in all), extra {extra[:5]} ({len(extra)})"
    )


def floating_nodes(netlist: Netlist) -> list[str]:
    """Nodes that no resistor joins to the rest of their net, and nets that touch no port and fewer than two devices."""
    around: dict[str, set[str]] = defaultdict(set)
    for r in netlist.resistors:
        around[r.a].add(r.b)
        around[r.b].add(r.a)
    terminals = Counter(node for device in netlist.devices for node in device.nodes)
    ports = set(netlist.ports)
    nodes = {*terminals, *ports, *around, *(n for c in netlist.capacitors for n in (c.a, c.b))}
    by_net: dict[str, set[str]] = defaultdict(set)
    for node in nodes:
        by_net[net_of(node)].add(node)
    floating: list[str] = []
    for net, members in by_net.items():
        root = (
            net
            if net in members
            else max(members, key=lambda node: (terminals[node], len(around[node]), node))
        )
        reached, edge = {root}, [root]
        while edge:
            for node in around[edge.pop()] - reached:
                reached.add(node)
                edge.append(node)
        floating += sorted(members - reached)
        if net not in ports and sum(terminals[node] for node in members) < 2:
            floating.append(net)
    return floating
