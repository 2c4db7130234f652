"""A chip of random codes, and what ideal neurons make of a sample on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.timeline import Timeline
from nonideal.experiment.experiment import load_experiment
from nonideal.tapeout.assembly import Chip
from nonideal.tapeout.behaviour import weights_of

EXPERIMENT = load_experiment("iris_tile")


@pytest.fixture(scope="session")
def chip() -> Chip:
    drawn = np.random.default_rng(11)

    def synapse() -> frozenset[str]:
        code, polarity = int(drawn.integers(0, 5)), "nnp"[int(drawn.integers(0, 3))]
        groups = {f"{polarity}{bit}" for bit in range(4) if code >> bit & 1}
        return frozenset(groups | {f"drive_{polarity}"} if groups else groups)

    mask = tuple(tuple(tuple(synapse() for _ in range(5)) for _ in range(5)) for _ in range(2))
    assert EXPERIMENT.tapeout is not None
    topology = replace(Topology.of((5, 5, 5), EXPERIMENT.circuit), mask=mask)
    return Chip.of(EXPERIMENT.tapeout, EXPERIMENT.circuit, topology)


def promised(chip: Chip, inputs: tuple[float | None, ...]) -> np.ndarray:
    """Times of the outputs in T_circ, from the codes."""
    return promised_layers(chip, inputs)[-1]


def promised_layers(chip: Chip, inputs: tuple[float | None, ...]) -> list[np.ndarray]:
    """Times of every layer's neurons in T_circ, infinity for none. A phase holds on for a little after T_circ: spikes still come then."""
    layers, spans = [], Timeline(chip.design.timing, chip.topology.depth).spans()
    times = np.array([np.inf if at is None else at / 1000.0 for at in inputs])
    for layer, weights in enumerate(weights_of(chip), start=1):
        begin_s, end_s = spans[f"phase_{layer}"]
        reached = np.where(np.isfinite(times), np.maximum(1.0 - times, 0.0), 0.0)
        found = np.maximum(1.0 - np.array(weights) @ reached, 0.0)
        times = np.where(found <= (end_s - begin_s) / chip.design.timing.t_circ_s, found, np.inf)
        layers.append(times)
    return layers
