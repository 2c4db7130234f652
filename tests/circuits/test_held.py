"""Latches as rails: what stays of a synapse whose bits are held, and what is left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nonideal.circuits.design import Design
from nonideal.circuits.extraction.netlist import net_of, parse_netlist
from nonideal.circuits.network.flat import flat_network
from nonideal.circuits.network.held import held, rails_of, settled
from nonideal.circuits.network.mapping import map_weights
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Biases, Circuit
from tests.circuits.coded_silicon import MODEL, coded

LAYERS = (1, 1)


@pytest.fixture(scope="module")
def design() -> Design:
    return coded(bits=2, storage="latch")


@pytest.fixture(scope="module")
def circuit(design: Design) -> Circuit:
    topology = Topology.of(LAYERS, design)
    return Circuit(topology, design, flat_network(topology, design), "", 0.56)


def biases(design: Design, weight: float) -> Biases:
    return map_weights([np.array([[weight]])], MODEL, design=design, steps=[0.3]).biases("one")


def test_latches_are_rails_and_switches_that_are_off_are_gone(design: Design, circuit: Circuit) -> None:
    there, told = settled(circuit, biases(design, 0.3))  # code +1
    before, after = (parse_netlist(one.netlist, "here") for one in (circuit, there))
    assert not any("_q" in net_of(node) for device in after.devices for node in device.nodes)
    names = {device.name.lower() for device in after.devices}
    assert not any("mla" in name for name in names)  # the ways to bit lines
    assert {"synapse_1_0_0_mn0", "synapse_1_0_0_mp1"} <= names  # banks are whole, whatever their bits
    assert len(after.devices) < 0.7 * len(before.devices)
    ends = {node for device in after.devices if len(device.nodes) == 4 for node in device.nodes[::2]}
    assert {"gate_n_1", "axon_0_0"} <= ends  # bit 0 and the sign are switched through
    assert ".ic" not in told.text
    assert told.alone
    assert "Vgate_n_1" in told.text


def test_rails_of_wires_are_rails_too(design: Design, circuit: Circuit) -> None:
    told, whole = biases(design, 0.3), parse_netlist(circuit.netlist, "here")
    wired = replace(
        whole,
        devices=tuple(
            replace(one, nodes=tuple(f"{node}.{k}" if node in ("vdd", "vss") else node for node in one.nodes))
            for k, one in enumerate(whole.devices)
        ),
    )
    kept = [
        {device.name for device in held(one, rails, circuit.topology).devices}
        for rails in [rails_of(told.text, circuit.topology, design.contracts.synapse.storage.latches)]
        for one in (whole, wired)
    ]
    assert kept[0] == kept[1]


def test_other_codes_leave_another_netlist(design: Design, circuit: Circuit) -> None:
    one, other = (settled(circuit, biases(design, weight))[0].netlist for weight in (0.3, -0.6))
    assert one != other


def test_a_schematic_and_a_network_that_is_written_keep_their_latches(
    design: Design, circuit: Circuit
) -> None:
    told = biases(design, 0.3)
    whole = replace(circuit, netlist=schematic(circuit.topology, design))
    written = replace(circuit, driven=(("word_1_0", "PWL(0 0)"),))
    for one in (whole, written):
        assert settled(one, told) == (one, told)
