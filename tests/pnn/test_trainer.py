"""Training: deterministic, resumable, stopped on NaN, and good enough."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import pytest
import torch

from nonideal.characterize.model import PhysicalModel
from nonideal.pnn import (
    DSTD,
    CheckpointError,
    DataError,
    Discharger,
    NetworkOptions,
    Reversal,
    TrainingDiverged,
    TrainingOptions,
    TrainingResult,
    load_header,
    load_network,
    load_small,
    train,
    training_loss,
    variant_options,
)

PAPER = NetworkOptions(
    layer_sizes=(5, 5, 5), reversal=Reversal.constant(2.80, -1.53), discharger=Discharger(0.155)
)
NOISY = PAPER.model_copy(update={"method": DSTD(4, random_offset=True), "sigma_spike": 0.01})


def short(
    folder: Path, epochs: int = 6, network: NetworkOptions = NOISY, **changes: object
) -> TrainingResult:
    resume = bool(changes.pop("resume", True))
    options = TrainingOptions(**({"epochs": epochs, "log_every": 1, "tensorboard": False} | changes))
    return train(load_small("iris"), network, options, folder, resume=resume, show_progress=False)


def weights(result: TrainingResult) -> list[torch.Tensor]:
    return [layer.weight.detach() for layer in result.network.linear_layers]


def same(a: TrainingResult, b: TrainingResult) -> bool:
    return all(torch.equal(x, y) for x, y in zip(weights(a), weights(b), strict=True))


@pytest.mark.slow
def test_iris_reaches_94_percent(tmp_path: Path) -> None:
    data = load_small("iris")
    for name, reversal in (("pnn", PAPER.reversal), ("ann", Reversal.ideal())):
        options = TrainingOptions(seed=0, tensorboard=False, log_every=1000)
        network = PAPER.model_copy(update={"reversal": reversal})
        result = train(data, network, options, tmp_path / name, show_progress=False)
        assert result.test_accuracy >= 0.94, name
        if name == "pnn":  # the circuit clips v below about -0.57 and realises |w| up to about 2.5
            assert min(low for low, _ in result.membrane_range) > -0.55
            assert max(result.largest_weight) < 2.5


def test_same_seed_same_numbers(tmp_path: Path) -> None:
    first, again = short(tmp_path / "a"), short(tmp_path / "b")
    other = short(tmp_path / "c", seed=1)
    assert same(first, again)
    assert not same(first, other)
    assert (tmp_path / "a/metrics.csv").read_bytes() == (tmp_path / "b/metrics.csv").read_bytes()


def test_resume_is_bit_exact(tmp_path: Path) -> None:
    whole = short(tmp_path / "whole", epochs=9)
    short(tmp_path / "parts", epochs=4)
    with (tmp_path / "parts/metrics.csv").open("a") as file:
        file.write("5,0.1")  # a row that a kill tore
    resumed = short(tmp_path / "parts", epochs=9)
    assert same(whole, resumed)
    assert (tmp_path / "whole/metrics.csv").read_bytes() == (tmp_path / "parts/metrics.csv").read_bytes()


def test_finished_training_is_not_run_again(tmp_path: Path) -> None:
    first = short(tmp_path)
    again = short(tmp_path)
    assert same(first, again)
    assert again.test_accuracy == first.test_accuracy
    with pytest.raises(CheckpointError, match="6 epochs, 3 are asked"):
        short(tmp_path, epochs=3)


def test_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    short(tmp_path)
    with pytest.raises(CheckpointError, match="other options"):
        short(tmp_path, learning_rate=0.01)
    short(tmp_path, learning_rate=0.01, resume=False)


def test_nan_stops_and_names_batch_and_layer(tmp_path: Path) -> None:
    short(tmp_path, epochs=2)
    kept = (tmp_path / "checkpoint.safetensors").read_bytes()
    data = load_small("iris")
    data.train_x[7, 2] = float("nan")
    options = TrainingOptions(epochs=4, tensorboard=False, batch_size=50)
    with pytest.raises(TrainingDiverged, match="membrane potential of layer 1") as caught:
        train(data, NOISY, options, tmp_path / "nan", show_progress=False)
    order = torch.Generator().manual_seed(0)
    network = NOISY.build()
    network.reset_parameters(order)
    position = torch.randperm(100, generator=order).tolist().index(7)
    assert (caught.value.epoch, caught.value.batch, caught.value.layer) == (1, position // 50, 1)
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == kept
    assert not (tmp_path / "nan/weights.safetensors").exists()


def test_divergence_keeps_the_last_good_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = short(tmp_path / "whole", epochs=6)
    calls = 0

    def breaking(*arguments: object) -> torch.Tensor:
        nonlocal calls
        calls += 1
        loss = training_loss(*arguments)  # type: ignore[arg-type]
        return loss * float("nan") if calls == 8 else loss  # epoch 4, second batch of two

    with monkeypatch.context() as patch:
        patch.setattr("nonideal.pnn.loop.training_loss", breaking)
        with pytest.raises(TrainingDiverged, match="epoch 4, batch 1: "):
            short(tmp_path / "broken", epochs=6, checkpoint_every_s=0.0)
    resumed = short(tmp_path / "broken", epochs=6)
    assert same(whole, resumed)


def test_metrics_and_events(tmp_path: Path) -> None:
    short(tmp_path, tensorboard=True)
    rows = list(csv.DictReader((tmp_path / "metrics.csv").open()))
    assert [int(r["epoch"]) for r in rows] == list(range(1, 7))
    assert {
        "loss",
        "train_accuracy",
        "test_accuracy",
        "gradient_norm",
        "mean_spike_time_1",
        "silent_share_2",
    } <= set(rows[0])
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert all(0.0 < float(r["mean_spike_time_2"]) <= 1.0 for r in rows)
    assert len(list(tmp_path.glob("events.out.tfevents.*"))) == 1


def test_one_file_rebuilds_the_network(tmp_path: Path, paper_model: PhysicalModel) -> None:
    for variant in ("ann", "pnn", "bottom_up"):
        network = variant_options(variant, paper_model, (5, 4, 3), method=DSTD(5))
        options = TrainingOptions(epochs=2, seed=5, tensorboard=False)
        data = load_small("iris")
        folder = tmp_path / variant
        result = train(
            data, network, options, folder, variant=variant, model_sha256="abc", show_progress=False
        )
        rebuilt = load_network(folder / "weights.safetensors")
        for a, b in zip(
            rebuilt.predict_times(data.test_x), result.network.predict_times(data.test_x), strict=True
        ):
            assert torch.equal(a, b)
        header = load_header(folder / "weights.safetensors")
        assert header.network.reversal == network.reversal
        assert header.provenance.seed == 5
        assert header.provenance.model_sha256 == "abc"
        assert header.provenance.encoding == data.encoding


def test_damaged_files_are_named(tmp_path: Path) -> None:
    short(tmp_path)
    path = tmp_path / "weights.safetensors"
    with pytest.raises(CheckpointError, match="no such file"):
        load_network(tmp_path / "none.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    with pytest.raises(CheckpointError, match="not a readable"):
        load_network(path)
    size = int.from_bytes(whole[:8], "little")
    head = json.loads(whole[8 : 8 + size])
    head["__metadata__"] = {
        "nonideal": head["__metadata__"]["nonideal"].replace('"layer_sizes":[5,5,5]', '"layer_sizes":[5,4,5]')
    }
    text = json.dumps(head).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + whole[8 + size :])
    with pytest.raises(CheckpointError, match="checksum"):
        load_network(path)


def test_sizes_are_checked_before_training(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="begin with 4"):
        short(tmp_path / "x", network=PAPER.model_copy(update={"layer_sizes": (4, 5, 5)}))
    assert not (tmp_path / "x").exists()


def test_dataset_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_small("iris").classes = 4  # type: ignore[misc]


@pytest.mark.parametrize("native", [True, False])
def test_fused_adam_is_adam_in_the_weights_memory_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, native: bool
) -> None:
    if not native:
        monkeypatch.setattr("nonideal.pnn.exact.available", lambda tensor: False)
    fused = short(
        tmp_path / "fused", network=PAPER.model_copy(update={"method": DSTD(4), "layer_sizes": (5, 7, 3)})
    )
    adam = torch.optim.Adam
    monkeypatch.setattr("torch.optim.Adam", lambda parameters, lr, fused: adam(parameters, lr=lr))
    plain = short(
        tmp_path / "plain", network=PAPER.model_copy(update={"method": DSTD(4), "layer_sizes": (5, 7, 3)})
    )
    for a, b in zip(weights(fused), weights(plain), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
