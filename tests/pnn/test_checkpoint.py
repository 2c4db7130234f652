"""Weights and checkpoints: what was written comes back, what was altered is refused by name."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from nonideal.pnn import (
    CheckpointError,
    Encoding,
    load_dense,
    load_header,
    load_network,
    preset,
    save_network,
    variant_options,
)
from nonideal.pnn.checkpoint import Provenance, WeightsHeader


def written(path: Path) -> bytes:
    options = variant_options("pnn", preset("sky130_tt"), (5, 4, 3))
    made = Provenance(variant="pnn", seed=0, dataset="x", encoding=Encoding(), model_sha256="", epochs=1)
    save_network(str(path), options.build(), WeightsHeader(network=options, provenance=made))
    return path.read_bytes()


def parts(content: bytes) -> tuple[dict, bytes]:
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def joined(head: dict, body: bytes) -> bytes:
    text = json.dumps(head).encode()
    return len(text).to_bytes(8, "little") + text + body


def test_a_flipped_bit_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    content = written(path)
    assert load_dense(str(path)).layer_sizes == (5, 4, 3)
    draw = random.Random(0)
    for _ in range(300):
        place, bit = draw.randrange(len(content)), draw.randrange(8)
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :])
        with pytest.raises(CheckpointError, match=r"weights\.safetensors"):
            load_network(path)
    for end in range(0, len(content), 37):
        path.write_bytes(content[:end])
        with pytest.raises(CheckpointError, match=r"weights\.safetensors"):
            load_network(path)


def test_a_file_without_a_checksum_loads_and_is_checked_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    head, body = parts(written(path))
    before = load_network(path).predict_times(torch.full((1, 5), 0.5))[-1]
    text = json.loads(head["__metadata__"]["nonideal"])
    del text["checksum"]
    head["__metadata__"]["nonideal"] = json.dumps(text)
    path.write_bytes(joined(head, body))
    assert torch.equal(load_network(path).predict_times(torch.full((1, 5), 0.5))[-1], before)
    assert load_header(path).provenance.seed == 0
    path.write_bytes(joined(head, body[:-4] + b"\0\0\xc0\x7f"))
    with pytest.raises(CheckpointError, match="no finite numbers"):
        load_network(path)
    for sizes, told in (
        ([5, 4, 4], "do not fit"),
        ([5, 60000, 3], "do not fit"),
        ([5, 10**9, 3], "at most 65536"),
    ):
        text["network"]["layer_sizes"] = sizes
        head["__metadata__"]["nonideal"] = json.dumps(text)
        path.write_bytes(joined(head, body))
        with pytest.raises(CheckpointError, match=told):
            load_network(path)


def test_what_is_no_weights_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    deep = b'{"a":' * 5000
    for content in (
        b"", b"x" * 100, (2**63).to_bytes(8, "little") + b"{}", len(deep).to_bytes(8, "little") + deep,
        save({"w": torch.ones(2)}), save({"w": torch.ones(2)}, metadata={"nonideal": "{}"}),
        save({"w": torch.ones(2)}, metadata={"nonideal": "[" * 9999}),
    ):  # fmt: skip
        path.write_bytes(content)
        for load in (load_header, load_network, load_dense):
            with pytest.raises(CheckpointError, match=r"w\.safetensors"):
                load(path)
    with pytest.raises(CheckpointError, match="folder"):
        load_network(tmp_path)
