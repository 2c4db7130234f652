"""The native exact kernel, ``nonideal::membrane_exact``, for linear layers, event by event: see
``fused_operator``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pnn.fused_operator import ONE_TAP, FusedOperator, Tensors, conductance_or_beta
from pnn.native import function, layer_arguments, pointer
from pnn.reversal import Reversal

Floats = Sequence[float]
Optional = Tensor | None


def _buckets(channels: int) -> int:
    """Intervals of the first, coarse sort of the spikes: a few spikes each."""
    return max(1, channels // 4)


def _results(t: Tensor, w: Tensor, c: Optional, taps: Tensor, beta: Floats) -> Tensors:
    """v [B, 1, neurons]; channels and times of the sorted spikes, offsets of the coarse buckets."""
    return (
        t.new_empty(t.shape[0], 1, w.shape[1]),
        t.new_empty(t.shape, dtype=torch.int32),
        torch.empty_like(t),
        t.new_empty(t.shape[0], _buckets(t.shape[2]) + 1, dtype=torch.int32),
    )


def _forward(results: Tensors, t: Tensor, w: Tensor, c: Optional, taps: Tensor, beta: Floats) -> None:
    out, channel, time, offset = results
    function("exact_forward", t.dtype)(
        *layer_arguments(t, w, c, taps, beta), _buckets(t.shape[2]),
        channel.data_ptr(), time.data_ptr(), offset.data_ptr(), out.data_ptr(),
    )  # fmt: skip


def _backward(
    gradients: Tensors, grads: Sequence[Optional], t: Tensor, w: Tensor, c: Optional, taps: Tensor,
    kept: Sequence[Tensor], beta: Floats,
) -> None:  # fmt: skip
    channel, time, offset = kept
    function("exact_backward", t.dtype)(
        *layer_arguments(t, w, c, taps, beta), _buckets(t.shape[2]), channel.data_ptr(), time.data_ptr(),
        offset.data_ptr(), *(pointer(x) for x in (*grads, *gradients)),
    )  # fmt: skip


_operator = FusedOperator(
    "membrane_exact",
    "float[] beta",
    outputs=1,
    kept=3,
    results=_results,
    forward=_forward,
    backward=_backward,
)


def fused_exact(spike_time: Tensor, weight: Tensor, conductance: Tensor | Reversal) -> Tensor:
    """v(1) [B, N_out] for spike_time [B, N_in], weight [N_in, N_out], contiguous; ``conductance``: see
    ``fused_firing``.
    """
    c, beta = conductance_or_beta(weight, conductance)
    return _operator(spike_time.unsqueeze(1), weight, c, ONE_TAP, beta)[0].squeeze(1)
