"""Spikes to explore: the model over SPICE, errors and their histograms, by layer, neuron and sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from nonideal.report.blocks import Chart, Choice, Panel
from nonideal.report.colours import of_mapping, themed
from nonideal.report.traces import axes, label, numbers

MOST = 30_000
"""So many spikes at most; a page with more is slow."""
EDGE = 1.06
"""Where spikes stand that only one of the two has: beyond the end of the phase."""
KEY = ("sample", "layer", "neuron")
HOVER = "sample %{customdata[0]}, layer %{customdata[1]}, neuron %{customdata[2]}"


def spike_panel(
    spikes: pd.DataFrame, names: list[str], t_circ_s: float, labels: list[str] | None, caption: str
) -> Panel:
    """All spikes of ``names``; ``labels``: the true class of every sample, where it is known."""
    end_ns = 1e9 * t_circ_s
    compared = spikes[spikes["mapping"].isin(names) & spikes["kind"].isin(("pair", "missed", "extra"))]
    shown = _first_samples(compared)
    rows = _rows(shown, end_ns)
    samples = sorted(int(sample) for sample in shown["sample"].unique())
    last = int(shown["layer"].max()) if len(shown) else 0
    layers = sorted(int(layer) for layer in shown["layer"].unique())
    neurons = sorted(int(neuron) for neuron in shown["neuron"].unique())
    told = f" Shown are the first {len(samples)} samples." if len(shown) < len(compared) else ""
    return Panel(
        name="spikes",
        title="Every spike, model against SPICE",
        caption=caption + told,
        charts=(
            _scatter(names, end_ns),
            _errors(names),
            *(_histogram(name, shown, "half" if len(names) in (1, 2, 4) else "third") for name in names),
        ),
        choices=(
            Choice("mapping", "Mapping", tuple((name, name) for name in names), "all"),
            Choice("layer", "Layer", tuple((k, _layer(k, last)) for k in reversed(layers)), "all", last),
            Choice("neuron", "Neuron", tuple((k, str(k)) for k in neurons), "all"),
            Choice("sample", "Sample", tuple((k, _sample(k, labels)) for k in samples), "all"),
        ),
        rows=rows,
        summary="error_ns",
    )


def _layer(layer: int, last: int) -> str:
    return f"{layer}, output" if layer == last else f"{layer}, hidden"


def _sample(sample: int, labels: list[str] | None) -> str:
    return f"{sample}, {labels[sample]}" if labels is not None and sample < len(labels) else str(sample)


def _first_samples(spikes: pd.DataFrame) -> pd.DataFrame:
    """As many whole samples as a page can hold."""
    if len(spikes) <= MOST:
        return spikes
    counts = spikes.groupby("sample").size().sort_index().cumsum()
    return spikes[spikes["sample"].isin(counts.index[counts <= MOST])]


def _rows(spikes: pd.DataFrame, end_ns: float) -> dict[str, list[Any]]:
    model_ns, spice_ns = (1e9 * spikes[name].to_numpy(float) for name in ("t_model_s", "t_spice_s"))
    kind = spikes["kind"].to_numpy(str)
    paired = kind == "pair"
    error_ns = np.where(paired, spice_ns - model_ns, np.nan)
    return {
        "mapping": [str(name) for name in spikes["mapping"]],
        "kind": kind.tolist(),
        **{name: spikes[name].astype(int).tolist() for name in KEY},
        "model_ns": numbers(np.where(kind == "extra", EDGE * end_ns, model_ns)),
        "spice_ns": numbers(np.where(kind == "missed", EDGE * end_ns, spice_ns)),
        "error_ns": numbers(error_ns, 5),
    }


def _dots(name: str, kind: str, y: str, **look: Any) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(name),
        "legendgroup": label(name),
        "draw": {"x": "model_ns", "y": y, "customdata": [*KEY, "error_ns", "model_ns", "spice_ns"]},
        "where": {"mapping": name, "kind": kind},
        "marker": {"color": themed(of_mapping(name)), "size": 6, "opacity": 0.65, **look},
    }


def _scatter(names: list[str], end_ns: float) -> Chart:
    traces: list[dict[str, Any]] = []
    for name in names:
        paired = "<br>model %{x:.2f} ns, SPICE %{y:.2f} ns<br>error %{customdata[3]:+.3f} ns"
        traces.append(_dots(name, "pair", "spice_ns") | {"hovertemplate": HOVER + paired})
        for kind, told, symbol in (
            ("missed", "<br>missed: model %{x:.1f} ns, none in SPICE", "triangle-down"),
            ("extra", "<br>extra: SPICE %{y:.1f} ns, none in the model", "triangle-right"),
        ):
            look = {"symbol": symbol, "size": 9, "opacity": 0.9}
            traces.append(
                _dots(name, kind, "spice_ns", **look) | {"hovertemplate": HOVER + told, "showlegend": False}
            )
    diagonal = {
        "type": "line",
        "x0": 0,
        "y0": 0,
        "x1": end_ns,
        "y1": end_ns,
        "line": {"color": "var(--muted)", "width": 1, "dash": "dot"},
    }
    layout = axes("spike time in the model (ns)", "in SPICE (ns)", shapes=[diagonal])
    alt = "Spike times in SPICE over spike times in the model; on the diagonal they agree."
    return Chart("Spike times", alt, tuple(traces), layout, 360)


def _errors(names: list[str]) -> Chart:
    told = "<br>%{y:+.3f} ns at %{x:.1f} ns"
    traces = tuple(
        _dots(name, "pair", "error_ns") | {"hovertemplate": HOVER + told, "showlegend": True}
        for name in names
    )
    layout = axes(
        "spike time in the model (ns)",
        "SPICE − model (ns)",
        yaxis={"zeroline": True, "zerolinecolor": "var(--muted)"},
    )
    return Chart("Errors", "SPICE minus model over the model's spike time.", traces, layout, 360)


def _histogram(name: str, spikes: pd.DataFrame, width: str) -> Chart:
    own = spikes[(spikes["mapping"] == name) & (spikes["kind"] == "pair")]
    error_ns = 1e9 * (own["t_spice_s"] - own["t_model_s"]).to_numpy(float)
    reach = float(np.abs(error_ns).max()) if len(error_ns) else 1.0
    reach = reach or 1.0
    trace = {
        "type": "histogram",
        "name": label(name),
        "draw": {"x": "error_ns"},
        "where": {"mapping": name, "kind": "pair"},
        "xbins": {"start": -1.025 * reach, "end": 1.025 * reach, "size": 2.05 * reach / 41},
        "marker": {"color": themed(of_mapping(name)), "opacity": 0.8},
        "hovertemplate": "%{y} spikes, %{x} ns<extra></extra>",
    }
    layout = axes(
        "SPICE − model (ns)",
        "spikes",
        xaxis={"range": [-1.05 * reach, 1.05 * reach], "zeroline": True, "zerolinecolor": "var(--muted)"},
        bargap=0.06,
        margin={"t": 8},
    )
    return Chart(f"Errors of {name}", f"Histogram of the errors of {name}.", (trace,), layout, 230, width)
