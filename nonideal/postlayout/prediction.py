"""What a trained network promises: spike times in seconds, in float64, evaluated exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nonideal.pnn import Exact, RCSpikeNetwork, Reversal

Array = NDArray[np.float64]


@torch.no_grad()
def unclipped_times(
    network: RCSpikeNetwork,
    spike_time: Tensor,
    *,
    silicon: Reversal | RCSpikeNetwork | None = None,
    gain: tuple[float, float] = (1.0, 1.0),
    gains: Sequence[tuple[float, float]] = (),
) -> list[Array]:
    """Spike times of every layer before the clip at the end of the phase, [samples, neurons] in T_circ; never below 0.

    With ``silicon`` (and ``gain`` on positive and negative weights, or ``gains``, one for each layer) the same weights are evaluated on another
    physics: what the silicon would do with them, as far as the characterised model knows.
    """
    t = spike_time.to(torch.float64)
    out = []
    other = silicon.linear_layers if isinstance(silicon, RCSpikeNetwork) else network.linear_layers
    factors = gains or [gain] * len(network.linear_layers)
    for layer, physics, (positive, negative) in zip(network.linear_layers, other, factors, strict=True):
        weight = layer.weight.detach().to(torch.float64)
        weight = torch.where(weight >= 0, weight * positive, weight * negative)
        if not isinstance(silicon, Reversal):
            unclipped = physics.evaluate(t, weight, Exact()).unclipped
        else:
            unclipped = layer.discharger.unclipped(Exact().membrane(t, weight, silicon.conductance(weight)))
        late = unclipped.clamp(min=0.0)
        out.append(late.numpy())
        t = late.clamp(max=1.0)
    return out


def decide(output_time: Array, classes: int) -> NDArray[np.int64]:
    """The class whose output fires first, [samples]; -1 where none of the first ``classes`` outputs fires inside the phase (t < 1)."""
    used = output_time[:, :classes]
    return np.where(used.min(axis=1) < 1.0, used.argmin(axis=1), -1)
