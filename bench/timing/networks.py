"""The network that is timed, 784-400-400-10, and the same as an ANN and as the paper writes it."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from nonideal.pnn import DSTD, Discharger, Exact, RCSpikeLinear, Reversal, preset, variant_options

PAPER = Reversal.constant(2.80, -1.53)
RAMP = Discharger(0.155)
SIZES = (784, 400, 400, 10)


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
