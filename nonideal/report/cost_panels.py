"""The search for the current scale, and the energy, to explore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nonideal.postlayout.summary import MappingSummary, ScaleTrial
from nonideal.report.blocks import Chart, Panel
from nonideal.report.colours import of_mapping, themed
from nonideal.report.traces import axes, label, line, numbers


def best_factor(search: Sequence[ScaleTrial]) -> float | None:
    """Where the parabola through the three lowest squared errors has its minimum; None without three."""
    points = sorted(search, key=lambda point: point.rmse_s)[:3]
    if len(points) < 3:
        return None
    factor = np.array([p.factor for p in points])
    curvature, slope, _ = np.polyfit(factor - factor[0], np.array([1e9 * p.rmse_s for p in points]) ** 2, 2)
    return float(factor[0] - slope / (2 * curvature)) if curvature > 0 else None


def scale_panel(mappings: Mapping[str, MappingSummary], caption: str) -> Panel:
    """RMSE on the calibration samples in SPICE against the factor on all currents, with the parabola used."""
    shown = {name: row.scale_search for name, row in mappings.items() if row.scale_search}
    width = "half" if len(shown) in (1, 2, 4) else "third"
    charts = tuple(_search(name, search, width) for name, search in shown.items())
    return Panel("scale-search", "The current scale", caption, charts)


def _search(name: str, search: Sequence[ScaleTrial], width: str) -> Chart:
    colour = themed(of_mapping(name))
    factor = np.array([point.factor for point in search])
    rmse_ns = 1e9 * np.array([point.rmse_s for point in search])
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter", "mode": "markers", "x": numbers(factor), "y": numbers(rmse_ns), "showlegend": False,
            "marker": {"color": colour, "size": 8}, "hovertemplate": "factor %{x:.4f}: %{y:.4g} ns<extra></extra>",
        }
    ]  # fmt: skip
    best, shapes = best_factor(search), []
    if best is not None:
        lowest = np.argsort(rmse_ns)[:3]
        grid = np.linspace(factor[lowest].min(), factor[lowest].max(), 60)
        fit = np.polyfit(factor[lowest] - best, rmse_ns[lowest] ** 2, 2)
        square = np.clip(np.polyval(fit, grid - best), 0, None)
        traces.append(line(grid, np.sqrt(square), colour, showlegend=False, hoverinfo="skip"))
        shapes.append(
            {"type": "line", "x0": best, "x1": best, "yref": "paper", "y0": 0, "y1": 1,
             "line": {"color": "var(--ink)", "width": 1, "dash": "dot"}}
        )  # fmt: skip
    title = name if best is None else f"{name}: smallest at {best:.4f}"
    layout = axes("factor on all currents", "RMSE, calibration (ns)", shapes=shapes, margin={"t": 8})
    return Chart(title, f"RMSE over the factor on all currents, {name}.", tuple(traces), layout, 270, width)


def energy_panel(mappings: Mapping[str, MappingSummary], caption: str) -> Panel:
    """Energy drawn from the supplies for one inference."""
    found = {name: row.energy_per_inference_J for name, row in mappings.items()}
    shown = {name: 1e12 * value for name, value in found.items() if value is not None}
    names = list(shown)
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": [label(name) for name in names],
        "x": numbers(shown.values()),
        "text": [f"{value:.3g} pJ" for value in shown.values()],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": [themed(of_mapping(name)) for name in names]},
        "hovertemplate": "%{y}: %{x:.4g} pJ<extra></extra>",
    }
    layout = axes(
        "energy per inference (pJ)",
        "",
        xaxis={"range": [0, 1.2 * max(shown.values(), default=1.0)]},
        yaxis={"autorange": "reversed", "type": "category"},
        bargap=0.4,
        margin={"t": 8, "l": 80},
    )
    alt = "Energy per inference by mapping."
    return Panel(
        "energy", "Energy", caption, (Chart("", alt, (trace,), layout, 110 + 44 * len(names), width="whole"),)
    )
