"""A native kernel as one differentiable operator of ``torch.library``.

Autograd, ``torch.compile`` (through a fake) and autocast (to float32) see a single operator ``nonideal::name(t, w,
c, taps, options)``. t is [images, sources, channels], w and c are [taps * channels, neurons], ``taps`` [rows, taps]
names the source of each tap of an output row (-1: none). A linear layer has one source, one row and one tap; in a
convolution sources and rows are pixels, of drawn chips they are chips, each with a tap of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import Enum, auto
from functools import cache
from typing import Any

import torch
from torch import Tensor

from nonideal.pnn.native import first_derivatives
from nonideal.pnn.reversal import Reversal
from nonideal.pnn.wiring import Wiring

ONE_TAP = torch.zeros(1, 1, dtype=torch.int32)
Tensors = tuple[Tensor, ...]


@cache
def own_taps(chips: int) -> torch.Tensor:
    """Taps [chips, chips] by which every source of an image is a row with weights of its own."""
    taps = torch.full((chips, chips), -1, dtype=torch.int32)
    return taps.diagonal_scatter(torch.arange(chips, dtype=torch.int32))


_library = torch.library.Library("nonideal", "DEF")


class FusedOperator:
    """An operator and its gradient.

    ``options`` is the rest of the schema. ``results(t, w, c, taps, *options)`` allocates ``outputs`` differentiable
    results and ``kept`` further ones for backward. ``forward(results, t, w, c, taps, *options)`` fills them;
    ``backward(gradients, grads, t, w, c, taps, kept, *options)`` adds to zeros of the shapes of t (empty: not
    wanted), w and c (empty: none); a ``grad`` that is None is zero. Both get contiguous tensors.
    """

    def __init__(
        self,
        name: str,
        options: str,
        outputs: int,
        kept: int,
        results: Callable[..., Tensors],
        forward: Callable[..., None],
        backward: Callable[..., None],
    ) -> None:
        self.outputs = outputs
        self._results, self._fill, self._add = results, forward, backward
        tensors = "Tensor t, Tensor w, Tensor? c, Tensor taps"
        _library.define(f"{name}({tensors}, {options}) -> ({', '.join(['Tensor'] * (outputs + kept))})")
        _library.define(
            f"{name}_backward(Tensor?[] grads, {tensors}, Tensor[] kept, bool need_time, {options})"
            " -> (Tensor, Tensor, Tensor)"
        )
        self.operator = getattr(torch.ops.nonideal, name).default
        self.gradient_operator = getattr(torch.ops.nonideal, f"{name}_backward").default
        _library.impl(name, self._forward, "CPU")
        _library.impl(f"{name}_backward", self._backward, "CPU")
        _library.impl(name, self._autograd, "Autograd")
        torch.library.register_fake(f"nonideal::{name}", results, lib=_library)
        torch.library.register_fake(f"nonideal::{name}_backward", _gradients, lib=_library)
        torch.library.register_autocast(f"nonideal::{name}", "cpu", torch.float32, lib=_library)

    def __call__(self, t: Tensor, w: Tensor, c: Tensor | None, taps: Tensor, *options: Any) -> Tensors:
        """The differentiable results; past PyTorch's dispatcher where nothing but autograd listens to it."""
        if _is_observed(t):
            return self.operator(t, w, c, taps, *options)[: self.outputs]  # type: ignore[no-any-return]
        return self._differentiable(_Path.DIRECT, t, w, c, taps, *options)

    def linear(self, t: Tensor, w: Tensor, c: Tensor | None, *options: Any) -> Tensors:
        """The same for t [images, channels], w and c [neurons, channels]: results [images, neurons], or empty."""
        if _is_observed(t):
            results = self(*_axon_by_axon(t, w, c), ONE_TAP, *options)
            return tuple(x.squeeze(1) if x.ndim == 3 else x for x in results)
        return self._differentiable(_Path.LINEAR, t, w, c, ONE_TAP, *options)

    def _forward(self, t: Tensor, w: Tensor, c: Tensor | None, taps: Tensor, *options: Any) -> Tensors:
        t, w = t.contiguous(), w.contiguous()
        results = self._results(t, w, c, taps, *options)
        self._fill(results, t, w, c, taps, *options)
        return results

    def _backward(
        self,
        grads: Sequence[Tensor | None],
        t: Tensor,
        w: Tensor,
        c: Tensor | None,
        taps: Tensor,
        kept: Sequence[Tensor],
        need_time: bool,
        *options: Any,
    ) -> Tensors:
        t, w = t.contiguous(), w.contiguous()
        gradients = _gradients(grads, t, w, c, taps, kept, need_time)
        whole = [None if grad is None else grad.contiguous() for grad in grads]
        self._add(gradients, whole, t, w, c, taps, kept, *options)
        return gradients

    def _autograd(self, *arguments: Any) -> Tensors:
        return self._differentiable(_Path.DISPATCHED, *arguments)

    def _differentiable(self, path: _Path, *arguments: Any) -> Tensors:
        return _Differentiable.apply(self, path, *arguments)  # type: ignore[no-untyped-call, no-any-return]


class _Path(Enum):
    """Through PyTorch's dispatcher, or straight to the kernel, which for linear layers saves autograd the views."""

    DISPATCHED = auto()
    DIRECT = auto()
    LINEAR = auto()


class _Differentiable(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        operator: FusedOperator,
        path: _Path,
        t: Tensor,
        w: Tensor,
        c: Tensor | None,
        taps: Tensor,
        *options: Any,
    ) -> Tensors:
        if path is _Path.LINEAR:
            t, w, c = _axon_by_axon(t, w, c)
        if path is _Path.DISPATCHED:
            with torch._C._AutoDispatchBelowAutograd():
                results = operator.operator(t, w, c, taps, *options)
        else:
            results = operator._forward(t, w, c, taps, *options)
        if path is _Path.LINEAR:
            for x in results[: operator.outputs]:
                if x.ndim == 3:
                    x.squeeze_(1)
        kept = results[operator.outputs :]
        ctx.save_for_backward(t, w, c, taps, *kept)
        ctx.operator, ctx.path, ctx.options = operator, path, options
        ctx.set_materialize_grads(False)
        if path is not _Path.DISPATCHED:
            return results[: operator.outputs]
        ctx.mark_non_differentiable(*kept)
        return tuple(results)

    @staticmethod
    @first_derivatives
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        grads = grads[: ctx.operator.outputs]
        unused = (None,) * (1 + len(ctx.options))
        if all(grad is None for grad in grads):
            return (None,) * 5 + unused
        _, _, need_time, _, need_c, *_ = ctx.needs_input_grad
        t, w, c, taps, *kept = ctx.saved_tensors
        dispatched = ctx.path is _Path.DISPATCHED
        call = ctx.operator.gradient_operator if dispatched else ctx.operator._backward
        dt, dw, dc = call(grads, t, w, c, taps, kept, need_time, *ctx.options)
        if ctx.path is _Path.LINEAR:
            dt, dw, dc = dt.squeeze(1) if need_time else dt, dw.t(), dc.t()
        return None, None, dt if need_time else None, dw, dc if need_c else None, *unused


def _is_observed(t: Tensor) -> bool:
    """Whether more than autograd wants to see the operator: a compiler, autocast, a tensor of another kind."""
    return torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu") or type(t) is not Tensor


def _axon_by_axon(t: Tensor, w: Tensor, c: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
    """A linear layer's tensors as the kernels read them."""
    return (
        t.contiguous().unsqueeze(1),
        w.t().contiguous(),
        None if c is None else c.t().contiguous(),
    )


def _gradients(
    grads: Sequence[Tensor | None],
    t: Tensor,
    w: Tensor,
    c: Tensor | None,
    taps: Tensor,
    kept: Sequence[Tensor],
    need_time: bool,
    *options: Any,
) -> Tensors:
    """Of t (or nothing), w, c (or nothing)."""
    return (
        torch.zeros_like(t) if need_time else t.new_empty(0),
        torch.zeros_like(w),
        torch.zeros_like(w) if c is not None else w.new_empty(0),
    )


def synapse(
    conductance: Tensor | Reversal, wiring: Wiring | None = None
) -> tuple[Tensor | None, tuple[float, ...]]:
    """What the kernels want to know of the synapses: a tensor beta w, if given, and the numbers of ``struct Synapse``."""
    if isinstance(conductance, Tensor):
        return conductance, synapse(Reversal((0.0,), (0.0,)), wiring)[1]
    wiring = wiring if wiring is not None else Wiring()
    branches = (conductance.positive, conductance.negative)
    ranges = (conductance.positive_range, conductance.negative_range)
    terms = max(map(len, branches))
    return None, (
        wiring.delay,
        *(-wiring.charge_positive, wiring.charge_negative, wiring.skew, wiring.lag, -wiring.charge_zero),
        *(len(wiring.axon_charge), len(wiring.neuron_charge)),
        *(low for low, _ in ranges),
        *(math.inf if high is None else high for _, high in ranges),
        *(c for branch in branches for c in (*branch, *(0.0,) * (terms - len(branch)))),
        *(-charge for charge in (*wiring.axon_charge, *wiring.neuron_charge)),
    )


def is_full(numbers: Sequence[float]) -> bool:
    """Whether the kernels evaluate beta w and charges for every weight (``FULL`` in synapse.h)."""
    return len(numbers) > 14 or any(numbers[1:6])


def neuron(wiring: Wiring | None = None, ramp: float | None = None) -> tuple[float, ...]:
    """What the kernels want to know of the neurons: coupling, b of the ramp and delay of the spikes, whether the ramp
    is wanted, of how many neurons there is a lag, and these.
    """
    wiring = wiring if wiring is not None else Wiring()
    lags = wiring.spike_lag
    return wiring.coupling, ramp or 0.0, wiring.spike_delay, float(ramp is not None), float(len(lags)), *lags


def fired(t: Tensor, w: Tensor, taps: Tensor, after: Sequence[float], save: bool) -> Tensors:
    """Room for v, spike times (or nothing) and their slopes for backward (or nothing), [images, rows, neurons]."""
    shape = (t.shape[0], taps.shape[0], w.shape[1])
    time = shape if after[3] else (0,)
    return t.new_empty(shape), t.new_empty(time), t.new_empty(time if save else (0,))
