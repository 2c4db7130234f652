"""The circuit's own noise in a condition: what it does to the network whose biases are derived anew there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from nonideal.characterize.jitter import network_noise
from nonideal.characterize.model import PhysicalModel
from nonideal.conditions.network import Assessment, Task, mapped
from nonideal.pnn.robustness import noisy_accuracy
from nonideal.postlayout.jitter import blind_network, network_jitter

NORMAL_95 = 1.959964


@dataclass(frozen=True, slots=True)
class NoiseOptions:
    """Flicker counts from ``low_corner_Hz`` on; ``draws`` for each sample, from ``seed``."""

    low_corner_Hz: float
    draws: int
    seed: int


@dataclass(frozen=True, slots=True)
class UnderNoise:
    """Jitter of output spikes, rms, s (None: none fires); accuracy, mean over draws with its 95 % interval on these samples."""

    jitter_s: float | None
    accuracy: float
    low: float
    high: float


def under_noise(task: Task, one: Assessment, options: NoiseOptions) -> UnderNoise | None:
    """None where the condition has no model, its model knows no noise, or the weights cannot be realised there."""
    found = one.met.characterised
    if found is None or found.model.noise is None or one.rederived_prediction.problem:
        return None
    return _under_noise(task, found.model, options)


def _under_noise(task: Task, model: PhysicalModel, options: NoiseOptions) -> UnderNoise:
    network = blind_network(model, mapped(task, model).weights())
    network.classes = task.classes
    noise = network_noise(model, task.layers, options.low_corner_Hz)
    output = network_jitter(network, task.inputs, noise)[-1]
    sigma = output.sigma[output.fires]
    share = noisy_accuracy(
        network,
        torch.from_numpy(task.inputs),
        torch.from_numpy(task.labels),
        noise,
        draws=options.draws,
        seed=options.seed,
    ).numpy()
    mean, half = float(share.mean()), float(NORMAL_95 * share.std(ddof=1) / np.sqrt(len(share)))
    jitter_s = float(model.t_circ_s * np.sqrt(np.mean(sigma**2))) if len(sigma) else None
    return UnderNoise(jitter_s, mean, mean - half, mean + half)
