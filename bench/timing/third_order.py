"""DSTD of third order against the plain one: cost and error."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from nonideal.pnn import DSTD, Exact, Reversal
from timing.images import cycle
from timing.networks import Spiking
from timing.plan import Plan
from timing.row import Row, compare
from timing.steps import training_step


def rows(plan: Plan) -> Iterator[Row]:
    """One row; its note tells the errors."""
    name = "step batch 32 M 4 third order"
    if plan.wants(name):
        images = plan.images
        ours, reference = (
            training_step(Spiking(m), cycle(images.x, images.y, 32)) for m in (DSTD(4, order=3), DSTD(4))
        )
        yield compare(name, ours, "plain M 4", reference, plan.rounds, target="<= 1.2", note=errors())


def errors() -> str:
    """Root mean square error of v(1) at |E_rev| = 4, 784 -> 400, all axons spiking."""
    generator = torch.Generator().manual_seed(0)
    t = torch.rand(32, 784, generator=generator, dtype=torch.float64)
    w = (torch.rand(400, 784, generator=generator, dtype=torch.float64) * 2.0 - 1.0) / 28.0
    four = Reversal.ideal(4.0)
    exact = Exact().membrane(t, w, four)
    found = {
        f"M {m.steps} order {m.order}": (m.membrane(t, w, four) - exact).square().mean().sqrt().item()
        for m in (DSTD(4), DSTD(10), DSTD(4, order=3))
    }
    return "rms error " + ", ".join(f"{name}: {value:.2e}" for name, value in found.items())
