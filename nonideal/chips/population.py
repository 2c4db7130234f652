"""Many chips in the fast model: what each of them classifies right, nominally written or trimmed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from joblib import delayed
from numpy.typing import NDArray
from torch import Tensor

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.variation import spread_of
from nonideal.chips.calibrate import FastBench, calibrate
from nonideal.chips.options import CalibrationOptions
from nonideal.chips.silicon import Silicon
from nonideal.chips.written import WrittenBiases
from nonideal.circuits.network.chip import Sigmas, draw
from nonideal.postlayout.prediction import decide
from nonideal.spice.workers import in_order

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Population:
    """Chips by seed: ``accuracy`` of each, a fraction of ``samples``; ``nominal`` is the undisturbed chip's."""

    seeds: tuple[int, ...]
    accuracy: Array
    nominal: float
    samples: int


def without(found: Population, failed: Collection[int]) -> Population:
    """The same chips with no accuracy (NaN) for those whose simulation failed: they count, and do not pass."""
    lost = np.isin(found.seeds, list(failed))
    return replace(found, accuracy=np.where(lost, np.nan, found.accuracy))


def population(
    model: PhysicalModel,
    written: WrittenBiases,
    spike_time: Tensor,
    label: NDArray[np.int64],
    classes: int,
    seeds: Sequence[int],
    *,
    calibration: CalibrationOptions | None = None,
    jobs: int = 1,
    advance: Callable[[int], None] = lambda done: None,
) -> Population:
    """Accuracy of every chip on ``spike_time`` [samples, inputs], ``label`` [samples].

    With ``calibration`` every chip is trimmed first. Raises ``NoSpread``, ``NoColumn``.
    """
    spread_of(model)
    inputs = spike_time.to(torch.float32)
    chunk = max(1, min(25, -(-len(seeds) // (4 * jobs))))
    parts = [tuple(seeds[start : start + chunk]) for start in range(0, len(seeds), chunk)]
    work = in_order(
        jobs,
        (delayed(_accuracies)(model, written, inputs, label, classes, part, calibration) for part in parts),
    )
    found: list[float] = []
    for accuracies in work:
        found += accuracies
        advance(len(found))
    silicon = Silicon(model, written.topology.layers)
    nominal = _accuracy(silicon.spike_times(written, None, inputs, torch.float32)[-1], label, classes)
    return Population(tuple(seeds), np.array(found), nominal, len(label))


def _accuracies(
    model: PhysicalModel,
    written: WrittenBiases,
    inputs: Tensor,
    label: NDArray[np.int64],
    classes: int,
    seeds: Iterable[int],
    calibration: CalibrationOptions | None,
) -> list[float]:
    """Of some chips, in one process."""
    silicon = Silicon(model, written.topology.layers)
    sigmas = Sigmas(spread_of(model).sigmas)
    out = []
    for seed in seeds:
        chip = draw(seed, written.topology, sigmas)
        mine = written
        if calibration is not None:
            mine = calibrate(model, written, FastBench(silicon, chip), calibration).written
        times = silicon.spike_times(mine, chip, inputs, torch.float32)
        out.append(_accuracy(times[-1], label, classes))
    return out


def _accuracy(output_time: Array, label: NDArray[np.int64], classes: int) -> float:
    return float(np.mean(decide(output_time, classes) == label))
