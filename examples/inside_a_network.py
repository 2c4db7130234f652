"""An RC-Spike layer with the physics of sky130 inside an ordinary network, trained as one, by PyTorch alone.

Digits (8 x 8 pixels): an ordinary convolution makes features, a sigmoid makes spike times of them, 32 neurons of silicon listen, an ordinary
layer reads their spike times.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import nonideal
from nonideal.pnn import DSTD, SpikeTime


def build() -> nn.Sequential:
    """Pixels [B, 1, 8, 8] in [0, 1] -> scores [B, 10]."""
    silicon = nonideal.preset("sky130_tt")  # or nonideal.PhysicalModel.load("model.json")
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Sigmoid(),  # spike times in T_circ
        nonideal.RCSpikeLinear.from_model(128, 32, silicon, DSTD(4, order=3)),
        SpikeTime(),
        nn.Linear(32, 10),
    )


def main(epochs: int = 15) -> float:
    """Share of the test samples that are right."""
    torch.manual_seed(0)
    digits = nonideal.load_dataset(
        "digits", encoding=nonideal.pnn.Encoding(time="inverted", bias=False), test_samples=360
    )
    x, y = (1.0 - digits.train_x.float()).view(-1, 1, 8, 8), digits.train_y
    network = build()
    optimiser = torch.optim.AdamW(network.parameters(), lr=5e-3)
    for _ in range(epochs):
        for pixels, label in DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(pixels), label).backward()
            optimiser.step()
    with torch.no_grad():
        decision = network((1.0 - digits.test_x.float()).view(-1, 1, 8, 8)).argmax(1)
    return float((decision == digits.test_y).float().mean())


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"{100 * main():.1f} % of the test samples")
