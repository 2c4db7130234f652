"""What was measured on the circuit, to explore: I(V) families, their slopes, the discharger, the firing phase."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from nonideal.characterize.fits import firing_time_norm
from nonideal.characterize.model import Branch, PhysicalModel
from nonideal.characterize.plots import PAPER_LAMBDA_PER_V, SHADES, Curve, curves_of, synapse_curves
from nonideal.report.blocks import Chart, Panel
from nonideal.report.traces import axes, line, numbers

WEIGHTS = (0.02, 1.3)
"""The currents shown, in units of the unit current."""
TICKS = [step * 10.0**power for power in range(-3, 7) for step in (1, 2, 5)]
"""Of a logarithmic axis, as people write them."""
SIGNS = (("n", "NMOS, positive weights", 1), ("p", "PMOS, negative weights", -1))


def _branch(model: PhysicalModel, polarity: str) -> Branch:
    return model.positive if polarity == "n" else model.negative


def _window(model: PhysicalModel, shaded: bool = True) -> list[dict[str, Any]]:
    """The window that lines were fitted in, and the reset level."""
    low, high = model.valid_V
    v_0 = model.v_0_V.value
    marks: list[dict[str, Any]] = [
        {"type": "line", "x0": v_0, "x1": v_0, "yref": "paper", "y0": 0, "y1": 1,
         "line": {"color": "var(--muted)", "width": 1, "dash": "dot"}},
        {"type": "rect", "x0": low, "x1": high, "yref": "paper", "y0": 0, "y1": 1, "line": {"width": 0},
         "fillcolor": "var(--grid)", "opacity": 0.35, "layer": "below"},
    ]  # fmt: skip
    return marks if shaded else marks[:1]


def iv_panel(model: PhysicalModel, curves: pd.DataFrame, caption: str) -> Panel:
    """Currents of both polarities against membrane potential: relative to I(V_0) with the model's one line, and absolute."""
    charts = []
    for polarity, title, sign in SIGNS:
        shown = [
            c
            for c in synapse_curves(model, curves, polarity)
            if WEIGHTS[0] <= c.at_v0_A / model.unit_current_A() <= WEIGHTS[1]
        ]
        charts += [
            _relative(model, shown, polarity, title, sign),
            _absolute(model, shown, title),
        ]
    return Panel("iv-families", "Synaptic current against membrane potential", caption, tuple(charts))


def _of_family(model: PhysicalModel, curve: Curve, y: Any, unit: str) -> dict[str, Any]:
    weight = curve.at_v0_A / model.unit_current_A()
    told = f"gate bias {curve.bias_V:.4g} V, weight {weight:.3f}<br>%{{x:.3f}} V: %{{y:.4g}} {unit}<extra></extra>"
    shade = to_hex(SHADES(min(weight / WEIGHTS[1], 1.0)))
    return line(curve.membrane_V, y, shade, width=1.5, hovertemplate=told, showlegend=False)


def _relative(model: PhysicalModel, shown: list[Curve], polarity: str, title: str, sign: int) -> Chart:
    traces = [_of_family(model, c, c.current_A / c.at_v0_A, "I(V₀)") for c in shown]
    one = _branch(model, polarity).lambda_per_V.value
    volts = np.array(model.valid_V)
    relative = 1 + sign * one * (volts - model.v_0_V.value)
    name = f"model, one λ = {one:.3f} /V"
    traces.append(
        line(
            volts,
            relative,
            "var(--ink)",
            width=2.4,
            dash="dash",
            name=name,
            showlegend=True,
            hoverinfo="skip",
        )
    )
    low, high = float(relative.min()), float(relative.max())
    layout = axes(
        "membrane potential (V)",
        "I / I(V₀)",
        yaxis={"range": [low - 0.25 * (high - low), high + 0.35 * (high - low)]},
        shapes=_window(model),
    )
    return Chart(f"{title}: relative to I(V₀)", f"{title}: current relative to I(V₀).", tuple(traces), layout)


def _absolute(model: PhysicalModel, shown: list[Curve], title: str) -> Chart:
    traces = [_of_family(model, c, 1e9 * c.current_A, "nA") for c in shown]
    steps = [[k / 8, to_hex(SHADES(k / 8))] for k in range(9)]
    traces.append(
        {
            "type": "scatter", "mode": "markers", "x": [None], "y": [None], "hoverinfo": "skip", "showlegend": False,
            "marker": {
                "color": [0.0], "cmin": 0.0, "cmax": WEIGHTS[1], "colorscale": steps, "showscale": True,
                "colorbar": {"title": {"text": "weight", "side": "right"}, "thickness": 9, "outlinewidth": 0, "x": 1.01,
                             "tickfont": {"size": 10}},
            },
        }
    )  # fmt: skip
    layout = axes("membrane potential (V)", "current (nA)", shapes=_window(model))
    return Chart(f"{title}: absolute", f"{title}: current in nA.", tuple(traces), layout)


def lambda_panel(model: PhysicalModel, curves: pd.DataFrame, caption: str) -> Panel:
    """The slope of each curve against its current, the model's polynomial, the paper's value."""
    unit_A = model.unit_current_A()
    charts = []
    for polarity, title, sign in SIGNS:
        branch, colour = _branch(model, polarity), "var(--nmos)" if polarity == "n" else "var(--pmos)"
        low_A, high_A = max(branch.current_min_A, 1e-3 * unit_A), branch.current_max_A
        fitted = [
            (1e9 * c.at_v0_A, sign * c.fit.lambda_per_V)
            for c in synapse_curves(model, curves, polarity)
            if c.fit is not None and low_A <= c.at_v0_A <= high_A
        ]
        current_nA, slope = np.array(fitted, float).reshape(-1, 2).T
        grid = np.geomspace(low_A, high_A, 80)
        smooth = np.polynomial.polynomial.polyval(grid / unit_A, branch.lambda_polynomial_per_V)
        ends = 1e9 * grid[[0, -1]]
        one, paper = branch.lambda_per_V, PAPER_LAMBDA_PER_V[polarity]
        traces = (
            line(1e9 * grid, smooth, colour, name="polynomial in the current", hoverinfo="skip"),
            line(
                ends,
                [one.value] * 2,
                "var(--ink)",
                name=f"one value: {one.value:.3f} ± {one.stderr:.3f} /V",
                hoverinfo="skip",
            ),
            line(ends, [paper] * 2, "var(--ink)", dash="dot", name=f"paper: {paper} /V", hoverinfo="skip"),
            {
                "type": "scatter",
                "mode": "markers",
                "x": numbers(current_nA),
                "y": numbers(slope),
                "name": "each gate bias",
                "marker": {"color": colour, "size": 7},
                "hovertemplate": "%{x:.4g} nA: λ = %{y:.4f} /V<extra></extra>",
            },
        )
        unit = {"type": "line", "x0": 1e9 * unit_A, "x1": 1e9 * unit_A, "yref": "paper", "y0": 0, "y1": 1,
                "line": {"color": "var(--muted)", "width": 1, "dash": "dot"}}  # fmt: skip
        layout = axes(
            "current at V₀ (nA); dotted: weight 1",
            "λ (1/V)",
            xaxis={"type": "log", "dtick": 1},
            shapes=[unit],
        )
        charts.append(Chart(title, f"{title}: λ over the current.", traces, layout, 340))
    return Panel("lambda-current", "The slope λ against the current", caption, tuple(charts))


def discharger_panel(model: PhysicalModel, curves: pd.DataFrame, caption: str) -> Panel:
    """Current of the discharger over the membrane potential; the calibrated bias stands out."""
    volts = np.array(model.valid_V)
    traces = []
    for c in curves_of(model, curves[curves["bench"] == "discharger"]):
        chosen = abs(c.bias_V - model.vdis_V) < 1e-6
        told = f"gate bias {1e3 * c.bias_V:.1f} mV<br>%{{x:.3f}} V: %{{y:.4g}} nA<extra></extra>"
        name = f"{1e3 * c.bias_V:.1f} mV" + (" (calibrated)" if chosen else "")
        traces.append(
            line(
                c.membrane_V,
                1e9 * c.current_A,
                "var(--discharger)",
                width=2.8 if chosen else 1.1,
                opacity=1.0 if chosen else 0.6,
                name=name,
                showlegend=chosen,
                hovertemplate=told,
            )
        )
        fitted = c.line_nA(volts, model.v_0_V.value)
        if fitted is not None and chosen:
            name = f"fitted line, λ_dis = {model.lambda_dis_per_V.value:.4f} /V"
            traces.append(line(volts, fitted, "var(--ink)", dash="dash", name=name, hoverinfo="skip"))
    layout = axes(
        "membrane potential (V)",
        "current (nA)",
        yaxis={"type": "log", "tickvals": TICKS},
        shapes=_window(model),
    )
    alt = "Current of the discharger over the membrane potential, by gate bias."
    return Panel(
        "discharger",
        "The discharger's current",
        caption,
        (Chart("", alt, tuple(traces), layout, width="whole"),),
    )


def firing_panel(model: PhysicalModel, curves: pd.DataFrame, caption: str) -> Panel:
    """Spike times from set membrane potentials, the firing phase's formula, and what it leaves in ns."""
    part = curves[curves["bench"] == "firing"].sort_values("membrane_V")
    start_V, spike_s = part["membrane_V"].to_numpy(float), part["time_s"].to_numpy(float)
    # Starts are what the reset switch was given: the highest is the reset level before its own charge.
    v0_V = min(float(start_V.max()), model.v_0_V.value)

    def formula_s(volts: Any) -> Any:
        drop_norm = (v0_V - volts) / model.v_th_V
        return firing_time_norm(drop_norm, model.discharge_norm.value) * model.t_circ_s

    grid = np.linspace(v0_V - model.v_th_V, v0_V, 80)
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": numbers(start_V),
        "marker": {"color": "var(--ink)", "size": 6},
    }
    ends = grid[[0, -1]]
    name = f"formula, b = {model.discharge_norm.value:.4f}"
    times = (
        line(
            ends,
            [0.0, 1e9 * model.t_circ_s],
            "var(--muted)",
            dash="dot",
            name="an ideal ramp",
            hoverinfo="skip",
        ),
        line(grid, 1e9 * formula_s(grid), "var(--discharger)", width=2.2, name=name, hoverinfo="skip"),
        {
            **dots,
            "y": numbers(1e9 * spike_s),
            "name": "ngspice",
            "hovertemplate": "%{x:.4f} V: %{y:.3f} ns<extra></extra>",
        },
    )
    residual_ns = 1e9 * (spike_s - formula_s(start_V))
    rest = (
        {**dots, "y": numbers(residual_ns), "marker": {"color": "var(--discharger)", "size": 7}, "showlegend": False,
         "hovertemplate": "%{x:.4f} V: %{y:+.4f} ns<extra></extra>"},
    )  # fmt: skip
    x = "membrane potential at the start (V)"
    zero = {"zeroline": True, "zerolinecolor": "var(--muted)"}
    return Panel(
        "firing",
        "From membrane potential to spike time",
        caption,
        (
            Chart(
                "Spike time",
                "Spike time over the potential at which firing starts.",
                times,
                axes(x, "spike time (ns)"),
            ),
            Chart(
                "ngspice − formula", "What the formula leaves.", rest, axes(x, "residual (ns)", yaxis=zero)
            ),
        ),
    )
