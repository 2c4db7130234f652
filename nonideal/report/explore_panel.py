"""Design choices to explore: error, jitter and accuracy against area and energy, every choice a point, those of one factor joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from nonideal.characterize.candidates import COMBINATION, PRESENT
from nonideal.characterize.explore_plot import View, colours, legend_line, views
from nonideal.report.blocks import Chart, Panel
from nonideal.report.colours import themed
from nonideal.report.traces import axes, label, line, numbers

SYMBOLS = {PRESENT.factor: "star", COMBINATION: "square"}
"""Of the factors that are none; a choice of a factor is a circle."""


def explore_panel(table: pd.DataFrame, caption: str) -> Panel | None:
    """``table`` as ``explore/table.csv`` holds it; None where no choice was measured."""
    measured = table[table["check_rms_s"].notna()]
    if measured.empty:
        return None
    charts = tuple(
        Chart(
            view.title,
            f"{view.y.label} of every design choice by its {view.x.label}.",
            tuple(_traces(view.of(measured), view)),
            axes(view.x.label, view.y.label, yaxis={} if view.more else {"rangemode": "tozero"}),
            height=380,
        )
        for view in views(measured)
    )
    return Panel("explore-choices", "Error, jitter, area and energy of design choices", caption, charts)


def _traces(table: pd.DataFrame, view: View) -> Sequence[dict[str, Any]]:
    """The view's front; points of each factor, and before them the line that joins them through the present design."""
    front = view.front(table)
    traces = [
        line(
            view.x.scale * front[view.x.column], view.y.scale * front[view.y.column], "var(--muted)",
            width=4, opacity=0.35, hoverinfo="skip", showlegend=False,
        )
    ]  # fmt: skip
    present = table[table["name"] == PRESENT.name]
    for factor, light in colours(table).items():
        mine = table[table["factor"] == factor]
        if mine.empty:
            continue
        colour, shown = themed(light), label(factor)
        if factor not in SYMBOLS:
            through = pd.concat([mine, present]).sort_values(view.x.column, kind="stable")
            traces.append(
                line(
                    view.x.scale * through[view.x.column], view.y.scale * through[view.y.column], colour,
                    width=1, opacity=0.5, hoverinfo="skip", showlegend=False, legendgroup=shown,
                )
            )  # fmt: skip
        traces.append(_points(mine, view, colour, shown, SYMBOLS.get(factor, "circle")))
    return traces


def _points(rows: pd.DataFrame, view: View, colour: str, name: str, symbol: str) -> dict[str, Any]:
    """Filled where nothing dominates the choice."""
    told = [
        f"{label(legend_line(row))}<br>{'Pareto-optimal' if row['pareto'] else _dominated(row)}"
        for row in rows.to_dict(orient="records")
    ]
    spread = {}
    if view.y.spread:
        half = numbers(view.y.scale * rows[view.y.spread])
        spread = {
            "error_y": {"type": "data", "array": half, "color": "var(--muted)", "thickness": 1, "width": 0}
        }
    unit = view.y.label[view.y.label.rindex("(") + 1 : -1]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": numbers(view.x.scale * rows[view.x.column]),
        "y": numbers(view.y.scale * rows[view.y.column]),
        **spread,
        "name": name,
        "legendgroup": name,
        "showlegend": True,
        "text": told,
        "hovertemplate": f"%{{text}}<br>%{{x:.3g}}, %{{y:.3g}} {unit}<extra></extra>",
        "marker": {
            "color": colour,
            "size": 13 if symbol == "star" else 8,
            "symbol": [symbol if optimal else f"{symbol}-open" for optimal in rows["pareto"]],
        },
    }


def _dominated(row: dict[Any, Any]) -> str:
    by = row["dominated_by"]
    return f"dominated by {label(by)}" if isinstance(by, str) and by else label(row["problem"])
