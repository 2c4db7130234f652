"""The native exact kernel, ``nonideal::membrane_exact``, for linear layers, event by event: see
``fused_operator``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nonideal.pnn.fused_operator import FusedOperator, Tensors, fired, neuron, own_taps, synapse
from nonideal.pnn.native import doubles, function, layer_arguments, pointer
from nonideal.pnn.reversal import Reversal
from nonideal.pnn.wiring import Wiring

Floats = Sequence[float]
Optional = Tensor | None


def _buckets(channels: int) -> int:
    """Intervals of the first, coarse sort of the spikes: a few spikes each."""
    return max(1, channels // 4)


def _results(t: Tensor, w: Tensor, c: Optional, taps: Tensor, numbers: Floats, after: Floats) -> Tensors:
    """v and (with a ramp) spike times [images, rows, neurons]; channels and times of the sorted spikes, offsets of the
    coarse buckets; the spike times' slope.
    """
    v, time, slope = fired(t, w, taps, after, save=True)
    return (
        v,
        time,
        t.new_empty(t.shape, dtype=torch.int32),
        torch.empty_like(t),
        t.new_empty(t.shape[0] * t.shape[1], _buckets(t.shape[2]) + 1, dtype=torch.int32),
        slope,
    )


def _forward(
    results: Tensors, t: Tensor, w: Tensor, c: Optional, taps: Tensor, numbers: Floats, after: Floats
) -> None:
    out, fire, channel, time, offset, slope = results
    function("exact_forward", t.dtype)(
        *layer_arguments(t, w, c, taps, numbers), doubles(after), _buckets(t.shape[2]),
        channel.data_ptr(), time.data_ptr(), offset.data_ptr(), out.data_ptr(), pointer(fire), pointer(slope),
    )  # fmt: skip


def _backward(
    gradients: Tensors, grads: Sequence[Optional], t: Tensor, w: Tensor, c: Optional, taps: Tensor,
    kept: Sequence[Tensor], numbers: Floats, after: Floats,
) -> None:  # fmt: skip
    channel, time, offset, slope = kept
    function("exact_backward", t.dtype)(
        *layer_arguments(t, w, c, taps, numbers), doubles(after), _buckets(t.shape[2]), channel.data_ptr(),
        time.data_ptr(), offset.data_ptr(), pointer(slope), *(pointer(x) for x in (*grads, *gradients)),
    )  # fmt: skip


_operator = FusedOperator(
    "membrane_exact",
    "float[] synapse, float[] neuron",
    outputs=2,
    kept=4,
    results=_results,
    forward=_forward,
    backward=_backward,
)


def fused_exact(
    spike_time: Tensor,
    weight: Tensor,
    conductance: Tensor | Reversal,
    *,
    wiring: Wiring | None = None,
    ramp: float | None = None,
) -> tuple[Tensor, Tensor]:
    """v(1) and unclipped spike times [B, N_out]; arguments as in ``fused_firing``."""
    c, numbers = synapse(conductance, wiring)
    v, time = _operator.linear(spike_time, weight, c, numbers, neuron(wiring, ramp))
    return v, time


def fused_chips_exact(
    spike_time: Tensor, weight: Tensor, reversal: Reversal, wiring: Wiring | None, ramp: float
) -> tuple[Tensor, Tensor]:
    """As ``fused_exact`` for several chips in one call: spike_time [B, chips, N_in], weight [chips, N_in, N_out] ->
    [B, chips, N_out].
    """
    c, numbers = synapse(reversal, wiring)
    taps, after = own_taps(weight.shape[0]), neuron(wiring, ramp)
    v, time = _operator(spike_time, weight.flatten(0, 1), c, taps, numbers, after)
    return v, time
