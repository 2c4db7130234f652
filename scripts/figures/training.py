"""Training of the figures' networks, and their accuracy."""

from __future__ import annotations

import math
import sys

import torch

from figures.setting import Recipe
from nonideal.pnn import DSTD, Dataset, LossWeights, NetworkOptions, RCSpikeNetwork, Reversal, training_loss
from nonideal.pnn.adam import FusedAdam

LOSS = LossWeights(temporal_penalty=0.1, weight_norm=0.0, early_spike=0.0)


def trained(recipe: Recipe, data: Dataset, reversal: Reversal, method: DSTD, seed: int) -> RCSpikeNetwork:
    """A network with an ideal firing ramp after all epochs; see ``trained_network``."""
    options = NetworkOptions(
        layer_sizes=recipe.sizes, reversal=reversal, method=method, sigma_spike=recipe.sigma_spike
    )
    return trained_network(recipe, data, options, seed)


def trained_network(recipe: Recipe, data: Dataset, options: NetworkOptions, seed: int) -> RCSpikeNetwork:
    """A network after all epochs; nothing is selected on test images.

    ``seed`` draws weights, order of images, grid offsets and noise.
    """
    network = options.build()
    generator = torch.Generator().manual_seed(seed)
    network.reset_parameters(generator)
    optimiser = FusedAdam(network.parameters(), lr=recipe.rate)
    x, y = data.train_x[: recipe.samples], data.train_y[: recipe.samples]
    order = torch.cat([torch.randperm(len(y), generator=generator) for _ in range(recipe.epochs)])
    batches = order.split(recipe.batch)
    for step, batch in enumerate(batches):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * 0.5 * (1.0 + math.cos(math.pi * step / len(batches)))
        loss = training_loss(network(x[batch], generator), y[batch], network.weights, LOSS, data.classes)
        if not math.isfinite(value := loss.item()):
            sys.exit(f"step {step}: the loss is {value}")
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network
