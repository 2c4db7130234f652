"""Weights of other programs: any chain of matrices is read in its order, all else is refused with name, place and way out."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save, save_file

from nonideal.pnn import preset, variant_options
from nonideal.pnn.checkpoint import Provenance, WeightsHeader, save_network
from nonideal.pnn.data import Encoding
from nonideal.pnn.errors import CheckpointError
from nonideal.pnn.matrices import load_matrices

FIRST, SECOND = torch.arange(12.0).reshape(4, 3) / 7, torch.arange(8.0).reshape(2, 4) / 5
STATE = {"fc1.weight": FIRST, "fc1.bias": torch.zeros(4), "fc2.weight": SECOND, "lif.beta": torch.tensor(0.9)}


def saved(folder: Path, name: str, tensors: dict[str, torch.Tensor]) -> Path:
    path = folder / name
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    elif path.suffix == ".npz":
        np.savez(path, **{key: value.double().numpy() for key, value in tensors.items()})  # type: ignore[arg-type]
    else:
        torch.save(tensors, path)
    return path


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt", "w.pth", "w.npz"])
def test_the_same_chain_from_every_form(tmp_path: Path, name: str) -> None:
    found = load_matrices(saved(tmp_path, name, STATE))
    assert (found.names, found.left_out, found.own) == (("fc1.weight", "fc2.weight"), ("lif.beta",), False)
    for mine, theirs in zip(found.values, (FIRST, SECOND), strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), rtol=1e-6)


def test_one_array_and_lists_and_nested_states(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", FIRST.numpy())
    assert load_matrices(tmp_path / "one.npy").values[0].shape == (4, 3)
    torch.save([FIRST, SECOND], tmp_path / "list.pt")
    torch.save({"epoch": 3, "state_dict": STATE}, tmp_path / "nested.pt")
    assert load_matrices(tmp_path / "list.pt").names == ("0", "1")
    assert load_matrices(tmp_path / "nested.pt").names == ("fc1.weight", "fc2.weight")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_any_floating_point(tmp_path: Path, dtype: torch.dtype) -> None:
    found = load_matrices(saved(tmp_path, "w.safetensors", {"w": FIRST.to(dtype)}))
    np.testing.assert_array_equal(found.values[0], FIRST.to(dtype).double().numpy())


def test_numbered_names_go_by_their_numbers(tmp_path: Path) -> None:
    layers = {f"l{k}": torch.full((2, 2), float(k)) for k in (10, 1, 2)}
    for name in ("w.safetensors", "w.pt", "w.npz"):
        found = load_matrices(saved(tmp_path, name, layers))
        assert [matrix[0, 0] for matrix in found.values] == [1.0, 2.0, 10.0]


def with_nan() -> torch.Tensor:
    matrix = FIRST.clone()
    matrix[2, 1] = torch.nan
    return matrix


@pytest.mark.parametrize(("tensors", "said"), [
    ({"fc1.weight": FIRST, "fc1.bias": torch.ones(4)}, r"fc1.bias is a vector of 4 values .* append this vector as that axon's column"),
    ({"fc1.weight": FIRST, "fc2.weight": FIRST.clone()}, r"fc2.weight has 3 axons, fc1.weight before it 4 neurons\. In order: fc1.weight \[4, 3\]"),
    ({"fc1.weight": FIRST.T.contiguous(), "fc2.weight": SECOND.T.contiguous()}, "transpose them"),
    ({"conv.weight": torch.ones(2, 1, 3, 3)}, r"conv.weight has shape \[2, 1, 3, 3\]"),
    ({"w": with_nan()}, r"w\[2, 1\] is nan \(1 such\)"),
    ({"w": torch.ones(2, 2, dtype=torch.int8)}, "w holds torch.int8"),
    ({"beta": torch.tensor(0.5)}, "holds no matrix"),
])  # fmt: skip
def test_what_no_network_is_made_of(tmp_path: Path, tensors: dict[str, torch.Tensor], said: str) -> None:
    for name in ("w.safetensors", "w.pt"):
        with pytest.raises(CheckpointError, match=said):
            load_matrices(saved(tmp_path, name, tensors))


class Harm:
    def __reduce__(self) -> Any:
        return os.system, ("touch harmed",)


def test_a_pickle_with_code_is_refused_and_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"w": FIRST, "x": Harm()}, tmp_path / "w.pt")
    np.savez(tmp_path / "w.npz", w=np.array([Harm()], dtype=object))
    for name in ("w.pt", "w.npz"):
        with pytest.raises(CheckpointError) as refused:
            load_matrices(tmp_path / name)
        assert str(refused.value).isprintable(), "PyTorch's bold face is left out"
    assert not (tmp_path / "harmed").exists()


def test_a_view_larger_than_its_values_is_refused(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(1).expand(1 << 20, 1 << 20)}, tmp_path / "w.pt")
    with pytest.raises(CheckpointError, match="repeats its values"):
        load_matrices(tmp_path / "w.pt")


def test_ours_are_read_as_ours_and_not_as_others_when_damaged(tmp_path: Path) -> None:
    options = variant_options("pnn", preset("sky130_tt"), (3, 2))
    made = Provenance(variant="pnn", seed=1, dataset="iris", encoding=Encoding(), model_sha256="", epochs=0)
    path = tmp_path / "w.safetensors"
    save_network(path, options.build(), WeightsHeader(network=options, provenance=made))
    assert load_matrices(path).own
    path.write_bytes(path.read_bytes().replace(b'"nonideal"', b'"nonideam"', 1))
    with pytest.raises(CheckpointError, match="damaged"):
        load_matrices(path)


def _bytes(write: Callable[[io.BytesIO], Any]) -> bytes:
    stream = io.BytesIO()
    write(stream)
    return stream.getvalue()


WHOLE = {
    "w.safetensors": save(STATE),
    "w.pt": _bytes(lambda stream: torch.save(STATE, stream)),
    "w.npz": _bytes(lambda stream: np.savez(stream, a=FIRST.numpy(), b=SECOND.numpy())),
    "w.npy": _bytes(lambda stream: np.save(stream, FIRST.numpy())),
}


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(WHOLE)), data=st.data())
def test_damaged_files_end_as_declared_errors(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    content = bytearray(WHOLE[name])
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(
        bytes(content[: data.draw(st.integers(0, len(content)))])
        if data.draw(st.booleans())
        else bytes(content)
    )
    try:
        found = load_matrices(path)
    except CheckpointError:
        return
    assert all(np.isfinite(matrix).all() for matrix in found.values)
