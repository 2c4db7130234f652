"""A column's own check: random patterns, told beforehand by a model of it and then run in SPICE."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.column_bench import (
    CHECK_SEED,
    CHECKS,
    LONG_AXONS,
    LONG_CHECKS,
    NEURONS,
    ColumnBench,
    random_patterns,
)
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp, Physics, layer_physics
from nonideal.characterize.reference import firing_time, membrane
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.network.inference import Inference
from nonideal.circuits.network.testbench import Circuit

Array = NDArray[np.float64]
MOST_DRAWS = 10_000


@dataclass(frozen=True, slots=True)
class Check:
    """Patterns on ``circuit``: what the column's model told beforehand, and what SPICE says.

    ``weights`` [patterns, neurons, axons], ``arrivals`` [patterns, axons]; ``told`` and ``seen`` [patterns, neurons] are spike
    times in T_circ (1 or more: no spike inside the phase); ``results`` is what the patterns did.
    """

    circuit: Circuit
    weights: Array
    arrivals: Array
    told: Array
    seen: Array
    results: tuple[Inference, ...]

    def told_by(self, physics: Physics) -> Array:
        """What another model of the layer tells of the same patterns."""
        return _told(physics, self.weights, self.arrivals)

    def errors_s(self, told: Array) -> Array:
        """SPICE less ``told`` in s, over the spikes that both have."""
        both = (told < 1.0) & (self.seen < 1.0)
        return np.asarray((self.seen - told)[both] * self.circuit.design.timing.t_circ_s)


def check_column(
    bench: Workbench, column: ColumnBench, model: PhysicalModel, folder: Path, *, patterns: int | None = None
) -> Check:
    """Run random patterns on a column, realised and told by what ``model`` measured of it, and by nothing else.

    Raises ``FitRefused`` where no neuron fires, ``CharacterizationFailed`` where a deck gives no result.
    """
    physics = layer_physics(model, column.axons, neurons=NEURONS, driven=True)
    realised = replace(column, model=BottomUp(model))
    generator = np.random.default_rng(CHECK_SEED)
    chosen: list[tuple[Array, Array]] = []
    patterns = patterns or (CHECKS if column.axons <= LONG_AXONS else LONG_CHECKS)
    for drawn, arrive in islice(random_patterns(column.axons, generator), MOST_DRAWS):
        weight = column.nearest(drawn)
        v = membrane(physics, weight, arrive[None])[0]
        if np.all((v > -0.25) & (v < 0.8)) and np.any(v > 0.05):
            chosen.append((weight, arrive))
        if len(chosen) == patterns:
            break
    results = realised.infer(realised.check_cases(chosen), bench, folder)
    if chosen:
        weights, arrivals = (np.array(part) for part in zip(*chosen, strict=True))
        told = _told(physics, weights, arrivals)
        seen = np.array([realised.spike_times_norm(result) for result in results])
        check = Check(realised.circuit, weights, arrivals, told, seen, tuple(results))
        if check.errors_s(told).size:
            return check
    raise FitRefused("no neuron of the check patterns fires: the column cannot be checked")


def rms_s(errors_s: Array) -> float:
    """Root mean square of errors in s."""
    return float(np.sqrt(np.mean(np.square(errors_s))))


def _told(physics: Physics, weights: Array, arrivals: Array) -> Array:
    pairs = zip(weights, arrivals, strict=True)
    return firing_time(
        physics, np.array([membrane(physics, weight, arrive[None])[0] for weight, arrive in pairs])
    )
