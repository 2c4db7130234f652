"""Design choices to explore: error against area and against energy, every choice a point, those of one factor joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from nonideal.characterize.candidates import COMBINATION, PRESENT
from nonideal.characterize.explore_plot import ERROR_FACTOR, PANELS, colours, legend_line
from nonideal.report.blocks import Chart, Panel
from nonideal.report.colours import themed
from nonideal.report.traces import axes, label, line, numbers

TITLES = ("Error and area", "Error and energy")
SYMBOLS = {PRESENT.factor: "star", COMBINATION: "square"}
"""Of the factors that are none; a choice of a factor is a circle."""


def explore_panel(table: pd.DataFrame, caption: str) -> Panel | None:
    """``table`` as ``explore/table.csv`` holds it; None where no choice was measured."""
    measured = table[table["check_rms_s"].notna()]
    if measured.empty:
        return None
    charts = tuple(
        Chart(
            title,
            f"Spike-time error of every design choice by its {words}.",
            tuple(_traces(measured[measured[column].notna()], column, factor)),
            axes(words, "error of the column's model, rms (ns)", yaxis={"rangemode": "tozero"}),
            height=380,
        )
        for title, (column, factor, words) in zip(TITLES, PANELS, strict=True)
    )
    return Panel("explore-choices", "Error, area and energy of design choices", caption, charts)


def _traces(table: pd.DataFrame, column: str, scale: float) -> Sequence[dict[str, Any]]:
    """Points of each factor, and before them the line that joins them through the present design."""
    traces = []
    present = table[table["name"] == PRESENT.name]
    for factor, light in colours(table).items():
        mine = table[table["factor"] == factor]
        if mine.empty:
            continue
        colour, shown = themed(light), label(factor)
        if factor not in SYMBOLS:
            through = pd.concat([mine, present]).sort_values(column, kind="stable")
            traces.append(
                line(
                    scale * through[column], ERROR_FACTOR * through["check_rms_s"], colour,
                    width=1, opacity=0.5, hoverinfo="skip", showlegend=False, legendgroup=shown,
                )
            )  # fmt: skip
        traces.append(_points(mine, column, scale, colour, shown, SYMBOLS.get(factor, "circle")))
    return traces


def _points(
    rows: pd.DataFrame, column: str, scale: float, colour: str, name: str, symbol: str
) -> dict[str, Any]:
    """Filled where nothing dominates the choice."""
    told = [
        f"{label(legend_line(row))}<br>{'Pareto-optimal' if row['pareto'] else _dominated(row)}"
        for row in rows.to_dict(orient="records")
    ]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": numbers(scale * rows[column]),
        "y": numbers(ERROR_FACTOR * rows["check_rms_s"]),
        "error_y": {
            "type": "data",
            "array": numbers(ERROR_FACTOR * rows["check_rms_stderr_s"]),
            "color": "var(--muted)",
            "thickness": 1,
            "width": 0,
        },
        "name": name,
        "legendgroup": name,
        "showlegend": True,
        "text": told,
        "hovertemplate": "%{text}<br>%{x:.3g}, %{y:.3g} ns<extra></extra>",
        "marker": {
            "color": colour,
            "size": 13 if symbol == "star" else 8,
            "symbol": [symbol if optimal else f"{symbol}-open" for optimal in rows["pareto"]],
        },
    }


def _dominated(row: dict[Any, Any]) -> str:
    by = row["dominated_by"]
    return f"dominated by {label(by)}" if isinstance(by, str) and by else label(row["problem"])
