"""Speed and memory of the trainer: writes bench/training.json.

    python bench/training.py [--mnist FOLDER] [--rounds N] [--only WORD] [--out FILE]

Every row compares a training step (forward, loss, backward, Adam; the ``layer`` rows without Adam) with a
reference, the two interleaved in one process on one thread, in CPU seconds of that thread (other programs
disturb them less than wall time): ``ours_s`` and ``reference_s`` are minima over the rounds, ``ratio`` their
quotient, the medians stand beside them. Peak memory is the resident high-water mark above the process
before the first step, in a process of its own. Without MNIST files random images of the same share of black
pixels are used, and the rows say so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from characterize.variation import CurrentSpread, LayerVariation
from pnn import (
    DSTD,
    DataError,
    Discharger,
    Exact,
    NetworkOptions,
    RCSpikeLinear,
    Reversal,
    TrainingOptions,
    Variation,
    load_small,
    membrane_dstd,
    membrane_exact,
    preset,
    variant_options,
)
from pnn.adam import FusedAdam
from pnn.conv import EarliestSpikePool2d, RCSpikeConv2d
from pnn.devices import Engine
from pnn.dstd import grid
from pnn.images import load_images
from pnn.native import kernel_name
from pnn.trainer import Loop

PAPER = Reversal.constant(2.80, -1.53)
RAMP = Discharger(0.155)
SIZES = (784, 400, 400, 10)
Step = Callable[[], object]
SPREAD = LayerVariation(CurrentSpread(0.30, 5.0), CurrentSpread(0.20, 7.2), 0.154, 0.0186, 0.153)
"""About what the default circuit shows; times do not depend on it."""
FULL = "full physical model (bottom_up) against the simple one"
CNN = "conv MNIST CNN 16-16-P-32-32-P-128-10, M 5"
VGG = "conv VGG7 64-64-P-128-128-P-256-256-P-512-10, M 5"


@dataclass(frozen=True)
class Row:
    """One comparison."""

    name: str
    ours_s: float
    reference: str
    reference_s: float
    ratio: float
    peak_bytes: int | None = None
    reference_peak_bytes: int | None = None
    ours_median_s: float | None = None
    reference_median_s: float | None = None
    target: str = ""
    note: str = ""


def interleave(ours: Step, reference: Step, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of both, alternating."""
    times: tuple[list[float], list[float]] = ([], [])
    for warm_up in (True, *[False] * rounds):
        for step, seconds in zip((ours, reference), times, strict=True):
            start = time.thread_time()
            step()
            if not warm_up:
                seconds.append(time.thread_time() - start)
    return times


def compare(name: str, ours: Step, reference_name: str, reference: Step, rounds: int, **extra: object) -> Row:
    """Measure a row."""
    a, b = interleave(ours, reference, rounds)
    row = Row(
        name, min(a), reference_name, min(b), min(a) / min(b),
        ours_median_s=statistics.median(a), reference_median_s=statistics.median(b), **extra,
    )  # type: ignore[arg-type]  # fmt: skip
    print(
        f"{row.name:58s} {1e3 * row.ours_s:9.2f} ms  {row.ratio:9.4g} x {row.reference}  {row.target} {row.note}",
        flush=True,
    )
    return row


class Spiking(nn.Module):
    """784-400-400-10 of RC-Spike layers; unclipped output times. ``full``: the variant bottom_up, on the preset's columns."""

    def __init__(self, method: DSTD | Exact, *, full: bool = False) -> None:
        super().__init__()
        if full:
            options = variant_options("bottom_up", preset("sky130_tt"), SIZES, method=method)
            self.layers = options.build().layers
        else:
            self.layers = nn.ModuleList(RCSpikeLinear(a, b, PAPER, RAMP, method) for a, b in pairwise(SIZES))

    def forward(self, t: Tensor) -> Tensor:
        for layer in self.layers:
            t = layer(t).unclipped
        return t


class Ann(nn.Module):
    """The same sizes as Linear and hardtanh; negated output, as if it were a time."""

    def __init__(self, sizes: tuple[int, ...] = SIZES) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))

    def forward(self, t: Tensor) -> Tensor:
        x = 1.0 - t
        for layer in self.layers:
            out = layer(x)
            x = functional.hardtanh(out, 0.0, 1.0)
        return -out


class PaperForm(nn.Module):
    """Section 3 of the paper word for word in plain autograd.

    A spike is split over its two neighbouring grid points by linear interpolation (a scatter), shares are
    cumulated, f and g are a matrix product each per interval. The grid comes first in memory, so that each
    product reads a whole matrix: of the ways to write this the fastest that was found.
    """

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.weights = nn.ParameterList(
            nn.Parameter((2.0 * torch.rand(b, a) - 1.0) / a**0.5) for a, b in pairwise(SIZES)
        )

    def forward(self, t: Tensor) -> Tensor:
        for w in self.weights:
            c = PAPER.conductance(w)
            before = (t.detach() * self.steps).long().clamp(max=self.steps - 1)
            after = (t * self.steps - before).unsqueeze(0)
            before = before.unsqueeze(0)
            s = torch.zeros(self.steps + 1, *t.shape)
            s = s.scatter_add(0, before, 1.0 - after).scatter_add(0, before + 1, after).cumsum(0)
            v = torch.zeros(t.shape[0], w.shape[0])
            for m in range(self.steps):
                f = s[m] @ c.t() + 1e-6
                g = s[m] @ w.t()
                decay = torch.exp(-f / self.steps)
                v = v * decay + g / f * (1.0 - decay)
            out = 1.0 - v
            t = out.clamp(0.0, 1.0)
        return out


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


def trainer_step(
    x: Tensor,
    y: Tensor,
    sizes: tuple[int, ...],
    method: DSTD | Exact,
    batch: int,
    variation: Variation | None,
) -> Step:
    """One mini-batch of the trainer itself, with everything that it does around forward, loss, backward and Adam."""
    options = NetworkOptions(
        layer_sizes=sizes, reversal=PAPER, discharger=RAMP, method=method, classes=int(y.max()) + 1
    )
    network = options.build()
    part = slice(batch)
    data = replace(load_small("iris"), train_x=x[part], train_y=y[part], test_x=x[part], test_y=y[part])
    generator = torch.Generator().manual_seed(0)
    training = TrainingOptions(batch_size=batch, variation=variation)
    loop = Loop(
        Engine(torch.device("cpu")), data, network, FusedAdam(network.parameters()), generator, training
    )
    batches = cycle(x, y, batch)

    def step() -> None:
        images, loop.train_y = next(batches)
        loop.train_x = images.to(torch.float32)
        loop.epoch(1, False)

    return step


def cycle(x: Tensor, y: Tensor, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches for ever."""
    while True:
        for start in range(0, x.shape[0] - batch + 1, batch):
            yield x[start : start + batch], y[start : start + batch]


def layer_step(membrane: Callable[[Tensor, Tensor], Tensor], n: int = 1000, batch: int = 100) -> Step:
    """Forward and backward of one n -> n layer, all axons spiking."""
    generator = torch.Generator().manual_seed(0)
    t = torch.rand(batch, n, generator=generator).requires_grad_()
    w = ((torch.rand(n, n, generator=generator) * 2.0 - 1.0) / n**0.5).t().requires_grad_()

    def step() -> None:
        t.grad = w.grad = None
        membrane(t, w).sum().backward()

    return step


LAYERS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "fused": lambda t, w: DSTD(10).membrane(t, w, PAPER),
    "fused exact": lambda t, w: Exact().membrane(t, w, PAPER),
    "ann": lambda t, w: functional.hardtanh((1.0 - t) @ w.t(), 0.0, 1.0),
    "dense": lambda t, w: membrane_dstd(t, w, PAPER.conductance(w), grid(10)),
    "exact plain": lambda t, w: membrane_exact(t, w, PAPER.conductance(w), chunk_elements=1 << 62),
}


def peak_bytes(name: str) -> int:
    """High-water mark of a layer's training steps above the process before it, from a child process."""
    command = [sys.executable, __file__, "--peak", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return int(done.stdout.strip().splitlines()[-1])


def measure_peak(name: str) -> int:
    """In the child: training steps with Adam, against the process before the layer exists. Linux only (/proc)."""
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


class Peer(nn.Module):
    """The same sizes as leaky integrate-and-fire neurons on ``PEER_STEPS`` steps; an input spikes at its step."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, t: Tensor) -> Tensor:
        steps = torch.arange(PEER_STEPS).reshape(-1, 1, 1)
        spikes = ((t * PEER_STEPS).long() == steps).to(t.dtype)  # silent: step PEER_STEPS, never
        return -self.network(spikes).sum(0) / PEER_STEPS  # negated, as if it were a time


PEER_STEPS = 10


def peer_snntorch() -> nn.Module | None:
    """snnTorch, or None where it does not import."""
    try:
        import snntorch
    except ImportError:
        return None

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(SIZES))
            self.lif = nn.ModuleList(snntorch.Leaky(beta=0.9) for _ in self.linear)

        def forward(self, spikes: Tensor) -> Tensor:
            membranes = [lif.init_leaky() for lif in self.lif]
            out = []
            for x in spikes:
                for k, (linear, lif) in enumerate(zip(self.linear, self.lif, strict=True)):
                    x, membranes[k] = lif(linear(x), membranes[k])  # noqa: PLW2901
                out.append(x)
            return torch.stack(out)

    return Network()


def peer_norse() -> nn.Module | None:
    """norse, or None where it does not import."""
    try:
        import norse.torch as norse
    except ImportError:
        return None

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers: list[nn.Module] = []
            for a, b in pairwise(SIZES):
                layers += [nn.Linear(a, b), norse.LIFCell()]
            self.layers = norse.SequentialState(*layers)

        def forward(self, spikes: Tensor) -> Tensor:
            state, out = None, []
            for x in spikes:
                spike, state = self.layers(x, state)
                out.append(spike)
            return torch.stack(out)

    return Network()


def peer_spikingjelly() -> nn.Module | None:
    """SpikingJelly, all steps of a layer at once, or None where it does not import."""
    try:
        from spikingjelly.activation_based import functional as jelly
        from spikingjelly.activation_based import layer, neuron
    except ImportError:
        return None

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers: list[nn.Module] = []
            for a, b in pairwise(SIZES):
                layers += [layer.Linear(a, b), neuron.LIFNode()]
            self.layers = nn.Sequential(*layers)
            jelly.set_step_mode(self.layers, "m")

        def forward(self, spikes: Tensor) -> Tensor:
            jelly.reset_net(self.layers)
            return self.layers(spikes)  # type: ignore[no-any-return]

    return Network()


PEERS = {"snnTorch": peer_snntorch, "norse": peer_norse, "SpikingJelly": peer_spikingjelly}


class SpikeTime(nn.Module):
    """Clipped times of a firing."""

    def forward(self, firing: object) -> Tensor:
        return firing.spike_time  # type: ignore[attr-defined, no-any-return]


class Unclipped(nn.Module):
    """Unclipped times of a firing."""

    def forward(self, firing: object) -> Tensor:
        return firing.unclipped  # type: ignore[attr-defined, no-any-return]


def images(folder: Path | None) -> tuple[Tensor, Tensor, str]:
    """Spike times [n, 784] and labels; a note where they are not MNIST."""
    if folder is not None:
        try:
            data = load_images("mnist", folder)
            return data.train_x[:6000], data.train_y[:6000], ""
        except DataError as error:
            print(error, file=sys.stderr)
    generator = torch.Generator().manual_seed(0)
    t = torch.rand(6000, 784, generator=generator)
    silent = torch.rand(6000, 784, generator=generator) > 0.19
    return (
        torch.where(silent, 1.0, t),
        torch.randint(0, 10, (6000,), generator=generator),
        "random images, 19 % of pixels spike",
    )


def rows(arguments: argparse.Namespace) -> Iterator[Row]:
    """All comparisons whose name holds ``--only``."""
    x, y, note = images(arguments.mnist)
    dense = torch.rand(6000, 784, generator=torch.Generator().manual_seed(1))
    rounds = arguments.rounds

    def wanted(name: str) -> bool:
        return arguments.only in name

    for name, batch, method, data, target in (
        ("step batch 32 M 10", 32, DSTD(10), x, "<= 2.0"),
        ("step batch 32 M 4", 32, DSTD(4), x, ""),
        ("step batch 32 M 15", 32, DSTD(15), x, ""),
        ("step batch 256 M 10", 256, DSTD(10), x, "<= 3.0"),
        ("step batch 32 M 10 dense spikes", 32, DSTD(10), dense, "<= 3.0"),
        ("step batch 32 exact", 32, Exact(), x, ""),
    ):
        if wanted(name):
            ours, reference = (training_step(m, cycle(data, y, batch)) for m in (Spiking(method), Ann()))
            yield compare(name, ours, "ANN", reference, rounds, target=target, note=note if data is x else "")
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
        if wanted(name):
            full = other == "our simple step"
            model = Ann() if other == "ANN" else Spiking(DSTD(10)) if full else PaperForm(10)
            models = (Spiking(DSTD(10), full=full), model)
            ours, reference = (training_step(m, cycle(x, y, batch), adam) for m in models)
            yield compare(name, ours, other, reference, max(5, few), target=target, note=note)
    yield from variation_rows(x, y, rounds, wanted)
    for title, build in PEERS.items():
        name = f"step batch 32 M 10 against {title}"
        if wanted(name) and (peer := build()) is not None:
            ours, reference = (training_step(m, cycle(x, y, 32)) for m in (Spiking(DSTD(10)), Peer(peer)))
            yield compare(name, ours, f"{title} LIF, 10 steps", reference, max(5, rounds // 4), note=note)
    if wanted("step batch 32 M 4 third order"):
        ours, reference = (training_step(Spiking(m), cycle(x, y, 32)) for m in (DSTD(4, order=3), DSTD(4)))
        yield compare(
            "step batch 32 M 4 third order",
            ours,
            "plain M 4",
            reference,
            rounds,
            target="<= 1.2",
            note=third_order_errors(),
        )
    for name, other, target in (
        ("layer 1000 M 10", "ann", "memory <= 1.6"),
        ("layer 1000 M 10", "dense", ""),
        ("layer 1000 M 10", "exact plain", "<= 1/300, memory <= 1/80"),
    ):
        if wanted(name):
            mine = "fused"
            few = 1 if other == "exact plain" else max(5, rounds // 4)
            peaks = {"peak_bytes": peak_bytes(mine), "reference_peak_bytes": peak_bytes(other)}
            text = f"memory {peaks['peak_bytes'] / 1e6:.0f} : {peaks['reference_peak_bytes'] / 1e6:.0f} MB"
            yield compare(
                name,
                layer_step(LAYERS[mine]),
                other,
                layer_step(LAYERS[other]),
                few,
                target=target,
                note=text,
                **peaks,
            )
    for name, channels, first, side, full, batch in (
        (CNN, (16, 16, 0, 32, 32, 0), 1, 28, (128, 10), 32),
        (
            VGG,
            (64, 64, 0, 128, 128, 0, 256, 256, 0),
            3,
            32,
            (512, 10),
            8,
        ),
    ):
        if wanted(name):
            shape = (first, side, side)
            pictures = (
                x.reshape(-1, *shape)
                if first == 1
                else torch.rand(64, *shape, generator=torch.Generator().manual_seed(2))
            )
            ours, reference = (
                training_step(
                    convolutions(channels, spiking, first, side, full),
                    cycle(pictures, y[: len(pictures)], batch),
                )
                for spiking in (True, False)
            )
            yield compare(
                name,
                ours,
                "ANN",
                reference,
                max(3, rounds // 10),
                target="<= 5",
                note=note if first == 1 else "random images",
            )


def variation_rows(x: Tensor, y: Tensor, rounds: int, wanted: Callable[[str], bool]) -> Iterator[Row]:
    """Training on drawn chips beside nominal training; x, y: images."""
    iris, digits = load_small("iris"), load_small("digits")
    for title, (images_x, images_y), sizes, method, batch, tail in (
        ("batch 32 M 10", (x, y), SIZES, DSTD(10), 32, 1.0),
        ("batch 256 M 10", (x, y), SIZES, DSTD(10), 256, 1.0),
        ("iris 5-5-5 batch 50 exact", (iris.train_x, iris.train_y), (5, 5, 5), Exact(), 50, 1.0),
        ("iris 5-20-5 batch 50 exact", (iris.train_x, iris.train_y), (5, 20, 5), Exact(), 50, 1.0),
        ("iris 5-5-5 batch 50 exact, tail 0.25", (iris.train_x, iris.train_y), (5, 5, 5), Exact(), 50, 0.25),
        ("iris 5-5-5 batch 50 M 10", (iris.train_x, iris.train_y), (5, 5, 5), DSTD(10), 50, 1.0),
        ("digits 65-32-10 batch 50 exact", (digits.train_x, digits.train_y), (65, 32, 10), Exact(), 50, 1.0),
        ("digits 65-32-10 batch 50 M 10", (digits.train_x, digits.train_y), (65, 32, 10), DSTD(10), 50, 1.0),
    ):
        name = f"variation-aware step {title}"
        if wanted(name):
            variation = Variation(layers=(SPREAD,) * (len(sizes) - 1), chips=8, tail=tail)
            weights = sum(a * b for a, b in pairwise(sizes))
            ours, reference = (
                trainer_step(images_x, images_y, sizes, method, batch, v) for v in (variation, None)
            )
            chips = variation.chips_of(batch, weights)
            drawn = "1 chip" if chips == 1 else f"{chips} chips"
            many = rounds if sizes == SIZES else 10 * rounds
            yield compare(
                name, ours, "nominal step", reference, many, target="<= 1.5", note=f"{drawn} a mini-batch"
            )


def third_order_errors() -> str:
    """Root mean square error of v(1) at |E_rev| = 4, 784 -> 400, all axons spiking."""
    generator = torch.Generator().manual_seed(0)
    t = torch.rand(32, 784, generator=generator, dtype=torch.float64)
    w = (torch.rand(400, 784, generator=generator, dtype=torch.float64) * 2.0 - 1.0) / 28.0
    four = Reversal.ideal(4.0)
    exact = Exact().membrane(t, w, four)
    errors = {
        f"M {m.steps} order {m.order}": (m.membrane(t, w, four) - exact).square().mean().sqrt().item()
        for m in (DSTD(4), DSTD(10), DSTD(4, order=3))
    }
    return "rms error " + ", ".join(f"{name}: {value:.2e}" for name, value in errors.items())


def machine() -> dict[str, object]:
    """What the numbers depend on."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        model = next(
            (x.split(":")[1].strip() for x in cpuinfo.read_text().splitlines() if x.startswith("model name")),
            model,
        )
    return {
        "processor": model, "cores": os.cpu_count(), "threads": torch.get_num_threads(), "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(), "kernel": kernel_name(), "python": platform.python_version(),
        "load": os.getloadavg()[0],
    }  # fmt: skip


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mnist", type=Path, help="folder with the four MNIST files")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--only", default="", help="renew only rows whose name holds this")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("training.json"))
    parser.add_argument("--peak", choices=sorted(LAYERS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.peak:
        print(measure_peak(arguments.peak))
        return
    print(f"kernel: {kernel_name()}", flush=True)
    where, finished = machine(), []
    if arguments.only and arguments.out.is_file():  # renew some rows, keep the others
        finished = [
            x
            for x in json.loads(arguments.out.read_text(encoding="utf-8"))["rows"]
            if arguments.only not in x["name"]
        ]
    for row in rows(arguments):
        finished.append(asdict(row))
        part = arguments.out.with_suffix(".part")
        part.write_text(json.dumps({"machine": where, "rows": finished}, indent=1) + "\n", encoding="utf-8")
        os.replace(part, arguments.out)
    print(arguments.out)


if __name__ == "__main__":
    main()
