"""A network under stimulus: the deck of one inference, and the spikes and energy read from its result."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.cells.port import VDD, VSS, Role
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.netlist import Mask, Topology, schematic
from nonideal.circuits.network.timeline import Timeline, control_sources, pulse
from nonideal.circuits.network.wave import Wave
from nonideal.sky130_models.statement import statements
from nonideal.spice import Deck, Result, SimulatorOptions

Array = NDArray[np.float64]


def network_ports(netlist: str) -> tuple[str, ...]:
    """Ports of the cell ``network`` in the order the netlist has them: an extracted one has its own, so pins are bound by name."""
    for _, line in statements(netlist):
        words = line.split()
        if len(words) > 1 and words[0].lower() == ".subckt" and words[1].lower() == "network":
            return tuple(words[2:])
    raise CircuitError("the netlist has no `.subckt network`")


@dataclass(frozen=True, slots=True)
class Biases:
    """The cell ``biases`` of one mapping at one scale, as ``nonideal.circuits.network.mapping`` writes it; ``name`` tells its file from others'.

    ``mask``: what these weights wire into the network, where they are no levels on pins. ``alone``: they have a netlist of their own.
    """

    name: str
    text: str
    mask: Mask | None = None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Circuit:
    """A network to be simulated: its netlist (schematic or extracted), models, supplies and controls. No weights.

    ``vdis_V`` is the bias of all dischargers; ``trim_V`` adds to it, per layer and neuron (V; empty: nothing is added). ``driven``: waveforms
    of lines that are else held at a level, by net; ``waves`` (V) the same on the network's clock, for what is simulated column by column.
    """

    topology: Topology
    design: Design
    netlist: str
    models: str
    vdis_V: float
    trim_V: tuple[tuple[float, ...], ...] = ()
    driven: tuple[tuple[str, str], ...] = ()
    waves: tuple[tuple[str, Wave], ...] = ()

    def __post_init__(self) -> None:
        self.topology.check(self.design)
        ports = network_ports(self.netlist)
        have, want = set(ports), set(self.topology.ports)
        if len(have) != len(ports):
            twice = sorted({port for port in ports if ports.count(port) > 1})
            raise CircuitError(f"the netlist's `.subckt network` names pins twice: {twice[:5]}")
        if have != want and not self.opened:
            lost, extra = sorted(want - have), sorted(have - want)
            raise CircuitError(
                f"the network's pins do not match its layer sizes {list(self.topology.layers)}: missing {lost[:5]}, unexpected {extra[:5]}"
            )
        given, neurons = [len(row) for row in self.trim_V], list(self.topology.layers[1:])
        if self.trim_V and given != neurons:
            raise CircuitError(
                f"trim_V holds {given} values by layer, the network has {neurons} neurons: give one value in V for each, or () for no trim"
            )
        if not all(math.isfinite(volt) for volt in (self.vdis_V, *chain.from_iterable(self.trim_V))):
            raise CircuitError("vdis_V and trim_V hold a value that is no number: give finite volts")

    @property
    def opened(self) -> bool:
        """Whether the netlist was drawn without a mask, so that what one would wire are pins."""
        opened = self.topology.opened
        return (
            self.topology.mask is None
            and opened.pinout != self.topology.pinout
            and set(network_ports(self.netlist)) == set(opened.ports)
        )

    @property
    def has_cells(self) -> bool:
        """Whether synapses are cells of their own; of an extracted netlist, or a chip's, their nodes are the network's."""
        return re.search(r"^Xsynapse_\d+_\d+_\d+ ", self.netlist, re.MULTILINE | re.IGNORECASE) is not None

    def discharger_V(self, layer: int, index: int) -> float:
        """The discharger bias of a neuron, its trim included."""
        return self.vdis_V + (self.trim_V[layer - 1][index] if self.trim_V else 0.0)

    @property
    def synapses(self) -> int:
        """How many there are."""
        return sum(a * b for a, b in pairwise(self.topology.layers))

    @property
    def timeline(self) -> Timeline:
        """Phases of one inference."""
        return Timeline(self.design.timing, self.topology.depth)

    def node(self, net: str) -> str:
        """A net inside the network, from outside: the net itself, or any node of the extracted net that carries its name."""
        node = re.search(rf"(?<=\s){re.escape(net)}(?:\.[\w.]+)?(?=\s)", self.netlist)
        if node is None:
            raise CircuitError(f"the netlist has no net {net}: it cannot be probed")
        return f"xnetwork.{node[0]}"

    def probe(self, net: str) -> str:
        """The vector of a net inside the network, see ``node``."""
        return f"v({self.node(net)})"

    def vector(self, net: str) -> str:
        """The vector of an axon or a membrane, by its net in an extraction; the schematic's membranes lie inside its neurons."""
        return self._membranes.get(net) or self.probe(net)

    @property
    def membranes(self) -> tuple[str, ...]:
        """The nets of all membranes, layer by layer."""
        return tuple(self._membranes)

    @property
    def membrane_probes(self) -> tuple[str, ...]:
        """A vector for every membrane, layer by layer."""
        return tuple(self._membranes.values())

    @property
    def _membranes(self) -> dict[str, str]:
        neuron = self.design.contracts.neuron
        probes = {}
        for layer, k in self.topology.neurons():
            name, inner = f"neuron_{layer}_{k}", neuron.inner("membrane")
            bound = {port.name: self.topology.net(port, layer, None, k) for port in neuron.ports}
            net = bound[inner] if inner in neuron.names else f"{name}_{inner}"
            inside = neuron.probe(f"xnetwork.x{name}", "membrane", bound)
            probes[net] = self.probe(net) if net in self.netlist else inside
        return probes

    def sources(self) -> list[str]:
        """What holds the network's supplies and other lines, then the bias of every discharger."""
        supplies = self.design.supplies
        held = [(net, port.level_V(supplies)) for net, port, _ in self.topology.lines()]
        # The rails first: all else is counted from them.
        held.sort(key=lambda one: one[0] not in (VDD, VSS))
        waves = dict(self.driven) | {net: wave.source() for net, wave in self.waves}
        if strange := sorted(waves.keys() - {net for net, _ in held}):
            raise CircuitError(
                f"waveforms for {', '.join(strange[:5])}, which are no held lines of this network"
            )
        lines = [f"V{source_name(net)} {net} 0 {waves.get(net, f'{volts:.6g}')}" for net, volts in held]
        for where in self.topology.neurons():
            pin = self.topology.vdis(*where)
            lines.append(f"V{pin} {pin} 0 {self.discharger_V(*where):.9g}")
        return lines

    @property
    def rails(self) -> dict[str, float]:
        """Volts of the sources whose current counts as energy, V_dd and the reset level, by the vector of that current."""
        supplies = self.design.supplies
        reset = {
            f"i(v{net})": port.level_V(supplies)
            for net, port, _ in self.topology.lines()
            if port.role is Role.RESET_LEVEL
        }
        return {"i(vdd)": supplies.vdd_V} | reset

    def instances(self) -> list[str]:
        """The network and its biases, pins bound by name."""
        return [
            "Xnetwork " + " ".join(network_ports(self.netlist)) + " network",
            " ".join(("Xbiases", *self.topology.scale_ports, *self.topology.bias_ports, "biases")),
        ]

    def wired(self, biases: Biases) -> Circuit:
        """The network with these weights wired into it, where they are a mask.

        A blank schematic takes any, and so does a network that was drawn without a mask; one that has a mask its own alone.

        Raises ``CircuitError`` for a netlist whose mask disagrees with the weights, or that was drawn blank.
        """
        if biases.mask == self.topology.mask:
            return self
        if self.topology.mask is not None or biases.mask is None:
            raise CircuitError(
                f"{biases.name}: the network has other weights wired in than these: draw and extract it with them (the command layout)"
            )
        topology = replace(self.topology, mask=biases.mask)
        if self.opened:
            from nonideal.circuits.network.masked import (
                with_mask,  # readers of extractions bring KLayout and scipy
            )

            return replace(self, topology=topology, netlist=with_mask(self.netlist, topology))
        if self.netlist != schematic(self.topology, self.design):
            raise CircuitError(
                f"{biases.name}: this netlist is no schematic, so that no mask can be wired into it: draw it with these weights (the command layout)"
            )
        return replace(self, topology=topology, netlist=schematic(topology, self.design))

    def _placed(self, text: str) -> str:
        """A cell ``biases`` with the states of latches at their nodes in this netlist: an extracted one, or a chip's, has no cells of synapses."""
        if ".ic " not in text or self.has_cells:
            return text
        return re.sub(
            r"v\(xnetwork\.xsynapse_(\d+_\d+_\d+)\.(\w+)\)",
            lambda found: self.probe(f"synapse_{found[1]}_{found[2]}"),
            text,
        )

    def check_sample(self, name: str, spike_time_norm: Array) -> None:
        """Raise ``CircuitError`` unless a sample has a spike time, or none, for every input [inputs]."""
        if spike_time_norm.shape != (self.topology.layers[0],):
            raise CircuitError(
                f"sample {name} has {spike_time_norm.shape} spike times, the network has {self.topology.layers[0]} inputs"
            )
        if np.any(np.isnan(spike_time_norm)):
            raise CircuitError(
                f"sample {name}: input spike times hold NaN; 1 or more (infinity too) means no spike"
            )

    def input_span_s(self, at_norm: float) -> tuple[float, float]:
        """When an input is high that spikes at ``at_norm`` (T_circ): until the phase's end."""
        timeline = self.timeline
        return timeline.firing_s(0) + max(at_norm, 0.0) * self.design.timing.t_circ_s, timeline.spans()[
            "phase_0"
        ][1]

    def input_sources(self, spike_time_norm: Array) -> list[str]:
        """Sources of the inputs for spike times [inputs] (T_circ); 1 or more: no spike."""
        high_V, edge_s = self.design.supplies.vdd_V, self.design.timing.edge_s
        return [
            pulse(f"in_{j}", f"in_{j}", self.input_span_s(float(at)), high_V, edge_s)
            if at < 1.0
            else f"Vin_{j} in_{j} 0 0"
            for j, at in enumerate(spike_time_norm)
        ]

    def deck(
        self,
        name: str,
        biases: Biases,
        spike_time_norm: Array,
        simulator: SimulatorOptions,
        probes: tuple[str, ...] = (),
    ) -> Deck:
        """The deck of one sample.

        ``spike_time_norm`` [inputs] in T_circ; 1 or more means no spike. ``probes`` are further vectors to save. The temperature is the
        design's.
        """
        wired = self.wired(biases)
        if wired is not self:
            return wired.deck(name, biases, spike_time_norm, simulator, probes)
        simulator = replace(simulator, temperature_C=self.design.supplies.temperature_C)
        timeline, supplies = self.timeline, self.design.supplies
        self.check_sample(name, spike_time_norm)
        file = f"biases_{biases.name}.spice"
        # Decks that lie in one folder share a network, unless each has its own weights in it.
        network = (
            "network.spice" if biases.mask is None and not biases.alone else f"network_{biases.name}.spice"
        )
        lines = [f"* {name}", ".include models.spice", f".include {network}", f".include {file}"]
        lines += self.sources()
        lines.append(control_sources(timeline, supplies.vdd_V, self.topology.control_ports))
        lines += self.input_sources(spike_time_norm)
        lines += self.instances()
        vectors = tuple(f"v({net})" for net in self.topology.spike_ports) + tuple(self.rails) + probes
        lines += [".save " + " ".join(vectors), simulator.lines() + simulator.tran(timeline.stop_s), ".end"]
        includes = {"models.spice": self.models, network: self.netlist, file: self._placed(biases.text)}
        return Deck(name, "\n".join(lines) + "\n", includes, vectors, timeline.stop_s)


def source_name(net: str) -> str:
    """Vdd and Vss as everybody writes them, else V and the net's name."""
    return net.removeprefix("v") if net in (VDD, VSS) else net


def spike_times_s(result: Result, circuit: Circuit) -> list[Array]:
    """Per layer the spike times [neurons] in s from the start of its firing phase; infinity where no spike came before the window closed."""
    timeline, half_V = circuit.timeline, circuit.design.supplies.vdd_V / 2
    times = []
    for layer in range(1, circuit.topology.depth + 1):
        begin = timeline.firing_s(layer)
        inside = (result.axis >= begin - timeline.timing.edge_s) & (result.axis <= begin + timeline.window_s)
        axis = result.axis[inside]
        row = np.full(circuit.topology.layers[layer], np.inf)
        for k in range(len(row)):
            wave = np.asarray(result[f"v({Topology.spike(layer, k)})"], float)[inside]
            row[k] = first_rise_s(axis, wave, half_V) - begin
        np.maximum(row, 0.0, out=row)
        times.append(row)
    return times


def first_rise_s(time_s: Array, wave_V: Array, level_V: float) -> float:
    """When a wave first rises through a level, between two points by a line; infinity where it does not."""
    rising = np.flatnonzero((wave_V[:-1] < level_V) & (wave_V[1:] >= level_V))
    if not len(rising):
        return math.inf
    i = int(rising[0])
    part = (level_V - wave_V[i]) / (wave_V[i + 1] - wave_V[i])
    return float(time_s[i] + part * (time_s[i + 1] - time_s[i]))


def energy_J(result: Result, circuit: Circuit) -> float:
    """Energy drawn from the rails over the whole inference, reset included, in J."""
    return float(
        -sum(
            volts * np.trapezoid(np.asarray(result[vector], float), result.axis)
            for vector, volts in circuit.rails.items()
        )
    )
