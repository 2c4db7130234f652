"""What counts as a pair, a missed, an extra spike; and what enters which number."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonideal.postlayout.comparison import SPIKE_COLUMNS, classify, spike_table, statistics

T, WINDOW = 1e-6, 1.025e-6
INF = math.inf


@pytest.mark.parametrize(("model", "spice", "kind"), [
    (0.4e-6, 0.5e-6, "pair"),
    (0.999e-6, 1.001e-6, "pair"),
    (1.001e-6, 0.999e-6, "pair"),
    (0.999e-6, WINDOW, "pair"),
    (0.999e-6, INF, "missed"),
    (0.0, 1.03e-6, "missed"),
    (INF, 0.5e-6, "extra"),
    (1.03e-6, 0.999e-6, "extra"),
    (T, T, "silent"),
    (1.001e-6, 1.002e-6, "silent"),
    (1.5e-6, INF, "silent"),
    (INF, INF, "silent"),
    (0.5e-6, math.nan, "missed"),
])  # fmt: skip
def test_kinds(model: float, spice: float, kind: str) -> None:
    assert classify(np.array([model]), np.array([spice]), T, WINDOW)[0] == kind


TIMES = st.floats(0, 2e-6) | st.just(INF)


@given(model=TIMES, spice=TIMES)
def test_missed_and_extra_are_mirror_images(model: float, spice: float) -> None:
    mirror = {"pair": "pair", "silent": "silent", "missed": "extra", "extra": "missed"}
    one, other = (
        str(classify(np.array([a]), np.array([b]), T, WINDOW)[0]) for a, b in ((model, spice), (spice, model))
    )
    assert other == mirror[one]
    assert (one == "silent") == (min(model, spice) >= T)


def table() -> pd.DataFrame:
    model = np.array([[0.4e-6, 0.5e-6, 0.999e-6], [0.2e-6, INF, INF]])
    spice = np.array([[0.403e-6, INF, 0.995e-6], [0.2e-6, 0.9e-6, INF]])
    return spike_table("pnn", [3, 7], [model], [spice], T, WINDOW)


def test_statistics_are_over_pairs_and_count_the_rest() -> None:
    found = statistics(table())
    assert (found.pairs, found.missed, found.extra) == (3, 1, 1)
    assert found.rmse_s == pytest.approx(math.sqrt((9 + 16) / 3) * 1e-9, rel=1e-9, abs=0)
    assert found.max_error_s == pytest.approx(4e-9, rel=1e-9, abs=0)
    assert found.mean_error_s == pytest.approx(-1e-9 / 3, rel=1e-9, abs=0)


def test_a_missed_spike_enters_no_average() -> None:
    whole = table()
    assert statistics(whole).rmse_s == statistics(whole[whole["kind"] == "pair"]).rmse_s


@pytest.mark.parametrize("kinds", [[], ["missed", "silent", "failed"]])
def test_without_pairs_there_is_no_number(kinds: list[str]) -> None:
    part = pd.DataFrame({"t_model_s": [1e-7] * len(kinds), "t_spice_s": [INF] * len(kinds), "kind": kinds})
    found = statistics(part)
    assert math.isnan(found.rmse_s)
    assert math.isnan(found.max_error_s)
    assert math.isnan(found.mean_error_s)
    assert (found.pairs, found.missed, found.extra) == (0, kinds.count("missed"), 0)


def test_the_long_table_has_a_row_for_every_neuron_of_every_sample() -> None:
    rng = np.random.default_rng(0)
    layers = [rng.uniform(0, 2e-6, (2, 3)), rng.uniform(0, 2e-6, (2, 4))]
    later = [layer + 1e-9 for layer in layers]
    rows = spike_table("ann", [5, 9], layers, later, T, WINDOW)
    assert set(rows.columns) == set(SPIKE_COLUMNS)
    assert len(rows) == 2 * 3 + 2 * 4
    one = rows[(rows["layer"] == 2) & (rows["sample"] == 9) & (rows["neuron"] == 3)]
    assert len(one) == 1
    assert one["t_model_s"].item() == layers[1][1, 3]
    assert one["t_spice_s"].item() == later[1][1, 3]
    assert (rows["mapping"] == "ann").all()
