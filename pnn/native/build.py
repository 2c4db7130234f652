"""Compile, cache and load the C++ kernels.

The library goes to ``$NONIDEAL_CACHE``, else ``$XDG_CACHE_HOME/nonideal``, else ``~/.cache/nonideal``; its
name holds a hash of the sources, the compiler and the processor, so that a change of any builds anew. It ends
with the hash of its content, which is compared before it is loaded: a damaged one would end the process by a
signal, and is built anew.
``NONIDEAL_KERNEL=pytorch`` forbids it.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCES = (
    *("dstd.cpp", "exact.cpp", "perturb.cpp", "ttfs.cpp"),
    *("accumulate.h", "firing.h", "layer.h", "lists.h", "ramp.h", "synapse.h", "vectors.h"),
)
FLAGS = ("-O3", "-std=c++17", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math")
NATIVE = ("-march=native", "-mcpu=native", "")
COMPILE_TIMEOUT_S = 300.0
_MARK = b"\nnonideal kernel sha256 "
_END_BYTES = len(_MARK) + 64

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
        path = _build()
        library = ctypes.CDLL(str(path))
    except (OSError, subprocess.SubprocessError) as error:
        logger.warning(
            "kernel: pure PyTorch, several times slower; the native one was not built: %s", _reason(error)
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
    """Which form runs on the CPU: ``native`` or ``pytorch``."""
    return "native" if kernel() is not None else "pytorch"


def cache_folder() -> Path:
    """Where libraries are kept; raises ``OSError`` where there is no home folder."""
    own = os.environ.get("NONIDEAL_CACHE")
    if own:
        return Path(own)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nonideal"
    except RuntimeError as error:
        raise OSError(f"{error}: set HOME or NONIDEAL_CACHE") from error


def is_whole(path: Path) -> bool:
    """Whether a library is there as it was built: its end tells the hash of the rest."""
    try:
        content = path.read_bytes() if path.is_file() else b""
    except OSError:
        return False
    library, end = content[:-_END_BYTES], content[-_END_BYTES:]
    return end == _end(library)


def _end(library: bytes) -> bytes:
    """What is appended to a library; loaders do not read so far."""
    return _MARK + hashlib.sha256(library).hexdigest().encode()


def _build() -> Path:
    compiler = os.environ.get("CXX") or next((c for c in ("g++", "clang++", "c++") if shutil.which(c)), None)
    if compiler is None:
        raise FileNotFoundError("no C++ compiler found (install g++, or set CXX)")
    here = Path(__file__).parent
    version = subprocess.run(
        [compiler, "--version"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    digest = hashlib.sha256("\0".join((version, *FLAGS, _processor())).encode())
    for name in SOURCES:
        digest.update((here / name).read_bytes())
    target = cache_folder() / f"kernel-{digest.hexdigest()[:16]}.so"
    if is_whole(target):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    what = (
        "the kept training kernel is damaged, compiling it anew"
        if target.exists()
        else "compiling the training kernel"
    )
    # A warning, for it is to be seen: what asked for it stands still meanwhile.
    logger.warning("%s with %s, up to a minute, once", what, compiler)
    error: subprocess.CalledProcessError | None = None
    for native in NATIVE:
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            part = Path(folder) / "kernel.so"
            command = [
                compiler,
                *FLAGS,
                *([native] if native else []),
                "-o",
                str(part),
                *(str(here / name) for name in SOURCES if name.endswith(".cpp")),
            ]
            try:
                subprocess.run(command, capture_output=True, text=True, check=True, timeout=COMPILE_TIMEOUT_S)
            except subprocess.CalledProcessError as failed:
                error = failed
                continue
            library = part.read_bytes()
            # By a rename, never in place: another process may run the old one.
            part.write_bytes(library + _end(library))
            part.chmod(0o755)
            os.replace(part, target)
            return target
    assert error is not None
    raise error


def _processor() -> str:
    """What -march=native depends on: a home folder may be shared between machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    return platform.machine() + next(
        (line for line in lines if line.startswith(("flags", "Features"))), platform.processor()
    )


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"{' '.join(map(str, error.cmd))}: {(error.stderr or '').strip()[-500:]}"
    return str(error)
