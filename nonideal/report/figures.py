"""Figures of training, of the search for the current scale, and of the energy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nonideal.characterize.plots import INK, style
from nonideal.report.colours import of_mapping


def training_curves(metrics: dict[str, dict[int, pd.DataFrame]]) -> Figure:
    """Loss and held-out accuracy over the epochs: each seed thin, their median thick."""
    with style():
        figure = Figure(figsize=(8.4, 3.4))
        left, right = figure.subplots(1, 2)
        for variant, seeds in metrics.items():
            for ax, column, factor in ((left, "loss", 1.0), (right, "test_accuracy", 100.0)):
                for table in seeds.values():
                    ax.plot(
                        table["epoch"],
                        factor * table[column],
                        color=of_mapping(variant),
                        linewidth=0.7,
                        alpha=0.3,
                    )
                together = pd.concat(
                    [t.set_index("epoch")[column] for t in seeds.values()], axis=1, sort=True
                )
                middle = factor * together.median(axis=1)
                label = f"{variant}, median of {len(seeds)} seed{'s' * (len(seeds) > 1)}"
                ax.plot(middle.index, middle, color=of_mapping(variant), linewidth=2.0, label=label)
        left.set_title("Loss")
        left.set_ylabel("training loss")
        left.set_ylim(bottom=0)
        right.set_title("Accuracy on held-out samples")
        right.set_ylabel("accuracy (%)")
        right.legend(loc="lower right")
        for ax in (left, right):
            ax.set_xlabel("epoch")
    return figure


def best_factor(search: list[dict[str, float]]) -> float | None:
    """Where the parabola through the three lowest squared errors has its minimum; None without three."""
    points = sorted(search, key=lambda point: point["rmse_s"])[:3]
    if len(points) < 3:
        return None
    factor = np.array([p["factor"] for p in points])
    curvature, slope, _ = np.polyfit(
        factor - factor[0], np.array([1e9 * p["rmse_s"] for p in points]) ** 2, 2
    )
    return float(factor[0] - slope / (2 * curvature)) if curvature > 0 else None


def scale_search(mappings: dict[str, dict[str, Any]]) -> Figure:
    """RMSE on the calibration samples in SPICE against the factor on all currents, with the parabola used."""
    shown = {name: row["scale_search"] for name, row in mappings.items() if row.get("scale_search")}
    with style():
        figure = Figure(figsize=(8.4, 3.1))
        panels = figure.subplots(1, max(len(shown), 1), squeeze=False)[0]
        for ax, (name, search) in zip(panels, shown.items(), strict=False):
            factor = np.array([point["factor"] for point in search])
            rmse_ns = 1e9 * np.array([point["rmse_s"] for point in search])
            ax.plot(factor, rmse_ns, "o", color=of_mapping(name))
            best = best_factor(search)
            if best is not None:
                lowest = np.argsort(rmse_ns)[:3]
                grid = np.linspace(factor[lowest].min(), factor[lowest].max(), 60)
                fit = np.polyfit(factor[lowest] - best, rmse_ns[lowest] ** 2, 2)
                square = np.clip(np.polyval(fit, grid - best), 0, None)
                ax.plot(grid, np.sqrt(square), color=of_mapping(name))
                ax.axvline(best, color=INK, linewidth=0.9, linestyle=":")
            ax.set_title(name if best is None else f"{name}: smallest at {best:.4f}")
            ax.set_xlabel("factor on all currents")
            ax.set_ylabel("RMSE, calibration (ns)")
            ax.margins(x=0.08, y=0.12)
    return figure


def energy(mappings: dict[str, dict[str, Any]]) -> Figure:
    """Energy drawn from the supplies for one inference."""
    found = {name: row["energy_per_inference_J"] for name, row in mappings.items()}
    shown = {name: 1e12 * value for name, value in found.items() if value is not None}
    with style():
        figure = Figure(figsize=(8.4, 0.8 + 0.42 * max(len(shown), 1)))
        ax = figure.subplots()
        names = list(shown)
        ax.barh(names, list(shown.values()), color=[of_mapping(name) for name in names], height=0.6)
        for position, value in enumerate(shown.values()):
            ax.annotate(
                f"{value:.3g} pJ", (value, position), xytext=(5, 0), textcoords="offset points", va="center"
            )
        ax.set_xlim(0, 1.15 * max(shown.values(), default=1.0))
        ax.invert_yaxis()
        ax.grid(axis="y", visible=False)
        ax.set_xlabel("energy per inference (pJ)")
    return figure
