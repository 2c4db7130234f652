"""Calling the kernel with tensors."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any

import torch
from torch import Tensor

from nonideal.pnn.errors import BadParameter
from nonideal.pnn.native.build import Shape, kernel

_SUFFIX = {torch.float32: "f32", torch.float64: "f64"}


def available(tensor: Tensor) -> bool:
    """Whether the kernel evaluates layers of this tensor: on the CPU, float32 or float64, library built, not inside ``torch.func``."""
    return tensor.device.type == "cpu" and tensor.dtype in _SUFFIX and _built() and not is_transformed()


def is_transformed() -> bool:
    """Whether ``torch.func`` (grad, vmap, jvp ...) transforms what is computed now: it wants plain PyTorch."""
    return not torch.compiler.is_compiling() and torch._C._are_functorch_transforms_active()


def first_derivatives(backward: Callable[..., Any]) -> Callable[..., Any]:
    """A gradient that has none itself, and says so: silently taken for a constant, it would spoil a loss that reads gradients."""

    @wraps(backward)
    def first(ctx: Any, *grads: Tensor | None) -> Any:
        if torch.is_grad_enabled():
            raise BadParameter(
                "create_graph = True: the native kernel has first derivatives only; second ones are computed inside torch.func "
                "(torch.func.grad of torch.func.functional_call), in plain PyTorch"
            )
        return backward(ctx, *grads)

    return first


def _built() -> bool:
    return kernel() is not None


# What torch.compiler.assume_constant_result sets; calling that imports the compiler: 3 s at the start of every command.
_built._dynamo_marked_constant = True  # type: ignore[attr-defined]


@cache
def function(name: str, dtype: torch.dtype) -> Any:
    """A function of the library in a precision."""
    found = kernel()
    assert found is not None, "ask available() first"
    return getattr(found.library, f"{name}_{_SUFFIX[dtype]}")


def pointer(tensor: Tensor | None) -> int | None:
    """Address of a contiguous tensor's data; None (null) for none or an empty one."""
    return None if tensor is None or tensor.numel() == 0 else tensor.data_ptr()


def doubles(values: Sequence[float]) -> Any:
    """As a C array."""
    return (ctypes.c_double * len(values))(*values)


def layer_arguments(
    t: Tensor, w: Tensor, c: Tensor | None, taps: Tensor, synapse: Sequence[float]
) -> tuple[Any, ...]:
    """The arguments all functions begin with: shape, t, w, c, and the numbers of ``struct Synapse``.

    Raises ``BadParameter`` for what the kernel, which sees addresses only, would misread.
    """
    same = all(x.dtype == t.dtype and x.shape == w.shape for x in (w, c) if x is not None)
    fits = (
        t.ndim == 3 and w.ndim == 2 and taps.dtype == torch.int32 and w.shape[0] == taps.shape[1] * t.shape[2]
    )
    if not (same and fits and all(x.is_contiguous() for x in (t, w, c, taps) if x is not None)):
        raise BadParameter(
            "the kernel needs contiguous spike times [images, sources, channels] and weights [taps * channels, neurons] "
            f"of one precision; got {tuple(t.shape)} {t.dtype}, {tuple(w.shape)} {w.dtype}, {taps.shape[1]} taps"
        )
    images, sources, channels = t.shape
    shape = Shape(taps.data_ptr(), images, taps.shape[0], sources, taps.shape[1], channels, w.shape[1])
    return ctypes.byref(shape), t.data_ptr(), w.data_ptr(), pointer(c), doubles(synapse), len(synapse)
