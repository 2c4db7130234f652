"""A network and its generator as one cell."""

from __future__ import annotations

import pytest

from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.generator.generator import Generator
from nonideal.circuits.generator.joined import joined_ports, joined_schematic
from nonideal.circuits.network.netlist import Topology

DESIGN = Design.model_validate({"synapse": {"kind": "coded"}, "generator": {}})


def generator(*layers: int) -> Generator:
    assert DESIGN.generator is not None
    return Generator.of(DESIGN.generator, DESIGN, layers)


def test_ports_are_what_comes_from_outside() -> None:
    ports = joined_ports(Topology.of((3, 2, 1), DESIGN), generator(3, 2, 1))
    assert len(set(ports)) == len(ports)
    assert not [port for port in ports if port.startswith(("vdis", "vsense"))]
    assert {
        "iref",
        "v0",
        "gate_n_1",
        "gate_p_2",
        "ramp",
        "early",
        "late",
        "start",
        "trim_n_2_3",
        "trim_p_b_1_0",
    } <= {*ports}
    assert {"in_2", "phase_0", "phase_2", "reset_1", "iso_b_2", "spike_2_0", "vdd", "vss"} <= {*ports}
    assert "reset" not in ports


def test_one_line_for_all_dischargers() -> None:
    text = joined_schematic(Topology.of((3, 2, 1), DESIGN), DESIGN, generator(3, 2, 1))
    body = text.split(".subckt network")[1].splitlines()
    neurons = [line.split() for line in body if line.startswith("Xneuron")]
    assert len(neurons) == 3
    assert all("vdis" in words and "vsense" in words for words in neurons)
    (one,) = [line.split() for line in body if line.startswith("Xgenerator")]
    assert {"reset_1", "phase_2", "vdis", "vsense", "gate_p_2"} < {*one}


def test_a_generator_of_another_network_is_refused() -> None:
    with pytest.raises(CircuitError, match="make it for the network"):
        joined_schematic(Topology.of((3, 2, 1), DESIGN), DESIGN, generator(3, 2, 2))
