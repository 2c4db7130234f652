"""Decisions from spikes: who fires first, no spike, no result."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nonideal.report.spike_figures import (
    FAILED,
    NO_SPIKE,
    confusion_counts,
    decisions,
    error_histograms,
    errors_ns,
)

T = 1e-6
COLUMNS = ["sample", "layer", "neuron", "mapping", "t_model_s", "t_spice_s", "kind"]


def table() -> pd.DataFrame:
    rows = [
        (0, 2, 0, "pnn", 3e-7, 3e-7, "pair"), (0, 2, 1, "pnn", 4e-7, 2.9e-7, "pair"),
        (1, 2, 0, "pnn", 5e-7, np.inf, "missed"), (1, 2, 1, "pnn", np.inf, 9e-7, "extra"),
        (2, 2, 0, "pnn", 1.2e-6, 1.01e-6, "silent"), (2, 2, 1, "pnn", 1.5e-6, np.inf, "silent"),
        (3, 2, 0, "pnn", 3e-7, np.nan, "failed"), (3, 2, 1, "pnn", 4e-7, np.nan, "failed"),
        (0, 1, 0, "pnn", 1e-7, 2e-7, "pair"), (0, 2, 0, "ann", 1e-7, 6e-7, "pair"),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def test_decisions() -> None:
    assert decisions(table(), "pnn", 2, T).to_dict() == {0: 1, 1: 1, 2: NO_SPIKE, 3: FAILED}


def test_counts() -> None:
    counts = confusion_counts(decisions(table(), "pnn", 2, T), np.array([1, 0, 0, 1]), 2)
    assert counts.tolist() == [[0, 1, 1, 0], [0, 1, 0, 1]]


def test_errors_are_of_output_pairs_only() -> None:
    assert np.allclose(np.sort(errors_ns(table(), "pnn")), [-110.0, 0.0])
    assert np.allclose(errors_ns(table(), "ann"), [500.0])


def test_the_histogram_tells_what_validation_told() -> None:
    figure = error_histograms(table(), {"pnn": 77e-9, "ann": None})
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told[0] == "pnn: RMSE 77 ns, 2 spikes"
    assert len(told) == 2
