"""Error of v(1) on a grid of M intervals, against exact evaluation."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from torch import Tensor

from figures.setting import Setting
from figures.table import Table
from nonideal.characterize.plots import DASHED, INK, MUTED, SHADES
from nonideal.pnn import DSTD, Dataset, Exact, Reversal

TITLES = {"random": "random spike times", "mnist": "MNIST images"}
ASYMPTOTIC = 10
"""Slopes are fitted from this M on."""


def measure(path: Path, setting: Setting, data: Dataset) -> Table:
    """Root mean square and largest error over samples and neurons, float64, fixed grid."""
    table = Table(
        path,
        ("inputs", "order", "e_rev", "steps"),
        ("rms_error", "largest_error"),
        f"error of v(1) in V_th; float64; {setting.error_neurons} neurons; {setting.error_samples} samples; "
        "weights uniform in +-1/sqrt(inputs)",
    )
    layers = {"random": _random(setting), "mnist": _mnist(setting, data)}
    for key in table.missing(product(TITLES, (2, 3), setting.error_e_rev, setting.error_steps)):
        inputs, order, e_rev, steps = key
        t, w = layers[str(inputs)]
        reversal = Reversal.ideal(float(str(e_rev)))
        truth = Exact().membrane(t, w, reversal)
        error = DSTD(int(str(steps)), order=3 if order == 3 else 2).membrane(t, w, reversal) - truth
        table.add(key, float(error.square().mean().sqrt()), float(error.abs().max()))
    return table


def _random(setting: Setting) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    t = torch.rand(setting.error_samples, 100, generator=generator, dtype=torch.float64)
    return t, _weights(100, setting.error_neurons, generator)


def _mnist(setting: Setting, data: Dataset) -> tuple[Tensor, Tensor]:
    t = data.test_x[: setting.error_samples].double()
    return t, _weights(t.shape[1], setting.error_neurons, torch.Generator().manual_seed(1))


def _weights(inputs: int, neurons: int, generator: torch.Generator) -> Tensor:
    uniform = 2.0 * torch.rand(neurons, inputs, generator=generator, dtype=torch.float64) - 1.0
    return uniform / inputs**0.5


def slope(rows: pd.DataFrame) -> float:
    """Measured order: minus the slope of log error over log M, for large M."""
    late = rows[rows["steps"] >= ASYMPTOTIC]
    return float(-np.polyfit(np.log(late["steps"]), np.log(late["rms_error"]), 1)[0])


def draw(frame: pd.DataFrame) -> Figure:
    """Both inputs side by side, one shade for each |E_rev|, second order drawn through, third dashed."""
    figure = Figure(figsize=(8.4, 4.4))
    values = sorted(frame["e_rev"].unique())
    shades = {e: SHADES(k / max(1, len(values) - 1)) for k, e in enumerate(values)}
    axes = figure.subplots(1, len(TITLES), sharey=True)
    for ax, (inputs, title) in zip(axes, TITLES.items(), strict=True):
        part = frame[frame["inputs"] == inputs]
        for (order, e), rows in part.groupby(["order", "e_rev"]):
            line = {"linestyle": "-", "marker": "o"} if order == 2 else {"linestyle": DASHED, "marker": "s"}
            label = f"|E_rev| = {e:g}" if order == 2 else None
            ax.plot(rows["steps"], rows["rms_error"], color=shades[e], markersize=3, label=label, **line)
        for order, line in ((2, "-"), (3, DASHED)):
            fits = [slope(rows) for _, rows in part[part["order"] == order].groupby("e_rev")]
            low, high = f"{min(fits):.2f}", f"{max(fits):.2f}"
            span = low if low == high else f"{low} to {high}"
            ax.plot([], [], color=INK, linestyle=line, label=f"order {order} (measured {span})")
            _guide(ax, part[part["order"] == order], order)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_xlabel("intervals M")
        ax.set_title(f"DSTD against exact: {title}")
        ax.legend(loc="lower left", fontsize=7.5)
    axes[0].set_ylabel("rms error of v(1) (V_th)")
    return figure


def _guide(ax: Axes, rows: pd.DataFrame, order: int) -> None:
    """A line of slope -order beside the curves: above those of order 2, below those of order 3."""
    late = rows[rows["steps"] >= ASYMPTOTIC]
    ends = np.array([late["steps"].min(), late["steps"].max()], float)
    first = late[late["steps"] == ends[0]]["rms_error"]
    start = 2.0 * first.max() if order == 2 else 0.5 * first.min()
    line = start * (ends / ends[0]) ** -order
    ax.plot(ends, line, color=MUTED, linewidth=1.0, linestyle=":")
    ax.annotate(
        f"M⁻{'²' if order == 2 else '³'}",
        (float(np.sqrt(ends.prod())), float(np.sqrt(line.prod()))),
        xytext=(5, 5) if order == 2 else (-5, -5),
        textcoords="offset points",
        ha="left" if order == 2 else "right",
        va="bottom" if order == 2 else "top",
        color=MUTED,
    )
