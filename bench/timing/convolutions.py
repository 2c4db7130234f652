"""Convolutional networks against the same as ANNs."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from nonideal.pnn import DSTD, RCSpikeLinear
from nonideal.pnn.conv import EarliestSpikePool2d, RCSpikeConv2d
from timing.images import cycle
from timing.networks import PAPER, RAMP
from timing.plan import Plan
from timing.row import Row, compare
from timing.steps import training_step

CNN = "conv MNIST CNN 16-16-P-32-32-P-128-10, M 5"
VGG = "conv VGG7 64-64-P-128-128-P-256-256-P-512-10, M 5"


def rows(plan: Plan) -> Iterator[Row]:
    """One small network, one large."""
    images = plan.images
    for name, channels, first, side, full, batch in (
        (CNN, (16, 16, 0, 32, 32, 0), 1, 28, (128, 10), 32),
        (VGG, (64, 64, 0, 128, 128, 0, 256, 256, 0), 3, 32, (512, 10), 8),
    ):
        if plan.wants(name):
            shape = (first, side, side)
            pictures = (
                images.x.reshape(-1, *shape)
                if first == 1
                else torch.rand(64, *shape, generator=torch.Generator().manual_seed(2))
            )
            ours, reference = (
                training_step(
                    convolutions(channels, spiking, first, side, full),
                    cycle(pictures, images.y[: len(pictures)], batch),
                )
                for spiking in (True, False)
            )
            yield compare(
                name,
                ours,
                "ANN",
                reference,
                max(3, plan.rounds // 10),
                target="<= 5",
                note=images.note if first == 1 else "random images",
            )


def convolutions(
    channels: tuple[int, ...], spiking: bool, first: int, side: int, dense: tuple[int, ...]
) -> nn.Sequential:
    """3 x 3 convolutions with padding, pooling by 2 where ``channels`` has a 0, then dense layers."""
    layers: list[nn.Module] = []
    method = DSTD(5)
    for c in channels:
        if c == 0:
            layers.append(EarliestSpikePool2d(2) if spiking else nn.MaxPool2d(2))
            side //= 2
            continue
        if spiking:
            layers += [RCSpikeConv2d(first, c, 3, PAPER, RAMP, method, padding=1), SpikeTime()]
        else:
            layers += [nn.Conv2d(first, c, 3, padding=1), nn.Hardtanh(0.0, 1.0)]
        first = c
    layers.append(nn.Flatten())
    n = first * side * side
    for k, size in enumerate(dense):
        last = k == len(dense) - 1
        if spiking:
            layers += [RCSpikeLinear(n, size, PAPER, RAMP, method), Unclipped() if last else SpikeTime()]
        else:
            layers += [nn.Linear(n, size)] + ([] if last else [nn.Hardtanh(0.0, 1.0)])
        n = size
    return nn.Sequential(*layers)


class SpikeTime(nn.Module):
    """Clipped times of a firing."""

    def forward(self, firing: object) -> Tensor:
        return firing.spike_time  # type: ignore[attr-defined, no-any-return]


class Unclipped(nn.Module):
    """Unclipped times of a firing."""

    def forward(self, firing: object) -> Tensor:
        return firing.unclipped  # type: ignore[attr-defined, no-any-return]
