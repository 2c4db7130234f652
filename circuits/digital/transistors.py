"""The cells as transistors that ngspice runs: what the library's models lack is replaced, and the deck that drives the pins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from nonideal.circuits.cells.port import VDD, VSS
from nonideal.circuits.digital.control import Control
from nonideal.circuits.digital.netlist import Netlist
from nonideal.circuits.digital.simulation import Change
from nonideal.spice import Deck, SimulatorOptions

SPECIAL = re.compile(r"sky130_fd_pr__special_nfet_01v8 w=0\.3\d")
REPLACED = "sky130_fd_pr__nfet_01v8 w=0.42"
"""The library has no model of the narrow NMOS in flip-flops (0.36 um): the narrowest ordinary one takes its place."""
EDGE_S = 2e-10


def simulated(netlist: Netlist) -> str:
    """The netlist's SPICE with devices that have models."""
    return SPECIAL.sub(REPLACED, netlist.spice())


def deck(
    control: Control,
    netlist: Netlist,
    models: str,
    changes: Iterable[Change],
    stop_s: float,
    vectors: Sequence[str],
    simulator: SimulatorOptions,
    *,
    vdd_V: float = 1.8,
    load_F: float = 2e-14,
) -> Deck:
    """The deck of a simulation as ``simulation.simulate`` runs it: the same clock, the same changes of inputs (values 0 and 1 of single bits).

    Every output of ``vectors`` (port names) has a load of ``load_F``.
    """
    ports = (*netlist.inputs, *netlist.outputs, VDD, VSS)
    nodes = {port: node(port) for port in ports}
    steps = {
        port: list(found)
        for port, found in groupby(sorted(changes, key=lambda one: one[1]), key=lambda one: one[1])
    }
    period = control.clock_s
    lines = ["* the digital side", ".include models.spice", ".include control.spice"]
    lines.append(f"V{VDD} {VDD} 0 {vdd_V:g}")
    lines.append(f"V{VSS} {VSS} 0 0")
    for port in netlist.inputs:
        if port == "clk":
            wave = f"PULSE(0 {vdd_V:g} {period / 2 - EDGE_S / 2:.6g} {EDGE_S:g} {EDGE_S:g} {period / 2 - EDGE_S:.6g} {period:.6g})"
        else:
            wave = _pwl(steps.get(port, []), vdd_V)
        lines.append(f"V{nodes[port]} {nodes[port]} 0 {wave}")
    lines += [f"C{nodes[port]} {nodes[port]} 0 {load_F:g}" for port in vectors]
    lines.append(f"Xcontrol {' '.join(nodes[port] for port in ports)} {netlist.name}")
    saved = [f"v({nodes[port]})" for port in vectors]
    lines += [".save " + " ".join(saved), simulator.lines() + simulator.tran(stop_s), ".end"]
    includes = {"models.spice": models, "control.spice": _plain(netlist, nodes)}
    return Deck("digital", "\n".join(lines) + "\n", includes, tuple(saved), stop_s)


def node(port: str) -> str:
    """A port's name in a deck: ``ui_in[3]`` is ``ui_in_3``."""
    return port.replace("[", "_").replace("]", "")


def _plain(netlist: Netlist, nodes: dict[str, str]) -> str:
    text = simulated(netlist)
    for port, name in nodes.items():
        if port != name:
            text = text.replace(port, name)
    # Inner nodes of the library's cells carry a sign that the simulator's decks here do not know.
    return text.replace("#", "")


def _pwl(changes: Sequence[Change], vdd_V: float) -> str:
    """0 until the first change; values are those of single bits."""
    points, level = [(0.0, 0.0)], 0.0
    for time_ns, _, value in sorted(changes):
        high = vdd_V * int(value)
        begin = time_ns * 1e-9
        if begin <= 0:
            points, level = [(0.0, high)], high
            continue
        points += [(begin - EDGE_S / 2, level), (begin + EDGE_S / 2, high)]
        level = high
    return f"PWL({' '.join(f'{t:.12g} {v:.6g}' for t, v in points)})"
