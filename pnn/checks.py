"""The door for what comes from Python: harmless things are converted, all others refused once, with name, place, value and way out.

Rows and columns count from 0, as in the arrays. Files have doors of their own (``files``); a training step checks shapes and nothing else.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import torch
from torch import Tensor

from nonideal.characterize.estimate import Estimate
from nonideal.pnn.errors import BadParameter, DataError, PnnError

Thing = TypeVar("Thing")
MOST_NEURONS: Final = 65536
MOST_WEIGHTS: Final = 2**31 - 1
ROUNDING: Final = 1e-6
"""Features this far outside [0, 1] are held there: scaling by a minimum and a span ends at 1.0000000000000002."""


def path(value: str | os.PathLike[str], name: str) -> Path:
    """A path, given as text or as such. Raises ``BadParameter``."""
    try:
        text = os.fspath(value)
    except TypeError:
        text = ""
    if not isinstance(text, str) or not text or "\0" in text:
        raise BadParameter(f"{name} = {shown(value)}: give the path of a file or folder")
    return Path(text)


def number(value: object, name: str) -> float:
    """A finite number, given as one, as an ``Estimate`` or as an array of one. Raises ``BadParameter``."""
    if isinstance(value, Estimate):
        return value.value
    try:
        if isinstance(value, str | bytes | bool):
            raise TypeError
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise BadParameter(f"{name} = {shown(value)}: give a finite number")
    return found


def whole(value: object, name: str, least: int, most: int) -> int:
    """A whole number from ``least`` to ``most``. Raises ``BadParameter``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise BadParameter(
            f"{name} = {shown(value)}: give a whole number, at least {least} and at most {most}"
        )
    return int(value)


def layer_sizes(value: object) -> tuple[int, ...]:
    """Sizes of a fully connected network, axons first. Raises ``BadParameter`` for fewer than two, and for what no memory holds."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise BadParameter(
            f"layer_sizes = {shown(value)}: give axons, hidden neurons and outputs, as (5, 5, 5)"
        )
    sizes = tuple(
        whole(n, f"layer_sizes[{place}]", 1, MOST_NEURONS) for place, n in enumerate(islice(value, 1001))
    )
    if not 2 <= len(sizes) <= 1000:
        raise BadParameter(
            f"layer_sizes has {len(sizes)} sizes: give axons, hidden neurons and outputs, at most 1000"
        )
    weights = sum(n_in * n_out for n_in, n_out in pairwise(sizes))
    if weights > MOST_WEIGHTS:
        raise BadParameter(f"layer_sizes {list(sizes)} have {weights} weights: at most {MOST_WEIGHTS} fit")
    return sizes


def convolution(
    in_channels: object, out_channels: object, kernel: object, padding: object
) -> tuple[int, int, int, int]:
    """Channels, kernel and padding of a convolution. Raises ``BadParameter``."""
    channels = [
        whole(n, f"convolution: {name}", 1, MOST_NEURONS)
        for n, name in ((in_channels, "in_channels"), (out_channels, "out_channels"))
    ]
    pixels = whole(kernel, "convolution: kernel", 1, 1024)
    return channels[0], channels[1], pixels, whole(padding, "convolution: padding", 0, pixels - 1)


def one_of(value: object, name: str, known: Iterable[str]) -> str:
    """One of the names. Raises ``BadParameter`` that lists them."""
    names = tuple(known)
    if not isinstance(value, str) or value not in names:
        raise BadParameter(f"{name} = {shown(value)}: choose one of {', '.join(names)}")
    return value


def instance(value: object, name: str, kind: type[Thing]) -> Thing:
    """``value``, which must be of that class. Raises ``BadParameter``."""
    if not isinstance(value, kind):
        raise BadParameter(f"{name} is {shown(value)}: give a {kind.__module__}.{kind.__qualname__}")
    return value


def tensor(value: object, name: str, error: type[PnnError] = BadParameter) -> Tensor:
    """A dense tensor of numbers on the CPU or its device, given as a tensor, an array, a table or nested lists.

    Floating point stays what it is, but for half precision, which becomes float32; whole numbers and truth values stay. Raises ``error``.
    """
    try:
        if isinstance(value, Tensor):
            found = value
        else:
            array = np.asarray(value)
            if array.dtype.kind not in "biuf":
                raise TypeError(f"it holds {array.dtype}, not numbers")
            if array.dtype.kind == "u" and array.dtype.itemsize > 1:
                array = array.astype(np.float64 if array.dtype.itemsize == 8 else np.int64)
            if array.dtype.kind == "f" and array.dtype.itemsize > 8:
                array = array.astype(np.float64)
            found = torch.from_numpy(np.array(array, order="C").astype(array.dtype.newbyteorder("=")))
    except (TypeError, ValueError, RuntimeError, OverflowError) as why:
        raise error(f"{name} is {shown(value)}: give a tensor or an array of numbers ({why})") from why
    if found.is_complex() or found.is_quantized or found.layout != torch.strided or found.is_meta:
        raise error(f"{name} is {shown(found)}: give a dense tensor of real numbers")
    if found.is_floating_point() and found.dtype not in (torch.float32, torch.float64):
        found = found.to(torch.float32)
    return found


def table(value: object, name: str, error: type[PnnError] = BadParameter) -> Tensor:
    """A floating-point tensor [rows, columns] of at least one row and column; as ``tensor``."""
    found = tensor(value, name, error)
    if found.ndim != 2 or found.shape[1] == 0:
        flat = (
            f"; images are flattened by {name}.reshape(len({name}), -1)"
            if found.ndim > 2
            else "; one sample is [[...]], a list of one row"
        )
        raise error(f"{name} has shape {list(found.shape)}: give [samples, axons or features]{flat}")
    if found.shape[0] == 0:
        raise error(f"{name} has no samples: give at least one")
    return found if found.is_floating_point() else found.to(torch.float64)


def features(value: object, name: str = "x") -> Tensor:
    """Features [B, n] in [0, 1], floating point. Raises ``DataError`` that names row, column and value."""
    x = table(value, name, DataError)
    low, high = (float(end.detach()) for end in x.aminmax())
    if low >= 0.0 and high <= 1.0:
        return x
    if low >= -ROUNDING and high <= 1.0 + ROUNDING:
        return x.clamp(0.0, 1.0)
    inside = (x >= -ROUNDING) & (x <= 1.0 + ROUNDING)
    way = (
        "fill it in, or leave the row or column out"
        if bool(x.isnan().any())
        else "a spike that never comes is math.inf in the spike times, after encoding"
        if bool(x.isinf().any())
        else "scale every column by the training set's minimum and maximum (pixels: divide by 255), and clip test features to [0, 1]"
    )
    raise DataError(
        f"{name}: {_place(x, ~inside)}, features must lie in [0, 1]; {_count(inside, 'values')}; {way}"
    )


def spike_times(value: object, name: str, axons: int | None = None) -> Tensor:
    """Spike times [B, axons] in [0, 1], or infinity for no spike, without a gradient. Raises ``DataError``."""
    t = table(value, name, DataError).detach()
    if axons is not None and t.shape[1] != axons:
        raise DataError(
            f"{name} has {t.shape[1]} columns, features = {axons} axons are told (the bias axon is one): make them equal"
        )
    low, high = (float(end) for end in t.aminmax())
    if low >= 0.0 and high <= 1.0:
        return t
    inside = ((t >= 0.0) & (t <= 1.0)) | (t == math.inf)
    if not bool(inside.all()):
        raise DataError(
            f"{name}: {_place(t, ~inside)}, a spike time lies in [0, 1] (units of T_circ); {_count(inside, 'values')}; "
            "features are scaled and encoded first (Encoding.encode), and an axon without a spike has math.inf"
        )
    return t


def labels(value: object, name: str, classes: int, samples: int | None = None) -> Tensor:
    """Labels [n] from 0 to ``classes`` - 1 as int64. Raises ``DataError`` that names the row and the label."""
    y = tensor(value, name, DataError).detach()
    if y.ndim != 1:
        one_hot = "; of one-hot rows take argmax(1)" if y.ndim == 2 else ""
        raise DataError(
            f"{name} has shape {list(y.shape)}: give one label for each sample, [samples]{one_hot}"
        )
    if samples is not None and y.shape[0] != samples:
        raise DataError(f"{name} has {y.shape[0]} labels for {samples} samples: give one for each")
    known = (y >= 0) & (y < classes) if y.dtype != torch.bool else y.to(torch.int64) < classes
    if y.is_floating_point():
        known &= y == y.floor()
    if not bool(known.all()):
        raise DataError(
            f"{name}: {_place(y, ~known)}, labels are whole numbers from 0 to {classes - 1} ({classes} classes); "
            f"{_count(known, 'labels')}; number the classes from 0, and leave samples without a label out"
        )
    return y.to(torch.int64)


def every_class(y: Tensor, name: str, classes: int) -> None:
    """Raise ``DataError`` that names a class without a sample among the labels [n]."""
    missing = (torch.bincount(y, minlength=classes) == 0).nonzero().flatten().tolist()
    if missing:
        raise DataError(
            f"{name}: label {missing[0]} has no sample, of labels 0 to {classes - 1} ({classes} classes): a class is learnt from samples only; "
            "number the classes from 0 without a gap, and give classes = how many there are"
        )


def network_input(value: object, name: str = "spike_time", columns: int | None = None) -> Tensor:
    """Spike times [B, axons] as a network takes them, given as ``tensor`` takes them: 0 or less is 0, 1 or more is no spike.

    Raises ``DataError`` for NaN, with its place, and for another number of ``columns`` where that is told.
    """
    t = table(value, name, DataError)
    if columns is not None and t.shape[1] != columns:
        raise DataError(f"{name} has shape {list(t.shape)}: give [samples, {columns}]")
    unknown = t.isnan()
    if bool(unknown.any()):
        raise DataError(f"{name}: {_place(t, unknown)}: give a time in [0, 1], or math.inf for no spike")
    return t


def layer_input(spike_time: object, weight: Tensor, form: str, axons: int) -> Tensor:
    """What a layer is given, in the precision of its weights; ``form`` names the dimensions, the second has ``axons``.

    Reads no values: it runs in every training step. Raises ``BadParameter``.
    """
    t = spike_time if isinstance(spike_time, Tensor) else tensor(spike_time, "spike_time")
    if t.ndim != form.count(",") + 1 or t.shape[1] != axons:
        raise BadParameter(f"need spike_time {form}, got shape {list(t.shape)}{_way_to(form, t, axons)}")
    if t.device != weight.device:
        raise BadParameter(
            f"spike_time is on {t.device}, the layer on {weight.device}: move one of them with .to(...)"
        )
    if t.is_complex() or t.layout != torch.strided:
        raise BadParameter(f"spike_time is {shown(t)}, {t.layout}: give a dense tensor of real numbers")
    return t if t.dtype == weight.dtype or torch.is_autocast_enabled(t.device.type) else t.to(weight.dtype)


def _way_to(form: str, t: Tensor, axons: int) -> str:
    """How a tensor of another shape becomes one of the ``form``, where that can be told."""
    want = form.count(",") + 1
    if t.ndim == want - 1 and t.ndim > 0 and t.shape[0] == axons:
        return ": one sample is spike_time.unsqueeze(0)"
    if want == 2 and t.ndim > 2:
        into = "spike_time.flatten(1)" if math.prod(t.shape[1:]) == axons else "spike_time.flatten(0, -2)"
        return f": flatten it, {into}" if math.prod(t.shape[1:]) == axons or t.shape[-1] == axons else ""
    return ""


def shown(value: object) -> str:
    """A value as a message tells it: short, whatever it is."""
    if isinstance(value, Tensor | np.ndarray):
        return f"{type(value).__name__} {list(value.shape)} of {value.dtype}"
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def _place(x: Tensor, wrong: Tensor) -> str:
    """The first wrong value and where it is."""
    index = wrong.nonzero()[0].tolist()
    value: Any = x.detach()[tuple(index)].item()
    where = ", ".join(f"{name} {at}" for name, at in zip(("row", "column"), index, strict=False))
    return f"{where} is {value:.6g}" if isinstance(value, float) else f"{where} is {value}"


def _count(right: Tensor, what: str) -> str:
    return f"{int((~right).sum())} of {right.numel()} {what} are wrong"
