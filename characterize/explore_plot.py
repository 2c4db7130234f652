"""Figure of a ranking: error against area and against energy, every choice a point, those that nothing dominates filled."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from characterize.candidates import COMBINATION, PRESENT
from characterize.plots import GRID, INK, MUTED, style

COLOURS = ("#0072b2", "#c65102", "#008c6a", "#b3589a", "#8a6d00", "#4f86c6", "#d1495b")
"""Of the factors, in turn; told apart with any colour vision. Combinations are ``MUTED``, the present design ``INK``."""
PANELS = (
    ("area_per_neuron_um2", 1.0, "layout area per neuron (µm²)"),
    ("energy_per_neuron_J", 1e12, "energy per inference and neuron (pJ)"),
)
ERROR_FACTOR = 1e9
PLACES = ((6, 4), (6, -11), (-6, 4), (-6, -11), (0, 9), (0, -16), (16, 12), (16, -19), (-16, 12), (-16, -19))
"""Offsets of a label from its point, in points, in the order in which they are tried."""


def pareto(table: pd.DataFrame) -> Figure:
    """Error (ns) against area and energy, of every choice that was fully measured."""
    with style():
        figure = Figure(figsize=(9.6, 4.8))
        axes = figure.subplots(1, len(PANELS), sharey=True)
        for ax, (column, factor, label) in zip(axes, PANELS, strict=True):
            _panel(ax, table[table[column].notna()], column, factor)
            ax.set_xlabel(label)
        axes[0].set_ylabel("spike-time error of the column's model, rms (ns)")
        axes[0].set_title("Error and area")
        axes[1].set_title("Error and energy")
        figure.legend(
            *axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=5, handletextpad=0.3
        )
    return figure


def colours(table: pd.DataFrame) -> dict[str, str]:
    """Factor -> colour."""
    fixed = {PRESENT.factor: INK, COMBINATION: MUTED}
    factors = [factor for factor in dict.fromkeys(table["factor"]) if factor not in fixed]
    return fixed | {factor: COLOURS[k % len(COLOURS)] for k, factor in enumerate(factors)}


def _panel(ax: Axes, table: pd.DataFrame, column: str, factor: float) -> None:
    """Points of one factor hang together through the present design."""
    x, y = factor * table[column].to_numpy(float), ERROR_FACTOR * table["check_rms_s"].to_numpy(float)
    spread = ERROR_FACTOR * table["check_rms_stderr_s"].to_numpy(float)
    optimal = table["pareto"].to_numpy(bool)
    here = np.flatnonzero(table["name"] == PRESENT.name)
    ax.errorbar(x, y, spread, fmt="none", ecolor=GRID, elinewidth=1.2, zorder=1)
    for name, colour in colours(table).items():
        mine = np.flatnonzero(table["factor"] == name)
        if not len(mine):
            continue
        if name not in (COMBINATION, PRESENT.factor):
            line = np.concatenate([mine, here])
            line = line[np.argsort(x[line], kind="stable")]
            ax.plot(x[line], y[line], color=colour, linewidth=0.9, alpha=0.6, zorder=2)
        marker = {PRESENT.factor: "*", COMBINATION: "s"}.get(name, "o")
        faces = [colour if optimal[k] else "none" for k in mine]
        size = 130 if marker == "*" else 34
        ax.scatter(
            x[mine], y[mine], s=size, c=faces, marker=marker, edgecolors=colour, linewidths=1.2, zorder=3
        )
        ax.scatter([], [], s=size, c=colour, marker=marker, label=name)
    ax.set_ylim(bottom=0)
    ax.margins(x=0.12)
    _label(ax, x, y, [str(text) for text in table["choice"]])


def _label(ax: Axes, x: np.ndarray, y: np.ndarray, texts: list[str]) -> None:
    """A name beside every point, where it covers neither another's name nor point as far as there is room."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    points = ax.transData.transform(np.column_stack([x, y]))
    taken: list[Annotation] = []
    for k in np.argsort(x):
        tried = []
        for dx, dy in PLACES:
            align: Literal["left", "right", "center"] = "left" if dx > 0 else "right" if dx < 0 else "center"
            text = ax.annotate(
                texts[k],
                (x[k], y[k]),
                (dx, dy),
                textcoords="offset points",
                fontsize=7.5,
                ha=align,
                color=INK,
            )
            box = text.get_window_extent()
            clashes = sum(box.overlaps(other.get_window_extent()) for other in taken)
            clashes += int(np.sum([box.contains(*point) for point in points]))
            clashes += 2 * (not ax.bbox.containsx(box.x0) or not ax.bbox.containsx(box.x1))
            tried.append((clashes, text))
            if not clashes:
                break
        best = min(tried, key=lambda pair: pair[0])[1]
        for _, text in tried:
            if text is not best:
                text.remove()
        taken.append(best)


def save_pareto(table: pd.DataFrame, folder: Path) -> list[Path]:
    """Write ``pareto.png`` and ``pareto.svg``, each whole or not at all."""
    paths = []
    for kind in ("png", "svg"):
        path = folder / f"pareto.{kind}"
        part = path.with_name(f".{path.name}.part")
        with style():
            metadata = {"Date": None} if kind == "svg" else None
            pareto(table).savefig(part, format=kind, dpi=130, facecolor="white", metadata=metadata)
        os.replace(part, path)
        paths.append(path)
    return paths
