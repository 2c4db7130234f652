"""The native exact kernel as one PyTorch operator, ``nonideal::membrane_exact``: linear layers, event by
event.
"""

# The operator's schema is positional.

from __future__ import annotations

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
    "membrane_exact(Tensor t, Tensor w, Tensor? c, float[] beta) -> (Tensor, Tensor, Tensor, Tensor)"
)
_library.define(
    "membrane_exact_backward(Tensor grad, Tensor t, Tensor w, Tensor? c, Tensor channel, Tensor time,"
    " Tensor offset, float[] beta, bool need_time) -> (Tensor, Tensor, Tensor)"
)
_membrane = torch.ops.nonideal.membrane_exact.default
_membrane_backward = torch.ops.nonideal.membrane_exact_backward.default


def _buckets(channels: int) -> int:
    """Intervals of the first, coarse sort of the spikes: a few spikes each."""
    return max(1, channels // 4)


def _results(t: Tensor, w: Tensor, c: Tensor | None, beta: Floats) -> tuple[Tensor, ...]:
    """v [B, 1, neurons]; channels and times of the sorted spikes, offsets of the coarse buckets."""
    return (
        t.new_empty(t.shape[0], 1, w.shape[1]),
        t.new_empty(t.shape, dtype=torch.int32),
        torch.empty_like(t),
        t.new_empty(t.shape[0], _buckets(t.shape[2]) + 1, dtype=torch.int32),
    )


def _forward(t: Tensor, w: Tensor, c: Tensor | None, beta: Floats) -> tuple[Tensor, ...]:
    t, w = t.contiguous(), w.contiguous()
    results = _results(t, w, c, beta)
    out, channel, time, offset = results
    function("exact_forward", t.dtype)(
        *layer_arguments(t, w, c, ONE_TAP, beta), _buckets(t.shape[2]),
        channel.data_ptr(), time.data_ptr(), offset.data_ptr(), out.data_ptr(),
    )  # fmt: skip
    return results


def _gradients(
    grad: Tensor, t: Tensor, w: Tensor, c: Tensor | None, channel: Tensor, time: Tensor, offset: Tensor,
    beta: Floats, need_time: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Of t (or nothing), w, c (or nothing), filled with zeros."""
    return (
        torch.zeros_like(t) if need_time else t.new_empty(0),
        torch.zeros_like(w),
        torch.zeros_like(w) if c is not None else w.new_empty(0),
    )


def _backward(
    grad: Tensor, t: Tensor, w: Tensor, c: Tensor | None, channel: Tensor, time: Tensor, offset: Tensor,
    beta: Floats, need_time: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    t, w = t.contiguous(), w.contiguous()
    gradients = _gradients(grad, t, w, c, channel, time, offset, beta, need_time)
    function("exact_backward", t.dtype)(
        *layer_arguments(t, w, c, ONE_TAP, beta), _buckets(t.shape[2]), channel.data_ptr(),
        time.data_ptr(), offset.data_ptr(), grad.data_ptr(), *(pointer(x) for x in gradients),
    )  # fmt: skip
    return gradients


class _Differentiable(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, t: Tensor, w: Tensor, c: Tensor | None, beta: Floats) -> tuple[Tensor, ...]:
        with torch._C._AutoDispatchBelowAutograd():
            results = _membrane(t, w, c, beta)
        ctx.save_for_backward(t, w, c, *results[1:])
        ctx.beta = beta
        ctx.mark_non_differentiable(*results[1:])
        ctx.set_materialize_grads(False)
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, *_: Tensor | None) -> tuple[Tensor | None, ...]:
        if grad is None:
            return (None,) * 4
        need_time, _, need_c, *_ = ctx.needs_input_grad
        t, w, c, *kept = ctx.saved_tensors
        dt, dw, dc = _membrane_backward(grad.contiguous(), t, w, c, *kept, ctx.beta, need_time)
        return dt if need_time else None, dw, dc if need_c else None, None


def _autograd(*arguments: Any) -> Any:
    return _Differentiable.apply(*arguments)  # type: ignore[no-untyped-call]


_library.impl("membrane_exact", _forward, "CPU")
_library.impl("membrane_exact_backward", _backward, "CPU")
_library.impl("membrane_exact", _autograd, "Autograd")
torch.library.register_fake("nonideal::membrane_exact", _results, lib=_library)
torch.library.register_fake("nonideal::membrane_exact_backward", _gradients, lib=_library)
torch.library.register_autocast("nonideal::membrane_exact", "cpu", torch.float32, lib=_library)


def fused_exact(spike_time: Tensor, weight: Tensor, conductance: Tensor | Reversal) -> Tensor:
    """v(1) [B, N_out] for spike_time [B, N_in], weight [N_in, N_out], contiguous; ``conductance``: see
    ``fused_dstd``.
    """
    c, beta = conductance_or_beta(weight, conductance)
    return _membrane(spike_time.unsqueeze(1), weight, c, beta)[0].squeeze(1)
