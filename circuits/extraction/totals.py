"""Capacitance per net: what of an extraction must be the same however it is spread over nodes."""

from __future__ import annotations

from collections import defaultdict

from nonideal.circuits.extraction.netlist import Netlist, net_of
from nonideal.circuits.layout.errors import ExtractionFailed

RELATIVE, ABSOLUTE_F = 0.005, 0.02e-15
"""How far two totals of one net may lie apart. kpex's two modes lie within 0.1 %."""


def net_capacitances(netlist: Netlist) -> dict[str, float]:
    """Total capacitance of every net to all others, in F, by name."""
    totals: dict[str, float] = defaultdict(float)
    for c in netlist.capacitors:
        a, b = net_of(c.a), net_of(c.b)
        if a != b:
            totals[a] += c.value
            totals[b] += c.value
    return dict(sorted(totals.items()))


def check_same_totals(one: Netlist, other: Netlist, name: str, other_name: str, *, but: str = "") -> None:
    """Raise ExtractionFailed where a net has another capacitance in ``other`` than in ``one``; ``but`` is a net that is left out."""
    first, second = net_capacitances(one), net_capacitances(other)
    apart = {
        net: (first.get(net, 0.0), second.get(net, 0.0))
        for net in first.keys() | second.keys()
        if net != but
        and abs(first.get(net, 0.0) - second.get(net, 0.0)) > RELATIVE * first.get(net, 0.0) + ABSOLUTE_F
    }
    if apart:
        worst = max(apart, key=lambda net: abs(apart[net][0] - apart[net][1]))
        a, b = apart[worst]
        raise ExtractionFailed(
            f"{one.cell}: {len(apart)} nets have another capacitance {other_name} than {name}: {worst} has {b * 1e15:.4g} fF, not {a * 1e15:.4g} fF"
        )
