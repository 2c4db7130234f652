"""Fashion-MNIST on 784-400-400-10: RC-Spike networks on several silicons beside an equal ANN; writes docs/figures/fashion_mnist.csv.

    .venv/bin/python scripts/fashion_mnist.py --fashion FOLDER [--out FILE] [--epochs N] [--seeds N] [--held-out]

The paper's table has 90.46, 90.40 and 90.12 % at a spike-time noise of 0, 0.01 and 0.04 and |E_rev| of 7.4, 30.7 and 8.4. Noise is there in
training and in the test; ``quiet_accuracy`` is the same network's without it. Rows are kept as they are measured: a restart goes on. One
thread; about five CPU minutes a row. ``--held-out`` tests on the last 10,000 training images and trains on the others: for choosing a recipe.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import torch
from figures.reversal import noisy_accuracy, on_silicon
from figures.setting import Recipe
from figures.table import Key, Table
from figures.training import trained_network
from torch import Tensor, nn
from torch.nn import functional

from nonideal.pnn import (
    DSTD,
    Dataset,
    NetworkOptions,
    RCSpikeNetwork,
    Reversal,
    load_images,
    preset,
    variant_options,
)
from nonideal.pnn.accuracies import exact_accuracy
from nonideal.pnn.adam import FusedAdam

OUT = Path(__file__).resolve().parents[1] / "docs" / "figures" / "fashion_mnist.csv"
METHOD = DSTD(4, random_offset=True, order=3)
PAPER = {0.0: 7.4, 0.01: 30.7, 0.04: 8.4}
"""The best |E_rev| of the paper, by noise."""
SWEEP = (1.0, 2.0, 4.0, 8.0, 16.0, 100.0)
"""|E_rev| at which a finite optimum is looked for, at the middle noise."""
HELD_OUT = 10_000


def wanted(seeds: int) -> Iterator[Key]:
    """Every row: (network, |E_rev| or the preset's pair, noise, seed), seeds first."""
    for seed in range(seeds):
        yield from (("sky130_tt", "pair", noise, seed) for noise in PAPER)
        yield ("ann", "none", 0.0, seed)
        yield from (("constant", e, noise, seed) for noise, e in PAPER.items())
        for e in SWEEP:
            yield ("constant", e, 0.01, seed)


def options_of(recipe: Recipe, network: str, e: object) -> NetworkOptions:
    """The silicon of a row."""
    if network == "sky130_tt":
        physical = variant_options("pnn", preset("sky130_tt"), recipe.sizes, method=METHOD)
        return physical.model_copy(update={"sigma_spike": recipe.sigma_spike})
    level = float(str(e))
    return NetworkOptions(
        layer_sizes=recipe.sizes,
        reversal=Reversal.constant(level, -level),
        method=METHOD,
        sigma_spike=recipe.sigma_spike,
    )


class Ann(nn.Sequential):
    """The same sizes as Linear and hardtanh."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), nn.Hardtanh(0.0, 1.0)]
        super().__init__(*layers[:-1])


def trained_ann(recipe: Recipe, data: Dataset, seed: int) -> Ann:
    """Cross entropy, the same optimiser, rate and order of images."""
    torch.manual_seed(seed)
    network, generator = Ann(recipe.sizes), torch.Generator().manual_seed(seed)
    optimiser = FusedAdam(network.parameters(), lr=recipe.rate)
    x, y = 1.0 - data.train_x[: recipe.samples], data.train_y[: recipe.samples]
    order = torch.cat([torch.randperm(len(y), generator=generator) for _ in range(recipe.epochs)])
    batches = order.split(recipe.batch)
    for step, batch in enumerate(batches):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * 0.5 * (1.0 + math.cos(math.pi * step / len(batches)))
        loss = functional.cross_entropy(network(x[batch]), y[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network


@torch.no_grad()
def ann_accuracy(network: Ann, spike_time: Tensor, label: Tensor) -> float:
    """Share of right decisions."""
    return float((network(1.0 - spike_time).argmax(1) == label).double().mean())


def accuracies(recipe: Recipe, data: Dataset, key: Key) -> tuple[float, float, float]:
    """Of the test images with noise and without, and of the training images without."""
    network, e, _, seed = key
    x, y, few = data.test_x, data.test_y, slice(0, HELD_OUT)
    if network == "ann":
        ann = trained_ann(recipe, data, int(str(seed)))
        quiet = ann_accuracy(ann, x, y)
        return quiet, quiet, ann_accuracy(ann, data.train_x[few], data.train_y[few])
    found = trained_network(recipe, data, options_of(recipe, str(network), e), int(str(seed)))
    exact: RCSpikeNetwork = on_silicon(found, found.linear_layers[0].reversal)
    return (
        noisy_accuracy(exact, x, y),
        exact_accuracy(exact, x, y),
        exact_accuracy(exact, data.train_x[few], data.train_y[few]),
    )


def held_out(data: Dataset) -> Dataset:
    """The last training images in place of the test images."""
    x, y = data.train_x, data.train_y
    return replace(
        data, train_x=x[:-HELD_OUT], train_y=y[:-HELD_OUT], test_x=x[-HELD_OUT:], test_y=y[-HELD_OUT:]
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fashion", type=Path, required=True, help="folder with the four IDX files")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=60_000, help="training images, to try the script")
    parser.add_argument("--held-out", action="store_true", help="test on training images that are left out")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = load_images("fashion_mnist", arguments.fashion)
    if arguments.held_out:
        data = held_out(data)
    sizes = (data.train_x.shape[1], 400, 400, 10)
    recipe = Recipe(
        sizes=sizes,
        samples=min(arguments.samples, len(data.train_y)),
        epochs=arguments.epochs,
        sigma_spike=0.0,
    )
    how = f"{recipe}; DSTD M = {METHOD.steps}, order 3, random offset; temporal penalty 0.1; tested exactly"
    table = Table(
        arguments.out,
        ("network", "e_rev", "sigma_spike", "seed"),
        ("test_accuracy", "quiet_accuracy", "train_accuracy", "cpu_s"),
        how + (" on held-out training images" if arguments.held_out else ""),
    )
    for key in table.missing(wanted(arguments.seeds)):
        start_s = time.process_time()
        found = accuracies(replace(recipe, sigma_spike=float(str(key[2]))), data, key)
        table.add(key, *found, time.process_time() - start_s)


if __name__ == "__main__":
    main()
