"""What one sample did in SPICE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.network.testbench import Biases, Circuit, energy_J, spike_times_s
from nonideal.spice import Deck, Failure, Result, SimulatorOptions

Array = NDArray[np.float64]
Run = Callable[[list[Deck]], list[Result | Failure]]


@dataclass(frozen=True, slots=True)
class Inference:
    """Spike times by layer [neurons] (s, from the start of the layer's firing; infinity: none), energy, processor time."""

    times_s: list[Array]
    energy_J: float
    seconds_cpu: float

    @classmethod
    def of(cls, result: Result, circuit: Circuit) -> Inference:
        """Of the whole network's simulation."""
        return cls(spike_times_s(result, circuit), energy_J(result, circuit), result.seconds_cpu)


def infer_whole(
    circuit: Circuit, biases: Biases, inputs: Array, simulator: SimulatorOptions, run: Run
) -> list[Inference | Failure]:
    """Simulate samples [samples, inputs] (T_circ; 1 or more: no spike), each in one deck of the whole network."""
    decks = [
        circuit.deck(f"{biases.name}_{index:04d}", biases, row, simulator) for index, row in enumerate(inputs)
    ]
    return [
        outcome if isinstance(outcome, Failure) else Inference.of(outcome, circuit) for outcome in run(decks)
    ]
