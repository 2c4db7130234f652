"""Layouts that several tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from nonideal.circuits.design import Design
from nonideal.circuits.layout.network import network
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.network.netlist import Topology, schematic


@pytest.fixture(scope="session")
def small_gds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of two inputs, two hidden neurons and one output neuron."""
    return write_gds(network((2, 2, 1)), tmp_path_factory.mktemp("small") / "network.gds")


@pytest.fixture(scope="session")
def small_netlist() -> str:
    return schematic(Topology((2, 2, 1)), Design())
