"""Accuracy against the M of training, with a fixed grid and with a random offset."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from figures.setting import Setting
from figures.table import Table
from figures.training import trained
from nonideal.characterize.plots import DASHED, NMOS, PMOS
from nonideal.pnn import DSTD, Dataset, Reversal
from nonideal.pnn.accuracies import accuracy, exact_accuracy

E_REV = (2.80, -1.53)
"""Of sky130."""

LOOKS = {"fixed": (PMOS, "o"), "random": (NMOS, "s")}


def measure(path: Path, setting: Setting, data: Dataset) -> Table:
    """Test accuracy of every seed, exact and on the grid of the training (fixed, no offset), without noise."""
    how = f"order 2; E_rev {E_REV[0]:g} / {E_REV[1]:g}; noise {setting.recipe.sigma_spike:g} in training only"
    table = Table(
        path, ("seed", "offset", "steps"), ("exact_accuracy", "own_grid_accuracy"), f"{setting.recipe}; {how}"
    )
    for key in table.missing(product(range(setting.steps_seeds), LOOKS, setting.steps)):
        seed, offset, steps = key
        method = DSTD(int(str(steps)), random_offset=offset == "random")
        network = trained(setting.recipe, data, Reversal.constant(*E_REV), method, int(str(seed)))
        table.add(
            key,
            exact_accuracy(network, data.test_x, data.test_y),
            accuracy(network, data.test_x, data.test_y),
        )
    return table


def draw(frame: pd.DataFrame) -> Figure:
    """Mean and range over the seeds; dashed: the same networks on their own grid; the axis spans 1 % at least."""
    figure = Figure(figsize=(6.6, 3.8))
    ax = figure.subplots()
    for offset, (colour, marker) in LOOKS.items():
        part = frame[frame["offset"] == offset].groupby("steps")
        exact = 100.0 * part["exact_accuracy"].agg(["mean", "min", "max"])
        x = exact.index.to_numpy(float)
        ax.fill_between(x, exact["min"], exact["max"], color=colour, alpha=0.18, linewidth=0)
        ax.plot(x, exact["mean"], color=colour, marker=marker, markersize=4, label=f"{offset} offset, exact")
        own = 100.0 * part["own_grid_accuracy"].mean()
        ax.plot(
            x, own, color=colour, linestyle=DASHED, linewidth=0.9, label=f"{offset} offset, on its own grid"
        )
    ax.set_xscale("log")
    ax.set_xticks(sorted(frame["steps"].unique()), minor=False)
    ax.set_xticks([], minor=True)
    ax.xaxis.set_major_formatter("{x:g}")
    low, high = ax.get_ylim()
    middle, half = 0.5 * (low + high), max(0.5, 0.6 * (high - low))
    ax.set_ylim(middle - half, middle + half)
    ax.set_xlabel("intervals M of the training")
    ax.set_ylabel("test accuracy (%)")
    seeds = frame["seed"].nunique()
    ax.set_title(f"Trained on M intervals: mean and range of {seeds} seeds")
    ax.legend(loc="lower right", ncols=2, fontsize=8)
    return figure
