"""Accuracy against |E_rev|: trained with it (PNN), trained without it and put on it (ANN), and scaled for it.

Evaluation keeps the spike-time noise of the training. Without it only the order of the outputs would count, and
scaling all weights towards zero, where no reversal potential matters, would look best.
"""

from __future__ import annotations

import copy
from functools import cache
from itertools import product
from pathlib import Path

import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor

from figures.setting import Setting
from figures.table import Table
from figures.training import trained
from nonideal.characterize.plots import INK, NMOS, PMOS
from nonideal.pnn import DSTD, Dataset, Exact, RCSpikeNetwork, Reversal
from nonideal.pnn.accuracies import exact_accuracy

METHOD = DSTD(10, random_offset=True, order=3)
SKY130 = (2.80, -1.53)
LOOKS = {
    "pnn": ("PNN: trained with it", NMOS, "o"),
    "scaled": ("ANN, weights of each sign scaled", INK, "s"),
    "ann": ("ANN, as trained", PMOS, "^"),
}
COARSE = tuple(1.5**k for k in range(-4, 4))
"""From 0.2 to 3.4."""


def measure(path: Path, setting: Setting, data: Dataset) -> Table:
    """Exact test accuracy of the three networks on each silicon, with and without noise, and the scaling of the third."""
    how = f"DSTD M = {METHOD.steps}, order 3, random offset; ideal ramp; noise {setting.recipe.sigma_spike:g}"
    table = Table(
        path,
        ("seed", "e_positive", "e_negative", "network"),
        ("noisy_accuracy", "noiseless_accuracy", "scale_positive", "scale_negative"),
        f"{setting.recipe}; {how}; scaling chosen on {setting.search_images} training images",
    )

    @cache
    def ideal(seed: int) -> RCSpikeNetwork:
        return trained(setting.recipe, data, Reversal.ideal(), METHOD, seed)

    silicon = [*((e, -e) for e in setting.e_rev), SKY130]
    wanted = [(s, *e, n) for s, e, n in product(range(setting.e_rev_seeds), silicon, LOOKS)]
    for key in table.missing(wanted):
        seed, e_positive, e_negative, kind = key
        reversal = Reversal.constant(float(str(e_positive)), float(str(e_negative)))
        scale = (1.0, 1.0)
        if kind == "pnn":
            network = trained(setting.recipe, data, reversal, METHOD, int(str(seed)))
        else:
            network = on_silicon(ideal(int(str(seed))), reversal)
            if kind == "scaled":
                scale = best_scale(network, data, setting.search_images)
                network = on_silicon(network, reversal, scale)
        network = on_silicon(network, reversal)  # evaluated exactly
        noisy = noisy_accuracy(network, data.test_x, data.test_y)
        table.add(key, noisy, exact_accuracy(network, data.test_x, data.test_y), *scale)
    return table


@torch.no_grad()
def on_silicon(
    network: RCSpikeNetwork, reversal: Reversal, scale: tuple[float, float] = (1.0, 1.0)
) -> RCSpikeNetwork:
    """The same weights with other reversal potentials, positive and negative ones times ``scale``; exact."""
    moved = copy.deepcopy(network)
    for layer in moved.linear_layers:
        layer.reversal, layer.method = reversal, Exact()
        w = layer.weight
        w.copy_(torch.where(w >= 0.0, scale[0] * w, scale[1] * w))
    return moved


def noisy_accuracy(network: RCSpikeNetwork, spike_time: Tensor, label: Tensor) -> float:
    """Share of right decisions with the network's noise, the same draws at every call."""
    generator = torch.Generator().manual_seed(0)
    parts = zip(spike_time.split(250), label.split(250), strict=True)
    return sum(int((network.predict(x, generator) == y).sum()) for x, y in parts) / len(label)


def best_scale(network: RCSpikeNetwork, data: Dataset, images: int) -> tuple[float, float]:
    """The two factors of the highest accuracy, with noise, on the last training images: a coarse grid, refined twice.

    Accuracy decides, as it is what the figure shows; of equal ones no scaling, else the first found.
    """
    x, y = data.train_x[-images:], data.train_y[-images:]
    reversal = network.linear_layers[0].reversal

    @cache
    def score(positive: float, negative: float) -> float:
        return noisy_accuracy(on_silicon(network, reversal, (positive, negative)), x, y)

    best = max([(1.0, 1.0), *product(COARSE, COARSE)], key=lambda s: score(*s))
    step = COARSE[1] / COARSE[0]
    for _ in range(2):
        step **= 0.5
        near = [step**k for k in range(-2, 3)]
        around = [best, *((best[0] * a, best[1] * b) for a, b in product(near, near))]
        best = max(around, key=lambda s: score(*s))
    return best


def draw(frame: pd.DataFrame) -> Figure:
    """Mean and range over the seeds, on silicon with one |E_rev| and on sky130's."""
    figure = Figure(figsize=(7.6, 4.0))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(5, 1))
    equal = frame["e_positive"] == -frame["e_negative"]
    for place, (kind, (label, colour, marker)) in enumerate(LOOKS.items()):
        rows = frame[(frame["network"] == kind) & equal].groupby("e_positive")["noisy_accuracy"]
        look = 100.0 * rows.agg(["mean", "min", "max"])
        left.fill_between(look.index, look["min"], look["max"], color=colour, alpha=0.14, linewidth=0)
        left.plot(look.index, look["mean"], color=colour, marker=marker, markersize=4, label=label)
        own = 100.0 * frame[(frame["network"] == kind) & ~equal]["noisy_accuracy"]
        right.vlines(place, own.min(), own.max(), color=colour, alpha=0.35, linewidth=4)
        right.plot(place, own.mean(), marker, color=colour, markersize=5)
    left.set_xscale("log")
    left.set_xticks([1, 2, 4, 8, 16, 100])
    left.set_xticks([], minor=True)
    left.xaxis.set_major_formatter("{x:g}")
    left.set_xlabel("|E_rev| of the silicon (V_th)")
    left.set_ylabel("test accuracy with noise (%)")
    left.set_title(f"Accuracy on silicon: mean and range of {frame['seed'].nunique()} seeds")
    left.legend(loc="lower right")
    right.set_xlim(-0.7, len(LOOKS) - 0.3)
    right.set_xticks([])
    right.set_xlabel("+2.80 / -1.53")
    right.set_title("sky130")
    return figure
