"""Networks described layer by layer: what they compute, and through the trainer what a dense network does."""

from __future__ import annotations

import csv
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from nonideal.pnn import (
    DSTD,
    BadParameter,
    CheckpointError,
    Convolution,
    Dataset,
    Discharger,
    EarliestSpikePool2d,
    Encoding,
    Exact,
    LossWeights,
    NetworkOptions,
    Pool,
    RCSpikeNeuron,
    Reversal,
    StackOptions,
    TrainingDiverged,
    TrainingOptions,
    TrainingResult,
    TTFSNeuron,
    load_dense,
    load_header,
    load_network,
    load_small,
    train,
)
from nonideal.pnn.layers import shapes

PAPER = Reversal.constant(2.80, -1.53)
RC = RCSpikeNeuron(discharger=Discharger(0.155))
CNN = StackOptions(
    input_shape=(1, 8, 8),
    layers=(Convolution(conv=4), Pool(), Convolution(conv=6), Pool(), 12, 10),
    neuron=RC,
    reversal=PAPER,
    method=DSTD(4, random_offset=True, order=3),
    sigma_spike=0.01,
)
TTFS = CNN.model_copy(update={"neuron": TTFSNeuron(), "method": DSTD(10, random_offset=True)})
LOSS = LossWeights(temporal_penalty=0.02, t_ref=2.0, weight_norm=0.0, early_spike=0.0)


def digits() -> Dataset:
    """8 x 8 images."""
    return load_small("digits", test_samples=297, encoding=Encoding(time="inverted", bias=False))


def short(folder: Path, network: StackOptions, **changes: object) -> TrainingResult:
    ttfs = network.neuron.kind == "ttfs"
    settings = {
        "epochs": 2, "batch_size": 100, "log_every": 1, "tensorboard": False,
        "loss": LOSS if ttfs else LOSS.model_copy(update={"t_ref": 0.9}),
        "firing_promotion": 8e-6 if ttfs else 0.0,
    }  # fmt: skip
    return train(digits(), network, TrainingOptions(**(settings | changes)), folder, show_progress=False)


def same(a: TrainingResult, b: TrainingResult) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.network.weights, b.network.weights, strict=True))


def test_a_stack_of_full_connections_is_the_dense_network() -> None:
    common = {"reversal": PAPER, "method": DSTD(4), "classes": 3}
    stack = StackOptions(input_shape=(5,), layers=(6, 4), neuron=RC, **common).build()
    dense = NetworkOptions(layer_sizes=(5, 6, 4), discharger=Discharger(0.155), **common).build()
    for network in (stack, dense):
        network.reset_parameters(torch.Generator().manual_seed(0))
    t = torch.rand(20, 5) * 1.2
    for mine, theirs in zip(stack(t), dense(t), strict=True):
        assert torch.equal(mine.unclipped, theirs.unclipped)
    assert torch.equal(stack.predict(t), dense.predict(t))
    fine, exact = stack.predict_times(t)[-1], dense.predict_times(t)[-1]
    torch.testing.assert_close(fine.double(), exact, rtol=0.0, atol=1e-4)


@pytest.mark.parametrize("options", [CNN, TTFS], ids=["rc_spike", "ttfs"])
def test_a_cnn_passes_spikes_from_layer_to_layer(options: StackOptions) -> None:
    network = options.build()
    t = torch.rand(3, 64) * 1.3
    spikes = network(t)
    assert [tuple(s.spike_time.shape[1:]) for s in spikes] == [(4, 8, 8), (6, 4, 4), (12,), (10,)]
    horizon = options.neuron.horizon
    image = torch.where(t >= 1.0, horizon, t).reshape(3, 1, 8, 8)
    first, pooled = network.layers[0](image), EarliestSpikePool2d(2)
    assert torch.equal(first.unclipped, spikes[0].unclipped)
    second = network.layers[2](pooled(first.spike_time))
    assert torch.equal(second.unclipped, spikes[1].unclipped)
    assert torch.equal(network(t)[-1].unclipped, spikes[-1].unclipped)  # nothing is random
    noisy = [network(t, torch.Generator().manual_seed(s))[-1].unclipped for s in (0, 0, 1)]
    assert torch.equal(noisy[0], noisy[1])
    assert not torch.equal(noisy[0], noisy[2])
    methods = [layer.method for layer in network.spiking_layers]
    times = network.predict_times(t)
    assert methods == [layer.method for layer in network.spiking_layers] == [options.method] * 4
    assert max(float(x.max()) for x in times) <= horizon


def test_exact_stays_exact() -> None:
    options = StackOptions(
        input_shape=(5,), layers=(8, 3), neuron=TTFSNeuron(), reversal=PAPER, method=Exact()
    )
    network, t = options.build(), torch.rand(20, 5)
    exact = network.predict_times(t)[-1]
    assert torch.equal(exact, network(t)[-1].spike_time)
    grid = options.model_copy(update={"method": DSTD(20)}).build()
    grid.load_state_dict(network.state_dict())
    torch.testing.assert_close(grid.predict_times(t)[-1], exact, rtol=0.0, atol=0.01)


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ((16, {"conv": 4}, 10), "layer 2 .* needs an image before it, not 16"),
        (({"pool": 2}, {"pool": 8}, 10), "nothing is left of the image after layer 2"),
        (({"conv": 4, "kernel": 9, "padding": 0}, 10), "nothing is left of the image after layer 1"),
        ((10, {"pool": 2}), "the last layer must be the number of outputs"),
        (({"conv": 4, "kernel": 4}, 10), "a kernel of 4 needs its padding"),
        (({"conv": 4, "padding": 3}, 10), "padding 3 must be less than the kernel, 3"),
        (("conv4", 10), "a layer is a number of neurons, { conv = channels } or { pool = size }"),
        (({"conv": 4, "kernal": 3}, 10), "kernal"),
        ((0, 10), "greater than or equal to 1"),
    ],
)
def test_layers_that_do_not_fit_are_refused(layers: tuple[object, ...], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        StackOptions(input_shape=(1, 8, 8), layers=layers, reversal=PAPER)


def test_other_misfits_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="no third-order form"):
        StackOptions(
            input_shape=(5,), layers=(3,), neuron=TTFSNeuron(), reversal=PAPER, method=DSTD(4, order=3)
        )
    with pytest.raises(ValidationError, match=r"neither \(axons,\) nor"):
        StackOptions(input_shape=(2, 2), layers=(3,), reversal=PAPER)
    with pytest.raises(BadParameter, match="firing_promotion is a term for time-to-first-spike"):
        short(tmp_path, CNN, firing_promotion=1e-5)
    with pytest.raises(BadParameter, match="11 classes do not fit 10 outputs"):
        CNN.model_copy(update={"classes": 11}).build()


def test_shapes_follow_the_layers() -> None:
    layers = (
        Convolution(conv=3, kernel=5, padding=0),
        Pool(pool=3),
        Convolution(conv=2, kernel=2, padding=1),
        7,
    )
    assert shapes((1, 28, 28), layers) == [(3, 24, 24), (3, 8, 8), (2, 9, 9), (7,)]


@pytest.mark.parametrize("options", [CNN, TTFS], ids=["rc_spike", "ttfs"])
def test_training_resumes_bit_for_bit_and_rebuilds(options: StackOptions, tmp_path: Path) -> None:
    whole = short(tmp_path / "whole", options, epochs=3)
    short(tmp_path / "parts", options, epochs=1)
    resumed = short(tmp_path / "parts", options, epochs=3)
    assert same(whole, resumed)
    table = (tmp_path / "whole/metrics.csv").read_bytes()
    assert table == (tmp_path / "parts/metrics.csv").read_bytes()
    row = list(csv.DictReader((tmp_path / "whole/metrics.csv").open()))[-1]
    assert 0.0 < float(row["silent_share_1"]) < 1.0
    assert "silent_share_5" not in row

    rebuilt = load_network(whole.weights_path)
    assert load_header(whole.weights_path).network == options.model_copy(update={"classes": 10})
    t = digits().test_x[:20]
    for mine, theirs in zip(rebuilt.predict_times(t), whole.network.predict_times(t), strict=True):
        assert torch.equal(mine, theirs)
    assert len(whole.largest_weight) == 4
    assert whole.membrane_range == ()
    with pytest.raises(CheckpointError, match="other options"):
        short(tmp_path / "whole", options, epochs=3, batch_size=50)
    with pytest.raises(CheckpointError, match="circuit for fully connected RC-Spike networks only"):
        load_dense(whole.weights_path)


@pytest.mark.parametrize("options", [CNN, TTFS], ids=["rc_spike", "ttfs"])
def test_nan_stops_the_training(options: StackOptions, tmp_path: Path) -> None:
    data = digits()
    data.train_x[7, 20] = float("nan")
    training = TrainingOptions(epochs=1, batch_size=100, tensorboard=False, loss=LOSS)
    with pytest.raises(TrainingDiverged, match="layer 1 is not finite") as caught:
        train(data, options, training, tmp_path, show_progress=False)
    assert (caught.value.epoch, caught.value.layer) == (1, 1)
    assert not (tmp_path / "weights.safetensors").exists()


def test_losses_that_read_hidden_layers_read_images(tmp_path: Path) -> None:
    for name in ("early_spike", "rail"):
        loss = LOSS.model_copy(update={"t_ref": 0.9, name: 0.01})
        result = short(tmp_path / name, CNN, epochs=1, loss=loss)
        assert all(torch.isfinite(weight).all() for weight in result.network.weights)


@pytest.mark.slow
def test_a_small_cnn_learns_digits(tmp_path: Path) -> None:
    options = {"epochs": 12, "batch_size": 20, "learning_rate": 3e-3, "schedule": "cosine"}
    for name, network in (("rc", CNN), ("ttfs", TTFS)):
        result = short(tmp_path / name, network, **options)
        least = {"rc": 0.85, "ttfs": 0.6}[name]
        assert result.test_accuracy > least, (name, result.test_accuracy)
        assert result.train_accuracy > least, (name, result.train_accuracy)


@pytest.mark.skipif(
    find_spec("lightning_fabric") is None, reason="Lightning Fabric (extra 'devices') is not installed"
)
@pytest.mark.parametrize("options", [CNN, TTFS], ids=["rc_spike", "ttfs"])
def test_two_processes_train_as_one(options: StackOptions, tmp_path: Path) -> None:
    still = options.model_copy(update={"method": DSTD(10), "sigma_spike": 0.0})
    one = short(tmp_path / "one", still, epochs=1)
    two = short(tmp_path / "two", still, epochs=1, devices=2)
    for a, b in zip(one.network.weights, two.network.weights, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)
