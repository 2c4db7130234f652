"""Coded synapses whose bits are held by latches: wired, written before an inference, read back, refused; they do what a mask does."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nonideal.circuits.cells.codes import largest_code
from nonideal.circuits.cells.leaf_cells import illegal_sizes
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError, MappingError
from nonideal.circuits.network.flat import flat_network
from nonideal.circuits.network.mapping import bias_sources, map_weights, read_biases
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Biases, Circuit, spike_times_s
from nonideal.sky130_models import find_pdk, lean_library
from nonideal.sky130_models.corner import Corner
from nonideal.spice import Result, SimulatorOptions, run_many
from tests.circuits.coded_silicon import LAYERS, MODEL, STEPS, WEIGHTS, coded

# ---- latched -------------------------------------------------------------------------------------------------------------------------------


def latched(**given: Any) -> Design:
    return coded(storage="latch", **given)


def test_a_latched_synapse_has_lines_to_write_it_and_a_cell_for_each_bit(read_netlist: Any) -> None:
    design = latched(bits=3)
    assert illegal_sizes(design) == []
    netlist = read_netlist(schematic(Topology.of(LAYERS, design), design))
    bits = [f"{line}_{name}" for name in ("0", "1", "2", "n", "p") for line in ("bit", "bit_b")]
    assert netlist.ports("synapse") == (
        ["axon", "axon_b", "dendrite", "gate_n", "gate_p", "word", *bits, "vdd", "vss"]
    )
    cell = {name: nets for name, nets, _, _ in netlist.instances("synapse")}
    assert cell["XMN1"] == ["dendrite", "n1", "sn", "vss"]
    # A pass FET and one to the rail; of the P group both kinds, and one to the supply.
    assert (cell["XMTN1"], cell["XMRN1"]) == (["n1", "q1", "gate_n", "vss"], ["n1", "q_b1", "vss", "vss"])
    assert cell["XMTP1"] == ["p1", "q_b1", "gate_p", "vdd"]
    assert (cell["XMTQ1"], cell["XMRP1"]) == (["p1", "q1", "gate_p", "vss"], ["p1", "q1", "vdd", "vdd"])
    assert (cell["XMGNn"], cell["XMGRn"]) == (
        ["drive_n", "qn", "axon", "vss"],
        ["drive_n", "q_bn", "vss", "vss"],
    )
    assert (cell["XMGPp"], cell["XMGRp"]) == (
        ["drive_p", "q_bp", "axon_b", "vdd"],
        ["drive_p", "qp", "vdd", "vdd"],
    )
    assert (cell["XMLN0a"], cell["XMLA0b"]) == (
        ["q0", "q_b0", "vss", "vss"],
        ["bit_b_0", "word", "q_b0", "vss"],
    )
    bound = {
        name: dict(zip(netlist.ports(cell), nets, strict=True))
        for name, nets, cell, _ in netlist.instances("network")
    }
    one = bound["Xsynapse_2_1_0"]
    assert (one["word"], one["bit_0"], one["bit_b_p"]) == ("word_2_1", "bit_0_2_0", "bit_b_p_2_0")
    with pytest.raises(CircuitError, match="hold their weights on pins"):
        Topology(LAYERS, Topology.of(LAYERS, design).pinout, ((),))


@pytest.mark.parametrize("bits", [2, 4, 6])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_latched_codes_read_back_as_the_same_weights(bits: int, seed: int) -> None:
    design, most = latched(bits=bits), largest_code(bits)
    draw = np.random.default_rng(seed)
    weights = [draw.integers(-most, most, size, endpoint=True) * 1.2 / most for size in ((3, 4), (2, 3))]
    mapping = map_weights(weights, MODEL, design=design, steps=[1.2 / most] * 2)
    assert mapping.mask is None
    text = schematic(mapping.topology, design) + bias_sources(mapping)
    for back, meant in zip(read_biases(text, MODEL, design=design), weights, strict=True):
        np.testing.assert_allclose(back, meant, rtol=1e-8, atol=1e-12)


def test_latches_are_set_before_an_inference_begins() -> None:
    design = latched()
    mapping = map_weights(WEIGHTS, MODEL, design=design, steps=STEPS)
    circuit = Circuit(mapping.topology, design, schematic(mapping.topology, design), "* models\n", 0.5)
    deck = circuit.deck("s", mapping.biases("m"), np.array([0.2, 1.0]), SimulatorOptions())
    text = deck.includes["biases_m.spice"]
    # +9 on axon 0 of neuron 0: bits 0 and 3, and the sign of the N bank.
    (line,) = (line for line in text.splitlines() if line.startswith(".ic v(xnetwork.xsynapse_1_0_0."))
    states = dict(one.split("=") for one in line.split()[1:])
    high = {name.split(".")[-1].rstrip(")") for name, volts in states.items() if volts == "1.8"}
    assert high == {"q0", "q_b1", "q_b2", "q3", "qn", "q_bp"}
    assert "Vword_1_0 word_1_0 0 0" in deck.text
    flat = Circuit(mapping.topology, design, flat_network(mapping.topology, design), "* models\n", 0.5)
    placed = flat.deck("s", mapping.biases("m"), np.array([0.2, 1.0]), SimulatorOptions()).includes["biases_m.spice"]  # fmt: skip
    assert ".ic v(xnetwork.synapse_1_0_0_q0)=1.8 v(xnetwork.synapse_1_0_0_q_b0)=0 " in placed


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda t: t.replace(".q_b2)=1.8", ".q_b2)=0", 1), "its latch 2 is set to neither state"),
        (lambda t: t.replace(".qn)=1.8", ".qn)=0", 1).replace(".q_bn)=0", ".q_bn)=1.8", 1), "drive_n does not go with its groups"),
        (lambda t: t.partition(".ic ")[0], "sets no latches"),
        # One state far away: nothing of that size is made room for.
        (lambda t: t + ".ic v(xnetwork.xsynapse_1_999999_999999.q0)=1.8\n", "the netlist is not complete"),
        (lambda t: t + ".ic v(xnetwork.xsynapse_999999_0_0.q0)=1.8\n", "layer 2: .* the netlist is not complete"),
    ],
)  # fmt: skip
def test_latches_that_hold_no_code_are_refused(spoil: Callable[[str], str], told: str) -> None:
    design = latched()
    mapping = map_weights([np.array([[0.9, -0.4]])], MODEL, design=design, steps=[0.1])
    text = schematic(mapping.topology, design) + bias_sources(mapping)
    with pytest.raises(MappingError, match=told):
        read_biases(spoil(text), MODEL, design=design)


@pytest.mark.spice
def test_latches_do_what_the_mask_does(tmp_path: Path) -> None:
    """One neuron with a code of either sign: bits that are latched switch the same currents as bits that are wired."""
    times = []
    for storage in ("mask", "latch"):
        design = coded(storage=storage)
        mapping = map_weights([np.array([[0.9, -0.4, 0.0]])], MODEL, design=design, steps=[0.1])
        topology = Topology.of((3, 1), design)
        netlist = schematic(topology, design)
        circuit = Circuit(topology, design, netlist, lean_library(find_pdk(), Corner("tt"), netlist), 0.5485)
        text = bias_sources(mapping)
        for line, volts in (("gate_n_1", 0.4745), ("gate_p_1", 0.9835)):
            text = re.sub(rf"(?m)^V{line} {line} 0 \S+", f"V{line} {line} 0 {volts}", text)
        biases = Biases(storage, text, mapping.mask)
        deck = circuit.deck(storage, biases, np.array([0.2, 0.5, 0.3]), SimulatorOptions(), circuit.membrane_probes)  # fmt: skip
        (result,) = run_many([deck], jobs=1, folder=tmp_path / storage, timeout_s=240)
        assert isinstance(result, Result)
        times.append(spike_times_s(result, circuit)[0][0])
    assert 0.3e-6 < times[0] < 0.8e-6
    # Its switches load the dendrite no more; the edge on the inverter is later by the switch in front of it.
    assert times[1] == pytest.approx(times[0], abs=0.5e-9)
