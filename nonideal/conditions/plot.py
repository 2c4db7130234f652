"""Figure of the conditions: corner by temperature, accuracy and change of spike times, biases kept and derived anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from nonideal.characterize.plots import INK, MUTED, save_figure, style

Array = NDArray[np.float64]
PANELS = (
    ("kept_accuracy", "Accuracy, biases as written at home"),
    ("anew_accuracy", "Accuracy, biases derived anew"),
    ("kept_rms_change_s", "Spike times against home, rms: kept"),
    ("anew_rms_change_s", "Spike times against home, rms: anew"),
)


def heat_map(table: pd.DataFrame) -> Figure:
    """Four maps; a cell holds its number, or says that there is none; home, the first row, is framed."""
    corners = list(dict.fromkeys(table["corner"]))
    temperatures = sorted(dict.fromkeys(table["temperature_C"]))
    with style():
        figure = Figure(figsize=(2.4 + 1.25 * len(temperatures) * 2, 1.5 + 0.85 * len(corners)))
        for ax, (column, title) in zip(figure.subplots(2, 2).ravel(), PANELS, strict=True):
            _map(ax, table, column, corners, temperatures)
            ax.set_title(title)
        return figure


def _map(ax: Axes, table: pd.DataFrame, column: str, corners: list[str], temperatures: list[float]) -> None:
    grid = np.full((len(corners), len(temperatures)), np.nan)
    met = np.zeros(grid.shape, dtype=bool)
    for corner, temperature, value in zip(
        table["corner"], table["temperature_C"], table[column].to_numpy(float), strict=True
    ):
        where = corners.index(corner), temperatures.index(temperature)
        grid[where], met[where] = value, True
    accuracy = column.endswith("accuracy")
    norm = Normalize(0.0, 1.0) if accuracy else LogNorm(1e-10, 1e-6, clip=True)
    colours = colormaps["viridis" if accuracy else "viridis_r"]
    ax.imshow(np.ma.masked_invalid(grid), cmap=colours, norm=norm, aspect="auto")
    for (i, k), value in np.ndenumerate(grid):
        if not met[i, k]:
            continue
        known = bool(np.isfinite(value))
        told = (f"{100 * value:.0f} %" if accuracy else f"{1e9 * value:.3g} ns") if known else "none"
        dark = known and sum(colours(norm(value))[:3]) < 1.5
        ax.text(k, i, told, ha="center", va="center", color="white" if dark else INK, fontsize=8.0)
    home = corners.index(table["corner"].iloc[0]), temperatures.index(table["temperature_C"].iloc[0])
    ax.add_patch(_frame(home))
    ax.set_xticks(range(len(temperatures)), [f"{value:g} °C" for value in temperatures])
    ax.set_yticks(range(len(corners)), corners)
    ax.grid(visible=False)
    ax.tick_params(length=0, labelcolor=MUTED)


def _frame(where: tuple[int, int]) -> Rectangle:
    """Round a cell, (row, column)."""
    return Rectangle((where[1] - 0.47, where[0] - 0.46), 0.94, 0.92, fill=False, edgecolor=INK, linewidth=1.8)


def save_heat_map(table: pd.DataFrame, folder: Path) -> list[Path]:
    """Write ``conditions.png`` and ``conditions.svg``."""
    return save_figure(heat_map(table), folder, "conditions")
