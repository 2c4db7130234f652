"""Figures of the conditions: accuracy and change of spike times, biases kept and derived anew, by corner and temperature and by supply."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nonideal.characterize.plots import INK, MUTED, save_figure, style
from nonideal.conditions.maps import COLUMNS, ConditionMap, by_corner, by_supply


def heat_maps(table: pd.DataFrame, cells: ConditionMap) -> Figure:
    """Four maps; a cell holds its number, or says that there is none; home is framed."""
    with style():
        figure = Figure(figsize=(2.4 + 1.25 * len(cells.columns) * 2, 1.5 + 0.85 * len(cells.rows)))
        for ax, (column, title) in zip(figure.subplots(2, 2).ravel(), COLUMNS, strict=True):
            _map(ax, table, column, cells)
            ax.set_title(title)
        return figure


def _map(ax: Axes, table: pd.DataFrame, column: str, cells: ConditionMap) -> None:
    found = cells.values(table, column)
    grid = np.full((len(cells.rows), len(cells.columns)), np.nan)
    for where, value in found.items():
        grid[where] = value
    accuracy = column.endswith("accuracy")
    norm = Normalize(0.0, 1.0) if accuracy else LogNorm(1e-10, 1e-6, clip=True)
    colours = colormaps["viridis" if accuracy else "viridis_r"]
    ax.imshow(np.ma.masked_invalid(grid), cmap=colours, norm=norm, aspect="auto")
    for (i, k), value in found.items():
        known = bool(np.isfinite(value))
        told = (f"{100 * value:.0f} %" if accuracy else f"{1e9 * value:.3g} ns") if known else "none"
        dark = known and sum(colours(norm(value))[:3]) < 1.5
        ax.text(k, i, told, ha="center", va="center", color="white" if dark else INK, fontsize=8.0)
    if cells.home is not None:
        ax.add_patch(_frame(cells.home))
    ax.set_xticks(range(len(cells.columns)), list(cells.columns))
    ax.set_yticks(range(len(cells.rows)), list(cells.rows))
    ax.grid(visible=False)
    ax.tick_params(length=0, labelcolor=MUTED)


def _frame(where: tuple[int, int]) -> Rectangle:
    """Round a cell, (row, column)."""
    return Rectangle((where[1] - 0.47, where[0] - 0.46), 0.94, 0.92, fill=False, edgecolor=INK, linewidth=1.8)


def save_heat_maps(table: pd.DataFrame, folder: Path) -> list[Path]:
    """``conditions.png`` and ``.svg``; where supplies were off, ``supplies.png`` and ``.svg`` too."""
    paths = save_figure(heat_maps(table, by_corner(table)), folder, "conditions")
    supplies = by_supply(table)
    if supplies is None:
        return paths
    return [*paths, *save_figure(heat_maps(table, supplies), folder, "supplies")]
