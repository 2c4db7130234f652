"""Many chips in the fast model: what each of them classifies right, nominally written or trimmed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from joblib import delayed
from numpy.typing import NDArray
from torch import Tensor

from nonideal.characterize.jitter import LayerNoise
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.variation import spread_of
from nonideal.chips.calibrate import FastBench, calibrate
from nonideal.chips.options import CalibrationOptions
from nonideal.chips.silicon import NoiseDraw, Silicon
from nonideal.chips.written import WrittenBiases
from nonideal.circuits.network.chip import Sigmas, draw
from nonideal.postlayout.prediction import decide
from nonideal.spice.workers import in_order

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Population:
    """Chips by seed: ``accuracy`` of each, a fraction of ``samples``; ``nominal`` is the undisturbed chip's.

    ``off_nominal_s``: output spikes without noise against the nominal chip's, rms over those that both have, of all chips (None: there are none).
    """

    seeds: tuple[int, ...]
    accuracy: Array
    nominal: float
    samples: int
    off_nominal_s: float | None = None


@dataclass(frozen=True, slots=True)
class Noisy:
    """Noise that every sample meets on every chip: of every layer, so many ``draws`` of it."""

    layers: tuple[LayerNoise, ...]
    draws: int


@dataclass(frozen=True, slots=True)
class _Task:
    """What every chip does: ``inputs`` [samples, inputs]; the nominal chip's ``outputs`` [samples, neurons], T_circ."""

    written: WrittenBiases
    inputs: Tensor
    label: NDArray[np.int64]
    classes: int
    outputs: Array
    noise: Noisy | None

    def accuracy(self, output_time: Array) -> float:
        """Of as many repetitions of the samples as there are."""
        times = len(output_time) // len(self.label)
        return float(np.mean(decide(output_time, self.classes) == np.tile(self.label, times)))


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
    noise: Noisy | None = None,
    jobs: int = 1,
    advance: Callable[[int], None] = lambda done: None,
) -> Population:
    """Accuracy of every chip on ``spike_time`` [samples, inputs], ``label`` [samples].

    With ``calibration`` every chip is trimmed first; with ``noise`` its accuracy is the mean over draws of it. Raises ``NoSpread``, ``NoColumn``.
    """
    spread_of(model)
    inputs = spike_time.to(torch.float32)
    silicon = Silicon(model, written.topology.layers)
    outputs = silicon.spike_times(written, None, inputs, torch.float32)[-1]
    task = _Task(written, inputs, label, classes, outputs, noise)
    chunk = max(1, min(25, -(-len(seeds) // (4 * jobs))))
    parts = [tuple(seeds[start : start + chunk]) for start in range(0, len(seeds), chunk)]
    work = in_order(jobs, (delayed(_chips)(model, task, part, calibration) for part in parts))
    accuracy: list[float] = []
    square, pairs = 0.0, 0
    for found in work:
        accuracy += [one for one, _, _ in found]
        square, pairs = square + sum(one for _, one, _ in found), pairs + sum(one for _, _, one in found)
        advance(len(accuracy))
    off = float(model.t_circ_s * np.sqrt(square / pairs)) if pairs else None
    return Population(tuple(seeds), np.array(accuracy), task.accuracy(outputs), len(label), off)


def _chips(
    model: PhysicalModel, task: _Task, seeds: Iterable[int], calibration: CalibrationOptions | None
) -> list[tuple[float, float, int]]:
    """Of some chips, in one process: accuracy, and the squared distances of output spikes to the nominal chip's with their number."""
    silicon = Silicon(model, task.written.topology.layers)
    sigmas = Sigmas(spread_of(model).sigmas)
    out = []
    for seed in seeds:
        chip = draw(seed, task.written.topology, sigmas)
        mine = task.written
        if calibration is not None:
            mine = calibrate(model, mine, FastBench(silicon, chip), calibration).written
        times = silicon.spike_times(mine, chip, task.inputs, torch.float32)[-1]
        both = (times < 1.0) & (task.outputs < 1.0)
        off = (times - task.outputs)[both]
        if task.noise is not None:
            drawn = NoiseDraw(task.noise.layers, torch.Generator().manual_seed(seed))
            many = task.inputs.repeat(task.noise.draws, 1)
            times = silicon.spike_times(mine, chip, many, torch.float32, drawn)[-1]
        out.append((task.accuracy(times), float(np.sum(off**2)), int(both.sum())))
    return out
