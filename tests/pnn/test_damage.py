"""A file of a training that was damaged is never taken for a whole one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from nonideal.files import UnreadableFile
from nonideal.pnn import RCSpikeNetwork, TrainingOptions, load_header, load_network
from nonideal.pnn.data import load_small
from nonideal.pnn.errors import CheckpointError
from nonideal.pnn.exact import Exact
from nonideal.pnn.metrics import MetricsLog
from nonideal.pnn.presets import preset
from nonideal.pnn.trainer import train
from nonideal.pnn.variants import variant_options


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    once(folder, epochs=2)
    return folder


def once(folder: Path, epochs: int) -> Any:
    options = TrainingOptions(seed=1, epochs=epochs, log_every=1, tensorboard=False)
    network = variant_options("pnn", preset("sky130_tt"), (5, 3), method=Exact())
    return train(load_small("iris"), network, options, folder, show_progress=False)


def flipped(path: Path, place: int) -> bytes:
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << (place % 8)
    return bytes(content)


def test_no_flipped_bit_changes_a_network_unseen(trained: Path, tmp_path: Path) -> None:
    whole = trained / "weights.safetensors"
    meant = load_network(whole).state_dict()
    damaged = tmp_path / "weights.safetensors"
    size, refused = whole.stat().st_size, 0
    for place in [*range(0, size, 23), *range(size - 60, size)]:
        damaged.write_bytes(flipped(whole, place))
        try:
            network = load_network(damaged)
        except CheckpointError as error:
            assert str(damaged) in str(error)  # noqa: PT017 - any place is refused, or changes nothing
            refused += 1
        else:
            assert isinstance(network, RCSpikeNetwork)
            assert all(torch.equal(value, meant[name]) for name, value in network.state_dict().items())
    assert refused > 60


def test_a_damaged_checkpoint_is_not_trained_on(trained: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.safetensors"
    size = (trained / checkpoint.name).stat().st_size
    for place in (size // 2, size - 3000, size - 1):
        checkpoint.write_bytes(flipped(trained / checkpoint.name, place))
        with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors.*remove it, and train again"):
            once(tmp_path, epochs=3)
    checkpoint.unlink()
    assert once(tmp_path, epochs=3).epochs == 3


def test_files_from_before_there_were_checksums_are_read(trained: Path, tmp_path: Path) -> None:
    whole = trained / "weights.safetensors"
    header = load_header(whole).model_dump_json(exclude={"checksum"})
    old = tmp_path / "old.safetensors"
    save_file(load_file(whole), old, metadata={"nonideal": header})
    assert torch.equal(next(load_network(old).parameters()), next(load_network(whole).parameters()))


@pytest.mark.parametrize(
    "garbage",
    [b"\xff\xfe\x00", b"no,such,column\n1,2,3\n", b"epoch,loss\nx,\n2,1\n", b"epoch,loss\n\0,1\n2,1\n"],
)
def test_garbage_for_metrics_is_bad_input(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / "metrics.csv").write_bytes(garbage)
    with pytest.raises(UnreadableFile, match=r"metrics\.csv"):
        MetricsLog(tmp_path, after_epoch=2, tensorboard=False)
    (tmp_path / "metrics.csv").unlink()
    with MetricsLog(tmp_path, after_epoch=2, tensorboard=False) as log:
        log.write({"epoch": 3.0, "loss": 1.0})


def test_a_row_that_a_kill_tore_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,loss\n1,0.5\n2,0.")
    with MetricsLog(tmp_path, after_epoch=1, tensorboard=False) as log:
        log.write({"epoch": 2.0, "loss": 0.25})
    assert (tmp_path / "metrics.csv").read_text().split() == ["epoch,loss", "1,0.5", "2,0.25"]
