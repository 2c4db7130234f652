"""Figure of a ranking: error, jitter and accuracy against area and energy, every choice a point, those that nothing dominates filled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from nonideal.characterize.candidates import COMBINATION, PRESENT
from nonideal.characterize.plots import GRID, INK, MUTED, save_figure, style

Array = NDArray[np.float64]
COLOURS = ("#0072b2", "#c65102", "#008c6a", "#b3589a", "#8a6d00", "#4f86c6", "#d1495b")
"""Of the factors, in turn; told apart with any colour vision. Combinations are ``MUTED``, the present design ``INK``."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A column of the table as it is drawn: ``scale`` times its numbers; ``spread``: the column of its standard error, or of half an interval."""

    column: str
    scale: float
    label: str
    spread: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """One panel. Where ``more`` of y is better the axis does not begin at 0."""

    title: str
    x: Quantity
    y: Quantity
    more: bool = False

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        """The choices that have both."""
        return table[table[self.x.column].notna() & table[self.y.column].notna()]

    def front(self, table: pd.DataFrame) -> pd.DataFrame:
        """Of these choices those that no other beats in both, by rising x."""
        ordered = table.sort_values(
            [self.x.column, self.y.column], ascending=[True, not self.more], kind="stable"
        )
        y = ordered[self.y.column] * (-1.0 if self.more else 1.0)
        return ordered[y < y.cummin().shift(fill_value=np.inf)]


AREA = Quantity("area_per_neuron_um2", 1.0, "layout area per neuron (µm²)")
ENERGY = Quantity("energy_per_neuron_J", 1e12, "energy per inference and neuron (pJ)")
ERROR = Quantity("check_rms_s", 1e9, "spike-time error of the column's model, rms (ns)", "check_rms_stderr_s")
JITTER = Quantity("jitter_s", 1e9, "jitter of a spike by the circuit's own noise, rms (ns)")
ACCURACY = Quantity("chip_accuracy", 100.0, "accuracy under noise and mismatch (%)", "chip_accuracy_half")
VIEWS = (
    View("Error and area", AREA, ERROR),
    View("Error and energy", ENERGY, ERROR),
    View("Jitter and energy", ENERGY, JITTER),
    View("Accuracy and energy", ENERGY, ACCURACY, more=True),
)
"""What is drawn, as far as there are numbers: noise is not known of all cells, and accuracy is there where it was asked for."""


def views(table: pd.DataFrame) -> list[View]:
    """Those that some choice of the table has both numbers of."""
    return [
        view for view in VIEWS if {view.x.column, view.y.column} <= {*table.columns} and len(view.of(table))
    ]


FONT = 7.5
KEY_WIDTH = 58
"""Characters of a line of the key."""
PLACES = tuple(
    (round(reach * np.cos(angle), 1), round(reach * np.sin(angle), 1))
    for reach in (9.0, 15.0, 22.0, 30.0, 40.0)
    for angle in np.linspace(0.25 * np.pi, 2.25 * np.pi, 12, endpoint=False)
)
"""Offsets of a number from its point, in points, in the order in which they are tried."""


def pareto(table: pd.DataFrame) -> Figure:
    """Every view of the choices that were measured; numbers as in the key beside. Grey: the front of a view's two quantities."""
    measured = table[table["check_rms_s"].notna()].reset_index(drop=True)
    colour = colours(measured)
    shown = views(measured)
    labels = [
        fill(f"{k + 1}  {legend_line(row)}", KEY_WIDTH, subsequent_indent="    ")
        for k, row in enumerate(measured.to_dict(orient="records"))
    ]
    lines = sum(label.count("\n") + 1 for label in labels)
    rows = max(1, -(-len(shown) // 2))
    with style():
        figure = Figure(figsize=(11.0, max(4.4 * rows + 0.5, 0.185 * lines + 0.8)))
        axes = figure.subplots(rows, 2, squeeze=False).ravel()
        for ax, view in zip(axes, shown, strict=False):
            _panel(ax, view.of(measured), view, colour)
            ax.set(xlabel=view.x.label, ylabel=view.y.label, title=view.title)
        for ax in axes[len(shown) :]:
            ax.set_axis_off()
        handles = [
            Line2D([], [], linestyle="", label=label, **_look(row, colour))
            for label, row in zip(labels, measured.to_dict(orient="records"), strict=True)
        ]
        figure.legend(
            handles=handles, loc="outside right upper", handletextpad=0.2, title="filled: Pareto-optimal"
        )
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # numbers are placed on the page as it is now
        for ax, view in zip(axes, shown, strict=False):
            _number(ax, view.of(measured), view)
    return figure


def legend_line(row: Mapping[Any, Any]) -> str:
    """A choice in words: what is varied, and to what."""
    alone = row["factor"] in (COMBINATION, row["choice"])
    return str(row["choice"]) if alone else f"{row['factor']}: {row['choice']}"


def colours(table: pd.DataFrame) -> dict[str, str]:
    """Factor -> colour."""
    fixed = {PRESENT.factor: INK, COMBINATION: MUTED}
    factors = [factor for factor in dict.fromkeys(table["factor"]) if factor not in fixed]
    return fixed | {factor: COLOURS[k % len(COLOURS)] for k, factor in enumerate(factors)}


def _look(row: Mapping[Any, Any], colour: Mapping[str, str]) -> dict[str, Any]:
    """The marker of a choice."""
    marker = {PRESENT.factor: "*", COMBINATION: "s"}.get(row["factor"], "o")
    own = colour[row["factor"]]
    size = 11.0 if marker == "*" else 5.5
    face = own if row["pareto"] else "none"
    return {"marker": marker, "color": own, "markersize": size, "markerfacecolor": face}


def _place(table: pd.DataFrame, view: View) -> tuple[Array, Array]:
    x, y = (one.scale * table[one.column].to_numpy(float) for one in (view.x, view.y))
    return x, y


def _panel(ax: Axes, table: pd.DataFrame, view: View, colour: Mapping[str, str]) -> None:
    """Points of one factor hang together through the present design."""
    x, y = _place(table, view)
    here = np.flatnonzero(table["name"] == PRESENT.name)
    if view.y.spread:
        spread = view.y.scale * table[view.y.spread].fillna(0.0).to_numpy(float)
        ax.errorbar(x, y, spread, fmt="none", ecolor=GRID, elinewidth=1.2, zorder=1)
    ax.plot(*_place(view.front(table), view), color=GRID, linewidth=3.0, zorder=1)
    for name, own in colour.items():
        mine = np.flatnonzero(table["factor"] == name)
        if len(mine) and name not in (COMBINATION, PRESENT.factor):
            line = np.concatenate([mine, here])
            line = line[np.argsort(x[line], kind="stable")]
            ax.plot(x[line], y[line], color=own, linewidth=0.9, alpha=0.5, zorder=2)
    for k, row in enumerate(table.to_dict(orient="records")):
        ax.plot(x[k], y[k], linestyle="", zorder=3, **_look(row, colour))
    if not view.more:
        ax.set_ylim(bottom=0)
    ax.margins(x=0.1)


def _number(ax: Axes, table: pd.DataFrame, view: View) -> None:
    """The key's number beside every point, clear of points and other numbers as far as there is room."""
    x, y = _place(table, view)
    pixels = ax.figure.dpi / 72
    points = ax.transData.transform(np.column_stack([x, y])) / pixels
    taken: list[Bbox] = []

    def clashes(box: Bbox) -> int:
        others = sum(box.overlaps(other) for other in taken)
        return others + sum(box.padded(3.5).contains(*point) for point in points)

    for k, row in enumerate(table.index):
        text = str(row + 1)
        width, height = 0.65 * FONT * len(text), FONT
        boxes = [
            Bbox.from_bounds(points[k][0] + dx - width / 2, points[k][1] + dy - height / 2, width, height)
            for dx, dy in PLACES
        ]
        best = min(range(len(PLACES)), key=lambda place: clashes(boxes[place]))
        taken.append(boxes[best])
        ax.annotate(
            text, (x[k], y[k]), PLACES[best], textcoords="offset points", fontsize=FONT, color=INK, ha="center", va="center",
            arrowprops={"arrowstyle": "-", "color": MUTED, "lw": 0.4, "shrinkA": 3, "shrinkB": 2},
        )  # fmt: skip


def save_pareto(table: pd.DataFrame, folder: Path) -> list[Path]:
    """Write ``pareto.png`` and ``pareto.svg``."""
    return save_figure(pareto(table), folder, "pareto")
