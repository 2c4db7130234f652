"""What the figures draw: the data, the fitted lines, the phases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nonideal.characterize import plots
from nonideal.circuits.design import Timing
from nonideal.circuits.network.timeline import Timeline
from nonideal.postlayout.summary import ScaleTrial
from nonideal.report.cost_panels import best_factor
from nonideal.report.svg import inline_svg
from nonideal.report.waveform_figure import layers_of, phases, thinned, waveforms


def curves_of(builder: Any) -> pd.DataFrame:
    return pd.read_parquet(builder.path / "characterization" / "curves.parquet")


def test_firing_residual_is_measured_minus_formula(builder: Any, model: Any) -> None:
    curves = curves_of(builder.characterization(curves=True))
    late = curves["bench"] == "firing"
    curves.loc[late, "time_s"] += 1.5e-9
    bottom = plots.firing(model(), curves).axes[1]
    assert np.allclose(bottom.lines[-1].get_ydata(), 1.5, atol=1e-6)


def test_lambda_points_are_fitted_to_the_curves(builder: Any, model: Any) -> None:
    """The points come from the curves, the line from the model: they need not agree."""
    curves = curves_of(builder.characterization(curves=True))
    figure = plots.lambda_against_current(model(0.30), curves)
    assert np.allclose(figure.axes[0].lines[0].get_ydata(), 0.4137, atol=1e-4)
    assert figure.axes[0].lines[2].get_ydata()[0] == 0.30


def test_relative_currents_are_one_at_the_reset_level(builder: Any, model: Any) -> None:
    axes = plots.iv_families(model(), curves_of(builder.characterization(curves=True))).axes[0]
    line = axes.lines[0]
    assert np.interp(1.3, line.get_xdata(), line.get_ydata()) == pytest.approx(1.0)


@pytest.mark.parametrize("format", ["png", "svg"])
def test_saved_plots(builder: Any, model: Any, tmp_path: Path, format: Any) -> None:
    curves = curves_of(builder.characterization(curves=True))
    paths = plots.save_plots(model(), curves, tmp_path / "plots", format=format)
    assert [path.stem for path in paths] == list(plots.PLOTS)
    assert all(path.stat().st_size > 5000 for path in paths)
    assert sorted(tmp_path.rglob("*.part")) == []


def test_phases_follow_the_timeline() -> None:
    timeline = Timeline(Timing(t_circ_s=2e-6, guard_s=1e-7, reset_s=3e-7), 2)
    second = {phase.name: (phase.start_s, phase.end_s) for phase in phases(timeline, 2)}
    assert second["accumulation"] == pytest.approx((2.5e-6, 4.5e-6))
    assert second["firing"] == pytest.approx((4.6e-6, 6.6e-6))
    assert phases(timeline, 1)[2].start_s == second["accumulation"][0]


def test_layers_are_read_from_the_nets() -> None:
    nets = ["membrane_2_1", "membrane_1_0", "membrane_2_0", "spike_1_0", "membrane_10_3"]
    assert layers_of(pd.DataFrame({"net": nets})) == {1: [0], 2: [0, 1], 10: [3]}


def test_best_factor_is_the_parabolas_minimum() -> None:
    search = [
        ScaleTrial(factor=f, rmse_s=1e-9 * (1 + 400 * (f - 1.004) ** 2) ** 0.5)
        for f in (0.97, 0.985, 1.0, 1.015)
    ]
    assert best_factor(search) == pytest.approx(1.004, abs=1e-6)
    assert best_factor(search[:2]) is None


def test_inline_svg_stands_alone(builder: Any, model: Any) -> None:
    figure = plots.firing(model(), curves_of(builder.characterization(curves=True)))
    text = inline_svg(figure, "firing", 'residuals < 1 ns & "small"')
    assert text.startswith('<svg class="plot" role="img" viewBox="0 0 ')
    assert "residuals &lt; 1 ns &amp; &#34;small&#34;" in text
    assert "xlink" not in text
    assert "http" not in text
    assert "var(--ink)" in text
    assert plots.INK not in text


def test_thinning_keeps_the_corners_and_the_tolerance() -> None:
    x = np.linspace(0, 3, 1501)
    y = np.where(x < 1, 0.0, np.where(x < 2, x - 1, 1.0)) + 1e-4 * np.sin(40 * x)
    kept = thinned(x, y, 1e-3)
    assert len(kept) < 12
    assert np.abs(np.interp(x, x[kept], y[kept]) - y).max() <= 1e-3
    assert {0, 1500} <= set(kept.tolist())
    assert len(thinned(x[:0], y[:0], 1e-3)) == 0


def test_figures_follow_a_network_of_any_size(builder: Any, model: Any) -> None:
    builder.validation()
    table = pd.read_parquet(builder.path / "validation" / "worst_pnn.parquet")
    figure = waveforms(table, model(), Timeline(Timing(), 2))
    hidden, output, spikes = figure.axes
    assert (hidden.get_title(loc="left"), output.get_title(loc="left")) == (
        "Layer 1, hidden",
        "Layer 2, output layer",
    )
    assert [label.get_text() for label in spikes.get_yticklabels()] == ["1.0", "1.1", "2.0", "2.1", "2.2"]
    starts = [path.vertices[:, 0].min() for bars in spikes.collections for path in bars.get_paths()]
    assert np.allclose(starts, 2.0, atol=0.06)  # all spike at 2 us


@pytest.mark.parametrize("gap", [False, True])
def test_no_line_is_drawn_where_the_model_says_nothing(builder: Any, model: Any, gap: bool) -> None:
    builder.validation()
    table = pd.read_parquet(builder.path / "validation" / "worst_pnn.parquet")
    middle = table["time_s"].between(1e-6, 1.5e-6) & (table["source"] == "model") & gap
    table.loc[middle, "volts_V"] = np.nan
    hidden = waveforms(table, model(), None).axes[0]
    dashed = [line for line in hidden.lines if line.get_color() == plots.INK and len(line.get_xdata())]
    crossing = [line for line in dashed if min(line.get_xdata()) < 1.0 and max(line.get_xdata()) > 1.5]
    assert len(crossing) == (0 if gap else 2)
