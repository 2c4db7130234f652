"""Decks of the pieces of a network: one phase to accumulate, one to fire, whatever the layer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.cells.port import VDD, VSS
from nonideal.circuits.columns.cut import Piece, Place, beside, carries
from nonideal.circuits.columns.rails import Share
from nonideal.circuits.extraction.netlist import Device, net_of
from nonideal.circuits.network.biases import latched_in, levels_of, scales_of
from nonideal.circuits.network.testbench import Circuit, source_name
from nonideal.circuits.network.timeline import Timeline, pwl, waveforms
from nonideal.circuits.network.wave import Wave
from nonideal.spice import Deck, SimulatorOptions

Levels = Sequence[Mapping[str, NDArray[np.float64]]]
"""Volts of every layer by weight port, [neurons, axons]."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of an inference that is simulated by itself, on a column's clock."""

    name: str
    start_s: float
    stop_s: float

    @property
    def length_s(self) -> float:
        """How long it takes."""
        return self.stop_s - self.start_s


@dataclass(frozen=True, slots=True)
class Bench:
    """What all pieces of a network have in common: the circuit, and the volts that hold its weights.

    ``steps_V``: of lines whose level is the step of a layer's weights, by layer and port. ``latched``: what latches hold, 1 or 0, as ``levels``;
    nothing where the circuit's are held.
    """

    circuit: Circuit
    levels: Levels
    simulator: SimulatorOptions
    steps_V: Sequence[Mapping[str, float]] = ()
    latched: Levels = ()

    @classmethod
    def of(cls, circuit: Circuit, biases: str, simulator: SimulatorOptions) -> Bench:
        """With the weights of a cell ``biases``, however they are held; a mask is in the circuit. Raises ``MappingError``."""
        pinout, depth = circuit.topology.pinout, circuit.topology.depth
        latches = circuit.design.contracts.synapse.storage.latches
        none: list[dict[str, NDArray[np.float64]]] = [{} for _ in range(depth)]
        return cls(
            circuit,
            levels_of(biases, pinout.weight_ports) if pinout.weight_ports else none,
            simulator,
            scales_of(biases, [port.name for port in pinout.scale_ports], depth),
            latched_in(biases, latches) if latches and ".ic " in biases else none,
        )

    @property
    def timeline(self) -> Timeline:
        """Phases of a column by itself: its input spikes count from ``accumulation_s(1)``, its own from ``firing_s(1)``."""
        return Timeline(self.circuit.design.timing, 1)

    @property
    def accumulation(self) -> Span:
        """From the reset until the column fires: axons switch, the neuron's own nodes stay as they are."""
        return Span("accumulation", 0.0, self.timeline.firing_s(1) - self.timeline.timing.edge_s)

    @property
    def firing(self) -> Span:
        """From there on: all axons are back, the membrane is cut off from the dendrite."""
        return Span("firing", self.accumulation.stop_s, self.timeline.stop_s)

    @property
    def whole(self) -> Span:
        """Both."""
        return Span("", 0.0, self.timeline.stop_s)

    def held(self) -> dict[str, float]:
        """Volts of the lines of the whole network, by net."""
        supplies = self.circuit.design.supplies
        return {net: port.level_V(supplies) for net, port, _ in self.circuit.topology.lines()}

    def controls(self, layer: int, start_s: float = 0.0) -> dict[str, str]:
        """Waveforms of all control lines, by net, from ``start_s`` on the clock of a column of this layer (0: a driver)."""
        circuit = self.circuit
        timing, vdd_V = circuit.design.timing, circuit.design.supplies.vdd_V
        shift_s = self._shift_s(layer) + start_s
        spans = {
            line: (start - shift_s if start > 0 else 0.0, end - shift_s)
            for line, (start, end) in circuit.timeline.spans().items()
        }
        waves = waveforms(spans, vdd_V, timing.edge_s)
        return {net: wave for net, wave in waves.items() if net in circuit.topology.control_ports}

    def _shift_s(self, layer: int) -> float:
        """When the clock of a column of this layer (0: a driver) begins on the network's."""
        timing = self.circuit.design.timing
        return max(layer - 1, 0) * (timing.t_circ_s + timing.guard_s)

    def line_waves(self, layer: int, start_s: float) -> dict[str, Wave]:
        """What moves of lines that are else held, V by net, from ``start_s`` on the clock of a column of this layer."""
        return {net: self.on_clock(wave, layer, start_s) for net, wave in self.circuit.waves}

    def on_clock(self, wave: Wave, layer: int, start_s: float = 0.0) -> Wave:
        """A wave on the network's clock from ``start_s`` on that of a column of this layer."""
        return wave.shifted(-self._shift_s(layer) - start_s)

    def weight_V(self, layer: int, neuron: int) -> dict[str, float]:
        """Volts of the weight pins of a neuron's synapses, by net."""
        topology = self.circuit.topology
        return {
            topology.bias(port, layer, axon, neuron): float(volts[neuron][axon])
            for port, volts in self.levels[layer - 1].items()
            for axon in range(topology.layers[layer - 1])
        }

    def step_V(self, layer: int) -> dict[str, float]:
        """Volts of the lines that are the step of a layer's weights, by net."""
        volts = self.steps_V[layer - 1] if self.steps_V else {}
        return {
            self.circuit.topology.net(port, layer): volts[port.name]
            for port in self.circuit.topology.pinout.scale_ports
        }

    def latches_V(self, place: Place) -> dict[str, float]:
        """Volts of the latches' nodes of a neuron's synapses as a deck begins, by net."""
        if place.layer == 0 or not self.latched or not self.latched[place.layer - 1]:
            return {}
        design, axons = self.circuit.design, self.circuit.topology.layers[place.layer - 1]
        found = {}
        for name, latch in design.contracts.synapse.storage.latches.items():
            for axon in range(axons):
                held = self.latched[place.layer - 1][name][place.index, axon] > 0
                for node, high in ((latch.q, held), (latch.q_b, not held)):
                    net = f"synapse_{place.layer}_{axon}_{place.index}_{node}"
                    found[net] = design.supplies.vdd_V if high else 0.0
        return found

    def closed(self, layer: int, neuron: int) -> dict[str, str]:
        """By net the rail of the weight pins of a neuron's synapses that carry nothing."""
        supplies_V = {VSS: 0.0, VDD: self.circuit.design.supplies.vdd_V}
        off = self.circuit.design.contracts.synapse.storage.off
        topology = self.circuit.topology
        return {
            topology.bias(port, layer, axon, neuron): off[port]
            for port, volts in self.levels[layer - 1].items()
            for axon in range(topology.layers[layer - 1])
            if port in off and float(volts[neuron][axon]) == supplies_V[off[port]]
        }

    def constant_V(self, piece: Piece) -> dict[str, float]:
        """Volts of all that is held in a piece: lines, weights, discharger."""
        place, topology = piece.place, self.circuit.topology
        if place.layer == 0:
            return self.held()
        trim = {topology.vdis(place.layer, place.index): self.circuit.discharger_V(place.layer, place.index)}
        return self.held() | self.weight_V(place.layer, place.index) | self.step_V(place.layer) | trim


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


@dataclass(frozen=True, slots=True)
class Drop:
    """What others' currents do to a column's taps on a rail: ``into_A`` by tap, times ``wave``."""

    name: str
    into_A: Mapping[str, float]
    wave: Wave

    def lines(self, span: Span) -> Iterator[str]:
        """A node that has the wave in this span, and what each tap takes of it."""
        yield f"B{self.name} {self.name} 0 V={self.wave.shifted(-span.start_s).function(span.length_s)}"
        yield from (
            f"G{self.name}_{i} 0 {tap} {self.name} 0 {ampere:.9g}"
            for i, (tap, ampere) in enumerate(self.into_A.items())
        )


def transient(
    bench: Bench,
    piece: Piece,
    netlist: Mapping[str, str],
    span: Span,
    name: str,
    waves: Mapping[str, Wave],
    probes: Sequence[str],
    *,
    drops: Sequence[Drop] = (),
    stops_s: Sequence[float] = (),
    start_V: Mapping[str, float] = MappingProxyType({}),
    inputs: Mapping[str, str] = MappingProxyType({}),
    currents: Sequence[tuple[str, str, Wave]] = (),
) -> Deck:
    """The deck of a column in a ``span``, or of a driver with what drives its input among ``inputs``.

    ``netlist`` is what ``elements`` made of the piece, by the name of its file. ``waves`` (V) by net drive axons and neighbours; neighbours
    that have none are at ground. They are functions of time: a simulator that stopped at every point of all axons would take four times the
    steps. It stops at ``stops_s``. Times are on the column's clock. ``start_V``: nodes that begin at a voltage. ``currents`` (A, on the
    network's clock) flow from a node to another; it stops at their points. ``probes`` are nodes to save beside the currents of the rails.
    """
    place, length_s = piece.place, span.length_s
    simulator = replace(bench.simulator, temperature_C=bench.circuit.design.supplies.temperature_C)
    controls = bench.controls(place.layer, span.start_s)
    held, active, nets = bench.held(), piece.active, piece.nets
    driven = {net: wave.shifted(-span.start_s) for net, wave in waves.items() if net in nets}
    ((file, text),) = netlist.items()
    lines = [f"* {place.name}", ".include models.spice", f".include {file}"]
    moving = bench.line_waves(place.layer, span.start_s)
    for net, volts in bench.constant_V(piece).items():
        if net in moving and net in active:
            lines.append(f"B{net} {net} 0 V={moving[net].function(length_s)}")
        elif net in active or net in held:
            lines.append(f"V{source_name(net)} {net} 0 {volts:.9g}")
    lines += [f"V{net} {net} 0 {wave}" for net, wave in controls.items() if net in nets]
    lines += [f"V{node} {node} 0 0" for node in map(beside, piece.neighbours) if node not in driven]
    lines += [f"B{net} {net} 0 V={wave.function(length_s)}" for net, wave in driven.items()]
    lines += [f"V{net} {net} 0 {source}" for net, source in inputs.items()]
    for drop in drops:
        lines += drop.lines(span)
    for number, (begin, end, wave) in enumerate(currents):
        told = bench.on_clock(wave, place.layer, span.start_s).source()
        lines.append(f"Iput_{number} {begin} {end} {told}")
    stops = np.array([at - span.start_s for at in stops_s if span.start_s < at < span.stop_s])
    if len(stops):
        turns = Wave(stops, np.array([n % 2 for n in range(len(stops))], float))
        lines.append(f"Vstops stops 0 {turns.source()}")
    lines += [f".ic v({node})={volts:.9g}" for node, volts in start_V.items()]
    vectors = (*(f"v({node})" for node in probes), *bench.circuit.rails)
    lines += [".save " + " ".join(vectors), simulator.lines() + simulator.tran(length_s), ".end"]
    includes = {"models.spice": bench.circuit.models, file: text}
    return Deck(name, "\n".join(lines) + "\n", includes, vectors, length_s)


def input_wave(bench: Bench, at_norm: float) -> str:
    """The pulse on a driver's input, as the whole network's deck has it."""
    circuit = bench.circuit
    return pwl(circuit.input_span_s(at_norm), circuit.design.supplies.vdd_V, circuit.design.timing.edge_s)


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
    starts = bench.latches_V(place)
    inside = {net_of(node): node for device in piece.devices for node in device.nodes}
    lines += [f".nodeset v({inside[net]})={volts:.9g}" for net, volts in starts.items() if net in inside]
    lines += [".save " + " ".join(measured), simulator.lines() + ".op", ".end"]
    return Deck(name, "\n".join(lines) + "\n", {"models.spice": bench.circuit.models}, tuple(measured))
