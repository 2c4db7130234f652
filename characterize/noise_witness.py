"""The witness: transients of a whole circuit in which a source beside every FET carries noise of that FET's own spectrum.

The simulator's own random sources know white noise and 1/f of one exponent, constant in time. Here waves are drawn (``noise_wave``, seeds
recorded) and scaled by the density that each FET has along the undisturbed run, from the simulator's ``.noise`` with its terminals held where they
are then. What switches leave on a membrane when they open, kT/C, is a charge, drawn for every membrane. Nothing of the closed form is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.noise_bench import Density, Held, fets_of, held_bench, held_density
from nonideal.characterize.noise_wave import Grid, flicker_wave, generator_of, thinned, white_wave
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.columns.current import Current
from nonideal.circuits.extraction.netlist import parse_netlist
from nonideal.circuits.network.correspondence import partners
from nonideal.circuits.network.flat import Element, flat_elements
from nonideal.circuits.network.testbench import Biases, Circuit, spike_times_s
from nonideal.circuits.network.wave import Wave
from nonideal.spice import Deck, Result, SimulatorOptions

Array = NDArray[np.float64]
STEP_S = 10e-9
"""Between samples of a wave: an eighth of what the sensing stage takes, the fastest that matters. Each costs the simulator some steps."""
AFTER_S = 40e-9
"""A neuron's noise goes on so long after its undisturbed spike: a later one has it too."""
BEFORE_SPIKE_S = np.array([100, 85, 72, 60, 48, 36, 26, 18, 12, 6, 2.5, 1.0, 0.3]) * 1e-9
HELD_A_DECK = 60
"""FETs whose densities are asked for in one deck."""
FAINT_C = 1e-18
"""FETs whose noise moves less charge over the run get no source: they are off."""
PULSE_S = 2e-9
WIDE, LISTENED_S = 4, 160e-9
"""Only every so many of a wave's samples are points of it where noise is but summed up, as its charge is on a membrane: all of them are from so
long before a neuron's last instant on, while its sensing stage listens."""


@dataclass(frozen=True, slots=True)
class Source:
    """Noise beside the FET of this full name: its density over time."""

    name: str
    times_s: Array
    density: Density

    @property
    def cell(self) -> str:
        """Of a ``synapse`` or a ``neuron``."""
        return self.name.split("_", 1)[0]

    @property
    def neuron(self) -> str:
        """Whose it is, or whose dendrite it is on: ``1_0``."""
        numbers = self.name.split("_")[1:]
        return f"{numbers[0]}_{numbers[2 if self.cell == 'synapse' else 1]}"

    def charge2_C2(self) -> float:
        """About the variance of the charge that its noise carries, to tell loud from faint."""
        span = self.times_s[-1] - self.times_s[0]
        white = float(np.trapezoid(self.density.white, self.times_s)) / 2
        return white + float(self.density.flicker.max()) * 10 * span ** (
            1 + float(self.density.exponent.max())
        )

    def wave(self, grid: Grid, low_Hz: float, seed: int, run: int, name: str) -> Array:
        """One draw, [count] in A; none before its first instant and after its last."""
        generator = generator_of(seed, run, name)
        at, inside = grid.times_s, (grid.times_s >= self.times_s[0]) & (grid.times_s <= self.times_s[-1])
        white = np.sqrt(np.interp(at, self.times_s, self.density.white)) * white_wave(grid, generator)
        amplitude = np.sqrt(np.interp(at, self.times_s, self.density.flicker))
        exponent = float(self.density.exponent.max())
        slow = flicker_wave(grid, exponent, low_Hz, generator) if exponent > 0 else 0.0
        return np.where(inside, white + amplitude * slow, 0.0)


@dataclass(frozen=True, slots=True)
class Witness:
    """A circuit, one sample of inputs [axons] in T_circ, and the noise of all that is in it. ``membrane_F`` [neurons], layer by layer.

    ``wide``: waves have few points where their charge alone counts.
    """

    circuit: Circuit
    biases: Biases
    inputs: Array
    simulator: SimulatorOptions
    sources: tuple[Source, ...]
    membrane_F: Array
    kt_J: float
    behind_F: float
    wide: bool = True

    def deck(self, name: str, seed: int, run: int, low_Hz: float) -> Deck:
        """The deck of one run."""
        plain = self.circuit.deck(name, self.biases, self.inputs, self.simulator)
        between = {one.path: _inside(self.circuit, one)[:3:2] for one in _devices(self.circuit)}
        # A vector's name without its v( ).
        nodes = (probe[2:-1] for probe in self.circuit.membrane_probes)
        between |= {net: ["0", node] for net, node in zip(self.circuit.membranes, nodes, strict=True)}
        lines = []
        for number, one in enumerate(self.currents(seed, run, low_Hz)):
            begin, end = between[one.at]
            lines.append(_folded(f"Inoise_{number} {begin} {end} {one.wave.source()}"))
        body = plain.text.replace(".save ", ".include noise.spice\n.save ", 1)
        return replace(plain, text=body, includes={**plain.includes, "noise.spice": "\n".join(lines) + "\n"})

    def currents(self, seed: int, run: int, low_Hz: float) -> Iterator[Current]:
        """What is put into the circuit in one run: beside every FET that has noise, and on every membrane what switches leave there."""
        grid = Grid(0.0, STEP_S, int(np.ceil(self.circuit.timeline.stop_s / STEP_S)) + 1)
        points: dict[str, NDArray[np.int64]] = {}
        for one in self.sources:
            if one.neuron not in points:
                mine = [other for other in self.sources if other.neuron == one.neuron]
                points[one.neuron] = _points(grid, mine) if self.wide else np.arange(grid.count)
            kept = points[one.neuron]
            wave = thinned(one.wave(grid, low_Hz, seed, run, one.name), kept)
            yield Current(one.name, _without_silence(Wave(grid.times_s[kept], wave)))
        yield from self._switched(seed, run)

    def _switched(self, seed: int, run: int) -> Iterator[Current]:
        """Charges on every membrane: once reset has ended, and once isolation has opened."""
        timeline, guard = self.circuit.timeline, self.circuit.design.timing.guard_s
        for (layer, k), net, whole in zip(
            self.circuit.topology.neurons(), self.circuit.membranes, self.membrane_F, strict=True
        ):
            draws = generator_of(seed, run, f"switches_{layer}_{k}").standard_normal(2)
            series_F = self.behind_F * (whole - self.behind_F) / whole
            times, values = [0.0], [0.0]
            for at_s, farad, draw in (
                (timeline.accumulation_s(layer) - guard / 4, whole, draws[0]),
                (timeline.firing_s(layer) - guard / 2, series_F, draws[1]),
            ):
                peak = 2 * draw * np.sqrt(self.kt_J * farad) / PULSE_S
                times += [at_s, at_s + PULSE_S / 2, at_s + PULSE_S]
                values += [0.0, peak, 0.0]
            yield Current(net, Wave(np.array(times), np.array(values)))

    def spikes_s(self, result: Result) -> list[Array]:
        """Spike times by layer, s."""
        return spike_times_s(result, self.circuit)


def _points(grid: Grid, sources: Sequence[Source]) -> NDArray[np.int64]:
    """Which samples of a neuron's sources are points of their waves: few, but where one begins or ends, and while its sensing stage listens."""
    kept = {*range(0, grid.count, WIDE), grid.count - 1}
    for one in sources:
        ends = [int(at_s / grid.step_s) for at_s in (one.times_s[0], one.times_s[-1])]
        kept.update(end + after for end in ends for after in (0, 1))
        if one.cell == "neuron":
            kept.update(range(int((one.times_s[-1] - LISTENED_S) / grid.step_s), ends[1] + 1))
    return np.array(sorted(k for k in kept if 0 <= k < grid.count), np.int64)


def _without_silence(wave: Wave) -> Wave:
    """The wave with the ends alone of where nothing flows for long."""
    quiet = wave.value == 0.0
    keep = ~(quiet & np.roll(quiet, 1) & np.roll(quiet, -1))
    keep[[0, -1]] = True
    return Wave(wave.time_s[keep], wave.value[keep])


def _folded(line: str, words: int = 80) -> str:
    """A long line of a deck as several."""
    parts = line.split(" ")
    return "\n+ ".join(" ".join(parts[k : k + words]) for k in range(0, len(parts), words))


def _devices(circuit: Circuit) -> list[Element]:
    """The circuit's devices by full name, between the nodes that they have in its netlist, which is flat: a schematic's, or an extracted one."""
    flat = list(flat_elements(circuit.topology, circuit.design))
    if f"X{flat[0].name} " in circuit.netlist:
        return [Element("X", one.name, one.nodes, one.element.what, one.element.parameters) for one in flat]
    matched = partners(parse_netlist(circuit.netlist, "extracted"), circuit.topology, circuit.design)
    found = []
    for one in flat:
        units = matched[one.name]
        names = [one.name] if len(units) == 1 else [f"{one.name}_{k}" for k in range(len(units))]
        found += [
            Element("X", name, unit.nodes, unit.model, unit.parameters)
            for name, unit in zip(names, units, strict=True)
        ]
    return found


def _inside(circuit: Circuit, device: Element) -> list[str]:
    """A device's nodes as the deck names them: a pin of the network by its own name."""
    pins = set(circuit.topology.ports)
    return [node if node in pins or node == "0" else f"xnetwork.{node}" for node in device.nodes]


def witness_of(
    bench: Workbench,
    circuit: Circuit,
    biases: Biases,
    inputs: Array,
    membrane_F: Sequence[float],
    behind_F: float,
    kt_J: float,
    folder: Path,
) -> tuple[Witness, list[Array]]:
    """Run the undisturbed circuit, ask for its FETs' noise along it, and return what noisy decks are written from, with its spike times, s.

    ``membrane_F``: C_m of every neuron, ``behind_F``: what of it lies behind its isolation switch. Raises ``CharacterizationFailed``.
    """
    fets = fets_of(_devices(circuit))
    probes = dict.fromkeys(f"v({node})" for fet in fets for node in _inside(circuit, fet) if node != "0")
    (quiet,) = bench.run_decks(
        [circuit.deck("undisturbed", biases, inputs, bench.simulator, tuple(probes))], folder
    )
    spikes = spike_times_s(quiet, circuit)
    held, when = [], []
    for fet in fets:
        times_s = _instants(circuit, fet.path, inputs, spikes)
        if len(times_s):
            volts = [np.interp(times_s, quiet.axis, np.asarray(quiet[f"v({node})"], float)) for node in _inside(circuit, fet)]  # fmt: skip
            held.append(Held(fet, np.array(volts)))
            when.append(times_s)
    parts = [held[i : i + HELD_A_DECK] for i in range(0, len(held), HELD_A_DECK)]
    results = bench.run(
        [held_bench(f"held_{k}", part) for k, part in enumerate(parts)], circuit.design, folder
    )
    densities = [
        held_density(result, one) for part, result in zip(parts, results, strict=True) for one in part
    ]
    sources = []
    for one, times_s, density in zip(held, when, densities, strict=True):
        sources.append(Source(one.fet.path, times_s, density))
    loud = tuple(source for source in sources if source.charge2_C2() > FAINT_C**2)
    return Witness(
        circuit, biases, inputs, bench.simulator, loud, np.asarray(membrane_F), kt_J, behind_F
    ), spikes


def _instants(circuit: Circuit, name: str, inputs: Array, spikes: Sequence[Array]) -> Array:
    """When a FET's noise is asked for: a synapse's while its axon spikes, a neuron's while it fires; none where neither happens."""
    timeline, timing = circuit.timeline, circuit.design.timing
    cell, *where = name.split("_")
    if cell == "synapse":
        layer, axon = int(where[0]), int(where[1])
        begin = timeline.accumulation_s(layer)
        end = begin + timing.t_circ_s
        came = _axon_s(circuit, layer, axon, inputs, spikes)
        if not came < end - 5e-9:
            return np.zeros(0)
        return np.unique(np.concatenate([[came + 5e-10, came + 2e-9], np.linspace(came + 4e-9, end, 7)]))
    if cell != "neuron":
        return np.zeros(0)
    layer, k = int(where[0]), int(where[1])
    begin = timeline.firing_s(layer)
    spike = begin + min(float(spikes[layer - 1][k]), timing.t_circ_s)
    ramp = np.linspace(begin + 2e-9, max(spike - 130e-9, begin + 3e-9), 5)
    near = spike - BEFORE_SPIKE_S
    times = np.unique(np.concatenate([ramp, near[near > begin]]))
    return np.append(times, times[-1] + AFTER_S)


def _axon_s(circuit: Circuit, layer: int, axon: int, inputs: Array, spikes: Sequence[Array]) -> float:
    """When an axon spikes, from the deck's start; infinity for one that does not."""
    if layer > 1:
        return circuit.timeline.accumulation_s(layer) + float(spikes[layer - 2][axon])
    at = float(inputs[axon]) if inputs[axon] < 1.0 else np.inf
    return circuit.timeline.accumulation_s(1) + at * circuit.design.timing.t_circ_s
