"""The column's benches: a one-layer network of three neurons, schematic or extracted, of which the inner one is measured.

Each case is one inference of that network through its own pins, so a schematic and an extracted column are measured alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.codes import Codes
from nonideal.characterize.fits import crossing_time_s
from nonideal.characterize.workbench import Workbench, succeeded
from nonideal.circuits.columns.inference import infer_columns
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.inference import Case, Inference, Simulated, infer_whole
from nonideal.circuits.network.mapping import BiasModel, map_weights
from nonideal.circuits.network.testbench import Biases, Circuit
from nonideal.circuits.network.wave import Wave
from nonideal.spice import Failure, SimulatorOptions

Array = NDArray[np.float64]
NEURONS = 3
INNER = 1
WEIGHTS = (0.05, 0.2, 0.5, 1.0)
"""Sizes of weight, of both signs, at which a lone synapse is watched."""
CODES = (1 / 15, 0.25, 0.5, 1.0)
"""The same of codes, of the largest."""
CODED_SWING = 0.9
"""How far down they take the membrane, in V_th: its charge is fitted that far."""
SCALES = (0.5, 2.0)
"""Other full scales at which they are watched, of the nominal one."""
AXON_WEIGHT = 0.2
FEW_AXONS = 16
"""On a column of more, lone weights are the less the more there are, as a network's are: it is their sum that takes a membrane down."""
COMPARED_AXONS = 5
"""At most so many axons are compared with each other."""
EDGE_NORM = 0.5
"""When spikes come that meet no weight."""
LEAST_START_V = 0.5
STARTS = 14
ABOVE_V = (0.1, 0.2, 0.3)
"""Starts above the reset level: such neurons stay silent, but what the isolation switch does to them has to be known."""
CHECKS = 6
LONG_AXONS, LONG_CHECKS = 64, 2
"""Of a longer column so many spike in a pattern, as images leave most silent, and so many patterns are run: one of 197 spikes takes a minute."""
CHECK_SEED = 20241209
SETTLED_S = 6e-9
"""After an arrival: the charge has moved, the current flows."""


@dataclass(frozen=True, slots=True)
class Lone:
    """One synapse of the inner neuron alone: its axon, weight, arrival; and whether the neighbours do the same.

    ``full_scale``: of codes, where it is not the nominal one.
    """

    axon: int
    weight: float
    arrival_norm: float
    along: bool
    full_scale: float | None = None

    @property
    def name(self) -> str:
        sign = "n" if self.weight >= 0 else "p"
        scale = "" if self.full_scale is None else f"_{round(1000 * self.full_scale)}"
        return f"lone_{self.axon}_{sign}{round(1000 * abs(self.weight))}_{'all' if self.along else 'inner'}{scale}"


def arrival_norm(weight: float, swing: float) -> float:
    """So late that the membrane stays where the currents are linear: ``swing`` V_th down, 0.25 up."""
    return max(0.1, 1.0 - (swing if weight > 0 else 0.25) / abs(weight))


def lone_synapses(
    axons: int, weights: Sequence[float] = WEIGHTS, axon_weight: float = AXON_WEIGHT, swing: float = 0.75
) -> list[Lone]:
    """What is run: every weight on the middle axon with and without the neighbours; one weight of each sign on the other axons."""
    middle = axons // 2
    signed = [sign * size for size in weights for sign in (1, -1)]
    found = [Lone(middle, w, arrival_norm(w, swing), along) for w in signed for along in (True, False)]
    found += [
        Lone(axon, sign * axon_weight, arrival_norm(sign * axon_weight, swing), True)
        for axon in compared_axons(axons)
        if axon != middle
        for sign in (1, -1)
    ]
    return found


def compared_axons(axons: int) -> list[int]:
    """Those that stand for all: the first, the last and some between."""
    return [int(j) for j in np.linspace(0, axons - 1, min(axons, COMPARED_AXONS)).round()]


@dataclass(frozen=True, slots=True)
class ColumnBench:
    """Decks on one column. ``model`` realises weights as biases; what it is told (a first model's unit current) it need not believe.

    ``codes``: what the model says of them where weights are codes; those of the decks then are, of the nominal full scale.
    ``simulated``: in one deck, or, on an extraction of gate biases, each of its neurons by itself.
    """

    circuit: Circuit
    model: BiasModel
    simulator: SimulatorOptions
    codes: Codes | None = None
    simulated: Simulated = "whole"

    def __post_init__(self) -> None:
        if len(self.circuit.topology.layers) != 2 or self.circuit.topology.layers[1] != NEURONS:
            raise CircuitError(
                f"a column is one layer of {NEURONS} neurons, this network has layers {list(self.circuit.topology.layers)}"
            )

    @property
    def axons(self) -> int:
        return self.circuit.topology.layers[0]

    @property
    def bends(self) -> bool:
        """Whether so many junctions hang on a membrane that its charge bends with its potential."""
        return self.codes is not None or self.axons > FEW_AXONS

    def at(self, vdis_V: float) -> ColumnBench:
        """The same column with another bias of its dischargers."""
        return replace(self, circuit=replace(self.circuit, vdis_V=vdis_V))

    def biases(self, name: str, weight: Array, full_scale: float | None = None) -> Biases:
        """The cell ``biases`` of ``weight`` [neurons, axons]; codes are of ``full_scale``, the nominal one unless given."""
        steps = None if self.codes is None else [(full_scale or self.codes.full_scale) / self.codes.largest]
        return map_weights([weight], self.model, design=self.circuit.design, steps=steps).biases(name)

    def nearest(self, weight: Array) -> Array:
        """What the synapses can hold: of codes the nearest, but not 0 where ``weight`` is not."""
        if self.codes is None:
            return weight
        step, most = self.codes.full_scale / self.codes.largest, self.codes.largest
        code = np.clip(np.rint(np.abs(weight) / step), np.where(weight == 0.0, 0, 1), most)
        return np.asarray(np.copysign(code * step, weight), np.float64)

    def carried(self, lone: Lone) -> tuple[float, float]:
        """What says which current a lone synapse carries: that of the family's curve, A at V_0, and its share of the curve."""
        unit_A = self.model.unit_current_A(self.axons)
        if self.codes is None:
            return abs(lone.weight) * unit_A, 1.0
        full_scale = lone.full_scale or self.codes.full_scale
        return full_scale * unit_A, self.codes.of_largest(lone.weight, full_scale)

    def units(self, lone: Lone) -> int:
        """How many units carry a lone synapse's current, of codes."""
        if self.codes is None:
            return 0
        return round(abs(lone.weight) / (lone.full_scale or self.codes.full_scale) * self.codes.largest)

    def lone(self) -> list[Lone]:
        """See ``lone_synapses``; of codes the whole range of a layer."""
        if self.codes is None:
            part = min(1.0, FEW_AXONS / self.axons)
            return lone_synapses(self.axons, [part * weight for weight in WEIGHTS], part * AXON_WEIGHT)
        sizes = self.nearest(self.codes.full_scale * np.array(CODES))
        found = lone_synapses(self.axons, sizes.tolist(), float(sizes[1]), CODED_SWING)
        alone = [one for one in found if not one.along]
        # The same codes on other levels of the gate line tell what goes with units from what goes with current.
        for factor in SCALES:
            full_scale = float(np.clip(factor * self.codes.full_scale, self.codes.lowest, self.codes.highest))
            for one in alone:
                weight = one.weight * full_scale / self.codes.full_scale
                arrival = arrival_norm(weight, CODED_SWING)
                found.append(Lone(one.axon, weight, arrival, False, full_scale))
        return found

    def edges(self) -> list[Lone]:
        """Spikes that meet no weight at all: what their axons' wires do by themselves."""
        return [Lone(axon, 0.0, EDGE_NORM, True) for axon in compared_axons(self.axons)]

    def off(self) -> Biases:
        """Every synapse off."""
        return self.biases("off", np.zeros((NEURONS, self.axons)))

    def starts_V(self) -> Array:
        """Reset levels of the firing decks, rising: the design's is number ``STARTS - 1``."""
        supplies = self.circuit.design.supplies
        above = [supplies.v0_V + more for more in ABOVE_V if supplies.v0_V + more < supplies.vdd_V - 0.05]
        return np.concatenate([np.linspace(LEAST_START_V, supplies.v0_V, STARTS), above]).round(4)

    def firing_cases(self) -> list[Case]:
        """All neurons reset to each level, no synapse on: the firing stage from there."""
        cases, off = [], self.off()
        silent = np.full(self.axons, np.inf)
        for k, start in enumerate(self.starts_V()):
            design = self.circuit.design
            supplies = design.supplies.model_copy(update={"v0_V": float(start)})
            circuit = replace(self.circuit, design=design.model_copy(update={"supplies": supplies}))
            cases.append(Case(f"column_firing_{k}", circuit, off, silent, self.circuit.membranes))
        return cases

    def lone_cases(self, some: Sequence[Lone]) -> list[Case]:
        """One for each of ``some``."""
        cases = []
        for lone in some:
            weight = np.zeros((NEURONS, self.axons))
            weight[slice(None) if lone.along else INNER, lone.axon] = lone.weight
            arrive = np.full(self.axons, np.inf)
            arrive[lone.axon] = lone.arrival_norm
            biases = self.biases(lone.name, weight, lone.full_scale)
            watch = (*self.circuit.membranes, self._axon(lone.axon))
            cases.append(Case(lone.name, self.circuit, biases, arrive, watch))
        return cases

    def check_cases(self, patterns: Sequence[tuple[Array, Array]]) -> list[Case]:
        """One for each (weights [neurons, axons], spike times [axons])."""
        return [
            Case(f"check_{k}", self.circuit, self.biases(f"check_{k}", weight), arrive)
            for k, (weight, arrive) in enumerate(patterns)
        ]

    def infer(self, cases: Sequence[Case], bench: Workbench, folder: Path) -> list[Inference]:
        """Simulate these, as ``simulated`` says. Raises ``CharacterizationFailed``."""
        return succeeded(self.attempt(cases, bench, folder))

    def attempt(self, cases: Sequence[Case], bench: Workbench, folder: Path) -> list[Inference | Failure]:
        """The same; what failed stands in the place of what came."""
        how = infer_columns if self.simulated == "columns" else infer_whole
        return how(cases, self.simulator, lambda decks: bench.attempt(decks, folder))

    # -- reading ------------------------------------------------------------------------------------------------------------

    def begin_s(self) -> float:
        """Start of accumulation, which input spikes count from."""
        return self.circuit.timeline.firing_s(0)

    def end_s(self) -> float:
        """When the isolation switch begins to open."""
        timing = self.circuit.design.timing
        return self.circuit.timeline.accumulation_s(1) + timing.t_circ_s - timing.edge_s / 2

    def held_s(self) -> float:
        """Just before the firing phase: isolation open, spikes reset."""
        return self.circuit.timeline.firing_s(1) - self.circuit.design.timing.edge_s

    def membranes_V(self, inference: Inference) -> list[Wave]:
        """What the three membranes do."""
        return [inference.waves[net] for net in self.circuit.membranes]

    def axon_arrival_s(self, inference: Inference, axon: int) -> float | None:
        """When the axon's edge passes half of the supply."""
        wave = inference.waves[self._axon(axon)]
        half_V = self.circuit.design.supplies.vdd_V / 2
        from_s = self.begin_s() - self.circuit.design.timing.edge_s
        return crossing_time_s(wave.time_s, wave.value, half_V, from_s)

    def spike_times_norm(self, inference: Inference) -> Array:
        """[neurons] in T_circ, infinity for none."""
        return np.asarray(inference.times_s[0] / self.circuit.design.timing.t_circ_s)

    def _axon(self, axon: int) -> str:
        return self.circuit.topology.spike(0, axon)


def random_patterns(axons: int, generator: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Endless random weights and spike times such as a trained network may hold."""
    size = min(1.0, 5.0 / min(axons, LONG_AXONS))
    while True:
        weight, arrive = generator.uniform(-0.6, 0.9, (NEURONS, axons)), generator.uniform(0.0, 1.0, axons)
        if axons > LONG_AXONS:
            arrive[generator.permutation(axons)[LONG_AXONS:]] = np.inf
        yield size * weight, arrive
