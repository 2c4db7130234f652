"""The native kernel of time to first spike, ``nonideal::first_spike``: see ``fused_operator``.

Time is in units of the horizon.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nonideal.pnn.fused_operator import ONE_TAP, FusedOperator, Tensors, synapse
from nonideal.pnn.native import doubles, function, layer_arguments, pointer
from nonideal.pnn.reversal import Reversal

Floats = Sequence[float]
Optional = Tensor | None


def _results(
    t: Tensor, w: Tensor, c: Optional, taps: Tensor, numbers: Floats, edges: Floats, least_slope: float
) -> Tensors:
    """Time [images, rows, neurons]; live channels, shares, offsets; interval of the spike and time into it."""
    out = t.new_empty(t.shape[0], taps.shape[0], w.shape[1])
    return (
        out,
        t.new_empty(t.shape, dtype=torch.int32),
        torch.empty_like(t),
        t.new_empty(t.shape[0], t.shape[1], len(edges), dtype=torch.int32),
        t.new_empty(out.shape, dtype=torch.int32),
        torch.empty_like(out),
    )


def _forward(
    results: Tensors,
    t: Tensor,
    w: Tensor,
    c: Optional,
    taps: Tensor,
    numbers: Floats,
    edges: Floats,
    least_slope: float,
) -> None:
    out, channel, share, offset, step, rest = results
    function("ttfs_forward", t.dtype)(
        *layer_arguments(t, w, c, taps, numbers), doubles(edges), len(edges) - 1,
        *(x.data_ptr() for x in (channel, share, offset, out, step, rest)),
    )  # fmt: skip


def _backward(
    gradients: Tensors, grads: Sequence[Optional], t: Tensor, w: Tensor, c: Optional, taps: Tensor,
    kept: Sequence[Tensor], numbers: Floats, edges: Floats, least_slope: float,
) -> None:  # fmt: skip
    function("ttfs_backward", t.dtype)(
        *layer_arguments(t, w, c, taps, numbers), doubles(edges), len(edges) - 1, least_slope,
        *(pointer(x) for x in (*kept, *grads, *gradients)),
    )  # fmt: skip


_operator = FusedOperator(
    "first_spike",
    "float[] synapse, float[] edges, float least_slope",
    outputs=1,
    kept=5,
    results=_results,
    forward=_forward,
    backward=_backward,
)


def fused_ttfs(
    spike_time: Tensor,
    weight: Tensor,
    conductance: Tensor | Reversal,
    edges: tuple[float, ...],
    least_slope: float,
    *,
    taps: Tensor = ONE_TAP,
) -> Tensor:
    """Unclipped first spike [images, rows, neurons] in units of the horizon; arguments as in ``fused_dstd``, weights
    per horizon.
    """
    if isinstance(conductance, Reversal) and not conductance.is_constant:
        conductance = conductance.conductance(weight)
    c, numbers = synapse(conductance)
    return _operator(spike_time, weight, c, taps, numbers, edges, least_slope)[0]
