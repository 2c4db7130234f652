"""Inferences column by column: layer after layer, each column driven by the spikes of the layer before as they came."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.columns.cut import Place, cut
from nonideal.circuits.columns.deck import Bench
from nonideal.circuits.columns.network import Care, Columns, Prepared, coarse, exact
from nonideal.circuits.columns.wave import Wave
from nonideal.circuits.extraction.netlist import parse_netlist
from nonideal.circuits.network.testbench import Biases, Circuit, energy_J, first_rise_s
from nonideal.postlayout.inference import Inference, Run
from nonideal.spice import Deck, Failure, Result, SimulatorOptions

Array = NDArray[np.float64]
AXON_V, AXON_SPACING_S, QUICK_S, EDGE_V = 10e-3, 20e-12, 2e-9, 30e-3
"""How closely the waves that drive a column follow those that came."""
AROUND_S = (2e-9, 20e-9)
"""An edge of a driver's output lies in this span about that of its input."""


@dataclass(slots=True)
class _Sample:
    """A sample on its way through the layers."""

    index: int
    times_s: list[Array] = field(default_factory=list)
    energy_J: float = 0.0
    seconds_cpu: float = 0.0
    failure: Failure | None = None
    axons: dict[Place, dict[str, Wave]] = field(default_factory=lambda: defaultdict(dict))

    def took(self, outcome: Result | Failure) -> bool:
        """Whether there is a result; its time counts."""
        if isinstance(outcome, Failure):
            self.failure = self.failure or outcome
            return False
        self.seconds_cpu += outcome.seconds_cpu
        return True


def infer_columns(
    circuit: Circuit,
    biases: Biases,
    inputs: Array,
    simulator: SimulatorOptions,
    run: Run,
) -> list[Inference | Failure]:
    """Simulate samples [samples, inputs] (T_circ; 1 or more: no spike) column by column.

    A sample is a ``Failure`` where any of its columns is one. ``run`` runs decks. What all samples share, operating points and drivers, counts
    for each by its part of the processor time.
    """
    for index, row in enumerate(inputs):
        circuit.check_sample(f"{biases.name}_{index:04d}", row)
    pieces = cut(parse_netlist(circuit.netlist, "the extracted netlist"), circuit.topology)
    columns = Columns.of(pieces, Bench.of(circuit, biases.text, simulator))
    points = columns.operating_points(biases.name)
    found = run(list(points.values()))
    measured = dict(zip(points, found, strict=True))
    failed = [outcome for outcome in found if isinstance(outcome, Failure)]
    if failed:
        return [failed[0]] * len(inputs)
    drawn = columns.drawn({p: r for p, r in measured.items() if isinstance(r, Result)})
    shared_s = sum(outcome.seconds_cpu for outcome in found if isinstance(outcome, Result)) / max(
        len(inputs), 1
    )
    samples = [_Sample(index, seconds_cpu=shared_s) for index in range(len(inputs))]
    _drive_inputs(columns, inputs, biases.name, samples, run)
    for layer in range(1, circuit.topology.depth + 1):
        prepared = {place: columns.prepared(place, drawn) for place in columns.of_layer(layer)}
        _fire_layer(columns, layer, prepared, biases.name, samples, simulator, run)
    return [
        sample.failure or Inference(sample.times_s, sample.energy_J, sample.seconds_cpu) for sample in samples
    ]


def _drive_inputs(columns: Columns, inputs: Array, stem: str, samples: Sequence[_Sample], run: Run) -> None:
    """What the drivers put on the axons of the first layer.

    A driver does the same whenever its input comes: it is simulated once for a spike in mid-phase, once for none, and its edges moved; a
    spike so late that its edges meet is simulated as it is.
    """
    timing, timeline = columns.bench.circuit.design.timing, columns.bench.timeline
    late = 1.0 - (AROUND_S[0] + AROUND_S[1] + timing.hold_s) / timing.t_circ_s
    decks: dict[tuple[int, float | None], Deck] = {}
    asked: list[list[tuple[int, float | None]]] = []
    for row in inputs:
        keys = [(j, None if at >= 1.0 else 0.5 if at <= late else float(at)) for j, at in enumerate(row)]
        asked.append(keys)
        for j, at in keys:
            if (j, at) not in decks:
                decks[j, at] = columns.driver(j, f"{stem}_{Place(0, j).name}_{len(decks)}", at)
    outcomes = dict(zip(decks, run(list(decks.values())), strict=True))
    shared_s = sum(o.seconds_cpu for o in outcomes.values() if isinstance(o, Result)) / max(len(samples), 1)
    start = timeline.firing_s(0)
    end = timeline.spans()["phase_0"][1]
    for sample, keys, row in zip(samples, asked, inputs, strict=True):
        sample.seconds_cpu += shared_s
        for key in keys:
            outcome = outcomes[key]
            if isinstance(outcome, Failure):
                sample.failure = sample.failure or outcome
                continue
            sample.energy_J += energy_J(outcome, columns.bench.circuit)
            j, at = key
            arrival_s = start + max(float(row[j]), 0.0) * timing.t_circ_s
            moved = None if at is None else arrival_s - (start + at * timing.t_circ_s)
            for (net, place), wave in _axons(columns, Place(0, j), outcome).items():
                sample.axons[place][net] = wave if moved is None else _moved(wave, moved, end)


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


def _wave(result: Result, node: str) -> Wave:
    return Wave(result.axis, np.asarray(result[f"v({node})"], float))


def _axon(wave: Wave, vdd_V: float) -> Wave:
    """What drives an axon: its edges where they are quick, else as closely as ``AXON_V``."""
    return wave.edges(0.0, vdd_V, QUICK_S, EDGE_V) or wave.within(AXON_V, AXON_SPACING_S)


def _axons(columns: Columns, place: Place, result: Result) -> dict[tuple[str, Place], Wave]:
    """The waves that a piece's spike drives each column of the next layer with."""
    topology, found = columns.cut.topology, {}
    if place.layer == topology.depth:
        return {}
    known: dict[str, Wave] = {}
    vdd_V = columns.bench.circuit.design.supplies.vdd_V
    for net in (topology.spike(place.layer, place.index), topology.spike_b(place.layer, place.index)):
        for piece in columns.cut.columns(place.layer + 1):
            node = columns.axon_node(net, piece.place)
            if node not in known:
                known[node] = _axon(_wave(result, node), vdd_V)
            found[net, piece.place] = known[node]
    return found


def _fire_layer(
    columns: Columns,
    layer: int,
    prepared: Mapping[Place, Prepared],
    stem: str,
    samples: Sequence[_Sample],
    simulator: SimulatorOptions,
    run: Run,
) -> None:
    """Simulate a layer of every sample: its accumulation, then its firing from there.

    A column is coupled to those beside it: the odd ones are simulated coarsely and alone, for what they do to the even ones; these then as
    they are, for what they do to the odd ones, which come last.
    """
    even = [place for place in prepared if place.index % 2 == 0]
    odd = [place for place in prepared if place.index % 2]
    rough, close = coarse(simulator), exact(simulator, columns.cut.topology.layers[layer - 1])
    seen: dict[int, dict[str, Wave]] = {sample.index: {} for sample in samples}
    found: dict[int, dict[Place, _Column]] = {sample.index: {} for sample in samples}
    for prefix, places, care in (("coarse_", odd, rough), ("", even, close), ("", odd, close)):
        alive = [sample for sample in samples if sample.failure is None]
        pairs = [(sample, prepared[place]) for sample in alive for place in places]
        for sample, one, column in _simulate(columns, pairs, f"{prefix}{stem}", seen, care, run):
            found[sample.index][one.place] = column
        for sample, one in pairs:
            if sample.failure is None:
                column = found[sample.index][one.place]
                seen[sample.index] |= {
                    net: column.wave(node, columns.bench.firing.start_s) for net, node in one.coupled.items()
                }
    for sample in samples:
        if sample.failure is None:
            _collect(columns, layer, {place: found[sample.index][place] for place in prepared}, sample)


def _simulate(
    columns: Columns,
    pairs: Sequence[tuple[_Sample, Prepared]],
    stem: str,
    seen: Mapping[int, Mapping[str, Wave]],
    care: Care,
    run: Run,
) -> Iterator[tuple[_Sample, Prepared, _Column]]:
    """These columns of these samples; none of a sample that fails."""

    def took(
        pairs: Sequence[tuple[_Sample, Prepared]], decks: list[Deck]
    ) -> list[tuple[_Sample, Prepared, Result]]:
        outcomes = zip(pairs, run(decks), strict=True)
        done = [(*pair, o) for pair, o in outcomes if pair[0].took(o) and isinstance(o, Result)]
        return [one for one in done if one[0].failure is None]

    names = {
        (sample.index, one.place): f"{stem}_{sample.index:04d}_{one.place.name}" for sample, one in pairs
    }
    waves = [(sample.axons[one.place], seen[sample.index]) for sample, one in pairs]
    accumulated = took(
        pairs,
        [
            columns.accumulation(one, f"{names[sample.index, one.place]}_accumulation", *around, care)
            for (sample, one), around in zip(pairs, waves, strict=True)
        ],
    )
    fired = took(
        [(sample, one) for sample, one, _ in accumulated],
        [
            columns.firing(
                one,
                f"{names[sample.index, one.place]}_firing",
                result,
                sample.axons[one.place],
                seen[sample.index],
                care,
            )
            for sample, one, result in accumulated
        ],
    )
    before = {(sample.index, one.place): result for sample, one, result in accumulated}
    for sample, one, result in fired:
        yield sample, one, _Column(before[sample.index, one.place], result)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column's two results; the firing's times count from where it begins."""

    accumulation: Result
    firing: Result

    def wave(self, node: str, start_s: float) -> Wave:
        """A node's wave on the column's clock."""
        before, after = _wave(self.accumulation, node), _wave(self.firing, node).shifted(start_s)
        # The firing begins with what the accumulation ended with.
        return Wave(
            np.concatenate([before.time_s[:-1], after.time_s]),
            np.concatenate([before.value[:-1], after.value]),
        )


def _collect(columns: Columns, layer: int, results: Mapping[Place, _Column], sample: _Sample) -> None:
    """The spikes of a layer, and what they put on the next axons."""
    timeline, circuit = columns.bench.timeline, columns.bench.circuit
    begin = timeline.firing_s(1) - columns.bench.firing.start_s
    half_V = circuit.design.supplies.vdd_V / 2
    step_s = timeline.accumulation_s(1) - begin
    times = np.full(len(results), np.inf)
    sample.axons = defaultdict(dict)
    for k, (place, one) in enumerate(results.items()):
        fired = one.firing
        sample.energy_J += energy_J(one.accumulation, circuit) + energy_J(fired, circuit)
        inside = (fired.axis >= begin - timeline.timing.edge_s) & (fired.axis <= begin + timeline.window_s)
        wave = np.asarray(fired[f"v({circuit.topology.spike(layer, k)})"], float)
        at_s = first_rise_s(fired.axis[inside], wave[inside], half_V)
        times[k] = max(at_s - begin, 0.0) if math.isfinite(at_s) else math.inf
        for (net, beyond), axon in _axons(columns, place, fired).items():
            sample.axons[beyond][net] = axon.shifted(step_s)
    sample.times_s.append(times)
