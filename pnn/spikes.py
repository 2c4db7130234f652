"""What a layer gives: spikes, of phases (``Firing``) or first ones (``FirstSpike``); any layer takes either as its input."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from nonideal.pnn import checks

Other = TypeVar("Other")


class Firing(NamedTuple):
    """What an RC-Spike layer did: ``membrane`` v(1) and ``unclipped`` spike time, both [B, N_out] or [B, channels, H, W], in units of V_th and
    T_circ.

    A loss reads ``unclipped`` (its gradient never dies); the next layer and the hardware see ``spike_time``.

        firing: nonideal.pnn.Firing = nonideal.RCSpikeLinear(5, 3, nonideal.pnn.Reversal.ideal())(torch.rand(10, 5))
        times = firing.spike_time    # [10, 3]
    """

    membrane: Tensor
    unclipped: Tensor

    @property
    def spike_time(self) -> Tensor:
        """Spike time inside the firing phase, [0, 1]; 1 is silent; the shape of ``unclipped``."""
        return functional.hardtanh(self.unclipped, 0.0, 1.0)  # a clamp with a cheaper backward

    @property
    def horizon(self) -> float:
        """The end of the phase, from which on a neuron is silent."""
        return 1.0

    def pooled(self, size: int) -> Firing:
        """The first to fire of every ``size`` x ``size`` window of images [B, channels, H, W]."""
        return Firing(functional.max_pool2d(self.membrane, size), earliest(self.unclipped, size))


class FirstSpike(NamedTuple):
    """What a TTFS layer did: ``unclipped`` first spike times, [B, N_out] or [B, channels, H, W] in units of T_circ, and the ``horizon`` from
    which on a neuron is silent.

        spikes: nonideal.pnn.FirstSpike = nonideal.pnn.TTFSLinear(5, 3, nonideal.pnn.Reversal.ideal())(torch.rand(10, 5))
        times = spikes.spike_time    # [10, 3]
    """

    unclipped: Tensor
    horizon: float

    @property
    def spike_time(self) -> Tensor:
        """Spike times up to the horizon, which means silent; the shape of ``unclipped``."""
        return self.unclipped.clamp(max=self.horizon)

    @property
    def shortfall(self) -> Tensor:
        """1 - v at the horizon of silent neurons, else 0, the shape of ``unclipped``: what firing promotion adds up."""
        return (self.unclipped / self.horizon - 1.0).clamp(min=0.0)

    def pooled(self, size: int) -> FirstSpike:
        """The first to fire of every ``size`` x ``size`` window of images [B, channels, H, W]."""
        return FirstSpike(earliest(self.unclipped, size), self.horizon)


Spikes: TypeAlias = Firing | FirstSpike


def earliest(spike_time: Tensor, size: int) -> Tensor:
    """The least time of every window, [B, C, H, W] -> [B, C, H // size, W // size]."""
    return -functional.max_pool2d(-spike_time, size)


def heard(given: Spikes | Other, horizon: float) -> Tensor | Other:
    """Spike times as a layer hears them that takes times from ``horizon`` on as silent: of spikes those that are silent where they come from
    are silent here too. What is not spikes is as it was.
    """
    if not isinstance(given, Firing | FirstSpike):
        return given
    t = given.spike_time
    return t if given.horizon >= horizon else torch.where(t >= given.horizon, horizon, t)


class SpikeTime(nn.Module):
    """Spikes as an ordinary tensor: what stands between a layer of neurons and a module that knows no spikes, as ``nn.Flatten`` or ``nn.Linear``.

    [B, ...] of any shape, in T_circ. ``clipped`` (default): from 0 to the horizon, which is silent, as hardware sees it. Otherwise the
    unclipped times, for a loss: their gradient never dies.

        network = torch.nn.Sequential(
            nonideal.pnn.RCSpikeConv2d(1, 4, 3, nonideal.pnn.Reversal.ideal()),
            nonideal.pnn.EarliestSpikePool2d(),
            nonideal.pnn.SpikeTime(),
            torch.nn.Flatten(),
            torch.nn.Linear(36, 10),
        )
        scores = network(torch.rand(2, 1, 8, 8))    # [2, 10]
    """

    def __init__(self, *, clipped: bool = True) -> None:
        super().__init__()
        self.clipped = clipped

    def forward(self, spikes: Spikes) -> Tensor:
        """``Firing`` or ``FirstSpike`` -> their times, the shape of ``unclipped``. Raises ``BadParameter`` for anything else."""
        if isinstance(spikes, Firing | FirstSpike):
            return spikes.spike_time if self.clipped else spikes.unclipped
        raise checks.BadParameter(
            f"SpikeTime got {checks.shown(spikes)}: it stands after a layer of neurons, which gives a Firing or FirstSpike"
        )

    def extra_repr(self) -> str:
        return "" if self.clipped else "clipped=False"
