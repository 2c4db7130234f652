"""Drawn chips and conditions that several tests train on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from nonideal.characterize.physics import Physics
from nonideal.characterize.shift import CurrentShift, LayerShift
from nonideal.characterize.variation import CurrentSpread, LayerVariation
from nonideal.pnn import (
    DSTD,
    Discharger,
    Exact,
    NetworkOptions,
    Reversal,
    TrainingOptions,
    TrainingResult,
    Variation,
    load_small,
    train,
)
from nonideal.pnn.stack import StackOptions
from nonideal.pnn.variation import ChipDraw, Chips

SPREAD = LayerVariation(CurrentSpread(0.4, 1.0), CurrentSpread(0.22, 2.0), 0.18, 0.012, 0.155)
PAPER = NetworkOptions(
    layer_sizes=(5, 5, 5), reversal=Reversal.constant(2.80, -1.53), discharger=Discharger(0.155)
)
NOISY = PAPER.model_copy(update={"method": DSTD(4, random_offset=True), "sigma_spike": 0.01})
PHYSICS = Physics(
    beta_positive=(0.37, -0.017, 0.004),
    beta_negative=(-0.69, 0.1, -0.02),
    positive_range=(0.01, 1.5),
    negative_range=(0.02, 1.2),
    discharge=0.153,
    delay=2e-4,
    charge_positive=1.2e-4,
    charge_negative=-0.7e-4,
    coupling=1.7e-3,
    spike_delay=3e-4,
)
STRONG = replace(
    PHYSICS, delay=0.06, charge_positive=0.02, charge_negative=0.05, coupling=0.1, spike_delay=0.02
)
METHODS = [DSTD(5), DSTD(4, order=3), Exact()]
HOT = LayerShift(CurrentShift(0.12, 0.27, 0.13), CurrentShift(0.25, 0.24, 0.08), 0.83, -0.007)
COLD = LayerShift(CurrentShift(-0.13, -0.27, 0.13), CurrentShift(-0.28, -0.27, 0.06), 1.21, 0.012)


def variation(count: int = 2, /, **changes: object) -> Variation:
    return Variation.model_validate({"layers": (SPREAD,) * count} | changes)


def normals(seed: int, dtype: torch.dtype = torch.float64) -> Callable[[int], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return lambda count: torch.randn(count, generator=generator, dtype=dtype)


def drawn(sizes: list[tuple[int, int]], chips: int, seed: int = 0, **changes: object) -> Chips:
    options = variation(len(sizes), **changes)
    source = ChipDraw(options, sizes, torch.empty(0, dtype=torch.float64))
    return source.draw(chips, normals(seed), source.meet(chips, torch.Generator().manual_seed(seed)))


def short(
    folder: Path, epochs: int = 6, network: NetworkOptions | StackOptions = NOISY, **changes: object
) -> TrainingResult:
    options = TrainingOptions.model_validate(
        {"epochs": epochs, "log_every": 1, "tensorboard": False, "variation": variation()} | changes
    )
    return train(load_small("iris"), network, options, folder, show_progress=False)
