"""Spike-time noise."""

from __future__ import annotations

import torch
from torch import Tensor

from nonideal.pnn.errors import BadParameter


def spike_time_noise(spike_time: Tensor, sigma: float, generator: torch.Generator | None) -> Tensor:
    """``spike_time`` plus Gaussian jitter of standard deviation ``sigma`` (units of T_circ; the paper: 0.01).

    Draws only from ``generator``; without one (a deterministic evaluation), or with sigma = 0, nothing is
    added.
    """
    if not 0.0 <= sigma <= 1.0:
        raise BadParameter(f"sigma_spike = {sigma}: must lie in [0, 1], in units of T_circ")
    if sigma == 0.0 or generator is None:
        return spike_time
    return jittered(spike_time, sigma, generator)


def jittered(spike_time: Tensor, sigma: float | Tensor, generator: torch.Generator) -> Tensor:
    """``spike_time`` plus jitter of one standard deviation, or of one for each spike, the shape of ``spike_time``."""
    jitter = torch.randn(
        spike_time.shape, generator=generator, device=generator.device, dtype=spike_time.dtype
    )
    return spike_time + sigma * jitter.to(spike_time.device)
