"""Layouts and extractors that several tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from nonideal.circuits.design import Design
from nonideal.circuits.extraction import ExtractorMissing
from nonideal.circuits.extraction.parasitics import find_native
from nonideal.circuits.extraction.parasitics.library import Native
from nonideal.circuits.extraction.parasitics.technology import Technology, read_technology
from nonideal.circuits.layout.network import network
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare
from nonideal.circuits.network.netlist import Topology, schematic


@pytest.fixture(scope="session")
def small_gds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of two inputs, two hidden neurons and one output neuron."""
    return write_gds(network((2, 2, 1)), tmp_path_factory.mktemp("small") / "network.gds")


@pytest.fixture(scope="session")
def small_netlist() -> str:
    return schematic(Topology((2, 2, 1)), Design())


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, int]:
    """GDS, LVS database and device count of a network of two axons and two neurons."""
    folder = tmp_path_factory.mktemp("drawn")
    gds = write_gds(network((2, 2)), folder / "network.gds")
    report = compare(gds, schematic(Topology((2, 2)), Design()), database=folder / "network.lvsdb.gz")
    report.require_match()
    return gds, folder / "network.lvsdb.gz", report.device_count


@pytest.fixture(scope="session")
def native() -> Native:
    try:
        return find_native()
    except ExtractorMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def technology(native: Native) -> Technology:
    return read_technology(native.technology)
