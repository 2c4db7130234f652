"""The native DSTD kernel as one PyTorch operator, ``nonideal::membrane_dstd``.

Autograd, ``torch.compile`` (through a fake) and autocast (to float32) see a single operator. t is [images,
sources, channels], w and c are [taps * channels, neurons], ``taps`` [rows, taps] names the source of each tap
of an output row (-1: none). A linear layer has one source, one row and one tap; in a convolution sources and
rows are pixels.
"""

# The operator's schema is positional.

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from pnn.errors import BadParameter
from pnn.native import function, layer_arguments, pointer
from pnn.reversal import Reversal

Floats = Sequence[float]

_library = torch.library.Library("nonideal", "DEF")
_library.define(
    "membrane_dstd(Tensor t, Tensor w, Tensor? c, Tensor taps, float[] beta, float[] edges, bool third,"
    " bool save) -> (Tensor, Tensor, Tensor, Tensor, Tensor)"
)
_library.define(
    "membrane_dstd_backward(Tensor grad, Tensor t, Tensor w, Tensor? c, Tensor taps, Tensor channel,"
    " Tensor share, Tensor offset, Tensor saved, float[] beta, float[] edges, bool third, bool need_time)"
    " -> (Tensor, Tensor, Tensor)"
)
_membrane = torch.ops.nonideal.membrane_dstd.default
_membrane_backward = torch.ops.nonideal.membrane_dstd_backward.default


def _results(
    t: Tensor,
    w: Tensor,
    c: Tensor | None,
    taps: Tensor,
    beta: Floats,
    edges: Floats,
    third: bool,
    save: bool,
) -> tuple[Tensor, ...]:
    """v [images, rows, neurons]; live channels, their shares and the intervals' offsets; f, g (f1, g1) or
    nothing.
    """
    images, rows, steps = t.shape[0], taps.shape[0], len(edges) - 1
    kept = (images, rows, steps, 4 if third else 2, w.shape[1]) if save else (0,)
    return (
        t.new_empty(images, rows, w.shape[1]),
        t.new_empty(t.shape, dtype=torch.int32),
        torch.empty_like(t),
        t.new_empty(images, t.shape[1], steps + 1, dtype=torch.int32),
        t.new_empty(kept),
    )


def _forward(
    t: Tensor,
    w: Tensor,
    c: Tensor | None,
    taps: Tensor,
    beta: Floats,
    edges: Floats,
    third: bool,
    save: bool,
) -> tuple[Tensor, ...]:
    t, w = t.contiguous(), w.contiguous()
    results = _results(t, w, c, taps, beta, edges, third, save)
    out, channel, share, offset, saved = results
    function("dstd_forward", t.dtype)(
        *layer_arguments(t, w, c, taps, beta), *_grid(edges, third),
        channel.data_ptr(), share.data_ptr(), offset.data_ptr(), out.data_ptr(), pointer(saved),
    )  # fmt: skip
    return results


def _gradients(
    grad: Tensor, t: Tensor, w: Tensor, c: Tensor | None, taps: Tensor, channel: Tensor, share: Tensor,
    offset: Tensor, saved: Tensor, beta: Floats, edges: Floats, third: bool, need_time: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Of t (or nothing), w, c (or nothing)."""
    return (
        torch.zeros_like(t) if need_time else t.new_empty(0),
        torch.zeros_like(w),
        torch.zeros_like(w) if c is not None else w.new_empty(0),
    )


def _backward(
    grad: Tensor, t: Tensor, w: Tensor, c: Tensor | None, taps: Tensor, channel: Tensor, share: Tensor,
    offset: Tensor, saved: Tensor, beta: Floats, edges: Floats, third: bool, need_time: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    t, w = t.contiguous(), w.contiguous()
    gradients = _gradients(grad, t, w, c, taps, channel, share, offset, saved, beta, edges, third, need_time)
    function("dstd_backward", t.dtype)(
        *layer_arguments(t, w, c, taps, beta), *_grid(edges, third),
        channel.data_ptr(), share.data_ptr(), offset.data_ptr(), pointer(saved), grad.data_ptr(),
        *(pointer(x) for x in gradients),
    )  # fmt: skip
    return gradients


def _grid(edges: Floats, third: bool) -> tuple[Any, ...]:
    return (ctypes.c_double * len(edges))(*edges), len(edges) - 1, int(third)


class _Differentiable(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, t: Tensor, w: Tensor, c: Tensor | None, taps: Tensor, *options: Any
    ) -> tuple[Tensor, ...]:
        with torch._C._AutoDispatchBelowAutograd():
            results = _membrane(t, w, c, taps, *options)
        ctx.save_for_backward(t, w, c, taps, *results[1:])
        ctx.options = options[:-1]
        ctx.mark_non_differentiable(*results[1:])
        ctx.set_materialize_grads(False)
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, *_: Tensor | None) -> tuple[Tensor | None, ...]:
        if grad is None:
            return (None,) * 8
        need_time, _, need_c, *_ = ctx.needs_input_grad
        t, w, c, taps, *kept = ctx.saved_tensors
        dt, dw, dc = _membrane_backward(grad.contiguous(), t, w, c, taps, *kept, *ctx.options, need_time)
        return dt if need_time else None, dw, dc if need_c else None, None, None, None, None, None


def _autograd(*arguments: Any) -> Any:
    return _Differentiable.apply(*arguments)  # type: ignore[no-untyped-call]


_library.impl("membrane_dstd", _forward, "CPU")
_library.impl("membrane_dstd_backward", _backward, "CPU")
_library.impl("membrane_dstd", _autograd, "Autograd")
torch.library.register_fake("nonideal::membrane_dstd", _results, lib=_library)
torch.library.register_fake("nonideal::membrane_dstd_backward", _gradients, lib=_library)
torch.library.register_autocast("nonideal::membrane_dstd", "cpu", torch.float32, lib=_library)

ONE_TAP = torch.zeros(1, 1, dtype=torch.int32)


def conductance_or_beta(
    weight: Tensor, conductance: Tensor | Reversal
) -> tuple[Tensor | None, tuple[float, float]]:
    """What the kernel wants: a tensor beta w, or beta of each sign where it is constant."""
    if isinstance(conductance, Tensor):
        return conductance, (0.0, 0.0)
    if conductance.is_constant:
        return None, (conductance.positive[0], conductance.negative[0])
    return conductance.conductance(weight), (0.0, 0.0)


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

    ``conductance``: beta w, the shape of ``weight``, or a ``Reversal``, which is faster where beta is
    constant per sign. ``taps`` [rows, taps] int32. All contiguous. With gradients f and g are kept for linear
    layers and accumulated anew for convolutions, where they would fill the memory.
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
    return _membrane(spike_time, weight, c, taps, beta, edges, third_order, save)[0]
