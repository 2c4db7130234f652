"""Train a small time-to-first-spike CNN on MNIST: accuracy and seconds per epoch.

    python bench/ttfs_mnist.py --mnist FOLDER [--epochs N] [--seed S]

Conv16-Pool-Conv32-Pool-128-10, trained on 20 intervals with random offset, tested on 60. Prints one line an epoch.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from pnn import DSTD, Dataset, Reversal, first_to_fire
from pnn.conv import EarliestSpikePool2d
from pnn.images import load_images
from pnn.native import kernel_name
from pnn.ttfs import FirstSpike, TTFSConv2d, TTFSLinear

PAPER = Reversal.constant(2.80, -1.53)
HORIZON, T_REF = 4.0, 3.2


class SmallCnn(nn.Module):
    """Returns the first spikes of every layer."""

    def __init__(self) -> None:
        super().__init__()
        common = {"horizon": HORIZON, "t_ref": T_REF, "layers": 4}
        train = DSTD(20, random_offset=True)
        self.convolutions = nn.ModuleList(
            TTFSConv2d(a, b, 3, PAPER, train, padding=1, **common) for a, b in ((1, 16), (16, 32))
        )
        self.dense = nn.ModuleList(
            TTFSLinear(a, b, PAPER, train, **common) for a, b in ((32 * 49, 128), (128, 10))
        )
        self.pool = EarliestSpikePool2d(2)

    def forward(self, t: Tensor, generator: torch.Generator | None = None) -> list[FirstSpike]:
        spikes = []
        t = torch.where(t >= 1.0, HORIZON, t).reshape(-1, 1, 28, 28)  # black pixels never spike
        for layer in self.convolutions:
            spikes.append(layer(t, generator))
            t = self.pool(spikes[-1].spike_time)
        t = t.flatten(1)
        for layer in self.dense:
            spikes.append(layer(t, generator))
            t = spikes[-1].spike_time
        return spikes


def loss_of(spikes: list[FirstSpike], label: Tensor) -> Tensor:
    """First to fire, temporal penalty, firing promotion (paper, section 5)."""
    out = spikes[-1].unclipped
    promotion = torch.stack([s.shortfall.flatten(1).sum(1).mean() for s in spikes]).sum()
    return first_to_fire(out, label, 0.07) + 0.02 * (out - T_REF).square().sum(1).mean() + 8e-6 * promotion


@torch.no_grad()
def accuracy(model: SmallCnn, data: Dataset) -> float:
    """On 60 intervals; no output spike counts as wrong."""
    layers = [*model.convolutions, *model.dense]
    methods = [layer.method for layer in layers]
    for layer in layers:
        layer.method = DSTD(60)
    correct = 0
    for x, y in zip(data.test_x.split(250), data.test_y.split(250), strict=True):
        first, index = model(x)[-1].spike_time.min(dim=1)
        correct += int(((index == y) & (first < HORIZON)).sum())
    for layer, method in zip(layers, methods, strict=True):
        layer.method = method
    return correct / len(data.test_y)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mnist", type=Path, required=True, help="folder with the four MNIST files")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = load_images("mnist", arguments.mnist)
    generator = torch.Generator().manual_seed(arguments.seed)
    model = SmallCnn()
    for layer in (*model.convolutions, *model.dense):
        layer.reset_parameters(generator)
        spread = 0.7 / math.sqrt(layer.weight[0].numel())  # neurons that differ from the start learn sooner
        with torch.no_grad():
            layer.weight.add_(torch.randn(layer.weight.shape, generator=generator), alpha=spread)
    rate, batch = 2e-3, 32
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    steps = arguments.epochs * (len(data.train_y) // batch)
    step = 0
    print(f"kernel: {kernel_name()}", flush=True)
    for epoch in range(1, arguments.epochs + 1):
        start, start_cpu, total = time.perf_counter(), time.process_time(), 0.0
        order = torch.randperm(len(data.train_y), generator=generator)
        for k, index in enumerate(order.split(batch)[: len(order) // batch]):
            optimiser.param_groups[0]["lr"] = rate * 0.5 * (1.0 + math.cos(math.pi * step / steps))
            loss = loss_of(model(data.train_x[index], generator), data.train_y[index])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item()
            step += 1
            if k % 200 == 0:
                print(
                    f"  batch {k} mean loss {total / (k + 1):.4f} {time.perf_counter() - start:.0f} s",
                    flush=True,
                )
        seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
        print(
            f"epoch {epoch}: loss {total / (k + 1):.4f}, test {100 * accuracy(model, data):.2f} %, "
            f"{seconds:.0f} s ({cpu:.0f} s CPU)",
            flush=True,
        )


if __name__ == "__main__":
    main()
