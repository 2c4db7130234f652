"""Files of codes: they give back what was saved, are told apart from analog ones, and refused where they cannot be."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from nonideal.pnn import (
    BadParameter,
    CheckpointError,
    Encoding,
    load_header,
    load_network,
    save_network,
)
from nonideal.pnn.checkpoint import Provenance, WeightsHeader
from nonideal.pnn.codes import Codes, check_codes
from nonideal.pnn.matrices import load_matrices
from nonideal.pnn.network import SpikingNetwork
from tests.pnn.coded_networks import DENSE, NETWORKS, spikes

MADE = Provenance(variant="pnn", seed=0, dataset="x", encoding=Encoding(), model_sha256="", epochs=1)


@pytest.mark.parametrize("name", NETWORKS)
def test_files_give_back_codes_and_weights(name: str, tmp_path: Path) -> None:
    options = NETWORKS[name].model_copy(update={"bits": 5})
    network = options.build()
    path = tmp_path / "w.safetensors"
    save_network(path, network, WeightsHeader(network=options, provenance=MADE))
    assert load_header(path).network.bits == 5
    again = load_network(path)
    assert len(again.codes) == len(network.spiking_layers)
    for mine, theirs in zip(again.codes, network.codes, strict=True):
        assert torch.equal(mine.code, theirs.code)
        assert (int(mine.bits), mine.step) == (5, theirs.step)
    for mine_weight, their_weight in zip(again.weights, network.weights, strict=True):
        assert torch.equal(mine_weight, their_weight)
    for a, b in zip(
        again.predict_times(spikes(options)), network.predict_times(spikes(options)), strict=True
    ):
        assert torch.equal(a, b)
    for number in range(len(network.layers)):  # as any reader of safetensors finds it
        read = {
            k.rpartition(f"layers.{number}.")[2]: v
            for k, v in load_file(path).items()
            if k.startswith(f"layers.{number}.")
        }
        if read:
            assert read["codes.code"].dtype == torch.int32
            step = read["codes.full_scale"] / (2 ** int(read["codes.bits"]) - 1)
            assert torch.equal(read["codes.code"] * step, read["weight"])


def test_matrices_tell_codes(tmp_path: Path) -> None:
    for bits in (None, 4):
        options = DENSE.model_copy(update={"bits": bits})
        network = options.build()
        save_network(tmp_path / "w.safetensors", network, WeightsHeader(network=options, provenance=MADE))
        found = load_matrices(tmp_path / "w.safetensors")
        assert (found.bits, len(found.codes), len(found.full_scales)) == (
            bits,
            *((0, 0) if bits is None else (2, 2)),
        )
        for values, code, full_scale in zip(found.values, found.codes, found.full_scales, strict=False):
            assert np.array_equal(values, code * (full_scale / 15))
        assert found.steps == (None if bits is None else tuple(codes.step for codes in network.codes))


def test_a_file_whose_codes_cannot_be_is_refused(tmp_path: Path) -> None:
    options = DENSE.model_copy(update={"bits": 3})
    path = tmp_path / "w.safetensors"

    def written(change: str, told: str, where: str = "layer 2") -> None:
        network = options.build()
        codes = network.codes[1]
        with torch.no_grad():
            {
                "code": lambda: codes.code[1, 2].fill_(-8),
                "full_scale": lambda: codes.full_scale.fill_(-1.0),
                "nan": lambda: codes.full_scale.fill_(math.nan),
                "step": lambda: codes.full_scale.mul_(1.0 + 2.0**-20),
                "weight": lambda: network.weights[1][0, 0].add_(0.01),
                "bits": lambda: codes.bits.fill_(4),
            }[change]()
        with pytest.raises(BadParameter, match=told):
            check_codes(network.spiking_layers, 3)
        with pytest.raises(BadParameter):
            save_network(path, network, WeightsHeader(network=options, provenance=MADE))
        # past the door
        monkey = pytest.MonkeyPatch()
        monkey.setattr("nonideal.pnn.checkpoint.check_codes", lambda layers, bits: None)
        monkey.setattr(SpikingNetwork, "codes", property(lambda self: [Codes(w, 3) for w in self.weights]))
        save_network(path, network, WeightsHeader(network=options, provenance=MADE))
        monkey.undo()
        with pytest.raises(
            CheckpointError, match=r"w\.safetensors: .*" + ("no finite" if change == "nan" else where)
        ):
            load_network(path)

    written("code", r"layer 2: code\[1, 2\] is -8, outside \+-7, which is what 3 bits hold")
    written("full_scale", "layer 2: full_scale = -1.0 must be a number above 0")
    written("nan", "layer 2: full_scale = nan must be a number above 0")
    written("step", "no step of 16 significant bits")
    written("weight", r"layer 2: weight\[0, 0\] is .*, its code .* says .*round_weights")
    written("bits", "layer 2: its codes have 4 bits, its network 3")


def test_coded_and_analog_files_are_told_apart(tmp_path: Path) -> None:
    coded, path = DENSE.model_copy(update={"bits": 3}), tmp_path / "w.safetensors"
    for network, header, told in (
        (DENSE.build(), coded, "hold no codes"),
        (coded.build(), DENSE, r"codes of \[3\] bits"),
    ):
        with pytest.raises(BadParameter, match=told):
            save_network(path, network, WeightsHeader(network=header, provenance=MADE))
    for network, header, told in (
        (DENSE.build(), coded, "tells of codes of 3 bits"),
        (coded.build(), DENSE, "tells of analog weights"),
    ):
        monkey = pytest.MonkeyPatch()
        monkey.setattr("nonideal.pnn.checkpoint.check_codes", lambda layers, bits: None)
        bits = header.bits
        monkey.setattr(
            SpikingNetwork,
            "codes",
            property(lambda self, bits=bits: [] if bits is None else [Codes(w, bits) for w in self.weights]),
        )
        save_network(path, network, WeightsHeader(network=header, provenance=MADE))
        monkey.undo()
        with pytest.raises(CheckpointError, match=told):
            load_network(path)
