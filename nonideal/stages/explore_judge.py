"""What noise and mismatch do in a design choice: jitter of its check patterns, accuracy of a network trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from nonideal.characterize.column_check import Check
from nonideal.characterize.explore import Judge, Judged
from nonideal.characterize.jitter import network_noise
from nonideal.characterize.model import PhysicalModel
from nonideal.chips.population import Noisy, population
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.experiment.experiment import Experiment
from nonideal.pnn.checkpoint import load_dense
from nonideal.pnn.errors import TrainingDiverged
from nonideal.postlayout.jitter import blind_network, network_jitter
from nonideal.stages.population import network_written
from nonideal.stages.training_job import train_one


def judge_of(experiment: Experiment, jobs: int) -> Judge:
    """Judges choices of an experiment; with ``explore.accuracy`` a network is trained in each, on every seed of ``training.seeds``."""

    def judge(design: Design, model: PhysicalModel, check: Check, folder: Path) -> Judged:
        low_Hz = experiment.noise.low_corner_Hz
        jitter_s = None if model.noise is None else check_jitter_s(check, model, low_Hz)
        if not experiment.explore.accuracy:
            return Judged(jitter_s)
        try:
            noisy, chips = _accuracies(experiment, design, model, folder, jobs)
        except TrainingDiverged as error:
            raise CircuitError(f"its network cannot be trained: {error}") from error
        return Judged(jitter_s, *mean_and_half(noisy), *mean_and_half(chips))

    return judge


def check_jitter_s(check: Check, model: PhysicalModel, low_Hz: float) -> float:
    """Standard deviation of the spikes that the check tells, in closed form, rms over them."""
    axons = check.weights.shape[2]
    noise, found = network_noise(model, (axons, check.weights.shape[1]), low_Hz), []
    for weight, arrive in zip(check.weights, check.arrivals, strict=True):
        (layer,) = network_jitter(blind_network(model, [weight]), arrive[None], noise)
        found.append(layer.sigma[layer.fires])
    return float(model.t_circ_s * np.sqrt(np.mean(np.square(np.concatenate(found)))))


def mean_and_half(values: Sequence[float]) -> tuple[float | None, float | None]:
    """The mean, and half of its 95 % interval by Student's t; None where there are too few."""
    count = len(values)
    if not count:
        return None, None
    half = stats.t.ppf(0.975, count - 1) * np.std(values, ddof=1) / np.sqrt(count) if count > 1 else None
    return float(np.mean(values)), None if half is None else float(half)


def _accuracies(
    experiment: Experiment, design: Design, model: PhysicalModel, folder: Path, jobs: int
) -> tuple[list[float], list[float]]:
    """Held-out accuracy by seed, under noise on the nominal chip (nothing where noise is not known), and on drawn chips, untrimmed."""
    from nonideal.pnn.robustness import noisy_accuracy

    training, chips = experiment.training, experiment.chips
    asked = experiment.model_copy(
        update={"circuit": design, "training": training.model_copy(update={"preset": None})}
    )
    model.save(folder / "model.json")
    data, noisy, drawn = asked.data.load(), [], []
    for seed in training.seeds:
        trained = train_one(
            asked, folder / "model.json", chips.mapping, seed, folder / "training" / str(seed)
        )
        network = load_dense(trained.weights)
        network.classes = data.classes
        noise = None
        if model.noise is not None:
            layers = network_noise(model, training.layers, experiment.noise.low_corner_Hz)
            noise = Noisy(layers, chips.noise_draws) if chips.noise_draws else None
            share = noisy_accuracy(
                network, data.test_x, data.test_y, layers, draws=experiment.noise.draws, seed=seed
            )
            noisy.append(float(share.mean()))
        found = population(
            model, network_written(model, network), data.test_x, data.test_y.numpy(), data.classes,
            range(chips.first_chip, chips.first_chip + chips.chips), noise=noise, jobs=jobs,
        )  # fmt: skip
        drawn.append(float(np.mean(found.accuracy)))
    return noisy, drawn
