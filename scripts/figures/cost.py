"""Time and memory of one N -> N layer, forward and backward, against the number of input spikes."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor

from figures.setting import Setting
from figures.table import Table
from nonideal.characterize.plots import DASHED, DISCHARGER, INK, NMOS, PMOS
from nonideal.pnn import DSTD, Dataset, Exact, Reversal, kernel_name, membrane_dstd, membrane_exact
from nonideal.pnn.dstd import grid

STEPS = 10
REVERSAL = Reversal.constant(2.80, -1.53)
METHODS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "exact, plain": lambda t, w: membrane_exact(t, w, REVERSAL.conductance(w)),
    "exact, native": lambda t, w: Exact().membrane(t, w, REVERSAL),
    "DSTD, plain": lambda t, w: membrane_dstd(t, w, REVERSAL.conductance(w), grid(STEPS)),
    "DSTD, native": lambda t, w: DSTD(STEPS).membrane(t, w, REVERSAL),
}
LOOKS = {
    "exact, plain": (PMOS, "-", "o"),
    "exact, native": (DISCHARGER, "-", "s"),
    "DSTD, plain": (INK, DASHED, "^"),
    "DSTD, native": (NMOS, "-", "D"),
}
ENOUGH_S = 1.0
"""Passes are repeated for this long, two at least: the first also pays for the pages of its memory."""


def measure(path: Path, setting: Setting, data: Dataset) -> Table:
    """Least CPU seconds of a forward and backward pass, and the memory they add, each in a process of its own."""
    batch = setting.cost_batch
    table = Table(
        path,
        ("method", "spikes"),
        ("seconds", "peak_bytes"),
        f"layer N -> N; all N axons spike; batch {batch}; DSTD with M = {STEPS}; float32; one thread; "
        "CPU time of forward and backward; memory above the process before it",
    )
    spawn = multiprocessing.get_context("spawn")
    sizes = product(METHODS, setting.cost_sizes)
    wanted = [(m, n) for m, n in sizes if m != "exact, plain" or n <= setting.cost_largest_plain_exact]
    for method, n in table.missing(wanted):
        with spawn.Pool(1) as pool:
            table.add((method, n), *pool.apply(layer_cost, (method, n, batch)))
    return table


def layer_cost(method: str, n: int, batch: int) -> tuple[float, int]:
    """Seconds and bytes of one layer; to be called in a fresh process."""
    torch.set_num_threads(1)
    kernel_name()
    _pass("DSTD, native", 4, 1)()  # what the first backward pass of a process loads
    base = _memory("VmRSS")
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5", encoding="utf-8")  # the high-water mark starts anew
    step = _pass(method, n, batch)
    times: list[float] = []
    while len(times) < 2 or (len(times) < 20 and sum(times) < ENOUGH_S):
        start = time.process_time()
        step()
        times.append(time.process_time() - start)
    return min(times), max(0, _memory("VmHWM") - base)


def _pass(method: str, n: int, batch: int) -> Callable[[], None]:
    generator = torch.Generator().manual_seed(0)
    t = torch.rand(batch, n, generator=generator).requires_grad_()
    w = ((2.0 * torch.rand(n, n, generator=generator) - 1.0) / n**0.5).t().requires_grad_()

    def step() -> None:
        t.grad = w.grad = None
        METHODS[method](t, w).sum().backward()

    return step


def _memory(key: str) -> int:
    """A line of /proc/self/status in bytes; 0 where there is none (not Linux)."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.is_file() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(f"{key}:")), 0)


def draw(frame: pd.DataFrame) -> Figure:
    """Time left, memory right."""
    figure = Figure(figsize=(8.4, 3.8))
    left, right = figure.subplots(1, 2)
    for method, (colour, line, marker) in LOOKS.items():
        rows = frame[frame["method"] == method].sort_values("spikes")
        looks = {"color": colour, "linestyle": line, "marker": marker, "markersize": 4}
        left.plot(rows["spikes"], 1e3 * rows["seconds"], label=method, **looks)
        used = rows[rows["peak_bytes"] >= 1 << 20]
        right.plot(used["spikes"], used["peak_bytes"] / (1 << 20), label=method, **looks)
    for ax in (left, right):
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.xaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.set_xlabel("input spikes N (layer N → N)")
        ax.legend(loc="upper left")
    right.set_xlim(left.get_xlim())
    left.set_ylabel("CPU time of forward and backward (ms)")
    right.set_ylabel("peak memory (MiB)")
    left.set_title("Time of a batch")
    right.set_title("Memory of a batch")
    return figure
