"""Benches of the bias generator: inference after inference with its loop closed, its start, and what spikes do to its lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySpice.Spice.Netlist import Circuit

from nonideal.characterize.benches import FIRING, NEURON, SILENT
from nonideal.circuits.cells.codes import coded_weights
from nonideal.circuits.cells.port import VDD, VSS, Role
from nonideal.circuits.design import Design
from nonideal.circuits.generator.generator import Generator, line_net
from nonideal.circuits.generator.loop import EARLY, RAMP, START
from nonideal.circuits.generator.mirrors import Bank, phase_nets
from nonideal.circuits.generator.timing import inference_s, loop_spans
from nonideal.circuits.network.timeline import Timeline, pulse

LAYER = 1
AXONS = 5
"""Silent synapses on the dendrite of the neuron that is watched."""
HELD = {"n": "held_n", "p": "held_p", "dis": "held_dis"}
"""Sources that hold what carries a unit's or a discharger's current at the reset level."""
INSTANCE = "xgenerator"
REPLICA = f"v({INSTANCE}.xloop.spike)"
"""The spike of the replica."""


QUIET_S = 0.2e-6
SPIKE_S = 1e-6
"""How long before and after the spike of a kick-back bench nothing happens, and how long it lasts."""


RISE_S = 1e-6
"""How fast supplies and reference come up in the bench of the start."""


def level(value: float, *, rising: bool = False) -> str:
    """Of a source: as it stays, or coming up from 0 at the beginning."""
    return f"PWL(0 0 {RISE_S:.6g} {value:.9g})" if rising else f"{value:.9g}"


@dataclass(frozen=True, slots=True)
class GeneratorBench:
    """Decks of one generator. ``codes`` are the trim codes by (polarity, layer), in their middle unless given.

    ``target_norm``: when the replica is made to fire, in T_circ.
    """

    generator: Generator
    design: Design
    codes: Mapping[tuple[str, int], int] | None = None
    target_norm: float = 1.0

    @property
    def period_s(self) -> float:
        """From one inference to the next."""
        return inference_s(self.design.timing)

    @property
    def firing_s(self) -> float:
        """When neurons begin to fire, from an inference's start."""
        return Timeline(self.design.timing, LAYER).firing_s(LAYER)

    def node(self, name: str) -> str:
        """The vector of a probe of the generator."""
        return self.generator.contract.probe(INSTANCE, name, {})

    def units(self) -> dict[str, int]:
        """How many units are held, by polarity."""
        return {one: Bank.of(self.design.contracts.synapse, one).units for one in ("n", "p")}

    def line_nets(self) -> tuple[str, ...]:
        """The gate lines."""
        return tuple(line_net(*one) for one in self.generator.lines)

    def inferences(self, count: int, control_V: float | None = None) -> tuple[str, tuple[str, ...], float]:
        """Body, vectors and end (s) of so many inferences from the loop's reset, or from a control voltage.

        A neuron of the design that nothing reaches fires beside the replica; units and a discharger are held at the reset level.
        """
        circuit = self._rails("bias generator: inferences")
        neuron, synapse = self.design.contracts.neuron, self.design.contracts.synapse
        self._held(circuit)
        # On the replica's own phase, which lets it be seen to be late; so the generator has to be one for a neuron a layer.
        neuron.add(circuit, "silent", {**NEURON, "phase": RAMP})
        for axon in range(AXONS):
            nets: dict[str, str] = {**SILENT, **synapse.storage.off, Role.DENDRITE: NEURON[Role.DENDRITE]}
            nets |= {port.name: port.net(LAYER, None, None) for port in synapse.having(Role.SCALE)}
            synapse.add(circuit, f"synapse_{axon}", nets)
        vectors = [self.node("control"), self.node("middle"), REPLICA]
        vectors += ["v(spike)", "v(vdis)", "v(vsense)", *(f"v({net})" for net in self.line_nets())]
        vectors += [f"i(v{source})" for source in HELD.values()] + ["i(vdd)"]
        body = [str(circuit), *self._controls(), self._start(control_V), f".save {' '.join(vectors)}"]
        if control_V is not None:
            body.append(f".ic {self.node('control')}={control_V:.9g}")
        return "\n".join(body) + "\n", tuple(vectors), count * self.period_s

    def start(self, stop_s: float) -> tuple[str, tuple[str, ...], float]:
        """Body, vectors and end (s) of the supplies' rise, all at once in ``RISE_S``; the loop is in its reset."""
        circuit = self._rails("bias generator: start", rising=True)
        self._held(circuit, rising=True)
        vectors = tuple(f"i(v{source})" for source in HELD.values())
        body = [str(circuit), *self._still(rising=True), f".save {' '.join(vectors)}"]
        return "\n".join(body) + "\n", vectors, stop_s

    def static(self) -> tuple[str, tuple[str, ...], None]:
        """Body and vectors of an operating point, the loop in its reset; it has no end."""
        circuit = self._rails("bias generator: operating point")
        self._held(circuit)
        vectors = tuple(f"i(v{source})" for source in HELD.values())
        body = [str(circuit), *self._still(), f".save {' '.join(vectors)}", ".op"]
        return "\n".join(body) + "\n", vectors, None

    def _still(self, *, rising: bool = False) -> list[str]:
        """Sources of the generator's control lines while its loop is in reset."""
        high = ("reset", "iso_b", EARLY, START)
        names = [port.name for port in self.generator.contract.having(Role.CONTROL)]
        levels = {name: self.design.supplies.vdd_V if name in high else 0.0 for name in names}
        return [f"V{name} {name} 0 {level(volts, rising=rising)}" for name, volts in levels.items()]

    def kick(self, polarity: str, codes: Sequence[int]) -> tuple[str, tuple[str, ...], float]:
        """Body, vectors and end (s): the axon of synapses of these codes (sizes, all of a polarity) spikes, for ``SPIKE_S`` from ``QUIET_S``.

        The dendrites are held, as are the units whose current is watched. The loop stands in its reset, so that nothing else moves.
        """
        circuit, vdd_V = (
            self._rails(f"bias generator: kick-back on line {polarity}"),
            self.design.supplies.vdd_V,
        )
        self._held(circuit)
        synapse, storage = self.design.contracts.synapse, coded_weights(self.design.contracts.synapse.storage)
        sign = 1 if polarity == "n" else -1
        lines = {port.name: port.net(LAYER, None, None) for port in synapse.having(Role.SCALE)}
        for index, code in enumerate(codes):
            bound: dict[str, str] = {Role.AXON: "axon", Role.AXON_B: "axon_b", Role.DENDRITE: "v0"}
            synapse.add(circuit, f"synapse_{index}", {**bound, **lines, **storage.nets(sign * code, lines)})
        span, edge_s = (QUIET_S, QUIET_S + SPIKE_S), self.design.timing.edge_s
        sources = [
            pulse("axon", "axon", span, vdd_V, edge_s),
            pulse("axon_b", "axon_b", span, vdd_V, edge_s, inverted=True),
        ]
        sources += self._still()
        vectors = (f"i(v{HELD[polarity]})", f"v({line_net(polarity, LAYER)})")
        body = [str(circuit), *sources, f".save {' '.join(vectors)}"]
        return "\n".join(body) + "\n", vectors, QUIET_S + SPIKE_S + QUIET_S

    def _start(self, control_V: float | None) -> str:
        """The reset of the loop: in the first inference's reset, unless it begins somewhere."""
        vdd_V, timing = self.design.supplies.vdd_V, self.design.timing
        if control_V is not None:
            return f"V{START} {START} 0 0"
        off = timing.reset_s / 2
        return f"V{START} {START} 0 PWL(0 {vdd_V:.6g} {off:.12g} {vdd_V:.6g} {off + timing.edge_s:.12g} 0)"

    def _rails(self, title: str, *, rising: bool = False) -> Circuit:
        """Supplies, reference, trim bits, capacitors off the chip, and the generator."""
        supplies, sizes = self.design.supplies, self.generator.sizes
        circuit = Circuit(title)
        circuit.V("dd", VDD, "0", level(supplies.vdd_V, rising=rising))
        circuit.V("ss", VSS, "0", 0)
        circuit.V("v0", "v0", "0", level(supplies.v0_V, rising=rising))
        circuit.I("ref", VDD, "iref", level(sizes.reference_A, rising=rising))
        for net, rail in self.generator.trim_levels(self.codes).items():
            circuit.V(net, net, "0", level(supplies.vdd_V if rail == VDD else 0.0, rising=rising))
        for polarity, layer in self.generator.lines:
            if sizes.line_capacitor_F > 0:
                net = line_net(polarity, layer)
                circuit.C(net, net, VSS if polarity == "n" else VDD, sizes.line_capacitor_F)
        self.generator.contract.add(circuit, "generator", {})
        return circuit

    def _held(self, circuit: Circuit, *, rising: bool = False) -> None:
        """A bank of units of either polarity, as a synapse of the largest code, and a discharger, each held at the reset level."""
        v0_V = self.design.supplies.v0_V
        for polarity in ("n", "p"):
            bank, held = Bank.of(self.design.contracts.synapse, polarity), HELD[polarity]
            circuit.V(held, held, "0", level(v0_V, rising=rising))
            for device, nodes, units in (
                (bank.unit, (held, line_net(polarity, LAYER), f"{held}_s", bank.rail), bank.units),
                (bank.pull, (f"{held}_s", bank.on, bank.rail, bank.rail), 1),
            ):
                size = {"w": device.size.w_um, "l": device.size.l_um}
                circuit.X(f"{held}_{device.role}", device.model, *nodes, **size, m=units)
        neuron, held = self.design.contracts.neuron, HELD["dis"]
        circuit.V(held, held, "0", level(v0_V, rising=rising))
        nets: dict[str, str] = {
            Role.RESET_LEVEL: held,
            Role.DENDRITE: "v0",
            Role.SPIKE: "held_spike",
            Role.SPIKE_B: "held_spike_b",
        }
        neuron.add(circuit, "held", {**neuron.held(FIRING), **nets, Role.TRIM: "vdis", Role.SENSE: "vsense"})

    def _controls(self) -> list[str]:
        """Sources of all control lines, the same in every inference."""
        spans = {
            line.removesuffix(f"_{LAYER}"): span
            for line, span in Timeline(self.design.timing, LAYER).spans().items()
            if line.endswith(f"_{LAYER}")
        }
        spans |= loop_spans(self.generator.sizes, self.design.timing, self.target_norm)
        wanted = {port.name for port in self.generator.contract.having(Role.CONTROL)} | {
            port.name for port in self.design.contracts.neuron.having(Role.CONTROL) if port.name != "phase"
        }
        sources = []
        phases = phase_nets(self.generator.depth)
        for line in sorted(wanted - {START}):
            if line in phases:
                first = self._pulses(spans[RAMP], inverted=False)
                sources.append(f"V{line} {line} 0 {first if line == phases[0] else 0}")
                continue
            plain = line.removesuffix("_b")
            sources.append(f"V{line} {line} 0 {self._pulses(spans[plain], inverted=line != plain)}")
        return sources

    def _pulses(self, span: tuple[float, float], *, inverted: bool) -> str:
        """High inside the span of every inference; edges are centred on its ends."""
        edge_s, vdd_V, period_s = self.design.timing.edge_s, self.design.supplies.vdd_V, self.period_s
        start_s, end_s = span
        # A span that begins with the inference is the gap before the next one, inverted.
        if start_s <= 0:
            start_s, end_s, inverted = end_s, period_s, not inverted
        low, high = (vdd_V, 0.0) if inverted else (0.0, vdd_V)
        times = (start_s - edge_s / 2, edge_s, edge_s, end_s - start_s - edge_s, period_s)
        return f"PULSE({low:.6g} {high:.6g} {' '.join(f'{time:.12g}' for time in times)})"
