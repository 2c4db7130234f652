"""Figure of a yield: chips that are good against what they may lose, and against the converters' bits."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nonideal.characterize.plots import INK, MUTED, style

COLOURS = ("#c65102", "#0072b2", "#008c6a", "#b3589a", "#8a6d00")
"""Of the curves, in turn; told apart with any colour vision."""


def yield_figure(curves: pd.DataFrame, bits: pd.DataFrame, allowed: float) -> Figure:
    """``curves``: name, loss, yield, low, high. ``bits``: bits, yield, low, high. ``allowed``: the loss that counts as good."""
    with style():
        figure = Figure(figsize=(9.0, 3.6))
        left, right = figure.subplots(1, 2)
        _curves(left, curves, allowed)
        _bits(right, bits)
    return figure


def _curves(ax: Axes, curves: pd.DataFrame, allowed: float) -> None:
    for (name, rows), colour in zip(curves.groupby("name", sort=False), COLOURS, strict=False):
        ax.plot(100 * rows["loss"], 100 * rows["yield"], color=colour, label=str(name))
        ax.fill_between(
            100 * rows["loss"], 100 * rows["low"], 100 * rows["high"], color=colour, alpha=0.2, lw=0
        )
    ax.axvline(100 * allowed, color=MUTED, lw=0.8, ls=":")
    ax.set_xlabel("accuracy a chip may lose (points)")
    ax.set_ylabel("yield (%)")
    ax.set_ylim(-3, 103)
    ax.legend(frameon=False)
    ax.set_title("Yield against accuracy loss")


def _bits(ax: Axes, bits: pd.DataFrame) -> None:
    error = np.stack([bits["yield"] - bits["low"], bits["high"] - bits["yield"]])
    ax.errorbar(bits["bits"], 100 * bits["yield"], yerr=100 * error, color=INK, marker="o", ms=4, capsize=2)
    ax.set_xlabel("bits of the bias converters")
    ax.set_ylabel("yield of trimmed chips (%)")
    ax.set_ylim(-3, 103)
    ax.set_title("Yield after calibration")
