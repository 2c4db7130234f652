"""Figures of the comparison: spike times, model against SPICE, and the decisions made from them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nonideal.characterize.plots import INK, MUTED, style
from nonideal.report.colours import of_mapping
from nonideal.report.units import quantity

Array = NDArray[np.float64]
BINS = 61


def output_spikes(spikes: pd.DataFrame) -> pd.DataFrame:
    """Spikes of the last layer."""
    return spikes[spikes["layer"] == spikes["layer"].max()]


def errors_ns(spikes: pd.DataFrame, mapping: str) -> Array:
    """SPICE minus model, in ns, of output spikes that both have."""
    table = output_spikes(spikes)
    pairs = table[(table["mapping"] == mapping) & (table["kind"] == "pair")]
    return 1e9 * (pairs["t_spice_s"] - pairs["t_model_s"]).to_numpy(float)


def error_histograms(spikes: pd.DataFrame, rmse_s: Mapping[str, float | None]) -> Figure:
    """Errors of all mappings on one axis, and the same around zero for the closest of them; ``rmse_s`` by mapping, as validation told it."""
    errors = {name: errors_ns(spikes, name) for name in rmse_s}
    errors = {name: values for name, values in errors.items() if len(values)}
    spread = {name: float(np.abs(values).max()) for name, values in errors.items()}
    wide = max(spread.values(), default=1.0) or 1.0
    narrow = min(spread.values(), default=1.0) or 1.0
    with style():
        figure = Figure(figsize=(8.4, 3.5))
        panels = figure.subplots(1, 2)
        for ax, limit, title in zip(
            panels, (wide, narrow), ("All errors, one axis", "The same, around zero"), strict=True
        ):
            edges = np.linspace(-1.05 * limit, 1.05 * limit, BINS if limit == wide else 41)
            for name, values in errors.items():
                label = f"{name}: RMSE {quantity(rmse_s[name], 's', 3)}, {len(values)} spikes"
                ax.hist(values, edges, color=of_mapping(name), alpha=0.35, histtype="stepfilled")
                ax.hist(values, edges, color=of_mapping(name), histtype="step", linewidth=1.3, label=label)
            ax.set_xlim(edges[0], edges[-1])
            ax.axvline(0.0, color=INK, linewidth=0.8, linestyle=":")
            ax.set_title(title)
            ax.set_xlabel("spike time in SPICE − in the model (ns)")
            ax.set_ylabel("output spikes per bin")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=len(errors))
    return figure


def scatter(spikes: pd.DataFrame, mappings: list[str], t_circ_s: float) -> Figure:
    """Model against SPICE, and the error over the model's time; unpaired spikes stand at the edges."""
    table = output_spikes(spikes)
    with style():
        figure = Figure(figsize=(8.4, 3.9))
        left, right = figure.subplots(1, 2)
        end = 1e9 * t_circ_s
        left.plot([0, end], [0, end], color=MUTED, linewidth=0.8, linestyle=":")
        right.axhline(0.0, color=MUTED, linewidth=0.8, linestyle=":")
        for name in mappings:
            own = table[table["mapping"] == name]
            pairs = own[own["kind"] == "pair"]
            model, spice = 1e9 * pairs["t_model_s"].to_numpy(float), 1e9 * pairs["t_spice_s"].to_numpy(float)
            look = {"color": of_mapping(name), "markersize": 4, "alpha": 0.65, "markeredgewidth": 0}
            marker = "s" if name == "ann" else "o"
            left.plot(model, spice, marker, label=name, **look)  # type: ignore[arg-type]
            right.plot(model, spice - model, marker, label=name, **look)  # type: ignore[arg-type]
            _unpaired(left, own, name, end)
        for ax, title, ylabel in (
            (left, "Spike times", "in SPICE (ns)"),
            (right, "Errors", "SPICE − model (ns)"),
        ):
            ax.set_title(title)
            ax.set_xlabel("in the model (ns)")
            ax.set_ylabel(ylabel)
        left.legend(loc="upper left", fontsize=8)
    return figure


def _unpaired(ax: Axes, own: pd.DataFrame, name: str, end_ns: float) -> None:
    """Missed spikes along the top (SPICE never fired), extra ones along the right edge."""
    missed = 1e9 * own.loc[own["kind"] == "missed", "t_model_s"].to_numpy(float)
    extra = 1e9 * own.loc[own["kind"] == "extra", "t_spice_s"].to_numpy(float)
    if len(missed):
        label = f"{name}: missed in SPICE ({len(missed)})"
        ax.plot(missed, np.full(len(missed), 1.06 * end_ns), "v", color=of_mapping(name), label=label)
    if len(extra):
        label = f"{name}: only in SPICE ({len(extra)})"
        ax.plot(np.full(len(extra), 1.06 * end_ns), extra, ">", color=of_mapping(name), label=label)


NO_SPIKE, FAILED = -1, -2


def decisions(spikes: pd.DataFrame, mapping: str, classes: int, t_circ_s: float) -> pd.Series:
    """By sample: the class whose output fires first in SPICE, ``NO_SPIKE`` or ``FAILED``."""
    from nonideal.postlayout.prediction import decide

    table = output_spikes(spikes)
    own = table[table["mapping"] == mapping].sort_values(["sample", "neuron"])
    failed = own.loc[own["kind"] == "failed", "sample"].unique()
    wide = own.pivot(index="sample", columns="neuron", values="t_spice_s")
    times = np.nan_to_num(wide.to_numpy(float), nan=np.inf, posinf=np.inf)
    decided = pd.Series(decide(times / t_circ_s, classes), index=wide.index)
    decided[decided.index.isin(failed)] = FAILED
    return decided


def confusion_counts(decided: pd.Series, labels: NDArray[np.int64], classes: int) -> Array:
    """Counts by true class (rows) and decision; the last two columns are no spike and no result."""
    counts = np.zeros((classes, classes + 2))
    for sample, decision in decided.items():
        column = {NO_SPIKE: classes, FAILED: classes + 1}.get(int(decision), int(decision))
        counts[labels[int(str(sample))], column] += 1
    return counts


def confusion(counts: dict[str, Array], classes: list[str]) -> Figure:
    """True class by row, decision in SPICE by column (see ``confusion_counts``)."""
    columns = [*classes, "no spike", "failed"]
    with style():
        figure = Figure(figsize=(8.4, 0.75 + 0.42 * max(len(classes), 4) + 0.6))
        panels = figure.subplots(1, len(counts), squeeze=False)[0]
        for ax, (name, table) in zip(panels, counts.items(), strict=True):
            top = max(float(table.max()), 1.0)
            for (row, column), count in np.ndenumerate(table):
                colour = of_mapping(name)
                ax.fill_between(
                    [column, column + 1], row, row + 1, color=colour, alpha=0.75 * count / top, linewidth=0
                )
                if count:
                    weight = "bold" if row == column else "normal"
                    ax.text(column + 0.5, row + 0.5, f"{count:g}", ha="center", va="center", weight=weight)
            ax.set_xlim(0, len(columns))
            ax.set_ylim(len(classes), 0)
            ax.grid(False)
            ax.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=25, ha="right")
            ax.set_yticks(np.arange(len(classes)) + 0.5, classes)
            ax.tick_params(length=0)
            ax.set_title(f"{name} in SPICE")
            ax.set_ylabel("true class")
            ax.set_xlabel("decision: who fires first")
    return figure
