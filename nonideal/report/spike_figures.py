"""Figures of the comparison: spike times, model against SPICE, and the decisions made from them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nonideal.characterize.plots import INK, style
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
