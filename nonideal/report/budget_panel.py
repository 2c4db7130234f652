"""The error budget to explore: a bar for every effect, lines for the error and the numerical floor."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import wrap
from typing import Any

import numpy as np

from nonideal.postlayout.budget_summary import BudgetSummary, EntrySummary
from nonideal.report.blocks import Chart, Panel
from nonideal.report.colours import of_mapping, themed
from nonideal.report.traces import axes, label, numbers

LEAST_NS = 1e-2
"""The axis goes no lower for a smaller bar: a hundredth of a nanosecond is nothing here."""
LINE = 30
"""Letters of a label on a line: a phone has room for no more beside the bars."""
KINDS = (("term", 1.0), ("residual", 0.45))
"""And how opaque their bars are."""


def budget_panel(
    name: str,
    mapping: str,
    budget: BudgetSummary,
    floor_s: float | None,
    caption: str,
    named: Callable[[EntrySummary], str],
) -> Panel:
    """A bar for each term, and pale for each residual, by its change of output spikes, the largest first; ``named``: an entry in words."""
    residuals = (entry for entry in budget.largest_first("residual") if entry.name != "numerical_floor")
    shown = sorted([*budget.largest_first("term"), *residuals], key=_ns, reverse=True)
    marks = [
        (1e9 * (value_s or 0.0), told, look)
        for value_s, told, look in (
            (budget.rmse.output_s, "RMSE of the whole model", {"color": "var(--ink)", "dash": "dash"}),
            (floor_s, "numerical floor", {"color": "var(--muted)", "dash": "dot"}),
        )
        if value_s
    ]
    drawn = [value for value in (*map(_ns, shown), *(at for at, *_ in marks)) if value > LEAST_NS]
    low, high = 0.5 * min(drawn, default=1.0), 12.0 * max(drawn, default=1.0)
    names = ["<br>".join(map(label, wrap(named(entry), LINE))) for entry in shown]
    layout = axes(
        "rms change, output spikes (ns)",
        "",
        xaxis={"type": "log", "range": [float(np.log10(low)), float(np.log10(high))], "dtick": 1},
        yaxis={"autorange": "reversed", "type": "category", "categoryarray": names, "showgrid": False, "tickfont": {"size": 10}},
        bargap=0.35,
        shapes=[
            {"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1, "line": {**look, "width": 1.2}}
            for at, _, look in marks
        ],
        margin={"r": 24},
    )  # fmt: skip
    bars = tuple(
        _bars(mapping, opacity, low, [(n, e) for n, e in zip(names, shown, strict=True) if e.kind == kind])
        for kind, opacity in KINDS
    )  # fmt: skip
    legend = tuple(
        {"type": "scatter", "mode": "lines", "x": [None], "y": [None], "name": f"{told}, {at:.3g} ns", "line": look}
        for at, told, look in marks
    )  # fmt: skip
    alt = f"Error budget of {mapping}: how far output spikes move without each effect, in ns."
    chart = Chart("", alt, (*bars, *legend), layout, 120 + 34 * len(shown), "whole")
    return Panel(name, f"Error budget of {mapping}", caption, (chart,))


def _ns(entry: EntrySummary) -> float:
    return 1e9 * (entry.change.output_s or 0.0)


def _bars(
    mapping: str, opacity: float, low_ns: float, entries: list[tuple[str, EntrySummary]]
) -> dict[str, Any]:
    """Of one kind; what is below the axis' start ``low_ns`` has no bar, and its number all the same."""
    return {
        "type": "bar",
        "orientation": "h",
        "y": [name for name, _ in entries],
        "x": numbers(max(_ns(entry), low_ns) for _, entry in entries),
        "text": [f"{_ns(entry):.3g} ns" for _, entry in entries],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": themed(of_mapping(mapping)), "opacity": opacity},
        "hovertemplate": "%{y}: %{text}<extra></extra>",
        "showlegend": False,
    }
