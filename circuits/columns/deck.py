"""Decks of the pieces of a network: one phase to accumulate, one to fire, whatever the layer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.cells.port import VDD
from nonideal.circuits.columns.cut import Piece, beside, carries
from nonideal.circuits.columns.rails import Share
from nonideal.circuits.columns.wave import Wave
from nonideal.circuits.extraction.netlist import Device, net_of
from nonideal.circuits.network.testbench import Circuit, source_name
from nonideal.circuits.network.timeline import Timeline, pwl, waveforms
from nonideal.spice import Deck, SimulatorOptions

Levels = Sequence[Mapping[str, NDArray[np.float64]]]
"""Volts of every layer by weight port, [neurons, axons]."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What all pieces of a network have in common: the circuit, and the volts that hold its weights."""

    circuit: Circuit
    levels: Levels
    simulator: SimulatorOptions

    @property
    def timeline(self) -> Timeline:
        """Phases of a column by itself: its input spikes count from ``accumulation_s(1)``, its own from ``firing_s(1)``."""
        return Timeline(self.circuit.design.timing, 1)

    def held(self) -> dict[str, float]:
        """Volts of the lines of the whole network, by net."""
        supplies = self.circuit.design.supplies
        return {net: port.level_V(supplies) for net, port, _ in self.circuit.topology.lines()}

    def controls(self, layer: int) -> dict[str, str]:
        """Waveforms of all control lines, by net, on the clock of a column of this layer (0: a driver)."""
        circuit = self.circuit
        timing, vdd_V = circuit.design.timing, circuit.design.supplies.vdd_V
        shift_s = max(layer - 1, 0) * (timing.t_circ_s + timing.guard_s)
        spans = {
            line: (start - shift_s if start > 0 else 0.0, end - shift_s)
            for line, (start, end) in circuit.timeline.spans().items()
        }
        waves = waveforms(spans, vdd_V, timing.edge_s)
        return {net: wave for net, wave in waves.items() if net in circuit.topology.control_ports}

    def weight_V(self, layer: int, neuron: int) -> dict[str, float]:
        """Volts of the weight pins of a neuron's synapses, by net."""
        topology = self.circuit.topology
        return {
            topology.bias(port, layer, axon, neuron): float(volts[neuron][axon])
            for port, volts in self.levels[layer - 1].items()
            for axon in range(topology.layers[layer - 1])
        }

    def constant_V(self, piece: Piece) -> dict[str, float]:
        """Volts of all that is held in a piece: lines, weights, discharger."""
        place, topology = piece.place, self.circuit.topology
        if place.layer == 0:
            return self.held()
        trim = {topology.vdis(place.layer, place.index): self.circuit.discharger_V(place.layer, place.index)}
        return self.held() | self.weight_V(place.layer, place.index) | trim


def elements(piece: Piece, shares: Iterable[Share], moving: Container[str]) -> str:
    """The netlist of a piece: devices, wires, its share of the rails. Couplings to nets that are neither held nor ``moving`` end at ground."""
    lines = [f"* {piece.place.name}: devices and wires as extracted, loads, its share of the rails"]
    lines += [_device(device) for device in (*piece.devices, *piece.loads)]
    lines += [f"R{i} {r.a} {r.b} {r.value:.9g}" for i, r in enumerate(piece.resistors)]
    rails = [r for share in shares for r in share.resistors]
    lines += [f"Rrail{i} {r.a} {r.b} {r.value:.9g}" for i, r in enumerate(rails)]
    active = piece.active
    farads: dict[tuple[str, str], float] = defaultdict(float)
    for c in piece.capacitors:
        a, b = sorted(
            node if net_of(node) in active or net_of(node) in moving else "0" for node in (c.a, c.b)
        )
        if a != b:
            farads[a, b] += c.value
    lines += [f"C{i} {a} {b} {value:.9g}" for i, ((a, b), value) in enumerate(farads.items())]
    return "\n".join(lines) + "\n"


def _device(device: Device) -> str:
    return f"X{device.name} {' '.join(device.nodes)} {device.model} {device.parameters}"


def transient(
    bench: Bench,
    piece: Piece,
    shares: Sequence[Share],
    name: str,
    waves: Mapping[str, Wave],
    currents: Mapping[str, Wave],
    probes: Sequence[str],
    inputs: Mapping[str, str] = MappingProxyType({}),
) -> Deck:
    """The deck of a column, or of a driver with what drives its input among ``inputs``.

    ``waves`` (V) by net drive axons and neighbours; another piece's net that has none is at ground. ``currents`` (A) by node flow into
    the rails' taps. ``probes`` are nodes to save beside the currents of the rails.
    """
    timeline, place = bench.timeline, piece.place
    simulator = replace(bench.simulator, temperature_C=bench.circuit.design.supplies.temperature_C)
    controls = bench.controls(place.layer)
    held = bench.held()
    coupled = piece.nets & (controls.keys() | waves.keys())
    alone = "" if any(beside(net) in waves for net in piece.neighbours) else "_alone"
    file = f"{place.name}{alone}.spice"
    lines = [f"* {name}", ".include models.spice", f".include {file}"]
    lines += [
        f"V{source_name(net)} {net} 0 {volts:.9g}"
        for net, volts in bench.constant_V(piece).items()
        if net in piece.active or net in held
    ]
    lines += [f"V{net} {net} 0 {wave}" for net, wave in controls.items() if net in coupled]
    lines += [f"V{net} {net} 0 {wave.source()}" for net, wave in waves.items() if net in coupled]
    lines += [f"V{net} {net} 0 {source}" for net, source in inputs.items()]
    lines += [f"I{index} 0 {node} {wave.source()}" for index, (node, wave) in enumerate(currents.items())]
    vectors = (*(f"v({node})" for node in probes), *bench.circuit.rails)
    lines += [".save " + " ".join(vectors), simulator.lines() + simulator.tran(timeline.stop_s), ".end"]
    includes = {"models.spice": bench.circuit.models, file: elements(piece, shares, coupled)}
    return Deck(name, "\n".join(lines) + "\n", includes, vectors, timeline.stop_s)


def input_wave(bench: Bench, at_norm: float) -> str:
    """The pulse on a driver's input, as the whole network's deck has it."""
    timing, timeline = bench.circuit.design.timing, bench.timeline
    end = timeline.spans()["phase_0"][1]
    span = (timeline.firing_s(0) + max(at_norm, 0.0) * timing.t_circ_s, end)
    return pwl(span, bench.circuit.design.supplies.vdd_V, timing.edge_s)


def operating_point(bench: Bench, piece: Piece, name: str, membrane: str, level_V: float) -> Deck:
    """The deck that measures what a column draws from the rails: all axons on, dendrite and membrane held at ``level_V``, the neuron firing.

    Vector ``i(v<rail>_<n>)`` is the current of terminal ``n`` of the piece.
    """
    design, place = bench.circuit.design, piece.place
    vdd_V = design.supplies.vdd_V
    simulator = replace(bench.simulator, temperature_C=design.supplies.temperature_C)
    constants = bench.constant_V(piece)
    lines = [f"* {name}", ".include models.spice"]
    lines += [f"V{source_name(net)} {net} 0 {volts:.9g}" for net, volts in constants.items()]
    topology, neuron = bench.circuit.topology, design.contracts.neuron
    lines_of, rail_of = neuron.of_layer(place.layer), neuron.held(("phase",))
    lines += [f"V{net} {net} 0 {vdd_V if rail_of[port] == VDD else 0:.9g}" for port, net in lines_of.items()]
    complements = {topology.spike_b(place.layer - 1, j) for j in range(topology.layers[place.layer - 1])}
    lines += [f"V{net} {net} 0 {0 if net in complements else vdd_V:.9g}" for net in piece.axons]
    held = [topology.dendrite(place.layer, place.index), *([membrane] if membrane else [])]
    lines += [f"V{net} {net} 0 {level_V:.9g}" for net in held]
    count, measured = 0, []
    taps = {terminal.node for terminal in piece.terminals}
    order = iter(piece.terminals)
    for device in piece.devices:
        nodes = list(device.nodes)
        for index, node in enumerate(device.nodes):
            if node in taps and carries(device, index):
                terminal = next(order)
                probe = f"{terminal.rail}_{count}"
                nodes[index] = f"at_{count}"
                lines.append(f"V{probe} {terminal.rail} at_{count} 0")
                measured.append(f"i(v{probe})")
                count += 1
            elif node in taps:
                nodes[index] = net_of(node)
        lines.append(_device(replace(device, nodes=tuple(nodes))))
    lines += [f"R{i} {r.a} {r.b} {r.value:.9g}" for i, r in enumerate(piece.resistors)]
    lines += [".save " + " ".join(measured), simulator.lines() + ".op", ".end"]
    return Deck(name, "\n".join(lines) + "\n", {"models.spice": bench.circuit.models}, tuple(measured))
