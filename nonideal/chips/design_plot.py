"""Figure of the designs that were compared: yield against the area of the synapses."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nonideal.characterize.plots import MUTED, style
from nonideal.chips.yield_plot import COLOURS

SIDES = (("as_written", "as written", "o"), ("trimmed", "trimmed", "s"))
"""Suffix of the columns, words, marker."""


def design_figure(designs: pd.DataFrame) -> Figure:
    """A row a design that has yields: ``name``, ``synapse_area_um2``, and ``yield_``, ``low_``, ``high_`` of both ``SIDES``, fractions."""
    area = designs["synapse_area_um2"].to_numpy(float)
    with style():
        figure = Figure(figsize=(7.2, 3.8))
        ax = figure.subplots()
        for (side, words, marker), colour in zip(SIDES, COLOURS, strict=False):
            value, low, high = (
                100 * designs[f"{key}_{side}"].to_numpy(float) for key in ("yield", "low", "high")
            )
            error = np.stack([value - low, high - value])
            ax.errorbar(area, value, error, color=colour, marker=marker, ms=4, capsize=2, ls="", label=words)
        for row in designs.to_dict(orient="records"):
            at = row["synapse_area_um2"], 100 * row["yield_as_written"]
            ax.annotate(str(row["name"]), at, (5, 4), textcoords="offset points", fontsize=7.5, color=MUTED)
        ax.margins(x=0.2)
        ax.set_ylim(-3, 103)
        ax.set_xlabel("area of all synapse pairs (µm²)")
        ax.set_ylabel("yield (%)")
        ax.set_title("Yield against area")
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
