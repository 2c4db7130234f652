"""The network by corner and temperature, and by supply, to explore: accuracy and moved spikes, biases kept and derived anew."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from nonideal.conditions.maps import COLUMNS, ConditionMap, by_corner, by_supply
from nonideal.report.blocks import Chart, Panel
from nonideal.report.decision_panel import PALEST
from nonideal.report.traces import axes, label

FASTEST_S, SLOWEST_S = 1e-10, 1e-6
"""Of the colours: spikes that move by less are as pale, by more as dark as these."""


def condition_panel(table: pd.DataFrame, title: str, caption: str) -> Panel:
    """Corners by temperature: four maps; a cell holds its number, or says that there is none; home, the first row, is framed."""
    return _panel("condition-maps", table, by_corner(table), title, caption)


def supply_panel(table: pd.DataFrame, title: str, caption: str) -> Panel | None:
    """Supplies by how far they are off, as four maps; None where none was off."""
    cells = by_supply(table)
    return None if cells is None else _panel("supply-maps", table, cells, title, caption)


def _panel(name: str, table: pd.DataFrame, cells: ConditionMap, title: str, caption: str) -> Panel:
    charts = tuple(_chart(table, column, told, cells) for column, told in COLUMNS)
    return Panel(name, title, caption, charts)


def _chart(table: pd.DataFrame, column: str, title: str, cells: ConditionMap) -> Chart:
    met = cells.values(table, column)
    accuracy = column.endswith("accuracy")
    names = list(cells.columns)
    grid = [[met.get((i, k)) for k in range(len(names))] for i in range(len(cells.rows))]
    text = [["" if value is None else _told(value, accuracy) for value in row] for row in grid]
    trace: dict[str, Any] = {
        "type": "heatmap",
        "z": [[_shade(value, accuracy) for value in row] for row in grid],
        "x": names,
        "y": [label(row) for row in cells.rows],
        "text": text,
        "texttemplate": "%{text}",
        "textfont": {"color": "var(--ink)", "size": 12},
        "colorscale": [[0, "var(--paper)"], [1, "var(--pnn)" if accuracy else "var(--discharger)"]],
        "zmin": 0.0,
        "zmax": PALEST,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hovertemplate": "%{y}, %{x}: %{text}<extra></extra>",
    }
    layout = axes(
        "",
        "",
        xaxis={"showgrid": False, "type": "category"},
        yaxis={"showgrid": False, "autorange": "reversed", "type": "category"},
        shapes=[] if cells.home is None else [_frame(*cells.home)],
        annotations=[
            {"x": names[k], "y": label(cells.rows[i]), "text": "none", "showarrow": False, "font": {"color": "var(--muted)"}}
            for i, row in enumerate(text)
            for k, told in enumerate(row)
            if told == "none"
        ],
        margin={"t": 8},
    )  # fmt: skip
    alt = f"{title}, by {'corner and temperature' if cells.home is not None else 'supply'}."
    return Chart(title, alt, (trace,), layout, 80 + 44 * max(len(cells.rows), 2))


def _told(value: float, accuracy: bool) -> str:
    if math.isnan(value):
        return "none"
    return f"{100 * value:.0f} %" if accuracy else f"{1e9 * value:.3g} ns"


def _shade(value: float | None, accuracy: bool) -> float | None:
    """From 0 to 1; spike times on a logarithmic scale."""
    if value is None or math.isnan(value):
        return None
    if accuracy:
        return value
    inside = min(max(value, FASTEST_S), SLOWEST_S)
    return round(math.log(inside / FASTEST_S) / math.log(SLOWEST_S / FASTEST_S), 4)


def _frame(row: int, column: int) -> dict[str, Any]:
    """Round a cell; places on an axis of names are counted."""
    return {
        "type": "rect", "x0": column - 0.48, "x1": column + 0.48, "y0": row - 0.48, "y1": row + 0.48,
        "line": {"color": "var(--ink)", "width": 2},
    }  # fmt: skip
