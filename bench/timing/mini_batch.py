"""A mini-batch of the trainer itself, with everything that it does around forward, loss, backward and Adam."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from nonideal.pnn import LatentWeights, NetworkOptions, StackOptions, TrainingOptions, load_small
from nonideal.pnn.adam import FusedAdam
from nonideal.pnn.devices import Engine
from nonideal.pnn.loop import Loop
from timing.images import cycle
from timing.row import Step


def mini_batch(
    x: Tensor, y: Tensor, network: NetworkOptions | StackOptions, options: TrainingOptions
) -> Step:
    """One of ``options.batch_size`` samples, on drawn chips or with codes where the options ask for them."""
    built = network.model_copy(update={"classes": int(y.max()) + 1}).build()
    seen, told = x[: options.batch_size], y[: options.batch_size]
    data = replace(
        load_small("iris"), train_x=seen, train_y=told, test_x=seen, test_y=told,
        features=x.shape[1], classes=int(y.max()) + 1,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    latent = None
    if options.bits is not None:
        latent = LatentWeights(built.spiking_layers, options.bits, options.full_scale)
    optimiser = FusedAdam((built if latent is None else latent).parameters())
    if latent is not None:
        latent.follow(optimiser)
    loop = Loop(Engine(torch.device("cpu")), data, built, optimiser, generator, options)
    batches = cycle(x, y, options.batch_size)

    def step() -> None:
        images, loop.train_y = next(batches)
        loop.train_x = images.to(torch.float32)
        loop.epoch(1, False)

    return step
