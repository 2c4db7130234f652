"""The network by corner and temperature, to explore: accuracy and moved spikes, biases kept and derived anew."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from nonideal.conditions.plot import PANELS
from nonideal.report.blocks import Chart, Panel
from nonideal.report.decision_panel import PALEST
from nonideal.report.traces import axes, label

FASTEST_S, SLOWEST_S = 1e-10, 1e-6
"""Of the colours: spikes that move by less are as pale, by more as dark as these."""


def condition_panel(table: pd.DataFrame, title: str, caption: str) -> Panel:
    """Four maps: a cell holds its number, or says that there is none; home, the first row, is framed."""
    corners = list(dict.fromkeys(table["corner"]))
    temperatures = sorted(dict.fromkeys(table["temperature_C"]))
    charts = tuple(_chart(table, column, told, corners, temperatures) for column, told in PANELS)
    return Panel("condition-maps", title, caption, charts)


def _chart(
    table: pd.DataFrame, column: str, title: str, corners: list[str], temperatures: list[float]
) -> Chart:
    met = {
        (row["corner"], row["temperature_C"]): float(row[column]) for row in table.to_dict(orient="records")
    }
    accuracy = column.endswith("accuracy")
    names = [f"{value:g} °C" for value in temperatures]
    cells = [[met.get((corner, value)) for value in temperatures] for corner in corners]
    text = [["" if value is None else _told(value, accuracy) for value in row] for row in cells]
    home = corners.index(table["corner"].iloc[0]), temperatures.index(table["temperature_C"].iloc[0])
    trace: dict[str, Any] = {
        "type": "heatmap",
        "z": [[_shade(value, accuracy) for value in row] for row in cells],
        "x": names,
        "y": [label(corner) for corner in corners],
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
        shapes=[_frame(*home)],
        annotations=[
            {"x": names[k], "y": label(corners[i]), "text": "none", "showarrow": False, "font": {"color": "var(--muted)"}}
            for i, row in enumerate(text)
            for k, told in enumerate(row)
            if told == "none"
        ],
        margin={"t": 8},
    )  # fmt: skip
    alt = f"{title}, by corner and temperature."
    return Chart(title, alt, (trace,), layout, 80 + 44 * max(len(corners), 2))


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
