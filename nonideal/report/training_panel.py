"""Training to explore: loss and accuracy over the epochs, each seed thin, their median thick."""

from __future__ import annotations

from typing import Any

import pandas as pd

from nonideal.report.blocks import Chart, Panel
from nonideal.report.colours import of_mapping, themed
from nonideal.report.traces import axes, label, line


def training_panel(metrics: dict[str, dict[int, pd.DataFrame]], caption: str) -> Panel:
    """``metrics``: by variant and seed a table with ``epoch``, ``loss`` and ``test_accuracy``."""
    return Panel(
        name="training-curves",
        title="Loss and accuracy by epoch",
        caption=caption,
        charts=(
            _chart(metrics, "loss", 1.0, "Training loss", "loss", {"rangemode": "tozero"}),
            _chart(metrics, "test_accuracy", 100.0, "Accuracy on held-out samples", "accuracy (%)", {}),
        ),
    )


def _chart(
    metrics: dict[str, dict[int, pd.DataFrame]],
    column: str,
    factor: float,
    title: str,
    y: str,
    yaxis: dict[str, Any],
) -> Chart:
    traces = []
    for variant, seeds in metrics.items():
        colour, name = themed(of_mapping(variant)), label(variant)
        for seed, table in seeds.items():
            told = f"epoch %{{x}}: %{{y:.4g}}<extra>seed {seed}</extra>"
            look = {"legendgroup": name, "showlegend": False, "hovertemplate": told}
            traces.append(
                line(table["epoch"], factor * table[column], colour, width=0.9, opacity=0.35, **look)
            )
        together = pd.concat([t.set_index("epoch")[column] for t in seeds.values()], axis=1, sort=True)
        middle = factor * together.median(axis=1)
        told = f"epoch %{{x}}: %{{y:.4g}}<extra>median of {len(seeds)}</extra>"
        traces.append(
            line(
                middle.index,
                middle,
                colour,
                width=2.4,
                legendgroup=name,
                name=name,
                showlegend=True,
                hovertemplate=told,
            )
        )
    return Chart(title, f"{title} by epoch.", tuple(traces), axes("epoch", y, yaxis=yaxis), 300)
