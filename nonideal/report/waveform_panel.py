"""Waveforms of a sample to explore: membranes and spikes over the phases, the model over SPICE, by mapping and neuron."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from nonideal.characterize.model import PhysicalModel
from nonideal.circuits.network.timeline import Timeline
from nonideal.report.blocks import Chart, Choice, Panel
from nonideal.report.colours import of_neuron, themed
from nonideal.report.traces import line
from nonideal.report.waveform_figure import TOLERANCE_V, Array, layers_of, phases, thinned, wave

MOST = 16
"""So many neurons of a layer at most."""
NAMED = 0.2
"""A phase that is shorter than this share of the whole has no room for its name on a phone."""
SPIKES_PX, MEMBRANE_PX, FRAME_PX = 16, 190, 110


def waveform_panel(
    waveforms: dict[str, pd.DataFrame], model: PhysicalModel, timeline: Timeline | None, caption: str
) -> Panel | None:
    """The recorded sample of each mapping; None where nothing was recorded."""
    layers = {name: layers_of(table) for name, table in waveforms.items()}
    recorded = [name for name in waveforms if layers[name]]
    if not recorded:
        return None
    shape = layers[recorded[0]]
    shown = {layer: neurons[:MOST] for layer, neurons in shape.items()}
    traces = [trace for name in recorded for trace in _traces(name, waveforms[name], shown)]
    neurons = sorted({neuron for of_layer in shown.values() for neuron in of_layer})
    hidden = max(len(of_layer) for of_layer in shape.values()) > MOST
    return Panel(
        name="waveforms",
        title="Waveforms of the worst sample",
        caption=caption + (f" The first {MOST} neurons of each layer are shown." if hidden else ""),
        charts=(_chart(traces, shown, model, timeline),),
        choices=(
            Choice("mapping", "Mapping", tuple((name, _told(name, waveforms[name])) for name in recorded)),
            Choice("neuron", "Neuron", tuple((neuron, str(neuron)) for neuron in neurons), "all"),
        ),
    )


def _told(name: str, table: pd.DataFrame) -> str:
    return f"{name}, sample {int(table['sample'].iloc[0])}"


def _traces(name: str, table: pd.DataFrame, shown: dict[int, list[int]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    last = len(shown) + 1
    ordinal = 0
    total = sum(map(len, shown.values()))
    for row, (layer, neurons) in enumerate(shown.items(), start=1):
        axis = "y" if row == 1 else f"y{row}"
        for neuron in neurons:
            of = {"mapping": name, "neuron": neuron}
            colour = themed(of_neuron(neuron))
            x, y = wave(table, f"membrane_{layer}_{neuron}", "spice")
            at = thinned(x, y, TOLERANCE_V)
            told = f"layer {layer}, neuron {neuron}<br>%{{x:.4f}} µs, %{{y:.4f}} V<extra>SPICE</extra>"
            look = {"yaxis": axis, "of": of, "hovertemplate": told, "showlegend": False}
            found.append(line(x[at], y[at], colour, width=2.4, opacity=0.75, **look))
            x, y = _with_gaps(*wave(table, f"membrane_{layer}_{neuron}", "model"))
            told = told.replace("SPICE", "model")
            look["hovertemplate"] = told
            found.append(line(x, y, "var(--ink)", width=1.1, dash="dash", **look))
            x, y = wave(table, f"spike_{layer}_{neuron}", "spice")
            if len(y):
                base = total - 1 - ordinal
                at = thinned(x, y, 0.05)
                height = 0.75 * y[at] / max(float(y.max()), 0.5)
                told = f"layer {layer}, neuron {neuron}: %{{x:.4f}} µs<extra>spike in SPICE</extra>"
                look = {"yaxis": f"y{last}", "of": of, "hovertemplate": told, "showlegend": False}
                found.append(line(x[at], base + height, colour, width=1.4, **look))
            ordinal += 1
    return found


def _with_gaps(x: Array, y: Array) -> tuple[Array, Array]:
    """Thinned, with a NaN in every gap that the model has between its phases: a line across one would be an invention."""
    step = float(np.median(np.diff(x))) if len(x) > 1 else 0.0
    parts_x: list[Array] = []
    parts_y: list[Array] = []
    for part in np.split(np.arange(len(x)), np.flatnonzero(np.diff(x) > 1.5 * step) + 1):
        at = part[thinned(x[part], y[part], TOLERANCE_V)]
        parts_x += [x[at], np.array([np.nan])]
        parts_y += [y[at], np.array([np.nan])]
    return np.concatenate(parts_x), np.concatenate(parts_y)


def _chart(
    traces: list[dict[str, Any]], shown: dict[int, list[int]], model: PhysicalModel, timeline: Timeline | None
) -> Chart:
    """Membranes of a layer in a row each, spikes in the last; all share the time."""
    heights = [MEMBRANE_PX] * len(shown) + [40 + SPIKES_PX * sum(map(len, shown.values()))]
    total, gap = sum(heights), 0.055
    layout: dict[str, Any] = {
        "shapes": [],
        "annotations": [],
        "margin": {"t": 26, "r": 58},
        "hovermode": "closest",
    }
    top = 1.0
    for row, height in enumerate(heights, start=1):
        bottom = top - height / total
        key = "yaxis" if row == 1 else f"yaxis{row}"
        layout[key] = {"domain": [max(bottom, 0.0), top - (gap if row > 1 else 0.0)]}
        top = bottom
    for row, layer in enumerate(shown, start=1):
        axis = "y" if row == 1 else f"y{row}"
        layout["yaxis" if row == 1 else f"yaxis{row}"]["title"] = {"text": f"layer {layer} (V)"}
        for volts, told in ((model.v_0_V.value, "V₀"), (model.v_switch_V.value, "V_switch")):
            layout["shapes"].append(
                {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": axis, "y0": volts, "y1": volts,
                 "line": {"color": "var(--muted)", "width": 1, "dash": "dot"}}
            )  # fmt: skip
            layout["annotations"].append(
                {"text": told, "xref": "paper", "x": 1, "xanchor": "left", "yref": axis, "y": volts, "showarrow": False,
                 "font": {"size": 11, "color": "var(--muted)"}}
            )  # fmt: skip
        spans = phases(timeline, layer) if timeline is not None else []
        for phase in spans:
            start, end = 1e6 * phase.start_s, 1e6 * phase.end_s
            layout["shapes"].append(
                {"type": "rect", "x0": start, "x1": end, "yref": f"{axis} domain", "y0": 0, "y1": 1, "line": {"width": 0},
                 "fillcolor": "var(--grid)", "opacity": 0.55 if phase.name == "firing" else 0.28, "layer": "below"}
            )  # fmt: skip
            if phase.end_s - phase.start_s < NAMED * spans[-1].end_s:
                continue
            layout["annotations"].append(
                {"text": phase.name, "x": (start + end) / 2, "yref": f"{axis} domain", "y": 1, "yanchor": "bottom",
                 "showarrow": False, "font": {"size": 11, "color": "var(--muted)"}}
            )  # fmt: skip
    names = [f"{layer}.{neuron}" for layer, neurons in shown.items() for neuron in neurons]
    last = f"yaxis{len(heights)}"
    layout[last] |= {
        "title": {"text": "spikes"},
        "tickvals": [len(names) - 1 - k + 0.2 for k in range(len(names))],
        "ticktext": names,
        "showgrid": False,
        "range": [-0.3, len(names)],
        "tickfont": {"size": 10},
    }
    layout["xaxis"] = {"title": {"text": "time (µs)"}, "anchor": f"y{len(heights)}"}
    alt = "Membrane potentials by layer, in SPICE and dashed as the model has them, and the spikes below."
    return Chart("", alt, tuple(traces), layout, total + FRAME_PX, width="whole")
