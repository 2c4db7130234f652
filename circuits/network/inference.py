"""One inference of a network in SPICE: what is simulated, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.network.testbench import Biases, Circuit, energy_J, spike_times_s
from nonideal.circuits.network.wave import Wave
from nonideal.spice import Deck, Failure, Result, SimulatorOptions

Array = NDArray[np.float64]
Simulated = Literal["whole", "columns"]
"""A network in one deck, or neuron by neuron (``nonideal.circuits.columns``)."""
Run = Callable[[list[Deck]], list[Result | Failure]]


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be simulated: spike times ``inputs`` [N_in] (T_circ; 1 or more: no spike), and the nets to look at, axons or membranes.

    ``name`` is that of its deck, or what those of its columns begin with.
    """

    name: str
    circuit: Circuit
    biases: Biases
    inputs: Array
    watch: tuple[str, ...] = ()

    def deck(self, simulator: SimulatorOptions) -> Deck:
        """Of the whole network."""
        probes = tuple(self.circuit.vector(net) for net in self.watch)
        return self.circuit.deck(self.name, self.biases, self.inputs, simulator, probes)


@dataclass(frozen=True, slots=True)
class Inference:
    """Spike times by layer [neurons] (s, from the start of the layer's firing; infinity: none), energy, processor time.

    ``waves``: V, by net that was to be looked at, at least until its layer fires.
    """

    times_s: list[Array]
    energy_J: float
    seconds_cpu: float
    waves: Mapping[str, Wave] = field(default_factory=dict)

    @classmethod
    def of(cls, result: Result, circuit: Circuit, watch: Sequence[str] = ()) -> Inference:
        """Of the whole network's simulation."""
        waves = {net: Wave(result.axis, np.asarray(result[circuit.vector(net)], float)) for net in watch}
        return cls(spike_times_s(result, circuit), energy_J(result, circuit), result.seconds_cpu, waves)


Simulate = Callable[[Sequence[Case]], list[Inference | Failure]]
"""Whatever simulates inferences; what failed stands in the place of what came."""


def samples(circuit: Circuit, biases: Biases, inputs: Array) -> list[Case]:
    """A case for each of the samples [samples, inputs]."""
    return [Case(f"{biases.name}_{index:04d}", circuit, biases, row) for index, row in enumerate(inputs)]


def settled(cases: Sequence[Case]) -> list[Case]:
    """With latches held, of what has some and is no schematic (``nonideal.circuits.network.held``); what was one circuit stays one."""
    from nonideal.circuits.network import held  # readers of extractions bring KLayout and scipy

    known: dict[tuple[int, Biases], tuple[Circuit, Biases]] = {}
    found = []
    for case in cases:
        key = id(case.circuit), case.biases
        if key not in known:
            known[key] = held.settled(case.circuit, case.biases)
        circuit, biases = known[key]
        found.append(replace(case, circuit=circuit, biases=biases))
    return found


def infer_whole(cases: Sequence[Case], simulator: SimulatorOptions, run: Run) -> list[Inference | Failure]:
    """Each case in one deck of the whole network, latches held."""
    cases = settled(cases)
    outcomes = run([case.deck(simulator) for case in cases])
    return [
        outcome if isinstance(outcome, Failure) else Inference.of(outcome, case.circuit, case.watch)
        for case, outcome in zip(cases, outcomes, strict=True)
    ]
