"""What the plots draw: number of artists, limits, labels, and that what is drawn is what was computed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib import pyplot

from nonideal.characterize.model import PhysicalModel
from nonideal.pnn import (
    BadParameter,
    DataError,
    Discharger,
    FirstSpike,
    RCSpikeLinear,
    RCSpikeNetwork,
    Reversal,
    TrainingOptions,
    load_dataset,
    plot_membranes,
    plot_spikes,
    plot_training,
    train,
    variant_options,
)

PAPER = Reversal.constant(2.80, -1.53)


@pytest.fixture(autouse=True)
def _no_window() -> Iterator[None]:
    before = mpl.get_backend()
    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")
    pyplot.switch_backend(before)


def test_spikes_of_every_layer() -> None:
    torch.manual_seed(0)
    network = RCSpikeNetwork((6, 5, 3), PAPER, Discharger(0.15))
    x = torch.rand(4, 6, dtype=torch.float64)
    x[2, 1] = torch.inf
    times = [x, *network.predict_times(x)]
    ax = plot_spikes(times, sample=2, names=["axons", "hidden", "outputs"])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["axons", "hidden", "outputs"]
    assert list(ax.get_yticks()) == [2.5, 8.0, 12.0]
    assert ax.get_xlabel() == "spike time (T_circ)"
    assert ax.get_ylim() == (-0.5, 13.5)
    assert len(ax.collections) == 6, "spikes and silent neurons of every layer"
    assert len(ax.lines) == 2, "between the layers"
    drawn = np.concatenate([np.asarray(one.get_offsets()) for one in ax.collections])
    drawn = drawn[np.argsort(drawn[:, 1])]
    np.testing.assert_allclose(drawn[:, 0], torch.cat([t[2] for t in times]).clamp(max=1.0).numpy())
    assert len(ax.collections[1].get_offsets()) == 1, "the axon without a spike"
    same = pyplot.subplots()[1]
    assert plot_spikes([FirstSpike(torch.rand(1, 2, 3, 3), 4.0)], horizon=4.0, ax=same) is same
    assert same.get_xlim() == pytest.approx((-0.08, 4.08))
    assert len(same.collections[0].get_offsets()) == 18


def test_membranes_and_where_they_fire() -> None:
    torch.manual_seed(0)
    layer = RCSpikeLinear(6, 4, PAPER, Discharger(0.15))
    with torch.no_grad():
        layer.weight.abs_()
        layer.weight[3] *= -1.0  # stays below rest: silent
    x = torch.rand(3, 6)
    ax = plot_membranes(layer, x, sample=1)
    curves = [line for line in ax.lines if str(line.get_label()).startswith("neuron")]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert (len(curves), len(dots)) == (4, 3)
    assert ax.get_xlim() == (0.0, 2.0)
    assert ax.get_ylabel() == "membrane potential (V_th)"
    spike = layer.double()(x[1:2].double())
    for neuron, dot in enumerate(dots):
        time, v = (float(np.asarray(one)[0]) for one in dot.get_data())
        assert time == pytest.approx(1.0 + float(spike.spike_time[0, neuron]), abs=1e-9)
        assert v == pytest.approx(1.0)
        at = np.asarray(curves[neuron].get_xdata()) == 1.0
        assert np.asarray(curves[neuron].get_ydata())[at][0] == pytest.approx(
            float(spike.membrane[0, neuron].detach())
        )
    assert float(np.asarray(curves[3].get_xdata())[-1]) == 2.0, "a silent one is drawn to the phase's end"
    only = plot_membranes(layer, x, neurons=[2], ax=pyplot.subplots()[1])
    assert [str(line.get_label()) for line in only.lines if "neuron" in str(line.get_label())] == ["neuron 2"]


def test_the_course_of_a_training(tmp_path: Path, paper_model: PhysicalModel) -> None:
    options = variant_options("pnn", paper_model, (5, 5, 3))
    few = TrainingOptions(epochs=4, log_every=1, tensorboard=False)
    result = train(load_dataset("iris"), options, few, tmp_path, show_progress=False)
    for given in (result, tmp_path, str(tmp_path / "metrics.csv")):
        loss, accuracy = plot_training(given)
        assert [len(loss.lines), len(accuracy.lines)] == [1, 2]
        assert list(np.asarray(loss.lines[0].get_xdata())) == [1.0, 2.0, 3.0, 4.0]
        assert np.asarray(accuracy.lines[1].get_ydata())[-1] == pytest.approx(100.0 * result.test_accuracy)
        assert (loss.get_xlabel(), loss.get_ylabel(), accuracy.get_ylabel()) == (
            "epoch",
            "loss",
            "accuracy (%)",
        )
        assert loss.get_yscale() == "log"
        legend = accuracy.get_legend()
        assert legend is not None
        assert [text.get_text() for text in legend.get_texts()] == [
            "loss",
            "training accuracy",
            "test accuracy",
        ]


def test_what_cannot_be_drawn_is_named(tmp_path: Path) -> None:
    layer = RCSpikeLinear(6, 4, PAPER)
    t = torch.rand(3, 6)
    for call, told in (
        (lambda: plot_spikes([]), "layers has 0 layers"),
        (lambda: plot_spikes([t[0]]), r"layers\[0\] has shape \[6\]: give spike times \[B, N\]"),
        (lambda: plot_spikes([t * torch.nan]), r"layers\[0\]: sample 0 holds NaN"),
        (lambda: plot_spikes([t], sample=3), "sample = 3: give a whole number, at least 0 and at most 2"),
        (lambda: plot_spikes([t], names=["a", "b"]), "names has 2 names for 1 layers"),
        (lambda: plot_membranes(layer, t, neurons=[4]), "neurons = 4: give a whole number"),
        (lambda: plot_membranes(t, t), "layer is Tensor"),  # type: ignore[arg-type]
    ):
        with pytest.raises(BadParameter, match=told):
            call()
    with pytest.raises(DataError, match=r"metrics.csv: no such file: give what nonideal.train gave"):
        plot_training(tmp_path)
    (tmp_path / "metrics.csv").write_text("epoch,loss\n1,x\n")
    with pytest.raises(DataError, match="not the metrics of a training"):
        plot_training(tmp_path)
