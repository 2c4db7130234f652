"""The native DSTD kernel, ``nonideal::membrane_dstd``: see ``fused_operator``."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from pnn.errors import BadParameter
from pnn.fused_operator import ONE_TAP, FusedOperator, Tensors, conductance_or_beta
from pnn.native import function, layer_arguments, pointer
from pnn.reversal import Reversal

Floats = Sequence[float]
Optional = Tensor | None


def _results(
    t: Tensor, w: Tensor, c: Optional, taps: Tensor, beta: Floats, edges: Floats, ramp: float | None, third: bool,
    save: bool,
) -> Tensors:  # fmt: skip
    """v and (with a ramp) spike times [images, rows, neurons]; live channels, their shares and the intervals'
    offsets; f, g (f1, g1) or nothing.
    """
    images, rows, steps = t.shape[0], taps.shape[0], len(edges) - 1
    kept = (images, rows, steps, 4 if third else 2, w.shape[1]) if save else (0,)
    return (
        t.new_empty(images, rows, w.shape[1]),
        t.new_empty(0 if ramp is None else (images, rows, w.shape[1])),
        t.new_empty(t.shape, dtype=torch.int32),
        torch.empty_like(t),
        t.new_empty(images, t.shape[1], steps + 1, dtype=torch.int32),
        t.new_empty(kept),
    )


def _forward(
    results: Tensors, t: Tensor, w: Tensor, c: Optional, taps: Tensor, beta: Floats, edges: Floats, ramp: float | None,
    third: bool, save: bool,
) -> None:  # fmt: skip
    out, fire, channel, share, offset, saved = results
    function("dstd_forward", t.dtype)(
        *layer_arguments(t, w, c, taps, beta), *_grid(edges), third, ramp or 0.0,
        channel.data_ptr(), share.data_ptr(), offset.data_ptr(), out.data_ptr(), pointer(fire), pointer(saved),
    )  # fmt: skip


def _backward(
    gradients: Tensors, grads: Sequence[Optional], t: Tensor, w: Tensor, c: Optional, taps: Tensor,
    kept: Sequence[Tensor], beta: Floats, edges: Floats, ramp: float | None, third: bool, save: bool,
) -> None:  # fmt: skip
    channel, share, offset, saved = kept
    function("dstd_backward", t.dtype)(
        *layer_arguments(t, w, c, taps, beta), *_grid(edges), third, ramp or 0.0,
        channel.data_ptr(), share.data_ptr(), offset.data_ptr(), pointer(saved),
        *(pointer(x) for x in (*grads, *gradients)),
    )  # fmt: skip


def _grid(edges: Floats) -> tuple[Any, int]:
    return (ctypes.c_double * len(edges))(*edges), len(edges) - 1


_operator = FusedOperator(
    "membrane_dstd",
    "float[] beta, float[] edges, float? ramp, bool third, bool save",
    outputs=2,
    kept=4,
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
    ramp: float | None,
) -> tuple[Tensor, Tensor]:
    """v(1) and unclipped spike times [B, N_out] of a linear layer: spike_time [B, N_in], weight [N_out, N_in].

    ``conductance``: beta w, the shape of ``weight``, or a ``Reversal``, which is faster where beta is
    constant per sign. ``ramp``: the discharger's b; None: no spike times. Fastest where an axon's weights lie side
    by side in memory. f and g are kept for the gradients.
    """
    save = torch.is_grad_enabled() and (weight.requires_grad or spike_time.requires_grad)
    c, beta = conductance_or_beta(weight, conductance)
    v, time = _operator.linear(spike_time, weight, c, beta, edges, ramp, third_order, save)
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
    c, beta = conductance_or_beta(weight, conductance)
    return _operator(spike_time, weight, c, taps, beta, edges, None, third_order, save)[0]
