"""One layer of 1000 neurons, all axons spiking: time and memory."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from nonideal.pnn import DSTD, membrane_dstd, membrane_exact
from nonideal.pnn.dstd import grid
from nonideal.pnn.native import kernel_name
from timing.networks import PAPER
from timing.plan import Plan
from timing.row import Row, Step, compare

LAYERS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "fused": lambda t, w: DSTD(10).membrane(t, w, PAPER),
    "ann": lambda t, w: functional.hardtanh((1.0 - t) @ w.t(), 0.0, 1.0),
    "dense": lambda t, w: membrane_dstd(t, w, PAPER.conductance(w), grid(10)),
    "exact plain": lambda t, w: membrane_exact(t, w, PAPER.conductance(w), chunk_elements=1 << 62),
}


def rows(plan: Plan) -> Iterator[Row]:
    """Against an ANN's layer, and against the plain forms."""
    for name, other, target in (
        ("layer 1000 M 10", "ann", "memory <= 1.6"),
        ("layer 1000 M 10", "dense", ""),
        ("layer 1000 M 10", "exact plain", "<= 1/300, memory <= 1/80"),
    ):
        if plan.wants(name):
            few = 1 if other == "exact plain" else max(5, plan.rounds // 4)
            peaks = {"peak_bytes": peak_bytes("fused"), "reference_peak_bytes": peak_bytes(other)}
            text = f"memory {peaks['peak_bytes'] / 1e6:.0f} : {peaks['reference_peak_bytes'] / 1e6:.0f} MB"
            yield compare(
                name,
                layer_step(LAYERS["fused"]),
                other,
                layer_step(LAYERS[other]),
                few,
                target=target,
                note=text,
                **peaks,
            )


def layer_step(membrane: Callable[[Tensor, Tensor], Tensor], n: int = 1000, batch: int = 100) -> Step:
    """Forward and backward of one n -> n layer, all axons spiking."""
    generator = torch.Generator().manual_seed(0)
    t = torch.rand(batch, n, generator=generator).requires_grad_()
    w = ((torch.rand(n, n, generator=generator) * 2.0 - 1.0) / n**0.5).t().requires_grad_()

    def step() -> None:
        t.grad = w.grad = None
        membrane(t, w).sum().backward()

    return step


def peak_bytes(name: str) -> int:
    """High-water mark of a layer's training steps above the process before it, from a child process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply_async(measure_peak, (name,)).get(timeout=600)


def measure_peak(name: str) -> int:
    """In the child: training steps with Adam, against the process before the layer exists. Linux only (/proc)."""
    torch.set_num_threads(1)
    kernel_name()

    def memory(key: str) -> int:
        text = Path("/proc/self/status").read_text(encoding="utf-8")
        return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith(key))

    base = memory("VmRSS:")
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    generator = torch.Generator().manual_seed(0)
    t = torch.rand(100, 1000, generator=generator).requires_grad_()
    w = nn.Parameter(((torch.rand(1000, 1000, generator=generator) * 2.0 - 1.0) / 1000**0.5).t())
    optimiser = torch.optim.Adam([w], lr=1e-4)
    for _ in range(1 if name == "exact plain" else 3):
        t.grad = None
        optimiser.zero_grad()
        LAYERS[name](t, w).sum().backward()
        optimiser.step()
    return memory("VmHWM:") - base
