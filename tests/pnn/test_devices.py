"""Devices: one CPU gives the plain loop's numbers, two processes the same up to rounding, wrong ones are refused."""

from __future__ import annotations

import csv
import pickle
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from nonideal.pnn import (
    DSTD,
    BadParameter,
    Discharger,
    NetworkOptions,
    Reversal,
    TrainingDiverged,
    TrainingOptions,
    load_small,
    train,
    training_loss,
)
from nonideal.pnn.devices import choose_device

NETWORK = NetworkOptions(
    layer_sizes=(5, 7, 3),
    reversal=Reversal.constant(2.80, -1.53),
    discharger=Discharger(0.155),
    method=DSTD(4),
    classes=3,
)
NOISY = NETWORK.model_copy(update={"method": DSTD(4, random_offset=True), "sigma_spike": 0.01})
needs_fabric = pytest.mark.skipif(
    find_spec("lightning_fabric") is None, reason="Lightning Fabric (extra 'devices') is not installed"
)


def options(**changes: object) -> TrainingOptions:
    return TrainingOptions(
        **({"epochs": 3, "batch_size": 33, "log_every": 1, "tensorboard": False} | changes)  # type: ignore[arg-type]
    )


def weights(network: torch.nn.Module) -> list[torch.Tensor]:
    return [w.detach() for w in network.parameters()]


def test_one_cpu_is_the_plain_loop_bit_for_bit(tmp_path: Path) -> None:
    data = load_small("iris")
    result = train(data, NOISY, options(), tmp_path, show_progress=False)

    generator = torch.Generator().manual_seed(0)
    network = NOISY.build()
    network.reset_parameters(generator)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    x, y, loss_weights = data.train_x.to(torch.float32), data.train_y, options().loss
    for _ in range(3):
        for index in torch.randperm(len(y), generator=generator).split(33):
            firings = network(x[index], generator)
            loss = training_loss(firings, y[index], list(network.parameters()), loss_weights, 3)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    for mine, plain in zip(weights(result.network), weights(network), strict=True):
        assert torch.equal(mine, plain)


def test_what_is_not_there_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    data, folder = load_small("iris"), tmp_path / "x"
    with pytest.raises(BadParameter, match="sees no CUDA device: choose 'cpu' or 'auto'"):
        train(data, NETWORK, options(accelerator="cuda"), folder, show_progress=False)
    with pytest.raises(BadParameter, match="devices = 101 cannot share a batch of 100 samples"):
        train(data, NETWORK, options(devices=101, batch_size=500), folder, show_progress=False)
    monkeypatch.setattr("nonideal.pnn.devices.find_spec", lambda name: None)
    with pytest.raises(BadParameter, match=r"pip install 'nonideal\[devices\]'"):
        train(data, NETWORK, options(devices=2), folder, show_progress=False)
    assert not folder.exists()
    with pytest.raises(ValueError, match="'cpu', 'cuda' or 'auto'"):
        options(accelerator="tpu")
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        options(devices=0)


def test_auto_takes_cuda_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert choose_device("auto", 1, 32).type == "cpu"
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert choose_device("auto", 1, 32).type == "cuda"
    assert choose_device("cpu", 1, 32).type == "cpu"
    with pytest.raises(BadParameter, match="devices = 3, but PyTorch sees 2 CUDA"):
        choose_device("auto", 3, 32)


def test_a_divergence_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(TrainingDiverged("why", epoch=3, batch=4, layer=2)))
    assert (str(error), error.epoch, error.batch, error.layer) == ("why", 3, 4, 2)


@needs_fabric
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    """Batches of 33, the last of 1: the second process has no sample of it."""
    data = load_small("iris")
    one = train(data, NETWORK, options(), tmp_path / "one", show_progress=False)
    two = train(data, NETWORK, options(devices=2), tmp_path / "two", show_progress=False)
    for a, b in zip(weights(one.network), weights(two.network), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    tables = [list(csv.DictReader((tmp_path / n / "metrics.csv").open())) for n in ("one", "two")]
    for a, b in zip(*tables, strict=True):
        assert a["train_accuracy"] == b["train_accuracy"]
        assert float(a["loss"]) == pytest.approx(float(b["loss"]), rel=1e-4)
    data.train_x[7, 2] = float("nan")
    with pytest.raises(TrainingDiverged, match="membrane potential of layer 1"):
        train(data, NETWORK, options(devices=2), tmp_path / "nan", show_progress=False)


@needs_fabric
def test_two_processes_resume_bit_for_bit(tmp_path: Path) -> None:
    data = load_small("iris")
    whole = train(data, NOISY, options(devices=2), tmp_path / "whole", show_progress=False)
    train(data, NOISY, options(devices=2, epochs=1), tmp_path / "parts", show_progress=False)
    parts = train(data, NOISY, options(devices=2), tmp_path / "parts", show_progress=False)
    for a, b in zip(weights(whole.network), weights(parts.network), strict=True):
        assert torch.equal(a, b)
