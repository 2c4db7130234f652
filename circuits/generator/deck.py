"""A network on its generator: the deck of one inference in which no bias is a source, beside that of ``nonideal.circuits.network.testbench``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.cells.port import VDD, VSS, Role
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.generator.generator import Generator, line_net
from nonideal.circuits.generator.joined import check_fits, generator_nets, inner_nets, joined_ports
from nonideal.circuits.generator.loop import START
from nonideal.circuits.generator.timing import loop_spans
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.testbench import Biases, Circuit, network_ports, source_name
from nonideal.circuits.network.timeline import control_sources, pulse
from nonideal.spice import Deck, SimulatorOptions

Array = NDArray[np.float64]
MADE = (Role.SENSE, Role.TRIM)
"""What of a neuron's ports the generator drives, every neuron's from one net."""


@dataclass(frozen=True, slots=True)
class BiasedCircuit:
    """A network and its generator. ``circuit.models`` must hold the generator's devices too; its ``vdis_V`` and V_sense are not used.

    ``control_V``: where the loop has settled, for an inference is too short for it; ``nonideal.characterize.generator`` finds it. ``codes``
    are the trim codes by (polarity, layer). ``layout``: both as one cell, as they are extracted; None: the circuit's netlist and the generator's
    own. Raises ``CircuitError`` for a generator of other layers, and for a layout of other ports.
    """

    circuit: Circuit
    generator: Generator
    control_V: float
    codes: Mapping[tuple[str, int], int] | None = None
    layout: str | None = None

    def __post_init__(self) -> None:
        check_fits(self.circuit.topology, self.generator)
        if self.layout is not None:
            have, want = {*network_ports(self.layout)}, {*joined_ports(self.circuit.topology, self.generator)}
            if have != want:
                raise CircuitError(
                    f"the layout's pins are not those of a network and its generator: missing {sorted(want - have)[:5]}, "
                    f"unexpected {sorted(have - want)[:5]}"
                )

    def sources(self) -> list[str]:
        """Rails, reset level, the reference, trim bits, capacitors off the chip, and the loop's own control lines."""
        supplies, sizes = self.circuit.design.supplies, self.generator.sizes
        held = [
            (net, port.level_V(supplies))
            for net, port, _ in self.circuit.topology.lines()
            if port.role not in MADE
        ]
        held.sort(key=lambda one: one[0] not in (VDD, VSS))
        lines = [f"V{source_name(net)} {net} 0 {volts:.6g}" for net, volts in held]
        lines.append(f"Iref {VDD} iref {sizes.reference_A:.6g}")
        lines += [
            f"V{net} {net} 0 {supplies.vdd_V if rail == VDD else 0:.6g}"
            for net, rail in self.generator.trim_levels(self.codes).items()
        ]
        if sizes.line_capacitor_F > 0:
            lines += [
                f"C{net} {net} {VSS if polarity == 'n' else VDD} {sizes.line_capacitor_F:.6g}"
                for polarity, layer in self.generator.lines
                for net in [line_net(polarity, layer)]
            ]
        timing = self.circuit.design.timing
        for line, span in loop_spans(sizes, timing).items():
            lines.append(pulse(line, line, span, supplies.vdd_V, timing.edge_s))
        lines.append(f"V{START} {START} 0 0")
        return lines

    def instances(self) -> list[str]:
        """Network and generator, pins bound by name; the generator's replica goes with the first layer."""
        topology = self.circuit.topology
        if self.layout is not None:
            return [" ".join(["Xnetwork", *network_ports(self.layout), "network"])]
        shared, bound = inner_nets(topology), generator_nets(topology, self.generator)
        return [
            " ".join(["Xnetwork", *(shared.get(port, port) for port in network_ports(self.circuit.netlist)), "network"]),
            " ".join(["Xgenerator", *bound.values(), "generator"]),
        ]  # fmt: skip

    def probe(self, node: str) -> str:
        """The vector of a node of the generator: ``control``, ``middle``, a leg's gate."""
        if self.layout is None:
            return self.generator.contract.probe("xgenerator", node, {})
        net = f"generator_{self.generator.contract.inner(node)}"
        found = re.search(rf"(?<=\s){re.escape(net)}(?:\.[\w.]+)?(?=\s)", self.layout)
        if found is None:
            raise CircuitError(f"the layout has no net {net}: it cannot be looked at")
        return f"v(xnetwork.{found[0]})"

    def deck(
        self,
        name: str,
        biases: Biases,
        spike_time_norm: Array,
        simulator: SimulatorOptions,
        probes: tuple[str, ...] = (),
    ) -> Deck:
        """The deck of one sample, with arguments as of ``Circuit.deck``; of ``biases`` the mask counts, for levels are the generator's."""
        wired = self.circuit.wired(biases)
        if wired is not self.circuit:
            return replace(self, circuit=wired).deck(name, biases, spike_time_norm, simulator, probes)
        circuit, timeline = self.circuit, self.circuit.timeline
        supplies = circuit.design.supplies
        simulator = replace(simulator, temperature_C=supplies.temperature_C)
        circuit.check_sample(name, spike_time_norm)
        network = f"network_{biases.name}.spice"
        includes = {"models.spice": circuit.models, network: self.layout or circuit.netlist}
        if self.layout is None:
            includes["generator.spice"] = self.generator.text()
        lines = [f"* {name}", *(f".include {file}" for file in includes)]
        lines += self.sources()
        lines.append(control_sources(timeline, supplies.vdd_V, circuit.topology.control_ports))
        lines += circuit.input_sources(spike_time_norm)
        lines += self.instances()
        control = self.probe("control")
        vectors = tuple(f"v({Topology.spike(*where)})" for where in circuit.topology.neurons())
        vectors += (*circuit.rails, *probes)
        lines += [
            f".ic {control}={self.control_V:.9g}",
            ".save " + " ".join(vectors),
            simulator.lines() + simulator.tran(timeline.stop_s),
            ".end",
        ]
        return Deck(name, "\n".join(lines) + "\n", includes, vectors, timeline.stop_s)
