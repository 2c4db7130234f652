"""Files: ``weights.safetensors`` (one file rebuilds a network) and the trainer's checkpoint (one file
continues a training).

Of weights that are codes both hold codes, bits and full scales beside the weights that follow from them (``nonideal.pnn.codes``); the text says
by ``network.bits`` whether they are codes.

Both are safetensors with one JSON text in the metadata, written beside and renamed: whole or not at all. The text ends with the
SHA-256 of itself and the tensors, which is compared when the file is read; a file from before there was one is read without.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from nonideal.files import UnreadableFile, read_bytes, write_bytes
from nonideal.pnn import checks
from nonideal.pnn.codes import LatentWeights, check_codes
from nonideal.pnn.data import Encoding
from nonideal.pnn.errors import BadParameter, CheckpointError
from nonideal.pnn.network import RCSpikeNetwork, SpikingNetwork
from nonideal.pnn.scaling import Origin
from nonideal.pnn.stack import AnyNetworkOptions

HEADER = "nonideal"
FORMAT = 1
CHECKSUM = re.compile(r'"checksum":"([0-9a-f]{64})"}$')
"""Where a header ends with one. Files from before there was one have none."""
_MOST_BYTES = 8 * 1024**3
Header = TypeVar("Header", bound=BaseModel)


class Provenance(BaseModel):
    """Where a network's weights come from. ``origin``: the data set's files, classes and scaling, where they are known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    variant: str
    seed: int
    dataset: str
    encoding: Encoding
    model_sha256: str
    epochs: int
    origin: Origin | None = None


class WeightsHeader(BaseModel):
    """The JSON in a weights file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    network: AnyNetworkOptions
    provenance: Provenance
    checksum: str = ""


class TrainingState(BaseModel):
    """The JSON in a checkpoint: the last finished epoch and what the run was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    epoch: int
    fingerprint: str
    checksum: str = ""


def save_network(path: Path | str, network: nn.Module, header: WeightsHeader) -> None:
    """Write ``network``'s weights and ``header`` to ``path``. Raises ``BadParameter`` for weights that are not the codes that the header tells.

    Example:

        header = nonideal.pnn.load_header("trained/iris/weights.safetensors")
        network = nonideal.pnn.load_network("trained/iris/weights.safetensors")
        nonideal.pnn.save_network("copy.safetensors", network, header)
    """
    bits = header.network.bits
    held = {int(codes.bits) for codes in network.codes} if isinstance(network, SpikingNetwork) else set()
    if held != (set() if bits is None else {bits}):
        raise BadParameter(
            f"network.bits = {bits} in the header, the network's layers hold {f'codes of {sorted(held)} bits' if held else 'no codes'}: make them one"
        )
    if bits is not None:
        check_codes(cast(SpikingNetwork, network).spiking_layers, bits)
    tensors = {name: t.detach().cpu().contiguous() for name, t in network.state_dict().items()}
    _write(checks.path(path, "path"), tensors, header)


def load_header(path: Path | str) -> WeightsHeader:
    """The header of a weights file. Raises ``CheckpointError`` that says what is wrong with the file.

    Example:

        header = nonideal.pnn.load_header("trained/iris/weights.safetensors")
        print(header.network.layer_sizes, header.provenance.seed)
    """
    path = checks.path(path, "path")
    return _parse(path, WeightsHeader, _read(path)[1])


def load_network(path: Path | str) -> SpikingNetwork:
    """Rebuild the network that ``path`` holds, on the CPU. Raises ``CheckpointError``.

    Example:

        network = nonideal.pnn.load_network("trained/iris/weights.safetensors")
        times = network.predict_times(nonideal.load_dataset("iris").test_x)    # of every layer, in T_circ
    """
    path = checks.path(path, "path")
    tensors, text = _read(path)
    options = _parse(path, WeightsHeader, text).network
    try:
        with torch.device("meta"):  # sizes are compared before anything of those sizes is made
            described = {name: (t.shape, t.dtype) for name, t in options.build().state_dict().items()}
    except (ValueError, RuntimeError, OverflowError) as error:
        raise CheckpointError(f"{path}: its header describes no network: {error}") from error
    found = {name: (t.shape, t.dtype) for name, t in tensors.items()}
    if found.keys() ^ described.keys() and {_is_code(k) for k in found.keys() ^ described.keys()} == {True}:
        told = "analog weights" if options.bits is None else f"codes of {options.bits} bits"
        raise CheckpointError(f"{path}: its header tells of {told}, it holds {_shapes(found)}: train again")
    if found.keys() != described.keys() or any(found[k][0] != described[k][0] for k in found):
        raise CheckpointError(
            f"{path}: weights do not fit the network its header describes: {_shapes(found)} in place of {_shapes(described)}"
        )
    for name, values in tensors.items():
        if _is_code(name) and not name.endswith(".full_scale"):
            if values.dtype != described[name][1]:
                raise CheckpointError(
                    f"{path}: {name} holds {values.dtype}, codes and bits are {described[name][1]}: train again"
                )
        elif not values.is_floating_point() or not bool(values.isfinite().all()):
            raise CheckpointError(f"{path}: {name} holds values that are no finite numbers: train again")
    network: SpikingNetwork = options.build()
    network.load_state_dict(tensors)
    if options.bits is not None:
        try:
            check_codes(network.spiking_layers, options.bits)
        except BadParameter as error:
            raise CheckpointError(f"{path}: {error}") from error
    return network


def _is_code(name: str) -> bool:
    return ".codes." in name


def _shapes(tensors: dict[str, tuple[torch.Size, torch.dtype]]) -> str:
    shown = ", ".join(f"{name} {list(shape)}" for name, (shape, _) in list(tensors.items())[:8])
    return shown or "nothing"


def holds_header(content: bytes) -> bool:
    """Whether a safetensors file is this toolkit's, its header's name damaged or not: then it has to be what its header says."""
    try:
        head = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        metadata = head.get("__metadata__") or {}
        return HEADER in metadata or any('"provenance":' in str(text) for text in metadata.values())
    except (ValueError, RecursionError, AttributeError, OverflowError):
        return False  # no safetensors file: whoever loads it says why


def load_dense(path: Path | str) -> RCSpikeNetwork:
    """``load_network`` for what takes fully connected RC-Spike networks only; raises ``CheckpointError`` for another.

    Example:

        network = nonideal.pnn.load_dense("trained/iris/weights.safetensors")
        print(network.layer_sizes)
    """
    network = load_network(path)
    if not isinstance(network, RCSpikeNetwork):
        raise CheckpointError(
            f"{path} holds a network of convolutions or TTFS neurons: there is a circuit for fully connected "
            "RC-Spike networks only"
        )
    return network


def save_training(
    path: Path,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    state: TrainingState,
    latent: LatentWeights | None = None,
) -> None:
    """Write all that the next epoch depends on: weights, those ``latent`` behind codes, optimiser, generator (data order, offsets, noise),
    epoch.
    """
    tensors = {f"network.{name}": t.detach().cpu().contiguous() for name, t in network.state_dict().items()}
    if latent is not None:
        tensors |= {
            f"latent.{name}": t.detach().cpu().contiguous() for name, t in latent.state_dict().items()
        }
    for index, values in optimiser.state_dict()["state"].items():
        for name, value in values.items():
            tensors[f"optimiser.{index}.{name}"] = torch.as_tensor(value).detach().cpu().contiguous()
    tensors["generator"] = generator.get_state()
    _write(path, tensors, state)


def load_training(
    path: Path,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    fingerprint: str,
    latent: LatentWeights | None = None,
) -> TrainingState:
    """Set network, the weights ``latent`` behind its codes, optimiser and generator to the checkpoint at ``path``.

    Raises ``CheckpointError`` for a damaged file or one of another run (``fingerprint`` differs).
    """
    tensors, text = _read(path)
    state = _parse(path, TrainingState, text)
    if state.fingerprint != fingerprint:
        raise CheckpointError(
            f"{path} was written by a training with other options or data: restore them, use another folder, "
            "or start over without resume"
        )
    try:
        _restore(tensors, network, optimiser, generator, latent)
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{path}: does not hold what this training continues from ({error}): start over without resume, or in another folder"
        ) from error
    return state


def _restore(
    tensors: dict[str, Tensor],
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    latent: LatentWeights | None,
) -> None:
    optimiser_state: dict[int, dict[str, Any]] = {}
    modules: dict[str, dict[str, Tensor]] = {"network": {}, "latent": {}}
    for key, value in tensors.items():
        kind, _, name = key.partition(".")
        if kind in modules:
            modules[kind][name] = value
        elif kind == "optimiser":
            index, _, name = name.partition(".")
            optimiser_state.setdefault(int(index), {})[name] = value
    network.load_state_dict(modules["network"])
    if latent is not None:
        latent.load_state_dict(modules["latent"])
    # the fused Adam reads its averages in the parameter's memory layout
    for position, parameter in enumerate((network if latent is None else latent).parameters()):
        for name, value in optimiser_state.get(position, {}).items():
            if value.shape == parameter.shape:
                optimiser_state[position][name] = torch.empty_like(parameter.detach()).copy_(value)
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": optimiser_state, "param_groups": groups})
    generator.set_state(tensors["generator"])


def _write(path: Path, tensors: dict[str, Tensor], header: WeightsHeader | TrainingState) -> None:
    plain = header.model_copy(update={"checksum": ""}).model_dump_json()
    sealed = header.model_copy(update={"checksum": _checksum(tensors, plain)})
    write_bytes(path, save(tensors, metadata={HEADER: sealed.model_dump_json()}))


def _checksum(tensors: dict[str, Tensor], text: str) -> str:
    """Over all values and the header: safetensors itself notices no flipped bit."""
    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _read(path: Path) -> tuple[dict[str, Tensor], str]:
    try:
        content = read_bytes(path, most_bytes=_MOST_BYTES)
        tensors = load(content)
        head = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        metadata = head.get("__metadata__") or {}
    except UnreadableFile as error:
        raise CheckpointError(str(error)) from error
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError, RecursionError) as error:
        raise CheckpointError(
            f"{path}: not a readable safetensors file ({error}); give the weights.safetensors that a training wrote"
        ) from error
    if metadata.keys() != {HEADER}:
        raise CheckpointError(
            f"{path}: a safetensors file without a '{HEADER}' header alone: not written by this toolkit, or damaged; "
            "plain weights go into a network by its load_state_dict"
        )
    text = metadata[HEADER]
    known = CHECKSUM.search(text)
    if known is None and '"checksum":""' not in text and '"checksum"' in text:
        raise CheckpointError(f"{path}: damaged: its checksum is none; remove it, and train again")
    if known is not None and _checksum(tensors, text.replace(known[1], "")) != known[1]:
        raise CheckpointError(
            f"{path}: damaged or altered after it was written (its checksum is another): remove it, and train again"
        )
    return tensors, text


def _parse(path: Path, kind: type[Header], text: str) -> Header:
    try:
        header = kind.model_validate_json(text)
    except ValidationError as error:
        raise CheckpointError(f"{path}: header not understood: {error}") from error
    if getattr(header, "format", FORMAT) != FORMAT:
        raise CheckpointError(
            f"{path}: format {getattr(header, 'format', None)}, this version reads {FORMAT}"
        )
    return header
