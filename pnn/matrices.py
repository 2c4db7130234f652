"""Weight matrices of any file: our own weights, a plain safetensors, a PyTorch ``state_dict``, NumPy arrays.

Nothing of a file runs: PyTorch files are loaded with ``weights_only``, NumPy files without pickled objects.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load as load_safetensors
from torch import Tensor

from nonideal.files import UnreadableFile, read_bytes
from nonideal.pnn import checks
from nonideal.pnn.array_file import MOST_ARRAY_BYTES, array_of
from nonideal.pnn.checkpoint import holds_header, load_dense
from nonideal.pnn.errors import CheckpointError, DataError

TORCH: Final = (".pt", ".pth")
NUMPY: Final = (".npz", ".npy")
INSIDE: Final = ("state_dict", "model_state_dict")
"""Where checkpoints of others keep the state of their network."""
SHOWN: Final = 12
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
"""What PyTorch makes words of its messages bold with."""
_NUMBER: Final = re.compile(r"(\d+)")
_FOLD: Final = (
    "a synapse array has no bias of its own: give the layer in front of it one more neuron (or the network one more input) that always spikes, "
    "and append this vector as that axon's column"
)


@dataclass(frozen=True, slots=True)
class Matrices:
    """The weights of a fully connected network, first layer first, each float64 ``[neurons, axons]``.

    ``physics``: trained on the columns of a model (``bottom_up``). ``left_out``: scalars of the file that no synapse realises. ``bits``,
    ``codes`` int32 ``[neurons, axons]`` and ``full_scales`` are of weights that are codes, whose values are
    ``codes * full_scale / (2**bits - 1)``; None and nothing: analog.
    """

    names: tuple[str, ...]
    values: tuple[NDArray[np.float64], ...]
    physics: bool = False
    own: bool = False
    left_out: tuple[str, ...] = ()
    bits: int | None = None
    codes: tuple[NDArray[np.int32], ...] = ()
    full_scales: tuple[float, ...] = ()

    @property
    def steps(self) -> tuple[float, ...] | None:
        """Of weights that are codes, the weight of code 1 in every layer; None: analog."""
        return None if self.bits is None else tuple(f / (2**self.bits - 1) for f in self.full_scales)


def load_matrices(path: Path | str) -> Matrices:
    """The weights that a file holds, in the order in which they chain: that of the file, numbered names by their numbers.

    Raises ``CheckpointError`` for a file that is damaged or of another form, for values that are no finite floating-point numbers, for a
    bias or another vector that is not zero, and for matrices that do not chain; the message names tensor, place and shapes.
    """
    path = checks.path(path, "path")
    kind = path.suffix.lower()
    try:
        if kind in NUMPY:
            return _chain(path, _numpy(path), sort=False)
        content = read_bytes(path, most_bytes=MOST_ARRAY_BYTES)
        if kind in TORCH:
            return _chain(path, _torch(path, content), sort=False)
        if holds_header(content):
            network = load_dense(path)
            layers = [layer.weight.detach().double().numpy() for layer in network.linear_layers]
            names = tuple(f"layers.{k}.weight" for k in range(len(layers)))
            codes = network.codes
            return Matrices(
                names,
                tuple(layers),
                physics=bool(network.physics),
                own=True,
                bits=int(codes[0].bits) if codes else None,
                codes=tuple(one.code.numpy() for one in codes),
                full_scales=tuple(float(one.full_scale) for one in codes),
            )
        # A plain safetensors file lists its tensors by name.
        return _chain(path, _plain(path, content), sort=True)
    except (UnreadableFile, DataError) as error:
        raise CheckpointError(str(error)) from error
    except (RuntimeError, TypeError) as error:  # a dtype that torch does not turn into numbers
        raise CheckpointError(f"{path}: {_why(error)}; save floating-point weights (.float())") from error


def _plain(path: Path, content: bytes) -> dict[str, Tensor]:
    try:
        return load_safetensors(content)
    except Exception as error:  # a damaged file ends in whatever its header makes of it
        raise CheckpointError(
            f"{path}: not a readable safetensors file ({_why(error)}); other forms are told by their endings, {' '.join((*TORCH, *NUMPY))}"
        ) from error


def _torch(path: Path, content: bytes) -> dict[str, Tensor]:
    """The tensors of a PyTorch file, by name."""
    try:
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                unpacked = sum(info.file_size for info in archive.infolist())
            if unpacked > MOST_ARRAY_BYTES:
                raise CheckpointError(
                    f"{path}: has {unpacked} bytes unpacked, more than the {MOST_ARRAY_BYTES} that are read"
                )
        found: Any = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except Exception as error:  # a damaged pickle raises whatever its bytes spell
        raise CheckpointError(
            f"{path}: is no PyTorch file of tensors alone, or a damaged one ({_why(error)}). A file that holds code is never loaded: "
            "save torch.save(network.state_dict(), ...)"
        ) from error
    return _state(path, found)


def _state(path: Path, found: Any) -> dict[str, Tensor]:
    """The tensors of what was loaded: a state_dict, alone or in a checkpoint, a list of matrices, or one matrix."""
    for key in INSIDE:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if isinstance(found, Tensor):
        found = {path.stem: found}
    if isinstance(found, list | tuple):
        found = {str(k): value for k, value in enumerate(found)}
    if not isinstance(found, Mapping):
        raise CheckpointError(
            f"{path}: holds {type(found).__name__}; give a state_dict, or a list of matrices"
        )
    for name, value in found.items():
        if not isinstance(value, Tensor):
            raise CheckpointError(
                f"{path}: {_shown(name)} is {type(value).__name__}, no tensor; save torch.save(network.state_dict(), ...)"
            )
        if value.layout != torch.strided or value.is_quantized or value.device.type != "cpu":
            raise CheckpointError(
                f"{path}: {_shown(name)} is sparse, quantised or without values; save dense floating-point tensors"
            )
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise CheckpointError(
                f"{path}: {_shown(name)} of shape {list(value.shape)} repeats its values; save it with .contiguous()"
            )
    return {str(name): value.detach() for name, value in found.items()}


def _numpy(path: Path) -> dict[str, Tensor]:
    """The arrays of an ``.npz`` or ``.npy`` file, by name; their dtype is judged before they become tensors."""
    content = read_bytes(path, most_bytes=MOST_ARRAY_BYTES)
    try:
        arrays = dict(_arrays(path, content))
    except (CheckpointError, DataError):
        raise
    except Exception as error:  # a damaged archive raises whatever its bytes spell
        raise CheckpointError(
            f"{path}: is no {path.suffix} file, or a damaged one ({_why(error)}): save it again"
        ) from error
    for name, array in arrays.items():
        if array.dtype.kind != "f":
            raise CheckpointError(
                f"{path}: {_shown(name)} holds {array.dtype}; give floating-point numbers (.astype(float))"
            )
    return {name: torch.from_numpy(array.astype(np.float64)) for name, array in arrays.items()}


def _arrays(path: Path, content: bytes) -> Iterator[tuple[str, NDArray[Any]]]:
    if path.suffix.lower() == ".npy":
        yield path.stem, array_of(path, path.stem, content)
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        unpacked = sum(info.file_size for info in members)
        if unpacked > MOST_ARRAY_BYTES:
            raise CheckpointError(
                f"{path}: has {unpacked} bytes unpacked, more than the {MOST_ARRAY_BYTES} that are read"
            )
        for info in members:
            with archive.open(info) as member:
                name = info.filename.removesuffix(".npy")
                yield name, array_of(path, name, member.read(MOST_ARRAY_BYTES + 1))


def _chain(path: Path, tensors: dict[str, Tensor], *, sort: bool) -> Matrices:
    """The matrices among the tensors, in order, each fed by the one before it; all others are refused, or are zero or scalars."""
    left_out = []
    matrices: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        where, shape = f"{path}: {_shown(name)}", list(tensor.shape)
        if tensor.ndim == 2 and tensor.numel():
            matrices[name] = tensor
        elif tensor.ndim == 0 and not name.endswith("bias"):
            left_out.append(name)
        elif tensor.ndim < 2 and _all_zero(tensor):
            continue
        elif tensor.ndim < 2:
            raise CheckpointError(
                f"{where} is a vector of {tensor.numel()} values that are not all zero; {_FOLD}"
            )
        else:
            raise CheckpointError(
                f"{where} has shape {shape}: there is a circuit for matrices [neurons, axons] alone, not for convolutions"
            )
    if not matrices:
        raise CheckpointError(f"{path}: holds no matrix [neurons, axons], only {_shapes(tensors)}")
    numbered = len({_NUMBER.sub("#", name) for name in matrices}) == 1
    names = sorted(matrices, key=_natural) if sort or numbered else list(matrices)
    for before, name in pairwise(names):
        if matrices[name].shape[1] != matrices[before].shape[0]:
            raise CheckpointError(_broken(path, names, matrices, before, name))
    values = tuple(_values(path, name, matrices[name]) for name in names)
    return Matrices(tuple(names), values, left_out=tuple(left_out))


def _all_zero(tensor: Tensor) -> bool:
    return not bool((tensor if tensor.is_complex() else tensor.double()).count_nonzero())


def _broken(path: Path, names: list[str], matrices: dict[str, Tensor], before: str, name: str) -> str:
    turned = all(matrices[b].shape[0] == matrices[a].shape[1] for a, b in pairwise(names))
    return (
        f"{path}: matrices do not chain: {_shown(name)} has {matrices[name].shape[1]} axons, {_shown(before)} before it "
        f"{matrices[before].shape[0]} neurons. In order: {_shapes({n: matrices[n] for n in names})}, each [neurons, axons]. "
        + (
            "They chain as [axons, neurons]: transpose them"
            if turned
            else "Number their names in the order of the layers"
        )
    )


def _values(path: Path, name: str, tensor: Tensor) -> NDArray[np.float64]:
    if not tensor.is_floating_point():
        raise CheckpointError(
            f"{path}: {_shown(name)} holds {tensor.dtype}; give floating-point weights (.float())"
        )
    found: NDArray[np.float64] = tensor.double().numpy()
    wrong = np.argwhere(~np.isfinite(found))
    if len(wrong):
        neuron, axon = map(int, wrong[0])
        raise CheckpointError(
            f"{path}: {_shown(name)}[{neuron}, {axon}] is {found[neuron, axon]} ({len(wrong)} such): train again, or pick an earlier checkpoint"
        )
    return found


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts ``fc2`` before ``fc10``."""
    return [
        (1, int(part), part) if part.isascii() and part.isdigit() else (0, 0, part)
        for part in _NUMBER.split(name)
    ]


def _shapes(tensors: Mapping[str, Tensor]) -> str:
    told = [f"{_shown(name)} {list(tensor.shape)}" for name, tensor in list(tensors.items())[:SHOWN]]
    return (
        ", ".join(told) + (f" and {len(tensors) - SHOWN} more" if len(tensors) > SHOWN else "") or "nothing"
    )


def _shown(name: object) -> str:
    text = str(name).encode("unicode_escape").decode("ascii")
    return text if len(text) <= 80 else f"{text[:80]}..."


def _why(error: BaseException) -> str:
    first = _COLOUR.sub("", str(error)).strip().split("\n")[0]
    return (first or type(error).__name__)[:160]
