"""The images that the rows train on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from nonideal.pnn import DataError
from nonideal.pnn.images import load_images


@dataclass(frozen=True, slots=True)
class Images:
    """Spike times [n, 784] and labels; a note where they are not MNIST."""

    x: Tensor
    y: Tensor
    note: str = ""


def load(folder: Path | None) -> Images:
    """MNIST from its folder, else random images of about the same share of black pixels."""
    if folder is not None:
        try:
            data = load_images("mnist", folder)
            return Images(data.train_x[:6000], data.train_y[:6000])
        except DataError as error:
            print(error, file=sys.stderr)
    generator = torch.Generator().manual_seed(0)
    t = torch.rand(6000, 784, generator=generator)
    silent = torch.rand(6000, 784, generator=generator) > 0.19
    return Images(
        torch.where(silent, 1.0, t),
        torch.randint(0, 10, (6000,), generator=generator),
        "random images, 19 % of pixels spike",
    )


def cycle(x: Tensor, y: Tensor, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches for ever."""
    while True:
        for start in range(0, x.shape[0] - batch + 1, batch):
            yield x[start : start + batch], y[start : start + batch]
