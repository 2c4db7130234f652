"""Decisions in SPICE: how many samples of each class were taken for which."""

from __future__ import annotations

from typing import Any

from nonideal.report.blocks import Chart, Panel
from nonideal.report.colours import of_mapping, themed
from nonideal.report.spike_figures import Array
from nonideal.report.traces import axes, label

PALEST = 2.2
"""Times the largest count: so pale that its number can be read on it."""


def decision_panel(counts: dict[str, Array], classes: list[str], caption: str) -> Panel:
    """True class by row, decision in SPICE by column (see ``confusion_counts``); columns that nothing fell into are left out."""
    used = [any(table[:, len(classes) + k].any() for table in counts.values()) for k in (0, 1)]
    columns = [*range(len(classes)), *(len(classes) + k for k in (0, 1) if used[k])]
    names = [*map(label, classes), "no spike", "failed"]
    charts = tuple(
        Chart(
            f"{name} in SPICE",
            f"Decisions of {name} in SPICE by true class.",
            (_heat(name, table[:, columns], [names[k] for k in columns], names[: len(classes)]),),
            axes(
                "decision: who fires first",
                "true class",
                xaxis={"showgrid": False, "type": "category"},
                yaxis={"showgrid": False, "autorange": "reversed", "type": "category"},
                margin={"t": 8},
            ),
            130 + 34 * max(len(classes), 4),
            "half" if len(counts) in (1, 2, 4) else "third",
        )
        for name, table in counts.items()
    )
    return Panel("confusion", "Decisions in SPICE", caption, charts)


def _heat(name: str, table: Array, columns: list[str], rows: list[str]) -> dict[str, Any]:
    counts = table.astype(int).tolist()
    return {
        "type": "heatmap",
        "z": counts,
        "x": columns,
        "y": rows,
        "text": [[str(n) if n else "" for n in row] for row in counts],
        "texttemplate": "%{text}",
        "textfont": {"color": "var(--ink)", "size": 13},
        "colorscale": [[0, "var(--paper)"], [1, themed(of_mapping(name))]],
        "zmin": 0,
        "zmax": PALEST * max(1.0, float(table.max())),
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hovertemplate": "%{y} taken for %{x}: %{z}<extra></extra>",
    }
