"""The numerical floor of a network with too many synapse pairs is measured on its first neurons."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nonideal.circuits.network.inference import Case, Inference
from nonideal.circuits.network.testbench import Biases
from nonideal.postlayout import trial
from nonideal.spice import SimulatorOptions

TIMES = [[np.array([np.inf, 2e-7, np.inf, 4e-7, 5e-7, 6e-7, 7e-7]), np.array([3e-7])]] * 2


class _Runner:
    """Whose finer simulation moves every spike, and the last of so many neurons by far more."""

    def __init__(self) -> None:
        self.plan = SimpleNamespace(simulated="columns")
        self.bench = SimpleNamespace(simulator=SimulatorOptions())
        self.said: list[str] = []
        self.counts: list[int] = []

    def say(self, what: str) -> None:
        self.said.append(what)

    def first_neurons(self, case: Case, simulator: SimulatorOptions, count: int) -> Inference:
        assert simulator == self.bench.simulator.tightened()
        assert (case.name, case.inputs.tolist()) == ("floor_0000", [0.1, 0.2])
        self.counts.append(count)
        moved = TIMES[0][0][:count] + 1e-10
        moved[-1] += 1e-8
        return Inference([moved], 0.0, 0.0, {})


def test_the_first_neurons_that_fire_stand_for_all() -> None:
    runner: Any = _Runner()
    circuit: Any = SimpleNamespace(synapses=trial.FLOOR_SYNAPSES_MAX + 1)
    floor_s = trial._numerical_floor_s(
        runner, circuit, "floor", Biases("b", ""), np.array([[0.1, 0.2], [0.3, 0.4]]), TIMES
    )
    assert floor_s == pytest.approx(1e-10, rel=1e-6, abs=0)
    assert runner.counts == [7], "neurons 1, 3, 4 and 5 fire, and 6 is their neighbour"
    assert "5001 synapse pairs, more than 5000" in runner.said[0]


def test_a_sample_in_which_nothing_fires_has_no_floor() -> None:
    runner: Any = _Runner()
    circuit: Any = SimpleNamespace(synapses=trial.FLOOR_SYNAPSES_MAX + 1)
    silent = [[np.full(7, np.inf), np.array([np.inf])]]
    floor_s = trial._numerical_floor_s(
        runner, circuit, "floor", Biases("b", ""), np.array([[0.1, 0.2]]), silent
    )
    assert np.isnan(floor_s)
