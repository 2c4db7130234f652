"""The capacitances of one extraction on the resistors of another: net by net the sums are kept, whatever the nodes are."""

from __future__ import annotations

from collections import defaultdict

from nonideal.circuits.extraction.netlist import Element, Netlist, net_of
from nonideal.circuits.layout.errors import ExtractionFailed


def with_capacitances_of(plain: Netlist, resistive: Netlist, ground: str) -> Netlist:
    """``resistive`` with the capacitances of ``plain``, an extraction of the same nets without resistors.

    A net's capacitance to ground is spread over its nodes by the resistance around each, for a wire has both along its length.
    What couples two nets is spread over either's nodes by halves, against the other's best known node. Raises ExtractionFailed
    where one of them has nets that the other lacks.
    """
    shares = _shares(resistive)
    totals: dict[tuple[str, str], float] = defaultdict(float)
    for c in plain.capacitors:
        a, b = sorted((net_of(c.a), net_of(c.b)))
        if a != b:
            totals[a, b] += c.value
    unknown = sorted({net for pair in totals for net in pair} - shares.keys())
    if unknown:
        raise ExtractionFailed(
            f"{plain.cell}: {len(unknown)} nets have a capacitance and are not in the extraction with resistances: {unknown[:5]}"
        )
    made: list[Element] = []
    for (a, b), farad in totals.items():
        if ground in (a, b):
            other = b if a == ground else a
            made += [Element(node, ground, farad * share) for node, share in shares[other].items()]
            continue
        for one, other in ((a, b), (b, a)):
            hub = max(shares[other], key=lambda node: shares[other][node])
            made += [Element(node, hub, farad / 2 * share) for node, share in shares[one].items()]
    capacitors = tuple(c for c in made if c.value > 0)
    return Netlist(resistive.cell, resistive.ports, resistive.devices, resistive.resistors, capacitors)


def _shares(netlist: Netlist) -> dict[str, dict[str, float]]:
    """Of every net, the nodes and each one's part of the resistance; alike where there is none."""
    ohms: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for r in netlist.resistors:
        for node in (r.a, r.b):
            ohms[net_of(node)][node] += r.value / 2
    for node in (*netlist.ports, *(node for device in netlist.devices for node in device.nodes)):
        ohms[net_of(node)][node] += 0.0
    found = {}
    for net, nodes in ohms.items():
        total = sum(nodes.values())
        found[net] = {node: ohm / total if total > 0 else 1 / len(nodes) for node, ohm in nodes.items()}
    return found
