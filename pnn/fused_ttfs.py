"""The native kernel of time to first spike as one PyTorch operator, ``nonideal::first_spike``.

Tensors as in ``fused_dstd``; time is in units of the horizon.
"""

# The operator's schema is positional.

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from pnn.fused_dstd import ONE_TAP, conductance_or_beta
from pnn.native import function, layer_arguments, pointer
from pnn.reversal import Reversal

Floats = Sequence[float]

_library = torch.library.Library("nonideal", "FRAGMENT")
_library.define(
    "first_spike(Tensor t, Tensor w, Tensor? c, Tensor taps, float[] beta, float[] edges, float least_slope)"
    " -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)"
)
_library.define(
    "first_spike_backward(Tensor grad, Tensor t, Tensor w, Tensor? c, Tensor taps, Tensor channel, Tensor share,"
    " Tensor offset, Tensor step, Tensor rest, float[] beta, float[] edges, float least_slope, bool need_time)"
    " -> (Tensor, Tensor, Tensor)"
)
_first_spike = torch.ops.nonideal.first_spike.default
_first_spike_backward = torch.ops.nonideal.first_spike_backward.default


def _results(
    t: Tensor, w: Tensor, c: Tensor | None, taps: Tensor, beta: Floats, edges: Floats, least_slope: float
) -> tuple[Tensor, ...]:
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
    t: Tensor, w: Tensor, c: Tensor | None, taps: Tensor, beta: Floats, edges: Floats, least_slope: float
) -> tuple[Tensor, ...]:
    t, w = t.contiguous(), w.contiguous()
    results = _results(t, w, c, taps, beta, edges, least_slope)
    out, channel, share, offset, step, rest = results
    function("ttfs_forward", t.dtype)(
        *layer_arguments(t, w, c, taps, beta), (ctypes.c_double * len(edges))(*edges), len(edges) - 1,
        *(x.data_ptr() for x in (channel, share, offset, out, step, rest)),
    )  # fmt: skip
    return results


def _gradients(
    grad: Tensor, t: Tensor, w: Tensor, c: Tensor | None, taps: Tensor, channel: Tensor, share: Tensor,
    offset: Tensor, step: Tensor, rest: Tensor, beta: Floats, edges: Floats, least_slope: float, need_time: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Of t (or nothing), w, c (or nothing), filled with zeros."""
    return (
        torch.zeros_like(t) if need_time else t.new_empty(0),
        torch.zeros_like(w),
        torch.zeros_like(w) if c is not None else w.new_empty(0),
    )


def _backward(
    grad: Tensor, t: Tensor, w: Tensor, c: Tensor | None, taps: Tensor, channel: Tensor, share: Tensor,
    offset: Tensor, step: Tensor, rest: Tensor, beta: Floats, edges: Floats, least_slope: float, need_time: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    t, w = t.contiguous(), w.contiguous()
    gradients = _gradients(
        grad, t, w, c, taps, channel, share, offset, step, rest, beta, edges, least_slope, need_time
    )
    function("ttfs_backward", t.dtype)(
        *layer_arguments(t, w, c, taps, beta), (ctypes.c_double * len(edges))(*edges), len(edges) - 1, least_slope,
        *(x.data_ptr() for x in (channel, share, offset, step, rest, grad)), *(pointer(x) for x in gradients),
    )  # fmt: skip
    return gradients


class _Differentiable(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, t: Tensor, w: Tensor, c: Tensor | None, taps: Tensor, *options: Any
    ) -> tuple[Tensor, ...]:
        with torch._C._AutoDispatchBelowAutograd():
            results = _first_spike(t, w, c, taps, *options)
        ctx.save_for_backward(t, w, c, taps, *results[1:])
        ctx.options = options
        ctx.mark_non_differentiable(*results[1:])
        ctx.set_materialize_grads(False)
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, *_: Tensor | None) -> tuple[Tensor | None, ...]:
        if grad is None:
            return (None,) * 7
        need_time, _, need_c, *_ = ctx.needs_input_grad
        t, w, c, taps, *kept = ctx.saved_tensors
        dt, dw, dc = _first_spike_backward(grad.contiguous(), t, w, c, taps, *kept, *ctx.options, need_time)
        return dt if need_time else None, dw, dc if need_c else None, None, None, None, None


def _autograd(*arguments: Any) -> Any:
    return _Differentiable.apply(*arguments)  # type: ignore[no-untyped-call]


_library.impl("first_spike", _forward, "CPU")
_library.impl("first_spike_backward", _backward, "CPU")
_library.impl("first_spike", _autograd, "Autograd")
torch.library.register_fake("nonideal::first_spike", _results, lib=_library)
torch.library.register_fake("nonideal::first_spike_backward", _gradients, lib=_library)
torch.library.register_autocast("nonideal::first_spike", "cpu", torch.float32, lib=_library)


def fused_ttfs(
    spike_time: Tensor,
    weight: Tensor,
    conductance: Tensor | Reversal,
    edges: tuple[float, ...],
    least_slope: float,
    *,
    taps: Tensor = ONE_TAP,
) -> Tensor:
    """Unclipped first spike [images, rows, neurons] in units of the horizon; arguments as in ``fused_dstd``, weights per horizon."""
    c, beta = conductance_or_beta(weight, conductance)
    return _first_spike(spike_time, weight, c, taps, beta, edges, least_slope)[0]
