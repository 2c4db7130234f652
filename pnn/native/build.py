"""Compile (``nonideal.files.compiled``) and load the C++ kernels; ``NONIDEAL_KERNEL=pytorch`` forbids it."""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nonideal.files.compiled import compiled, why_not

SOURCES = (
    *("codes.cpp", "dstd.cpp", "exact.cpp", "jitter.cpp", "perturb.cpp", "ttfs.cpp"),
    *("accumulate.h", "firing.h", "layer.h", "lists.h", "ramp.h", "synapse.h", "vectors.h"),
)

logger = logging.getLogger("nonideal.kernel")


class Shape(ctypes.Structure):
    """Of one layer: ``struct Shape`` in layer.h."""

    _fields_ = (
        ("taps", ctypes.c_void_p),
        ("images", ctypes.c_int64),
        ("rows_per_image", ctypes.c_int64),
        ("sources_per_image", ctypes.c_int64),
        ("n_taps", ctypes.c_int64),
        ("channels", ctypes.c_int64),
        ("neurons", ctypes.c_int64),
    )


_SHAPE, _POINTER, _DOUBLE, _INT = ctypes.POINTER(Shape), ctypes.c_void_p, ctypes.c_double, ctypes.c_int64
_LAYER = (_SHAPE, _POINTER, _POINTER, _POINTER, _POINTER, _INT)  # shape, t, w, c, synapse and its length
_GRID = (_POINTER, _INT)  # edges, steps
_LISTS = (_POINTER, _POINTER, _POINTER)  # channel, share or time, offset
_SIGNATURES = {
    # third, neuron, lists, then out, fire, saved, slope or saved, slope, grad, grad_fire, dt, dw, dc
    "dstd_forward": (*_LAYER, *_GRID, ctypes.c_int, _POINTER, *_LISTS, *(_POINTER,) * 4),
    "dstd_backward": (*_LAYER, *_GRID, ctypes.c_int, _POINTER, *_LISTS, *(_POINTER,) * 7),
    # lists, then out, step, rest or (after the least slope) step, rest, grad, dt, dw, dc
    "ttfs_forward": (*_LAYER, *_GRID, *_LISTS, *(_POINTER,) * 3),
    "ttfs_backward": (*_LAYER, *_GRID, _DOUBLE, *_LISTS, *(_POINTER,) * 6),
    # neuron, buckets, lists, then out, fire, slope or slope, grad, grad_fire, dt, dw, dc
    "exact_forward": (*_LAYER, _POINTER, _INT, *_LISTS, *(_POINTER,) * 3),
    "exact_backward": (*_LAYER, _POINTER, _INT, *_LISTS, *(_POINTER,) * 6),
    # w, z, count, chips, spread, out, slope or grad, slope, count, chips, dw
    "perturb_forward": (_POINTER, _POINTER, _INT, _INT, _POINTER, _POINTER, _INT, *(_POINTER,) * 3),
    "perturb_backward": (_POINTER, _POINTER, _INT, _INT, _POINTER),
    # t, w, v, time, samples, inputs, outputs, law, out
    "jitter_sigma": (*(_POINTER,) * 4, _INT, _INT, _INT, _POINTER, _POINTER),
    # latent, count, top, step, weight, code or grad, latent, count, top, step, out
    "codes_round": (_POINTER, _INT, _DOUBLE, _DOUBLE, _POINTER, _POINTER),
    "codes_slope": (_POINTER, _POINTER, _INT, _DOUBLE, _DOUBLE, _POINTER),
}


@dataclass(frozen=True, slots=True)
class Kernel:
    """The loaded library and the file it came from."""

    library: ctypes.CDLL
    path: Path


@cache
def kernel() -> Kernel | None:
    """The kernel, compiled on the first call of a machine; None where it may not or cannot be built (the log
    says why).
    """
    wish = os.environ.get("NONIDEAL_KERNEL", "native")
    if wish == "pytorch":
        logger.info("kernel: pure PyTorch (NONIDEAL_KERNEL=pytorch)")
        return None
    try:
        path = compiled(Path(__file__).parent, SOURCES, "training kernel")
        library = ctypes.CDLL(str(path))
    except (OSError, subprocess.SubprocessError) as error:
        logger.warning(
            "kernel: pure PyTorch, several times slower; the native one was not built: %s", why_not(error)
        )
        return None
    for name, arguments in _SIGNATURES.items():
        for suffix in ("f32", "f64"):
            function = getattr(library, f"{name}_{suffix}")
            function.argtypes = arguments
            function.restype = None
    logger.info("kernel: native, %s", path)
    return Kernel(library, path)


def kernel_name() -> str:
    """Which form runs on the CPU: ``native`` or ``pytorch``.

    Example:

        print(nonideal.pnn.kernel_name())
    """
    return "native" if kernel() is not None else "pytorch"
