"""A network above its bias generator, as one block."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from nonideal.circuits.cells.codes import coded_weights
from nonideal.circuits.design import Design
from nonideal.circuits.drc import check
from nonideal.circuits.generator.generator import Generator
from nonideal.circuits.generator.joined import joined_ports, joined_schematic
from nonideal.circuits.generator_layout.joined import joined
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare
from nonideal.circuits.network.netlist import Mask, Topology


def design(kind: str) -> Design:
    return Design.model_validate({"synapse": {"kind": "coded"}, "neuron": {"kind": kind}, "generator": {}})


def mask_of(made: Design, layers: tuple[int, ...]) -> Mask:
    """Codes that differ from synapse to synapse."""
    storage = coded_weights(made.contracts.synapse.storage)
    return tuple(
        tuple(
            tuple(storage.on((3 * axon + 5 * neuron + layer) % 14 - 4) for axon in range(axons))
            for neuron in range(neurons)
        )
        for layer, (axons, neurons) in enumerate(pairwise(layers))
    )


@pytest.mark.parametrize(("kind", "layers"), [("mim_met5", (5, 5, 5)), ("mim_met4", (2, 5))])
def test_it_is_clean_and_matches(tmp_path: Path, kind: str, layers: tuple[int, ...]) -> None:
    made = design(kind)
    assert made.generator is not None
    generator = Generator.of(made.generator, made, layers)
    topology = replace(Topology.of(layers, made), mask=mask_of(made, layers))
    gds = write_gds(joined(layers, made, mask=topology.mask), tmp_path / "network.gds")
    check(gds, "network").require_clean()
    report = compare(gds, joined_schematic(topology, made, generator), "network")
    assert report.matched, report.differences
    assert {port.lower() for port in report.ports} == {*joined_ports(topology, generator)}


def test_a_design_without_a_generator_is_refused() -> None:
    with pytest.raises(LayoutError, match=r"circuit\.generator"):
        joined((2, 2), Design())
