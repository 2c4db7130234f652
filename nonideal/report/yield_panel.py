"""Yields to explore: against what a chip may lose, against the converters' bits, against the synapses' area."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from nonideal.chips.design_plot import SIDES
from nonideal.chips.yield_plot import COLOURS
from nonideal.report.blocks import Chart, Panel
from nonideal.report.colours import themed
from nonideal.report.traces import axes, label, line, numbers
from nonideal.runs.summaries.chips import DesignSummary

PERCENT = {"range": [-3, 103]}
SYMBOLS = {"as_written": "circle", "trimmed": "square"}


def yield_panel(
    name: str, title: str, curves: pd.DataFrame, bits: pd.DataFrame, allowed: float, caption: str
) -> Panel:
    """``curves``: name, loss, yield, low, high. ``bits``: bits, yield, low, high. ``allowed``: the loss that counts as good. All fractions."""
    traces: list[dict[str, Any]] = []
    for (curve, rows), colour in zip(curves.groupby("name", sort=False), COLOURS, strict=False):
        traces += _curve(str(curve), rows, themed(colour))
    good = {
        "type": "line", "x0": 100 * allowed, "x1": 100 * allowed, "yref": "paper", "y0": 0, "y1": 1,
        "line": {"color": "var(--muted)", "width": 1, "dash": "dot"},
    }  # fmt: skip
    charts = (
        Chart(
            "Against accuracy loss",
            "Yield by the accuracy that a chip may lose.",
            tuple(traces),
            axes("accuracy a chip may lose (points)", "yield (%)", yaxis=PERCENT, shapes=[good]),
        ),
        Chart(
            "After calibration",
            "Yield of trimmed chips by the bits of the bias converters.",
            (_with_bars(bits["bits"], bits, "", "bits", color="var(--ink)"),),
            axes(
                "bits of the bias converters", "yield of trimmed chips (%)", yaxis=PERCENT, xaxis={"dtick": 1}
            ),
        ),
    )
    return Panel(name, title, caption, charts)


def design_panel(designs: Sequence[DesignSummary], caption: str) -> Panel | None:
    """As written and trimmed, with their intervals; None where no design has yields."""
    known = pd.DataFrame([one.as_json() for one in designs if not one.problem])
    if known.empty:
        return None
    traces = []
    for (side, words, _), colour in zip(SIDES, COLOURS, strict=False):
        rows = known.rename(columns={f"{key}_{side}": key for key in ("yield", "low", "high")})
        trace = _with_bars(known["synapse_area_um2"], rows, words, "µm²", color=themed(colour))
        trace |= {
            "mode": "markers+text" if side == "as_written" else "markers",
            "text": [label(one) for one in known["name"]],
            "textposition": "top right",
            "cliponaxis": False,
            "hovertemplate": f"%{{text}}: %{{y:.3g}} %, {words}<extra></extra>",
        }
        trace["marker"] = {**trace["marker"], "symbol": SYMBOLS[side]}
        traces.append(trace)
    layout = axes("area of all synapse pairs (µm²)", "yield (%)", yaxis=PERCENT)
    chart = Chart("", "Yield of designs by the area of their synapses.", tuple(traces), layout, width="whole")
    return Panel("designs", "Area and yield", caption, (chart,))


def _curve(name: str, rows: pd.DataFrame, colour: str) -> list[dict[str, Any]]:
    """The line, and its interval behind it."""
    shown = label(name)
    loss, low, high = (100 * rows[key].to_numpy(float) for key in ("loss", "low", "high"))
    band = {
        "type": "scatter", "mode": "lines", "x": numbers([*loss, *loss[::-1]]), "y": numbers([*high, *low[::-1]]), "fill": "toself",
        "fillcolor": colour, "opacity": 0.2, "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False, "legendgroup": shown,
    }  # fmt: skip
    told = f"{shown}<br>%{{x:.3g}} points: %{{y:.3g}} %<extra></extra>"
    return [
        band,
        line(loss, 100 * rows["yield"], colour, name=shown, legendgroup=shown, hovertemplate=told, showlegend=True),
    ]  # fmt: skip


def _with_bars(x: pd.Series, rows: pd.DataFrame, name: str, unit: str, color: str) -> dict[str, Any]:
    """Yields with their intervals as bars."""
    value, low, high = (100 * rows[key].to_numpy(float) for key in ("yield", "low", "high"))
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": numbers(x),
        "y": numbers(value),
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": numbers(high - value),
            "arrayminus": numbers(value - low),
            "thickness": 1.2,
            "width": 3,
        },
        "name": name,
        "showlegend": bool(name),
        "line": {"color": color, "width": 1.4},
        "marker": {"color": color, "size": 7},
        "hovertemplate": f"%{{x:g}} {unit}: %{{y:.3g}} %<extra></extra>",
    }
