"""Inferences column by column: layer after layer, each column driven by the spikes of the layer before as they came."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.columns.column import SimulatedColumn, wave_of
from nonideal.circuits.columns.current import Current, by_place
from nonideal.circuits.columns.cut import Cut, Place, cut
from nonideal.circuits.columns.deck import Bench
from nonideal.circuits.columns.network import Care, Columns, Prepared, coarse, exact
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.extraction.netlist import parse_netlist
from nonideal.circuits.extraction.units import joined_units
from nonideal.circuits.network.inference import Case, Inference, Run, settled
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.testbench import Biases, energy_J, first_rise_s
from nonideal.circuits.network.wave import Wave
from nonideal.spice import Deck, Failure, Result, SimulatorOptions

Array = NDArray[np.float64]
T = TypeVar("T")
Steps = Generator[list[Deck], list[Result | Failure], T]
"""What asks for decks to be run, step by step, and is sent what came of them."""
AXON_V, AXON_SPACING_S, QUICK_S, EDGE_V = 10e-3, 20e-12, 2e-9, 30e-3
"""How closely the waves that drive a column follow those that came."""
AROUND_S = (2e-9, 20e-9)
"""An edge of a driver's output lies in this span about that of its input."""


@dataclass(slots=True)
class _Sample:
    """A sample on its way through the layers; ``axons`` and ``spiking`` are those of the layer that it has come to."""

    case: Case
    times_s: list[Array] = field(default_factory=list)
    energy_J: float = 0.0
    seconds_cpu: float = 0.0
    failure: Failure | None = None
    axons: dict[Place, dict[str, Wave]] = field(default_factory=lambda: defaultdict(dict))
    spiking: frozenset[int] = frozenset()
    waves: dict[str, Wave] = field(default_factory=dict)
    currents: Mapping[Place, Sequence[Current]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.case.name

    def took(self, outcome: Result | Failure) -> bool:
        """Whether there is a result; its time counts."""
        if isinstance(outcome, Failure):
            self.failure = self.failure or outcome
            return False
        self.seconds_cpu += outcome.seconds_cpu
        return True


def infer_columns(
    cases: Sequence[Case],
    simulator: SimulatorOptions,
    run: Run,
    first: int | None = None,
    currents: Mapping[str, Sequence[Current]] = MappingProxyType({}),
) -> list[Inference | Failure]:
    """Simulate each case column by column; ``run`` runs decks. Raises ``CircuitError`` for cases that are called alike: their decks would be.

    With ``first`` so many neurons of the first layer are simulated and no more: the last of them lacks a neighbour. ``currents`` are put into
    the columns of a case, by its name; what they make a neighbour do to the column beside it is left out. A case is a
    ``Failure`` where any of its columns is one. What cases of the same circuit and biases share, operating points and drivers, counts for
    each by its part of the processor time.
    """
    cases = settled(cases)
    for case in cases:
        case.circuit.check_sample(case.name, case.inputs)
    names = [case.name for case in cases]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise CircuitError(
            f"inferences {', '.join(twice)} are there twice: give each a name, files are called by it"
        )
    if lost := sorted(currents.keys() - set(names)):
        raise CircuitError(f"currents are given for {', '.join(lost)}, which is none of the inferences")
    together: dict[tuple[int, Biases], list[Case]] = defaultdict(list)
    for case in cases:
        together[id(case.circuit), case.biases].append(case)
    cuts: dict[tuple[str, Topology], Cut] = {}
    tasks = []
    for group in together.values():
        circuit = group[0].circuit
        key = (circuit.netlist, circuit.topology)
        if key not in cuts:
            netlist = joined_units(parse_netlist(circuit.netlist, "the extracted netlist"))
            cuts[key] = cut(netlist, circuit.topology)
        tasks.append(_infer(group, cuts[key], simulator, first, currents))
    found = {
        case.name: inference
        for group, inferences in zip(together.values(), _in_step(tasks, run), strict=True)
        for case, inference in zip(group, inferences, strict=True)
    }
    return [found[case.name] for case in cases]


def _in_step(tasks: Sequence[Steps[T]], run: Run) -> list[T]:
    """Go through all tasks at once: what they ask for in a step is run together, and what several ask for is run once."""
    done: dict[int, T] = {}
    replies: dict[int, list[Result | Failure] | None] = dict.fromkeys(range(len(tasks)))
    while replies:
        asked: dict[int, list[Deck]] = {}
        for number, reply in replies.items():
            try:
                asked[number] = next(tasks[number]) if reply is None else tasks[number].send(reply)
            except StopIteration as end:
                done[number] = end.value
        different: dict[object, Deck] = {}
        for deck in (deck for decks in asked.values() for deck in decks):
            different.setdefault(_told(deck), deck)
        outcomes = dict(zip(different, run([*different.values()]) if different else [], strict=True))
        replies = {number: [outcomes[_told(deck)] for deck in decks] for number, decks in asked.items()}
    return [done[number] for number in range(len(tasks))]


def _told(deck: Deck) -> object:
    """What a simulator is told by a deck: all but its name."""
    includes, libraries = (frozenset(part.items()) for part in (deck.includes, deck.libraries))
    return deck.text, includes, libraries, deck.vectors, deck.t_stop_s


def _infer(
    cases: Sequence[Case],
    pieces: Cut,
    simulator: SimulatorOptions,
    first: int | None,
    currents: Mapping[str, Sequence[Current]],
) -> Steps[list[Inference | Failure]]:
    """Cases of one circuit with the same biases."""
    circuit, biases, stem = cases[0].circuit, cases[0].biases, cases[0].name
    columns = Columns.of(pieces, Bench.of(circuit, biases.text, simulator))
    points = columns.operating_points(stem)
    found = yield list(points.values())
    measured = dict(zip(points, found, strict=True))
    failed = [outcome for outcome in found if isinstance(outcome, Failure)]
    if failed:
        return [failed[0]] * len(cases)
    drawn = columns.drawn({p: r for p, r in measured.items() if isinstance(r, Result)})
    shared_s = sum(outcome.seconds_cpu for outcome in found if isinstance(outcome, Result)) / len(cases)
    samples = [
        _Sample(case, seconds_cpu=shared_s, currents=by_place(currents.get(case.name, ()), pieces.owner))
        for case in cases
    ]
    for sample in samples:
        sample.spiking = frozenset(j for j, at in enumerate(sample.case.inputs) if at < 1.0)
    prepared: dict[tuple[Place, frozenset[int]], Prepared] = {}
    for layer in range(1, (circuit.topology.depth if first is None else 1) + 1):
        places = columns.of_layer(layer)[:first]
        for sample, place in product(samples, places):
            if sample.failure is None and (place, sample.spiking) not in prepared:
                name = f"{sample.name}_{place.name}"
                prepared[place, sample.spiking] = columns.prepared(place, drawn, sample.spiking, name)
        if layer == 1:
            yield from _drive_inputs(columns, stem, samples, prepared)
        yield from _fire_layer(columns, places, prepared, samples, simulator)
    return [
        sample.failure or Inference(sample.times_s, sample.energy_J, sample.seconds_cpu, sample.waves)
        for sample in samples
    ]


def _drive_inputs(
    columns: Columns,
    stem: str,
    samples: Sequence[_Sample],
    prepared: Mapping[tuple[Place, frozenset[int]], Prepared],
) -> Steps[None]:
    """What the drivers put on the axons of the first layer.

    A driver does the same whenever its input comes: it is simulated once for a spike in mid-phase, once for none, and its edges moved; a
    spike so late that its edges meet is simulated as it is. An axon at rest that no device of any column is on is left out.
    """
    timing, timeline = columns.bench.circuit.design.timing, columns.bench.timeline
    late = 1.0 - (AROUND_S[0] + AROUND_S[1] + timing.hold_s) / timing.t_circ_s
    names = (columns.cut.topology.spike, columns.cut.topology.spike_b)
    decks: dict[tuple[int, float | None], Deck] = {}
    asked: list[list[tuple[int, float | None]]] = []
    places = dict.fromkeys(place for place, _ in prepared)
    for sample in samples:
        pieces = (prepared[place, sample.spiking].part.piece for place in places)
        met = {net for piece in pieces for net in piece.axons}
        keys = [
            (j, None if at >= 1.0 else 0.5 if at <= late else float(at))
            for j, at in enumerate(sample.case.inputs)
            if at < 1.0 or any(name(0, j) in met for name in names)
        ]
        asked.append(keys)
        for j, at in keys:
            if (j, at) not in decks:
                decks[j, at] = columns.driver(j, f"{stem}_{Place(0, j).name}_{len(decks)}", at)
    found = yield list(decks.values())
    outcomes = dict(zip(decks, found, strict=True))
    shared_s = sum(o.seconds_cpu for o in outcomes.values() if isinstance(o, Result)) / len(samples)
    start = timeline.firing_s(0)
    end = timeline.spans()["phase_0"][1]
    for sample, keys in zip(samples, asked, strict=True):
        sample.seconds_cpu += shared_s
        for key in keys:
            outcome = outcomes[key]
            if isinstance(outcome, Failure):
                sample.failure = sample.failure or outcome
                continue
            sample.energy_J += energy_J(outcome, columns.bench.circuit)
            j, at = key
            arrival_s = start + max(float(sample.case.inputs[j]), 0.0) * timing.t_circ_s
            moved = None if at is None else arrival_s - (start + at * timing.t_circ_s)
            for (net, place), wave in _axons(columns, Place(0, j), partial(wave_of, outcome)).items():
                sample.axons[place][net] = wave if moved is None else _moved(wave, moved, end)
        for net in sample.case.watch:
            for waves in sample.axons.values():
                if net in waves:
                    sample.waves[net] = waves[net]


def _moved(wave: Wave, by_s: float, end_s: float) -> Wave:
    """The wave with all before the last edge moved."""
    last = wave.time_s >= end_s - AROUND_S[0]
    early = np.flatnonzero(~last)
    time_s, value = wave.time_s.copy(), wave.value
    time_s[early] += by_s
    keep = np.ones(len(time_s), dtype=bool)
    # Points between the edges hold nothing but the level: those that would cross the last edge go.
    keep[early] = (time_s[early] < end_s - AROUND_S[0]) & (time_s[early] > 0)
    return Wave(time_s[keep], value[keep])


def _axon(wave: Wave, vdd_V: float) -> Wave:
    """What drives an axon: its edges where they are quick, else as closely as ``AXON_V``."""
    return wave.edges(0.0, vdd_V, QUICK_S, EDGE_V) or wave.within(AXON_V, AXON_SPACING_S)


def _axons(columns: Columns, place: Place, wave: Callable[[str], Wave]) -> dict[tuple[str, Place], Wave]:
    """The waves that a piece's spike drives each column of the next layer with; ``wave`` of a node."""
    topology, found = columns.cut.topology, {}
    if place.layer == topology.depth:
        return {}
    known: dict[str, Wave] = {}
    vdd_V = columns.bench.circuit.design.supplies.vdd_V
    for net in (topology.spike(place.layer, place.index), topology.spike_b(place.layer, place.index)):
        for piece in columns.cut.columns(place.layer + 1):
            node = columns.axon_node(net, piece.place)
            if node not in known:
                known[node] = _axon(wave(node), vdd_V)
            found[net, piece.place] = known[node]
    return found


def _fire_layer(
    columns: Columns,
    places: Sequence[Place],
    prepared: Mapping[tuple[Place, frozenset[int]], Prepared],
    samples: Sequence[_Sample],
    simulator: SimulatorOptions,
) -> Steps[None]:
    """Simulate these neurons of a layer of every sample: its accumulation, then its firing from there.

    A column is coupled to those beside it: the odd ones are simulated coarsely and alone, for what they do to the even ones; these then as
    they are, for what they do to the odd ones, which come last.
    """
    layer = places[0].layer
    even = [place for place in places if place.index % 2 == 0]
    odd = [place for place in places if place.index % 2]
    rough, close = coarse(simulator), exact(simulator, columns.cut.topology.layers[layer - 1])
    seen: dict[str, dict[str, Wave]] = {sample.name: {} for sample in samples}
    found: dict[str, dict[Place, SimulatedColumn]] = {sample.name: {} for sample in samples}
    for prefix, some, care in (("coarse_", odd, rough), ("", even, close), ("", odd, close)):
        pairs = [
            (sample, prepared[place, sample.spiking])
            for sample in samples
            if sample.failure is None
            for place in some
        ]
        done = yield from _simulate(columns, pairs, prefix, seen, care)
        for sample, one, column in done:
            found[sample.name][one.place] = column
        for sample, one in pairs:
            if sample.failure is None:
                column = found[sample.name][one.place]
                seen[sample.name] |= {net: column.wave(node) for net, node in one.coupled.items()}
    for sample in samples:
        if sample.failure is None:
            ended = {place: found[sample.name][place] for place in places}
            _look(
                columns,
                layer,
                ended,
                {place: prepared[place, sample.spiking].state for place in places},
                sample,
            )
            _collect(columns, layer, ended, sample)


def _simulate(
    columns: Columns,
    pairs: Sequence[tuple[_Sample, Prepared]],
    prefix: str,
    seen: Mapping[str, Mapping[str, Wave]],
    care: Care,
) -> Steps[list[tuple[_Sample, Prepared, SimulatedColumn]]]:
    """These columns of these samples; none of a sample that fails."""

    def results(
        pairs: Sequence[tuple[_Sample, Prepared]], decks: list[Deck]
    ) -> Steps[list[tuple[_Sample, Prepared, Result]]]:
        outcomes = zip(pairs, (yield decks), strict=True)
        done = [(*pair, o) for pair, o in outcomes if pair[0].took(o) and isinstance(o, Result)]
        return [one for one in done if one[0].failure is None]

    def stem(sample: _Sample, one: Prepared, span: str) -> str:
        return f"{prefix}{sample.name}_{one.place.name}" + ("" if care.at_once else f"_{span}")

    accumulated = yield from results(
        pairs,
        [
            columns.accumulation(
                one,
                stem(sample, one, "accumulation"),
                sample.axons[one.place],
                seen[sample.name],
                care,
                care.put(sample.currents, one.place),
            )
            for sample, one in pairs
        ],
    )
    if care.at_once:
        return [(sample, one, SimulatedColumn(((0.0, result),))) for sample, one, result in accumulated]
    fired = yield from results(
        [(sample, one) for sample, one, _ in accumulated],
        [
            columns.firing(
                one,
                stem(sample, one, "firing"),
                result,
                sample.axons[one.place],
                seen[sample.name],
                care,
                care.put(sample.currents, one.place),
            )
            for sample, one, result in accumulated
        ],
    )
    before = {(sample.name, one.place): result for sample, one, result in accumulated}
    start_s = columns.bench.firing.start_s
    return [
        (sample, one, SimulatedColumn(((0.0, before[sample.name, one.place]), (start_s, result))))
        for sample, one, result in fired
    ]


def _look(
    columns: Columns,
    layer: int,
    results: Mapping[Place, SimulatedColumn],
    state: Mapping[Place, Mapping[str, str]],
    sample: _Sample,
) -> None:
    """Keep what the sample is to be looked at: membranes of this layer until they fire, on the network's clock."""
    circuit = sample.case.circuit
    step_s = circuit.timeline.accumulation_s(layer) - columns.bench.timeline.accumulation_s(1)
    for place, one in results.items():
        net = columns.membrane(place)
        if net in sample.case.watch:
            wave = one.early(state[place][net], columns.bench.accumulation.stop_s)
            sample.waves[net] = wave.shifted(step_s)


def _collect(columns: Columns, layer: int, results: Mapping[Place, SimulatedColumn], sample: _Sample) -> None:
    """The spikes of a layer, and what they put on the next axons."""
    timeline, circuit = columns.bench.timeline, columns.bench.circuit
    begin = timeline.firing_s(1)
    half_V = circuit.design.supplies.vdd_V / 2
    step_s = timeline.accumulation_s(1) - begin
    times = np.full(len(results), np.inf)
    sample.axons = defaultdict(dict)
    for k, (place, one) in enumerate(results.items()):
        sample.energy_J += sum(energy_J(result, circuit) for _, result in one.parts)
        wave = one.fired(circuit.topology.spike(layer, k))
        inside = (wave.time_s >= begin - timeline.timing.edge_s) & (wave.time_s <= begin + timeline.window_s)
        at_s = first_rise_s(wave.time_s[inside], wave.value[inside], half_V)
        times[k] = max(at_s - begin, 0.0) if math.isfinite(at_s) else math.inf
        for (net, beyond), axon in _axons(columns, place, one.fired).items():
            sample.axons[beyond][net] = axon.shifted(step_s)
    sample.times_s.append(times)
    sample.spiking = frozenset(np.flatnonzero(np.isfinite(times)).tolist())
