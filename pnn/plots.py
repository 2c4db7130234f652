"""What a network did, drawn: spikes, membranes, the course of a training. Each function draws into axes of matplotlib and returns them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from nonideal.files import UnreadableFile, read_text
from nonideal.pnn import checks
from nonideal.pnn.errors import BadParameter, DataError
from nonideal.pnn.rc_spike import RCSpikeLinear
from nonideal.pnn.spikes import Firing, FirstSpike, Spikes
from nonideal.pnn.trainer import TrainingResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRICS = "metrics.csv"
MOST_NEURONS = 2000
POINTS = 201


def plot_spikes(
    layers: Sequence[Tensor | Spikes],
    *,
    sample: int = 0,
    horizon: float = 1.0,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """When every neuron of every layer fires, for one sample: a row for each neuron, layers one above the other, the first at the bottom.

    ``layers``: of each layer spike times [B, N] or [B, channels, H, W] in T_circ, as ``predict_times`` gives them, or what the layer gave;
    RC-Spike layers' times are each in their own phase. A filled mark is a spike, a hollow one at ``horizon`` a silent neuron. ``names``
    of the layers stand at the left. Draws into ``ax`` (None: a new figure) and returns it. Raises ``BadParameter``.

        network = nonideal.RCSpikeNetwork((5, 5, 3), nonideal.pnn.Reversal.from_model(nonideal.preset("sky130_tt")))
        x = nonideal.load_dataset("iris").test_x
        ax = nonideal.pnn.plot_spikes([x, *network.predict_times(x)], names=["axons", "hidden", "outputs"])
    """
    times = [_times(layer, index, sample, horizon) for index, layer in enumerate(layers)]
    if not times or sum(map(len, times)) > MOST_NEURONS:
        raise BadParameter(
            f"layers has {len(times)} layers of {sum(map(len, times))} neurons: give 1 layer or more, of at most {MOST_NEURONS} neurons"
        )
    labels = list(names) if names is not None else [f"layer {index}" for index in range(len(times))]
    if len(labels) != len(times):
        raise BadParameter(f"names has {len(labels)} names for {len(times)} layers: give one for each")
    ax = _axes(ax)
    start, middles = 0, []
    for time in times:
        row = np.arange(start, start + len(time))
        fires = time < horizon
        ax.scatter(time[fires], row[fires], s=14)
        ax.scatter(
            np.full(int((~fires).sum()), horizon), row[~fires], s=14, facecolors="none", edgecolors="0.6"
        )
        middles.append(start + (len(time) - 1) / 2)
        start += len(time)
        if start < sum(map(len, times)):
            ax.axhline(start - 0.5, color="0.85", linewidth=0.8)
    ax.set(xlim=(-0.02 * horizon, 1.02 * horizon), ylim=(-0.5, start - 0.5), xlabel="spike time (T_circ)")
    ax.set_yticks(middles, labels)
    return ax


def plot_membranes(
    layer: RCSpikeLinear,
    spike_time: Tensor | Spikes,
    *,
    sample: int = 0,
    neurons: Sequence[int] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Membranes of one RC-Spike layer for one sample: accumulation from 0 to 1, then the ramp of the firing phase up to the threshold.

    spike_time [B, in_features] in T_circ, or the spikes of the layer before. ``neurons``: which (None: all). One line for each, in V_th over
    T_circ; a dot where it fires; the threshold dashed; arriving spikes as ticks at the bottom. Draws into ``ax`` (None: a new figure) and
    returns it. Raises ``BadParameter``.

        layer = nonideal.RCSpikeLinear.from_model(5, 3, nonideal.preset("sky130_tt"))
        ax = nonideal.pnn.plot_membranes(layer, nonideal.load_dataset("iris").test_x, sample=7)
    """
    checks.instance(layer, "layer", RCSpikeLinear)
    given = spike_time.spike_time if isinstance(spike_time, Firing | FirstSpike) else spike_time
    t = checks.table(given, "spike_time").detach()
    one = t[checks.whole(sample, "sample", 0, len(t) - 1)].unsqueeze(0).double().cpu()
    shown = range(layer.out_features) if neurons is None else neurons
    most = layer.out_features - 1
    shown = [checks.whole(neuron, "neurons", 0, most) for neuron in shown]
    time, since = torch.linspace(0.0, 1.0, POINTS, dtype=torch.float64), torch.linspace(0.0, 1.0, POINTS)
    with torch.no_grad():
        v = layer.trajectory(one).at(time)[0].cpu()  # [POINTS, N_out]
        fired = layer.discharger.unclipped(v[-1]).clamp(min=0.0)
        ramp = layer.discharger.ramp(v[-1], since.double().unsqueeze(1))
    ax = _axes(ax)
    for neuron in shown:
        up = since.numpy() <= float(fired[neuron])
        x = np.concatenate((time.numpy(), 1.0 + since.numpy()[up]))
        y = np.concatenate((v[:, neuron].numpy(), ramp[:, neuron].numpy()[up]))
        (line,) = ax.plot(x, y, linewidth=1.2, label=f"neuron {neuron}")
        if float(fired[neuron]) < 1.0:
            ax.plot(
                1.0 + float(fired[neuron]),
                max(1.0, float(v[-1, neuron])),
                "o",
                color=line.get_color(),
                markersize=4,
            )
    ax.axhline(1.0, color="0.5", linestyle="--", linewidth=0.8)
    ax.axvline(1.0, color="0.85", linewidth=0.8)
    arrivals = one[0][one[0] < 1.0].clamp(min=0.0).numpy()
    ax.plot(
        arrivals, np.zeros_like(arrivals), "|", color="0.4", transform=ax.get_xaxis_transform(), markersize=9
    )
    ax.set(xlim=(0.0, 2.0), xlabel="time (T_circ): accumulation, firing", ylabel="membrane potential (V_th)")
    return ax


def plot_training(training: TrainingResult | Path | str, *, ax: Axes | None = None) -> tuple[Axes, Axes]:
    """The course of a training: its loss over the epochs (left, logarithmic), and its accuracies in % (right).

    ``training``: what ``train`` gave, its folder, or its ``metrics.csv``. The training set's accuracy is of noisy batches where there is noise.
    Draws into ``ax`` (None: a new figure) and returns it with its twin. Raises ``DataError`` where no metrics are.

        data, options = nonideal.load_dataset("iris"), nonideal.variant_options("pnn", nonideal.preset(), (5, 5, 3))
        result = nonideal.train(data, options, nonideal.TrainingOptions(epochs=100), "trained/plotted")
        loss, accuracy = nonideal.pnn.plot_training(result)
        loss.figure.savefig("training.png")
    """
    place = training.weights_path.parent if isinstance(training, TrainingResult) else training
    rows = _metrics(checks.path(place, "training"))
    epoch = [row["epoch"] for row in rows]
    loss = _axes(ax)
    right = loss.twinx()
    loss.plot(epoch, [row["loss"] for row in rows], color="C0", label="loss")
    for column, colour in (("train_accuracy", "C1"), ("test_accuracy", "C2")):
        name = column.replace("_accuracy", " accuracy").replace("train", "training")
        right.plot(epoch, [100.0 * row[column] for row in rows], color=colour, label=name)
    if all(row["loss"] > 0.0 for row in rows):
        loss.set_yscale("log")
    loss.set(xlabel="epoch", ylabel="loss")
    right.set(ylabel="accuracy (%)", ylim=(0.0, 101.0))
    lines: list[Any] = [*loss.get_lines(), *right.get_lines()]
    right.legend(lines, [line.get_label() for line in lines], loc="center right")
    return loss, right


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(layout="constrained")[1]


def _times(layer: Tensor | Spikes, index: int, sample: int, horizon: float) -> np.ndarray:
    """One layer's spike times for one sample, [N]."""
    given = layer.spike_time if isinstance(layer, Firing | FirstSpike) else layer
    t = checks.tensor(given, f"layers[{index}]").detach().cpu().double()
    if t.ndim < 2 or t.shape[0] == 0:
        raise BadParameter(
            f"layers[{index}] has shape {list(t.shape)}: give spike times [B, N], one row a sample"
        )
    one = t[checks.whole(sample, "sample", 0, t.shape[0] - 1)].flatten()
    if bool(one.isnan().any()):
        raise BadParameter(f"layers[{index}]: sample {sample} holds NaN: give times, math.inf for no spike")
    return one.clamp(0.0, horizon).numpy()


def _metrics(place: Path) -> list[dict[str, float]]:
    path = place / METRICS if place.is_dir() else place
    if not path.is_file():
        raise DataError(
            f"{path}: no such file: give what nonideal.train gave, or the folder that it trained in"
        )
    try:
        rows = list(csv.DictReader(read_text(path).splitlines()))
        found = [
            {name: float(row[name]) for name in ("epoch", "loss", "train_accuracy", "test_accuracy")}
            for row in rows
        ]
    except (UnreadableFile, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: not the metrics of a training ({error})") from error
    if not found:
        raise DataError(f"{path}: holds no epoch yet")
    return found
