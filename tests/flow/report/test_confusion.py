"""Decisions from spikes: who fires first, no spike, no result."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from flow.report.spike_figures import (
    FAILED,
    NO_SPIKE,
    confusion_counts,
    decisions,
    errors_ns,
    used_outputs_rmse_s,
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


def test_outputs_that_stand_for_no_class_are_left_out_on_request() -> None:
    """Neuron 1 alone is 110 ns early; with both, the RMSE halves its square."""
    assert used_outputs_rmse_s(table(), "pnn", 2) == pytest.approx(110e-9 / np.sqrt(2))
    assert used_outputs_rmse_s(table(), "pnn", 1) == pytest.approx(0.0, abs=1e-15)
    assert used_outputs_rmse_s(table(), "none", 2) is None
