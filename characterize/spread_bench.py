"""Monte-Carlo benches: drawn synapses at DC, drawn neurons through reset, accumulation and firing.

Shifts are drawn here and not in the simulator (``nonideal.circuits.network.chip.draw``: one layer of one axon and as many neurons as draws), so
each is known and what it does can be told. Every bench begins with an undisturbed specimen, number 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.benches import NEURON, SPIKE_VECTOR, SPIKING, Bench, Grid
from nonideal.circuits.cells.analog import gate_biases
from nonideal.circuits.cells.contract import Contract, Synapse
from nonideal.circuits.cells.port import Role
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.flat import Element
from nonideal.circuits.network.timeline import Timeline, pulse
from nonideal.sky130_models.device import find_device

Array = NDArray[np.float64]
LEVELS = (0.0, 0.25, 0.5, 0.7, 0.85)
"""Charges that are put on the membrane before it fires, in C_m V_th."""
WINDOW_NORM = 2.5
"""How long the firing phase is held, in T_circ: a slow neuron's spike is to be seen."""


@dataclass(frozen=True, slots=True)
class Branch:
    """The devices of one polarity of the synapse pair."""

    polarity: str
    memory: str
    select: str


def branches_of(parts: Sequence[Element], synapse: Synapse) -> dict[str, Branch]:
    """The two branches of a synapse pair by polarity, found by what their gates are on; whatever the devices are called.

    A branch's memory FET has its gate on the port of its weight, its selector on the axon or, in the PMOS branch, on its complement.
    Raises ``CircuitError`` for a pair of other devices: its current would answer to shifts that no role has.
    """
    fets = [one for one in parts if one.is_device and find_device(one.what).kind != "mim"]
    gates, found = gate_biases(synapse.storage), {}
    for polarity, role in (("n", Role.AXON), ("p", Role.AXON_B)):
        nets = (gates.port(polarity), *(port.name for port in synapse.having(role)))
        on = {net: [one.path for one in fets if one.nodes[1] == net] for net in nets}
        for net, paths in on.items():
            if len(paths) != 1:
                raise CircuitError(
                    f"circuit.cells.synapse: {len(paths)} FETs have their gate on {net}, mismatch is known of pairs with one"
                )
        if len(on) != 2:
            raise CircuitError(f"circuit.synapse.kind: mismatch is known of pairs with a port for the {role}")
        (memory,), (select,) = on.values()
        found[polarity] = Branch(polarity, memory, select)
    others = sorted(
        {one.path for one in parts if one.is_device}
        - {path for b in found.values() for path in (b.memory, b.select)}
    )
    if others:
        raise CircuitError(
            f"circuit.cells.synapse: {', '.join(others[:5])}: mismatch is known of memory FETs and selectors alone"
        )
    return found


def drawn_cell(
    parts: Sequence[Element], instance: str, nets: Mapping[str, str], shifts: Mapping[str, float]
) -> list[str]:
    """Lines of one specimen of a cell: ``nets`` by port, every other node its own, ``shifts`` by device path (V; relative for a MIM)."""
    lines = []
    for one in parts:
        nodes = [nets.get(node, node if node == "0" else f"{instance}_{node}") for node in one.nodes]
        words = [f"{one.kind}{instance}_{one.path}", *nodes, one.what, one.parameters]
        if shift := shifts.get(one.path, 0.0):
            words.append(f"{'dc' if find_device(one.what).kind == 'mim' else 'dvt'}={shift:.9g}")
        lines.append(" ".join(word for word in words if word))
    return lines


def own_lines(cell: Contract, design: Design) -> list[str]:
    """Sources of the lines that only this kind of cell has."""
    return [f"V{line} {line} 0 {volts:.6g}" for line, volts in cell.lines(design.supplies)]


def drawn_synapses_bench(
    design: Design,
    parts: Sequence[Element],
    polarity: str,
    shifts: Mapping[str, Array],
    membrane: Grid,
    bias: Grid,
) -> Bench:
    """One branch of drawn pairs, axon spiking: dendrite current of each against membrane potential over gate bias.

    ``shifts`` by device path, [draws]; ``i(vd_0)`` is the undisturbed pair's.
    """
    synapse, vdd = design.contracts.synapse, design.supplies.vdd_V
    gates = gate_biases(synapse.storage)
    lines = [f"Vdd vdd 0 {vdd:.6g}", "Vss vss 0 0", f"Vsweep sweep 0 {design.supplies.v0_V:.6g}"]
    lines += [f"V{port} {port} 0 {volts:.6g}" for port, volts in gates.volts(0.0, vdd).items()]
    lines += own_lines(synapse, design)
    count = 1 + len(next(iter(shifts.values())))
    for k in range(count):
        lines.append(f"Vd_{k} sweep d_{k} 0")
        mine = {path: float(values[k - 1]) for path, values in shifts.items()} if k else {}
        nets = synapse.nets({**SPIKING, Role.DENDRITE: f"d_{k}"})
        lines += drawn_cell(parts, f"synapse_{k}", dict(zip(synapse.names, nets, strict=True)), mine)
    vectors = tuple(f"i(vd_{k})" for k in range(count))
    lines += [
        f".save {' '.join(vectors)}",
        f".dc Vsweep {membrane.spice} V{gates.port(polarity)} {bias.spice}",
    ]
    return Bench(f"drawn_synapses_{polarity}", "\n".join(lines) + "\n", vectors)


@dataclass(frozen=True, slots=True)
class NeuronLoad:
    """What a drawn neuron is driven by: bias of its discharger, capacitance on its dendrite, and the charge that is taken off it, C."""

    vdis_V: float
    dendrite_F: float
    charge_C: float


def drawn_neuron_bench(
    design: Design, parts: Sequence[Element], name: str, shifts: Mapping[str, float], load: NeuronLoad
) -> Bench:
    """A neuron with ``shifts`` by path through reset, accumulation and firing; its silent synapses are a capacitor on the dendrite.

    By itself: a simulator takes the steps of every spike for all that are in a deck.
    """
    timeline, timing, supplies = Timeline(design.timing, 1), design.timing, design.supplies
    begin, edge_s = timeline.accumulation_s(1), timing.edge_s
    end = begin + timing.t_circ_s
    fire = timeline.firing_s(1)
    stop = fire + WINDOW_NORM * timing.t_circ_s
    lines = [f"Vdd vdd 0 {supplies.vdd_V:.6g}", "Vss vss 0 0", f"Vv0 v0 0 {supplies.v0_V:.6g}"]
    lines += [f"Vdis vdis 0 {load.vdis_V:.9g}", f"Vsense vsense 0 {supplies.vsense_V:.6g}"]
    neuron = design.contracts.neuron
    lines += own_lines(neuron, design)
    spans = timeline.spans()
    for line in ("reset", "iso"):
        for suffix, inverted in (("", False), ("_b", True)):
            net = f"{line}{suffix}"
            lines.append(pulse(net, net, spans[f"{line}_1"], supplies.vdd_V, edge_s, inverted=inverted))
    lines.append(pulse("phase", "phase", (fire, stop + timing.t_circ_s), supplies.vdd_V, edge_s))
    lines += drawn_cell(parts, "neuron", dict(zip(neuron.names, neuron.nets(NEURON), strict=True)), shifts)
    lines.append(f"Cload dendrite 0 {load.dendrite_F:.9g}")
    if load.charge_C:
        current = load.charge_C / (timing.t_circ_s - edge_s)
        points = [(0, 0), (begin, 0), (begin + edge_s, current), (end - edge_s, current), (end, 0)]
        lines.append(f"Iinject dendrite 0 PWL({' '.join(f'{t:.12g} {i:.9g}' for t, i in points)})")
    lines.append(f".save {SPIKE_VECTOR}")
    return Bench(name, "\n".join(lines) + "\n", (SPIKE_VECTOR,), stop)
