"""The figure of one sample's waveforms: membranes and spikes over the phases, the model over SPICE."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.plots import GRID, INK, MUTED, style
from nonideal.circuits.network.timeline import Timeline
from nonideal.report.colours import of_neuron

Array = NDArray[np.float64]
TOLERANCE_V = 5e-4
"""How far a drawn line may be from the waveform: a third of its width."""
SHOWN = 6
"""So many neurons of a layer at most: more lines than colours cannot be told apart."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A span of time (s) and what a layer does in it."""

    start_s: float
    end_s: float
    name: str


def phases(timeline: Timeline, layer: int) -> list[Phase]:
    """Reset, accumulation and firing of a layer."""
    begin, fire, t_circ_s = timeline.accumulation_s(layer), timeline.firing_s(layer), timeline.timing.t_circ_s
    return [
        Phase(0.0, begin - timeline.timing.guard_s / 2, "reset"),
        Phase(begin, begin + t_circ_s, "accumulation"),
        Phase(fire, fire + t_circ_s, "firing"),
    ]


def waveforms(table: pd.DataFrame, model: PhysicalModel, timeline: Timeline | None) -> Figure:
    """Membrane potentials by layer (SPICE in colour, the model dashed) and, below, the spikes."""
    layers = layers_of(table)
    heights = [2.2] * len(layers) + [0.5 + 0.22 * sum(min(len(n), SHOWN) for n in layers.values())]
    with style():
        figure = Figure(figsize=(8.4, 0.6 + sum(heights)))
        axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
        for ax, (layer, neurons) in zip(axes[:-1], layers.items(), strict=True):
            _membranes(ax, table, layer, neurons[:SHOWN])
            for level, name in ((model.v_0_V.value, "V₀"), (model.v_switch_V.value, "V_switch")):
                ax.axhline(level, color=MUTED, linewidth=0.8, linestyle=":")
                ax.annotate(name, (1.0, level), xycoords=("axes fraction", "data"), xytext=(4, 0),
                            textcoords="offset points", va="center", fontsize=8)  # fmt: skip
            title = "output layer" if layer == max(layers) else f"hidden layer {layer}"
            more = f" (first {SHOWN} of {len(neurons)} neurons)" if len(neurons) > SHOWN else ""
            ax.set_title(
                f"Layer {layer}, {title}{more}" if layer == max(layers) else f"Layer {layer}, hidden{more}",
                pad=17,
            )
            ax.set_ylabel("membrane (V)")
            if timeline is not None:
                _shade(ax, phases(timeline, layer))
        _spikes(axes[-1], table, layers)
        axes[-1].set_xlabel("time (µs)")
        axes[-1].set_xlim(0, 1e6 * float(table["time_s"].max()))
        axes[0].plot([], [], color=MUTED, linewidth=2.4, alpha=0.6, label="SPICE (one colour a neuron)")
        axes[0].plot([], [], color=INK, linewidth=1.0, linestyle=(0, (4, 2)), label="model")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure


def layers_of(table: pd.DataFrame) -> dict[int, list[int]]:
    """Neurons by layer, from the names of the membranes."""
    found: dict[int, list[int]] = {}
    for net in table["net"].unique():
        match = re.fullmatch(r"membrane_(\d+)_(\d+)", net)
        if match:
            found.setdefault(int(match[1]), []).append(int(match[2]))
    return {layer: sorted(found[layer]) for layer in sorted(found)}


def wave(table: pd.DataFrame, net: str, source: str) -> tuple[Array, Array]:
    """Times in µs and volts, where there are any."""
    part = table[(table["net"] == net) & (table["source"] == source)].dropna(subset="volts_V")
    return 1e6 * part["time_s"].to_numpy(float), part["volts_V"].to_numpy(float)


def thinned(x: Array, y: Array, tolerance: float) -> NDArray[np.intp]:
    """Indices of the points that a line needs to stay within ``tolerance`` of all (Douglas-Peucker)."""
    keep = np.zeros(len(x), bool)
    spans = [(0, len(x) - 1)] if len(x) else []
    while spans:
        first, last = spans.pop()
        keep[[first, last]] = True
        if last - first < 2:
            continue
        line = np.interp(x[first + 1 : last], x[[first, last]], y[[first, last]])
        away = np.abs(y[first + 1 : last] - line)
        worst = int(away.argmax())
        if away[worst] > tolerance:
            spans += [(first, first + 1 + worst), (first + 1 + worst, last)]
    return np.flatnonzero(keep)


def _membranes(ax: Axes, table: pd.DataFrame, layer: int, neurons: list[int]) -> None:
    for neuron in neurons:
        net = f"membrane_{layer}_{neuron}"
        x, y = wave(table, net, "spice")
        at = thinned(x, y, TOLERANCE_V)
        ax.plot(x[at], y[at], color=of_neuron(neuron), linewidth=2.4, alpha=0.6)
        x, y = wave(table, net, "model")
        # The model has gaps between its phases: a line across one would be an invention.
        step = float(np.median(np.diff(x))) if len(x) > 1 else 0.0
        for part in np.split(np.arange(len(x)), np.flatnonzero(np.diff(x) > 1.5 * step) + 1):
            at = part[thinned(x[part], y[part], TOLERANCE_V)]
            ax.plot(x[at], y[at], color=INK, linewidth=0.9, linestyle=(0, (4, 2)))


def _shade(ax: Axes, spans: list[Phase]) -> None:
    for phase in spans:
        start, end = 1e6 * phase.start_s, 1e6 * phase.end_s
        ax.axvspan(start, end, color=GRID, alpha=0.75 if phase.name == "firing" else 0.35, linewidth=0)
        ax.annotate(phase.name, ((start + end) / 2, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3),
                    textcoords="offset points", ha="center", va="bottom", fontsize=8)  # fmt: skip


def _spikes(ax: Axes, table: pd.DataFrame, layers: dict[int, list[int]]) -> None:
    """Digital traces, one above the other: the first layer on top."""
    rows = [(layer, neuron) for layer, neurons in layers.items() for neuron in neurons[:SHOWN]]
    ticks = []
    for row, (layer, neuron) in enumerate(rows):
        base = len(rows) - 1 - row
        ticks.append((base + 0.35, f"{layer}.{neuron}"))
        ax.axhline(base, color=of_neuron(neuron), linewidth=0.8, alpha=0.55)
        ax.broken_barh(
            _high(*wave(table, f"spike_{layer}_{neuron}", "spice")),
            (base, 0.7),
            color=of_neuron(neuron),
            alpha=0.6,
        )
    ax.set_yticks([at for at, _ in ticks], [name for _, name in ticks], fontsize=7.5)
    ax.set_ylim(-0.2, len(rows))
    ax.grid(axis="y", visible=False)
    ax.set_title("Spikes in SPICE")
    ax.set_ylabel("layer.neuron")


def _high(x: Array, y: Array) -> list[tuple[float, float]]:
    """Spans (start, width) in which a digital signal is above half its supply."""
    if not len(y) or y.max() < 0.5:
        return []
    level = np.concatenate(([False], y > y.max() / 2, [False]))
    rises, falls = np.flatnonzero(~level[:-1] & level[1:]), np.flatnonzero(level[:-1] & ~level[1:])
    ends = np.minimum(falls, len(x) - 1)
    return [(float(a), float(b - a)) for a, b in zip(x[rises], x[ends], strict=True)]
