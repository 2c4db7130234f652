"""Image data sets from their standard files: MNIST and Fashion-MNIST (IDX), CIFAR-10 (binary); plain or
``.gz``.
"""

from __future__ import annotations

import gzip
import io
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nonideal.files import UnreadableFile, read_bytes, write_bytes
from nonideal.pnn import checks
from nonideal.pnn.data import Dataset, Encoding, load_small
from nonideal.pnn.errors import DataError
from nonideal.pnn.known_data import IMAGES, SMALL, pooled

IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
OPENML = {"mnist": "mnist_784", "fashion_mnist": "Fashion-MNIST"}
CIFAR_TRAIN = tuple(f"data_batch_{k}.bin" for k in range(1, 6))
CIFAR_TEST = "test_batch.bin"
MOST_BYTES = 1 << 30
CIFAR_RECORD = 1 + 3 * 32 * 32


def load_images(
    name: str, folder: Path, *, encoding: Encoding | None = None, pool: int = 1, download: bool = False
) -> Dataset:
    """An image set from the standard files in ``folder``; pixel x in [0, 1] spikes at t = 1 - x unless
    ``encoding`` says otherwise. With ``pool`` a pixel is the mean of ``pool`` x ``pool`` of the file's.

    mnist, fashion_mnist: the four IDX files; cifar10: the six files of the binary version, channels first.
    Train and test as published. With ``download`` missing IDX files are fetched from OpenML and kept in
    ``folder``. Spike times are float32, [n, channels * height * width (+ 1 with the bias axon)]. Raises
    ``DataError`` that names the missing or damaged file.

        data = nonideal.pnn.load_images("fashion_mnist", "data/fashion_mnist", pool=2, download=True)    # 14 x 14
    """
    encoding = encoding if encoding is not None else Encoding(time="inverted", bias=False)
    if name not in IMAGES:
        raise DataError(f"unknown image set {name!r}: choose one of {', '.join(IMAGES)}")
    shape = pooled(name, pool)
    folder = checks.path(folder, "folder")
    if name == "cifar10":
        train_x, train_y = _cifar([folder / file for file in CIFAR_TRAIN])
        test_x, test_y = _cifar([folder / CIFAR_TEST])
    else:
        if download and not images_present(name, folder):
            download_openml(name, folder)
        train_x, train_y, test_x, test_y = (read_idx(folder / file) for file in IDX_FILES)
    parts = ((train_x, train_y, "training"), (test_x, test_y, "test"))
    for x, y, part in parts:
        pixels = math.prod(x.shape[1:])
        if x.ndim < 2 or y.ndim != 1 or not 0 < x.shape[0] == y.shape[0] or pixels != math.prod(IMAGES[name]):
            raise DataError(
                f"{folder}: {len(x) if x.ndim else 0} images of {pixels} pixels and {y.size} labels are not the {part} set of {name}: "
                "get its files again"
            )
        if y.max() > 9:
            row = int((y > 9).argmax())
            raise DataError(
                f"{folder}: {part} label {row} is {y[row]}, {name} has 0 to 9: get its files again"
            )

    def spikes(images: np.ndarray) -> Tensor:
        channels, height, width = shape
        blocks = images.reshape(len(images), channels, height, pool, width, pool).astype(np.float32)
        pixels = blocks.mean(axis=(3, 5)) if pool > 1 else blocks
        return encoding.encode(torch.from_numpy(pixels.reshape(len(images), -1)).div_(255.0))

    features = math.prod(shape) + int(encoding.bias)
    labels = [torch.from_numpy(y.astype(np.int64)) for y in (train_y, test_y)]
    return Dataset(spikes(train_x), labels[0], spikes(test_x), labels[1], features, 10, name, encoding)


def load_dataset(
    name: str,
    *,
    seed: int = 0,
    test_samples: int = 50,
    encoding: Encoding | None = None,
    folder: str | Path | None = None,
    pool: int = 1,
    download: bool = False,
) -> Dataset:
    """Any data set by name: those of scikit-learn (``seed`` and ``test_samples`` split them) or an image set from ``folder``
    (``pool``: see ``load_images``).

    Raises ``DataError`` that lists the names for an unknown one.

        data = nonideal.load_dataset("iris", test_samples=50)
        digits = nonideal.load_dataset("digits", encoding=nonideal.pnn.Encoding(time="inverted"))
    """
    if name in SMALL:
        return load_small(name, seed=seed, test_samples=test_samples, encoding=encoding)
    if name not in IMAGES:
        raise DataError(f"unknown data set {name!r}: choose one of {', '.join((*SMALL, *IMAGES))}")
    if folder is None:
        raise DataError(f"{name} needs a data directory that holds, or will hold, its files")
    return load_images(name, Path(folder), encoding=encoding, pool=pool, download=download)


def images_present(name: str, folder: Path) -> bool:
    """Whether all files of an image set lie in ``folder``, plain or ``.gz``."""
    files = (*CIFAR_TRAIN, CIFAR_TEST) if name == "cifar10" else IDX_FILES
    return all(_present(folder / file) for file in files)


def read_idx(path: Path) -> np.ndarray:
    """The unsigned bytes of an IDX file, ``path`` or ``path``.gz. Raises ``DataError``."""
    data = _read(path)
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise DataError(f"{path}: not an IDX file of bytes (its first bytes are {data[:4].hex()})")
    dimensions = data[3]
    if not 1 <= dimensions <= 8:
        raise DataError(
            f"{path}: {dimensions} dimensions: an IDX file of images has 3, one of labels 1; get it again"
        )
    start = 4 + 4 * dimensions
    shape = struct.unpack(f">{dimensions}I", data[4:start]) if len(data) >= start else ()
    if len(data) - start != math.prod(shape) or len(shape) != dimensions:
        raise DataError(
            f"{path}: {len(data) - start} bytes of data for shape {shape}: truncated or damaged, get it again"
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def write_idx(path: Path, values: np.ndarray) -> None:
    """Write bytes as ``path``.gz in IDX, whole or not at all."""
    head = b"\0\0\x08" + bytes([values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    target = path.with_name(path.name + ".gz")
    write_bytes(target, gzip.compress(head + values.astype(np.uint8).tobytes(), 6, mtime=0))


def download_openml(name: str, folder: Path) -> None:
    """Fetch mnist or fashion_mnist from OpenML (about 15 and 40 MB) and keep it as the standard files in
    ``folder``.
    """
    from sklearn.datasets import fetch_openml

    if name not in OPENML:
        raise DataError(f"{name} has no download here: put its standard files into {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        x, y = fetch_openml(
            OPENML[name], version=1, return_X_y=True, as_frame=False, parser="liac-arff", cache=False
        )
    except OSError as error:
        raise DataError(
            f"{name}: download from OpenML failed ({error}); put the files into {folder}"
        ) from error
    if x.shape != (70000, 784):
        raise DataError(f"{name}: OpenML sent {x.shape}, not 70000 images of 784 pixels")
    images, labels = x.astype(np.uint8).reshape(-1, 28, 28), y.astype(np.uint8)
    for file, values in zip(
        IDX_FILES, (images[:60000], labels[:60000], images[60000:], labels[60000:]), strict=True
    ):
        write_idx(folder / file, values)


def _cifar(paths: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    parts = []
    for path in paths:
        data = _read(path)
        if len(data) == 0 or len(data) % CIFAR_RECORD:
            raise DataError(
                f"{path}: {len(data)} bytes are not whole records of {CIFAR_RECORD}: truncated or damaged"
            )
        parts.append(np.frombuffer(data, np.uint8).reshape(-1, CIFAR_RECORD))
    records = np.concatenate(parts)
    if records[:, 0].max() > 9:
        raise DataError(f"{paths[0]}: label {records[:, 0].max()} found, CIFAR-10 has 0..9")
    return records[:, 1:], records[:, 0]


def _present(path: Path) -> bool:
    return path.is_file() or path.with_name(path.name + ".gz").is_file()


def _read(path: Path) -> bytes:
    try:
        if path.is_file():
            return read_bytes(path, most_bytes=MOST_BYTES)
        packed = path.with_name(path.name + ".gz")
        if not packed.is_file():
            raise DataError(
                f"neither {path} nor {packed.name} is there: set the data directory to where the files lie"
            )
        content = read_bytes(packed, most_bytes=MOST_BYTES)
    except UnreadableFile as error:
        raise DataError(str(error)) from error
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise OSError(f"it unpacks to more than {MOST_BYTES} bytes")
        return data
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise DataError(f"{packed}: not a readable gzip file ({error}): get it again") from error
