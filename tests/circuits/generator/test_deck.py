"""A network on its generator: what is a source and what is not."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from nonideal.circuits.cells.codes import coded_weights
from nonideal.circuits.cells.generator import GeneratorSizes
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.generator.deck import BiasedCircuit
from nonideal.circuits.generator.generator import Generator
from nonideal.circuits.generator.joined import joined_ports
from nonideal.circuits.network.netlist import Pinout, Topology, schematic
from nonideal.circuits.network.testbench import Biases, Circuit
from nonideal.spice import SimulatorOptions

DESIGN = Design.model_validate({"synapse": {"kind": "coded"}})
LAYERS = (2, 3, 1)


def biased(layers: tuple[int, ...] = LAYERS, **sizes: object) -> BiasedCircuit:
    topology = Topology(LAYERS, Pinout.of(DESIGN))
    circuit = Circuit(topology, DESIGN, schematic(topology, DESIGN), "* models\n", 0.0)
    generator = Generator.of(GeneratorSizes.model_validate(sizes), DESIGN, layers)
    return BiasedCircuit(circuit, generator, 0.875)


def mask(code: int) -> Biases:
    on = coded_weights(DESIGN.contracts.synapse.storage).on(code)
    return Biases("m", "", tuple(tuple((on,) * m for _ in range(n)) for m, n in ((2, 3), (3, 1))))


def test_biases_come_from_the_generator_and_nowhere_else() -> None:
    deck = biased().deck("s", mask(5), np.array([0.2, 1.0]), SimulatorOptions())
    sources = {line.split()[1] for line in deck.text.splitlines() if line.startswith(("V", "I"))}
    assert not any(re.match("vdis|vsense|gate_", net) for net in sources)
    assert {"v0", "ramp", "early", "late", "start", "trim_n_1_0", "trim_p_b_2_3"} <= sources
    assert "Iref vdd iref 5e-07" in deck.text
    assert ".ic v(xgenerator.control)=0.875" in deck.text
    (network,) = (line.split() for line in deck.text.splitlines() if line.startswith("Xnetwork"))
    assert network.count("vdis") == 4
    (generator,) = (line.split() for line in deck.text.splitlines() if line.startswith("Xgenerator"))
    assert {"reset_1", "iso_b_1", "phase_1", "phase_2", "gate_n_2", "vdis", "vsense"} < {*generator}
    assert (
        "Xsynapse_1_0_0 axon_0_0 axon_b_0_0 dendrite_1_0 gate_n_1 gate_p_1 gate_n_1 vss gate_n_1"
        in deck.includes["network_m.spice"]
    )


def test_lines_have_their_capacitor_to_the_rail_of_their_units() -> None:
    text = biased().deck("s", mask(1), np.array([0.2, 1.0]), SimulatorOptions()).text
    assert "Cgate_n_1 gate_n_1 vss 1e-09" in text
    assert "Cgate_p_2 gate_p_2 vdd 1e-09" in text
    alone = biased(line_capacitor_F=0.0).deck("s", mask(1), np.array([0.2, 1.0]), SimulatorOptions()).text
    assert "Cgate" not in alone


def test_a_generator_of_another_network_is_refused() -> None:
    with pytest.raises(CircuitError, match=r"layers of \[5, 1\] neurons and a network of \[3, 1\]"):
        biased((2, 5, 1))


def test_a_layout_is_both_in_one_cell() -> None:
    whole = biased()
    ports = " ".join(reversed(joined_ports(whole.circuit.topology, whole.generator)))
    text = f".subckt network {ports}\nR1 generator_control.2 vss 1e12\n.ends network\n"
    blank = Biases("m", "", None)
    deck = replace(whole, layout=text).deck("s", blank, np.array([0.2, 1.0]), SimulatorOptions())
    assert f"Xnetwork {ports} network" in deck.text
    assert "Xgenerator" not in deck.text
    assert ".ic v(xnetwork.generator_control.2)=0.875" in deck.text
    assert "Iref vdd iref" in deck.text
    assert [*deck.includes] == ["models.spice", "network_m.spice"]
    with pytest.raises(CircuitError, match="missing"):
        replace(whole, layout=text.replace(" iref", ""))
    with pytest.raises(CircuitError, match="no net generator_control"):
        replace(whole, layout=text.replace("generator_control", "other")).deck(
            "s", blank, np.array([0.2, 1.0]), SimulatorOptions()
        )
