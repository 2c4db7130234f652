"""A small network on the shared model with mismatch, and one chip of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp
from nonideal.chips.silicon import Silicon
from nonideal.chips.written import WrittenBiases
from nonideal.circuits.cells.codes import CodedWeights, coded_weights
from nonideal.circuits.design import Design
from nonideal.circuits.network.chip import Chip, Sigmas, draw
from nonideal.circuits.network.mapping import Mapping, map_weights
from nonideal.circuits.network.netlist import Topology

LAYERS = (3, 4, 2)


@pytest.fixture(scope="session")
def mapping(chip_model: PhysicalModel) -> Mapping:
    """Weights from -1 to 1; one is 0, and off."""
    random = np.random.default_rng(5)
    weights = [random.uniform(-1.0, 1.0, (n, m)) for m, n in pairwise(LAYERS)]
    weights[0] += 0.25
    weights[0][1, 2] = 0.0
    return map_weights(weights, BottomUp(chip_model))


@pytest.fixture(scope="session")
def written(mapping: Mapping) -> WrittenBiases:
    return WrittenBiases.of(mapping)


@pytest.fixture(scope="session")
def silicon(chip_model: PhysicalModel) -> Silicon:
    return Silicon(chip_model, LAYERS)


@pytest.fixture(scope="session")
def sigmas(silicon: Silicon) -> Sigmas:
    return Sigmas(silicon.spread.sigmas)


@pytest.fixture(scope="session")
def chip(sigmas: Sigmas) -> Chip:
    return draw(3, Topology(LAYERS), sigmas)


@pytest.fixture(scope="session")
def storage() -> CodedWeights:
    """Of a mask of four bits."""
    design = Design.model_validate({"synapse": {"kind": "coded", "bits": 4, "storage": "mask"}})
    return coded_weights(design.contracts.synapse.storage)


@pytest.fixture(scope="session")
def samples() -> Tensor:
    """Input spike times [samples, inputs]; some never come."""
    times = np.random.default_rng(7).uniform(0.0, 1.1, (40, LAYERS[0]))
    return torch.from_numpy(times)
