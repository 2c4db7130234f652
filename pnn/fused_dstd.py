"""The native DSTD kernel, ``nonideal::membrane_dstd``: see ``fused_operator``."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nonideal.pnn.errors import BadParameter
from nonideal.pnn.fused_operator import (
    ONE_TAP,
    FusedOperator,
    Tensors,
    fired,
    is_full,
    neuron,
    own_taps,
    synapse,
)
from nonideal.pnn.native import doubles, function, layer_arguments, pointer
from nonideal.pnn.reversal import Reversal
from nonideal.pnn.wiring import Wiring

Floats = Sequence[float]
Optional = Tensor | None
_LANES = 16  # of the widest vectors, float32 in AVX-512: a whole number of any vectors


def _results(
    t: Tensor, w: Tensor, c: Optional, taps: Tensor, numbers: Floats, edges: Floats, after: Floats, third: bool,
    save: bool,
) -> Tensors:  # fmt: skip
    """v and (with a ramp) spike times [images, rows, neurons]; live channels, their shares and the intervals'
    offsets; f, g, charges and their moments of every interval, or nothing; the spike times' slope, or nothing.
    """
    images, rows, steps = t.shape[0], taps.shape[0], len(edges) - 1
    values = (2 if third else 1) * (3 if c is None and is_full(numbers) else 2)
    neurons = -(-w.shape[1] // _LANES) * _LANES
    kept = (images, rows, steps, values, neurons) if save else (0,)
    v, time, slope = fired(t, w, taps, after, save)
    return (
        v,
        time,
        t.new_empty(t.shape, dtype=torch.int32),
        torch.empty_like(t),
        t.new_empty(images, t.shape[1], steps + 1, dtype=torch.int32),
        t.new_empty(kept),
        slope,
    )


def _forward(
    results: Tensors, t: Tensor, w: Tensor, c: Optional, taps: Tensor, numbers: Floats, edges: Floats, after: Floats,
    third: bool, save: bool,
) -> None:  # fmt: skip
    out, fire, channel, share, offset, saved, slope = results
    function("dstd_forward", t.dtype)(
        *layer_arguments(t, w, c, taps, numbers), doubles(edges), len(edges) - 1, third, doubles(after),
        channel.data_ptr(), share.data_ptr(), offset.data_ptr(), out.data_ptr(),
        pointer(fire), pointer(saved), pointer(slope),
    )  # fmt: skip


def _backward(
    gradients: Tensors, grads: Sequence[Optional], t: Tensor, w: Tensor, c: Optional, taps: Tensor,
    kept: Sequence[Tensor], numbers: Floats, edges: Floats, after: Floats, third: bool, save: bool,
) -> None:  # fmt: skip
    channel, share, offset, saved, slope = kept
    function("dstd_backward", t.dtype)(
        *layer_arguments(t, w, c, taps, numbers), doubles(edges), len(edges) - 1, third, doubles(after),
        channel.data_ptr(), share.data_ptr(), offset.data_ptr(), pointer(saved), pointer(slope),
        *(pointer(x) for x in (*grads, *gradients)),
    )  # fmt: skip


_operator = FusedOperator(
    "membrane_dstd",
    "float[] synapse, float[] edges, float[] neuron, bool third, bool save",
    outputs=2,
    kept=5,
    results=_results,
    forward=_forward,
    backward=_backward,
)


def fused_firing(
    spike_time: Tensor,
    weight: Tensor,
    conductance: Tensor | Reversal,
    edges: tuple[float, ...],
    third_order: bool = False,
    *,
    wiring: Wiring | None = None,
    ramp: float | None,
) -> tuple[Tensor, Tensor]:
    """v(1) and unclipped spike times [B, N_out] of a linear layer: spike_time [B, N_in], weight [N_out, N_in].

    ``conductance``: beta w, the shape of ``weight`` (then no charges), or a ``Reversal``, which is faster, most where beta
    is constant per sign. ``ramp``: the discharger's b; None: no spike times. Fastest where an axon's weights lie side
    by side in memory. f and g are kept for the gradients.
    """
    save = torch.is_grad_enabled() and (weight.requires_grad or spike_time.requires_grad)
    c, numbers = synapse(conductance, wiring)
    after = neuron(wiring, ramp)
    v, time = _operator.linear(spike_time, weight, c, numbers, edges, after, third_order, save)
    return v, time


def fused_chips(
    spike_time: Tensor,
    weight: Tensor,
    reversal: Reversal,
    edges: tuple[float, ...],
    third_order: bool,
    wiring: Wiring | None,
    ramp: float,
) -> tuple[Tensor, Tensor]:
    """As ``fused_firing`` for several chips in one call: spike_time [B, chips, N_in], weight [chips, N_in, N_out] ->
    [B, chips, N_out].
    """
    save = torch.is_grad_enabled() and (weight.requires_grad or spike_time.requires_grad)
    c, numbers = synapse(reversal, wiring)
    taps, after = own_taps(weight.shape[0]), neuron(wiring, ramp)
    v, time = _operator(spike_time, weight.flatten(0, 1), c, taps, numbers, edges, after, third_order, save)
    return v, time


def fused_dstd(
    spike_time: Tensor,
    weight: Tensor,
    conductance: Tensor | Reversal,
    edges: tuple[float, ...],
    third_order: bool = False,
    *,
    taps: Tensor = ONE_TAP,
) -> Tensor:
    """v(1) [images, rows, neurons] for spike_time [images, sources, channels], weight [taps * channels,
    neurons].

    ``conductance`` as in ``fused_firing``, ``taps`` [rows, taps] int32. All contiguous. With gradients f and g are
    kept for a single tap and accumulated anew for convolutions, where they would fill the memory.
    """
    if spike_time.ndim != 3 or weight.ndim != 2 or weight.shape[0] != taps.shape[1] * spike_time.shape[2]:
        raise BadParameter(
            f"need spike_time [images, sources, channels] and weight [{taps.shape[1]} taps * channels, "
            f"neurons]; got {tuple(spike_time.shape)} and {tuple(weight.shape)}"
        )
    save = (
        taps.shape[1] == 1 and torch.is_grad_enabled() and (weight.requires_grad or spike_time.requires_grad)
    )
    c, numbers = synapse(conductance)
    return _operator(spike_time, weight, c, taps, numbers, edges, neuron(), third_order, save)[0]
