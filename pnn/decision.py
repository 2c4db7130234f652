"""What is read off a network's spikes: the class, and how many neurons say nothing."""

from __future__ import annotations

import torch
from torch import Tensor

from nonideal.pnn import checks
from nonideal.pnn.errors import BadParameter
from nonideal.pnn.spikes import Spikes


def decide(output_time: Tensor, classes: int | None = None, horizon: float = 1.0) -> Tensor:
    """Class of each sample: the used output that fires first.

    output_time [B, N_out] in T_circ -> [B] int64. The first ``classes`` outputs are used (None: all); ties go to the lower index. -1
    where no used output fires before ``horizon`` (1, the end of the phase; of a TTFS layer its own). Raises ``BadParameter``.

        label = nonideal.pnn.decide(torch.tensor([[0.9, 0.4, 1.0], [1.0, 1.0, 1.0]]))    # 1, and -1: nobody fires
    """
    if not isinstance(output_time, Tensor) or output_time.ndim != 2 or output_time.shape[1] == 0:
        raise BadParameter(
            f"output_time is {checks.shown(output_time)}: give a tensor [B, N_out], of a layer's spikes their spike_time"
        )
    if classes is not None:
        checks.whole(classes, "classes", 1, output_time.shape[1])
    first, index = output_time[:, :classes].min(dim=1)
    return torch.where(first < horizon, index, torch.full_like(index, -1))


def silent_share(spikes: Spikes) -> Tensor:
    """Share of a layer's neurons, all samples together, that do not fire before their horizon: a scalar in [0, 1].

    ``spikes`` of any shape, [B, N_out] or [B, channels, H, W].

        layer = nonideal.pnn.RCSpikeLinear(5, 3, nonideal.pnn.Reversal.ideal())
        share = nonideal.pnn.silent_share(layer(torch.rand(10, 5)))
    """
    return (spikes.spike_time.detach() >= spikes.horizon).to(torch.float32).mean()
