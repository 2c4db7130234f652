"""Benches of noise: synapses at DC, a neuron's devices at the states it passes through, and what a charge anywhere in it does to its spike.

The simulator's ``.noise`` knows a circuit at rest. A spiking circuit is none, so that its noise is put together from two things which the
simulator does know: the noise current of each device at the potentials that it has at an instant (frozen), and by how much a charge at a node
at that instant moves the spike (measured, by putting it there).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.benches import NEURON, SPIKING, Bench
from nonideal.characterize.specimen import Specimen
from nonideal.characterize.spread_bench import drawn_cell, own_lines
from nonideal.circuits.cells.analog import gate_biases
from nonideal.circuits.cells.port import Role
from nonideal.circuits.design import Design
from nonideal.circuits.network.flat import Element
from nonideal.circuits.network.timeline import pulse
from nonideal.sky130_models.device import find_device
from nonideal.spice import Result

Array = NDArray[np.float64]
LOW_HZ, HIGH_HZ = 1e3, 1e6
"""Between them flicker's exponent is found; at the upper one noise is white but for what is known of flicker."""
SWEEP = f"dec 1 {LOW_HZ:.6g} {HIGH_HZ:.6g} 1"
RESET_S, ISOLATE_S, FIRE_S = 40e-9, 60e-9, 80e-9
"""When a lone neuron's reset ends, its isolation opens and its firing phase begins."""
TAIL_S = 60e-9
"""How long it is watched beyond the spike that is expected."""
STEP_S = 1e-9
"""Largest time step: a spike's shift is a difference of two runs."""


def fets_of(parts: Sequence[Element]) -> list[Element]:
    """Those of a cell's elements that are FETs: a capacitor has no noise of its own."""
    return [one for one in parts if one.is_device and find_device(one.what).kind != "mim"]


@dataclass(frozen=True, slots=True)
class Density:
    """One-sided density of a current noise: ``white + flicker / f^exponent`` (A^2/Hz, f in Hz). Arrays of one shape."""

    white: Array
    flicker: Array
    exponent: Array

    @classmethod
    def between(cls, low: tuple[Array, Array], high: tuple[Array, Array]) -> Density:
        """From (total, flicker) in A^2/Hz at ``LOW_HZ`` and ``HIGH_HZ``."""
        some = (low[1] > 0) & (high[1] > 0)
        ratio = np.where(some, low[1], 1.0) / np.where(some, high[1], 1.0)
        exponent = np.log(ratio) / np.log(HIGH_HZ / LOW_HZ)
        return cls(np.maximum(high[0] - high[1], 0.0), low[1] * LOW_HZ**exponent, exponent)


def _noise_vectors(instance: str, one: Element) -> tuple[str, str]:
    """Density of all noise of a FET, and of its flicker, as the simulator names them: both at the bench's output, V/sqrt(Hz)."""
    base = f"onoise.m.x{instance}_{one.path}.m{one.what}".lower()
    return base, f"{base}.1overf"


def _ends(result: Result, vector: str) -> tuple[Array, Array]:
    """The square of a density at ``LOW_HZ`` and at ``HIGH_HZ``."""
    wave = np.asarray(result[vector], float)
    return wave[0] ** 2, wave[-1] ** 2


def density_of(result: Result, vectors: Sequence[tuple[str, str]]) -> Density:
    """Of devices whose contributions add up."""
    low_total, high_total, low_flicker, high_flicker = (np.zeros(()) for _ in range(4))
    for total, flicker in vectors:
        (a, b), (c, d) = _ends(result, total), _ends(result, flicker)
        low_total, high_total = low_total + a, high_total + b
        low_flicker, high_flicker = low_flicker + c, high_flicker + d
    return Density.between((low_total, low_flicker), (high_total, high_flicker))


def _analysis(vectors: Sequence[tuple[str, str]]) -> list[str]:
    """The sources sum their currents at ``out``, on 1 ohm, whose own noise nobody saves."""
    names = [name for pair in vectors for name in pair]
    lines = ["Rout out 0 1", "Vnoise noise 0 dc 0 ac 1", "Rnoise noise 0 1k"]
    return [*lines, f".save {' '.join(names)}", f".noise v(out) Vnoise {SWEEP}"]


@dataclass(frozen=True, slots=True)
class SynapseNoiseBench:
    """One branch of the pair at gate biases [biases], each at every membrane potential [levels]; axon spiking, or silent."""

    design: Design
    parts: Sequence[Element]
    polarity: str
    bias_V: Sequence[float]
    membrane_V: Sequence[float]
    nets: Mapping[str, str]

    @classmethod
    def spiking(
        cls, design: Design, parts: Sequence[Element], polarity: str, bias_V: Sequence[float], membrane_V: Sequence[float]
    ) -> SynapseNoiseBench:  # fmt: skip
        """Of a synapse whose axon spikes."""
        return cls(design, parts, polarity, bias_V, membrane_V, SPIKING)

    def _instances(self) -> Iterator[tuple[str, float, float]]:
        for i, bias in enumerate(self.bias_V):
            for j, level in enumerate(self.membrane_V):
                yield f"pair_{i}_{j}", bias, level

    def vectors(self, instance: str) -> list[tuple[str, str]]:
        """(total, flicker) of each of an instance's FETs."""
        return [_noise_vectors(instance, one) for one in fets_of(self.parts)]

    def bench(self, name: str) -> Bench:
        """The deck."""
        synapse = self.design.contracts.synapse
        gates, vdd = gate_biases(synapse.storage), self.design.supplies.vdd_V
        lines = [f"Vdd vdd 0 {vdd:.6g}", "Vss vss 0 0", *own_lines(synapse, self.design)]
        saved: list[tuple[str, str]] = []
        for instance, bias, level in self._instances():
            n_V, p_V = (bias, vdd) if self.polarity == "n" else (0.0, bias)
            mine = {port: f"{port}_{instance}" for port in gates.off}
            lines += [f"V{mine[port]} {mine[port]} 0 {volts:.9g}" for port, volts in gates.volts(n_V, p_V).items()]  # fmt: skip
            lines += [f"V{instance} d_{instance} 0 {level:.9g}", f"F{instance} out 0 V{instance} 1"]
            nets = synapse.nets({**self.nets, **mine, Role.DENDRITE: f"d_{instance}"})
            lines += drawn_cell(self.parts, instance, dict(zip(synapse.names, nets, strict=True)), {})
            saved += self.vectors(instance)
        lines += _analysis(saved)
        return Bench(name, "\n".join(lines) + "\n", tuple(name for pair in saved for name in pair))

    def read(self, result: Result) -> Density:
        """Noise of the dendrite's current, all arrays [biases, levels]."""
        shape = (len(self.bias_V), len(self.membrane_V))
        found = [density_of(result, self.vectors(instance)) for instance, _, _ in self._instances()]
        white, flicker, exponent = (
            np.array([getattr(one, name) for one in found], float).reshape(shape)
            for name in ("white", "flicker", "exponent")
        )
        return Density(white, flicker, exponent)


@dataclass(frozen=True, slots=True)
class Held:
    """A FET, and the potentials of its drain, gate, source and bulk in each of some states, V, [4, states]."""

    fet: Element
    node_V: Array


def held_bench(name: str, held: Sequence[Held]) -> Bench:
    """Every FET by itself, its terminals held in each of its states, so that its noise current is all that flows at its drain."""
    lines, saved = [], []
    for one in held:
        fet = one.fet
        for k, volts in enumerate(one.node_V.T):
            own = f"held_{k}_{fet.path}"
            nodes = [f"{terminal}_{own}" for terminal in ("d", "g", "s", "b")]
            lines += [f"V{net} {net} 0 {float(volt):.9g}" for net, volt in zip(nodes, volts, strict=True)]
            lines.append(f"F{own} out 0 V{nodes[0]} 1")
            lines.append(" ".join((f"X{own}", *nodes, fet.what, fet.parameters)))
            saved.append(_noise_vectors(f"held_{k}", fet))
    lines += _analysis(saved)
    return Bench(name, "\n".join(lines) + "\n", tuple(name for pair in saved for name in pair))


def held_density(result: Result, one: Held) -> Density:
    """Noise of a FET of a ``held_bench``, arrays [states]."""
    states = range(one.node_V.shape[1])
    found = [density_of(result, [_noise_vectors(f"held_{k}", one.fet)]) for k in states]
    white, flicker, exponent = (
        np.array([getattr(state, name) for state in found], float)
        for name in ("white", "flicker", "exponent")
    )
    return Density(white, flicker, exponent)


@dataclass(frozen=True, slots=True)
class LoneFiring:
    """A neuron that is reset to ``start_V`` and fires, as often as charges are put into it: each in a copy of its own."""

    design: Design
    specimen: Specimen
    start_V: float
    stop_s: float

    def nodes(self) -> list[str]:
        """The nodes of its devices whose potential is its own: nothing holds them."""
        held = {*self._held(), "0"}
        own = [node for one in self.specimen.parts if one.is_device for node in one.nodes]
        return [node for node in dict.fromkeys(own) if node not in held]

    def _held(self) -> set[str]:
        neuron = self.design.contracts.neuron
        free = {Role.DENDRITE, Role.SPIKE, Role.SPIKE_B}
        return {port.name for port in neuron.ports if port.role not in free}

    def net(self, copy: int, node: str) -> str:
        """The net that a node of a copy is in the deck."""
        return node if node in self._held() or node == "0" else f"neuron_{copy}_{node}"

    def bench(self, name: str, charges: Sequence[tuple[str, float, float, float]], probes: Sequence[str] = ()) -> Bench:  # fmt: skip
        """A copy for each of ``charges``: node, time s, charge C, and the time that it takes to arrive, s.

        ``v(spike)`` of each copy is saved, and ``probes``, nodes of copy 0.
        """
        design, neuron, supplies = self.design, self.design.contracts.neuron, self.design.supplies
        edge_s = design.timing.edge_s
        lines = [f"Vdd vdd 0 {supplies.vdd_V:.6g}", "Vss vss 0 0", f"Vv0 v0 0 {self.start_V:.9g}"]
        lines += [f"Vdis vdis 0 {self.specimen.vdis_V:.9g}", f"Vsense vsense 0 {supplies.vsense_V:.6g}"]
        lines += own_lines(neuron, design)
        for line, end in (("reset", RESET_S), ("iso", ISOLATE_S)):
            for suffix, inverted in (("", False), ("_b", True)):
                net = f"{line}{suffix}"
                lines.append(pulse(net, net, (0.0, end), supplies.vdd_V, edge_s, inverted=inverted))
        lines.append(pulse("phase", "phase", (FIRE_S, 2 * self.stop_s), supplies.vdd_V, edge_s))
        shared = {role: net for role, net in NEURON.items() if role not in (Role.DENDRITE, Role.SPIKE, Role.SPIKE_B)}  # fmt: skip
        bound = dict(zip(neuron.names, neuron.nets(shared), strict=True))
        for copy, (node, at_s, charge_C, width_s) in enumerate(charges):
            mine = {port: net if port in self._held() else f"neuron_{copy}_{port}" for port, net in bound.items()}  # fmt: skip
            lines += drawn_cell(self.specimen.parts, f"neuron_{copy}", mine, {})
            if charge_C:
                half_s, peak_A = width_s / 2, 2 * charge_C / width_s
                points = [(0.0, 0.0), (at_s - half_s, 0.0), (at_s, peak_A), (at_s + half_s, 0.0)]
                body = " ".join(f"{t:.12g} {i:.9g}" for t, i in points)
                lines.append(f"Icharge_{copy} 0 {self.net(copy, node)} PWL({body})")
        vectors = [f"v(neuron_{copy}_{self._spike()})" for copy in range(len(charges))]
        vectors += [vector for node in probes if (vector := f"v({self.net(0, node)})") not in vectors]
        lines.append(f".save {' '.join(vectors)}")
        return Bench(name, "\n".join(lines) + "\n", tuple(vectors), self.stop_s)

    def _spike(self) -> str:
        (port,) = self.design.contracts.neuron.having(Role.SPIKE)
        return port.name

    def spikes_s(self, result: Result, copies: int) -> Array:
        """When each copy's spike passes half of the supply, from the deck's start, s; NaN where it does not."""
        half_V, times = self.design.supplies.vdd_V / 2, np.full(copies, np.nan)
        for copy in range(copies):
            wave = np.asarray(result[f"v(neuron_{copy}_{self._spike()})"], float)
            late = result.axis > FIRE_S
            rising = np.flatnonzero((wave[:-1] < half_V) & (wave[1:] >= half_V) & late[1:])
            if len(rising):
                i = int(rising[0])
                part = (half_V - wave[i]) / (wave[i + 1] - wave[i])
                times[copy] = result.axis[i] + part * (result.axis[i + 1] - result.axis[i])
        return times
