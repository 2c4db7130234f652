"""Image files."""

from __future__ import annotations

import gzip
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from nonideal.pnn import DataError, Encoding
from nonideal.pnn.images import IDX_FILES, load_dataset, load_images, read_idx, write_idx


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    """Four small files in the format of MNIST."""
    draw = np.random.default_rng(0)
    for count, images, labels in ((30, *IDX_FILES[:2]), (10, *IDX_FILES[2:])):
        write_idx(tmp_path / images, draw.integers(0, 256, (count, 28, 28), dtype=np.uint8))
        write_idx(tmp_path / labels, draw.integers(0, 10, count, dtype=np.uint8))
    return tmp_path


def test_bright_pixels_spike_early_and_black_ones_are_silent(mnist: Path) -> None:
    data = load_images("mnist", mnist)
    assert data.train_x.shape == (30, 784)
    assert data.test_x.shape == (10, 784)
    assert data.train_x.dtype == torch.float32
    pixels = read_idx(mnist / IDX_FILES[0]).reshape(30, 784)
    torch.testing.assert_close(data.train_x, 1.0 - torch.tensor(pixels).float() / 255.0)
    assert bool((data.train_x[torch.tensor(pixels) == 0] == 1.0).all())
    assert data.train_y.tolist() == read_idx(mnist / IDX_FILES[1]).tolist()


def test_plain_files_are_read_too_and_a_bias_axon_is_added(mnist: Path) -> None:
    for file in IDX_FILES:
        packed = mnist / f"{file}.gz"
        (mnist / file).write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
    data = load_images("fashion_mnist", mnist, encoding=Encoding(time="inverted", bias=True))
    assert data.features == 785
    assert not data.test_x[:, -1].any()


def test_pixels_may_be_means_of_several(mnist: Path) -> None:
    data = load_images("mnist", mnist, pool=2)
    assert data.features == 196
    pixels = torch.tensor(read_idx(mnist / IDX_FILES[0]).astype(np.float32)[:, None])
    means = torch.nn.functional.avg_pool2d(pixels, 2).flatten(1) / 255.0
    torch.testing.assert_close(data.train_x, 1.0 - means)
    with pytest.raises(DataError, match=r"pool = 3.*28 x 28.*1, 2, 4, 7, 14, 28"):
        load_images("mnist", mnist, pool=3)


def test_missing_truncated_and_foreign_files_are_named(mnist: Path) -> None:
    images = mnist / f"{IDX_FILES[0]}.gz"
    whole = images.read_bytes()
    images.write_bytes(gzip.compress(gzip.decompress(whole)[:-5]))
    with pytest.raises(DataError, match=r"train-images.*truncated"):
        load_images("mnist", mnist)
    images.write_bytes(whole[:100])
    with pytest.raises(DataError, match="not a readable gzip"):
        load_images("mnist", mnist)
    images.unlink()
    with pytest.raises(DataError, match="train-images"):
        load_images("mnist", mnist)
    (mnist / IDX_FILES[0]).write_bytes(b"P6 28 28 255")
    with pytest.raises(DataError, match="not an IDX file"):
        load_images("mnist", mnist)
    with pytest.raises(DataError, match="cifar10"):
        load_images("cifar", mnist)


def test_labels_must_match_the_images(mnist: Path) -> None:
    write_idx(mnist / IDX_FILES[1], np.zeros(29, np.uint8))
    with pytest.raises(DataError, match=r"30 images.*29 labels"):
        load_images("mnist", mnist)


def test_cifar_binary(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    names = [*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"]
    for name in names:
        records = draw.integers(0, 256, (4, 3073), dtype=np.uint8)
        records[:, 0] %= 10
        (tmp_path / name).write_bytes(records.tobytes())
    data = load_images("cifar10", tmp_path)
    assert (data.train_x.shape, data.test_x.shape, data.features) == ((20, 3072), (4, 3072), 3072)
    assert data.test_y.tolist() == records[:, 0].tolist()
    torch.testing.assert_close(data.test_x[3], 1.0 - torch.tensor(records[3, 1:]).float() / 255.0)
    (tmp_path / names[2]).write_bytes(b"\1" * 3000)
    with pytest.raises(DataError, match="data_batch_3"):
        load_images("cifar10", tmp_path)


def test_download_keeps_the_standard_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    x = np.zeros((70000, 784))
    x[:, 300:330] = draw.integers(
        0, 256, (70000, 30)
    )  # mostly paper, as digits are: it is written in a moment
    y = draw.integers(0, 10, 70000).astype(str).astype(object)
    monkeypatch.setattr("sklearn.datasets.fetch_openml", lambda *a, **k: (x, y))
    data = load_images("mnist", tmp_path / "new", download=True)
    assert data.train_x.shape[0] == 60000
    assert data.test_y.tolist() == [int(label) for label in y[60000:]]
    monkeypatch.setattr("sklearn.datasets.fetch_openml", lambda *a, **k: pytest.fail("fetched twice"))
    assert load_images("mnist", tmp_path / "new", download=True).classes == 10

    def offline(*arguments: object, **options: object) -> object:
        raise OSError("no network")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", offline)
    with pytest.raises(DataError, match="no network"):
        load_images("fashion_mnist", tmp_path / "other", download=True)


def test_any_set_by_name(mnist: Path) -> None:
    assert load_dataset("iris", test_samples=30).test_y.shape == (30,)
    assert load_dataset("mnist", folder=mnist).features == 784
    with pytest.raises(DataError, match="data directory"):
        load_dataset("mnist")
    with pytest.raises(DataError, match=r"iris.*digits.*cifar10"):
        load_dataset("irsi")


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        (0, b"\0\0\x08\x03" + b"\xff" * 12, "truncated or damaged"),
        (0, b"\0\0\x08\x03" + (0).to_bytes(4, "big") + b"\0\0\0\x1c" * 2, "0 images"),
        (0, b"\0\0\x08\x00\0", "0 dimensions"),
        (0, b"\0\0\x08\xff" + b"\0" * 1020, "255 dimensions"),
        (0, b"\0\0\x08\x03\0", "truncated or damaged"),
        (1, b"\0\0\x08\x01" + (30).to_bytes(4, "big") + b"\x01" * 29 + b"\x0b", "training label 29 is 11"),
        (
            1,
            b"\0\0\x08\x02" + (30).to_bytes(4, "big") + (1).to_bytes(4, "big") + b"\x01" * 30,
            "labels are not",
        ),
    ],
)
def test_sizes_and_labels_that_cannot_be_are_told(mnist: Path, file: int, content: bytes, told: str) -> None:
    (mnist / IDX_FILES[file]).write_bytes(content)
    with pytest.raises(DataError, match=told):
        load_images("mnist", str(mnist))  # type: ignore[arg-type]


def test_a_corrupt_gzip_is_told_wherever_it_is_corrupt(mnist: Path) -> None:
    packed = mnist / f"{IDX_FILES[1]}.gz"
    whole = packed.read_bytes()
    for place in range(len(whole)):
        packed.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        with suppress(DataError):  # the time stamp and the name of the system are no content
            load_images("mnist", mnist)
