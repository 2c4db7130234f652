"""Training steps of the whole network: against the ANN, the paper's form, and the simple model."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from nonideal.pnn import DSTD, Exact
from nonideal.pnn.adam import FusedAdam
from timing.images import cycle
from timing.networks import Ann, PaperForm, Spiking
from timing.plan import Plan
from timing.row import Row, Step, compare

FULL = "full physical model (bottom_up) against the simple one"


def rows(plan: Plan) -> Iterator[Row]:
    """Batches of two sizes, few spikes and many, several grids, every Adam."""
    images, rounds = plan.images, plan.rounds
    dense = torch.rand(6000, 784, generator=torch.Generator().manual_seed(1))
    for name, batch, method, data, target in (
        ("step batch 32 M 10", 32, DSTD(10), images.x, "<= 2.0"),
        ("step batch 32 M 4", 32, DSTD(4), images.x, ""),
        ("step batch 32 M 15", 32, DSTD(15), images.x, ""),
        ("step batch 256 M 10", 256, DSTD(10), images.x, "<= 3.0"),
        ("step batch 32 M 10 dense spikes", 32, DSTD(10), dense, "<= 3.0"),
        ("step batch 32 exact", 32, Exact(), images.x, ""),
    ):
        if plan.wants(name):
            ours, reference = (
                training_step(m, cycle(data, images.y, batch)) for m in (Spiking(method), Ann())
            )
            note = images.note if data is images.x else ""
            yield compare(name, ours, "ANN", reference, rounds, target=target, note=note)
    for name, batch, adam, other, few, target in (
        ("step batch 32 M 10 fused Adam", 32, "fused", "ANN", rounds, ""),
        ("step batch 256 M 10 fused Adam", 256, "fused", "ANN", rounds, ""),
        ("step batch 32 M 10 against paper", 32, "plain", "paper's form", rounds // 4, "<= 0.1"),
        ("step batch 32 M 10 against paper, fused Adam", 32, "fused", "paper's form", rounds // 4, "<= 0.1"),
        ("step batch 32 M 10 against paper, without Adam", 32, "none", "paper's form", rounds // 4, "<= 0.1"),
        ("step batch 256 M 10 against paper", 256, "plain", "paper's form", rounds // 8, ""),
        (f"step batch 32 M 10 {FULL}", 32, "fused", "our simple step", rounds, "<= 1.3"),
        (f"step batch 256 M 10 {FULL}", 256, "fused", "our simple step", rounds, "<= 1.3"),
    ):
        if plan.wants(name):
            full = other == "our simple step"
            model = Ann() if other == "ANN" else Spiking(DSTD(10)) if full else PaperForm(10)
            models = (Spiking(DSTD(10), full=full), model)
            ours, reference = (training_step(m, cycle(images.x, images.y, batch), adam) for m in models)
            yield compare(name, ours, other, reference, max(5, few), target=target, note=images.note)


def training_step(model: nn.Module, batches: Iterator[tuple[Tensor, Tensor]], adam: str = "plain") -> Step:
    """Forward, cross-entropy of the first spike, backward, Adam: PyTorch's default ("plain"), PyTorch's fused
    one ("fused"; for RC-Spike layers as the trainer calls it), or none.
    """
    if adam == "fused" and isinstance(model, Spiking):
        optimiser: torch.optim.Optimizer = FusedAdam(model.parameters(), lr=1e-4)
    else:
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True if adam == "fused" else None)

    def step() -> None:
        x, y = next(batches)
        loss = functional.cross_entropy(-model(x) / 0.07, y)
        optimiser.zero_grad()
        loss.backward()
        if adam != "none":
            optimiser.step()

    return step
