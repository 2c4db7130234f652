"""A second kind of synapse and of neuron through netlists, decks, pins and layout; `other_kinds.py` is all that they take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nonideal.characterize.benches import LoneNeuron, neuron_bench, synapse_bench
from nonideal.characterize.circuit import circuit_facts
from nonideal.circuits.cells import kinds
from nonideal.circuits.cells.leaf_cells import cells_text, illegal_sizes
from nonideal.circuits.cells.port import Role, ports
from nonideal.circuits.cells.synapse import SynapseSizes
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError, OutOfRange
from nonideal.circuits.layout import kinds as drawings
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.network import network as draw_network
from nonideal.circuits.layout.neuron import MIM_MET5
from nonideal.circuits.layout.synapse import PAIR
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare
from nonideal.circuits.network.chip import Sigmas, chip_netlist, draw
from nonideal.circuits.network.flat import elements, flat_network
from nonideal.circuits.network.mapping import bias_sources, map_weights, read_biases
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.pins import pins_table
from nonideal.circuits.network.testbench import Biases, Circuit, spike_times_s
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import parse_experiment
from nonideal.pnn.presets import preset
from nonideal.sky130_models import Corner, find_pdk, lean_library
from nonideal.spice import Result, SimulatorOptions, run_many
from tests.circuits.other_kinds import (
    GATES,
    BareSizes,
    Code,
    CodedSizes,
    PulledSizes,
    RampedSizes,
    draw_pulled,
    draw_ramped,
)


@pytest.fixture(autouse=True)
def _their_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line in each table."""
    monkeypatch.setitem(kinds.SYNAPSES, "signed", CodedSizes)
    monkeypatch.setitem(kinds.NEURONS, "bare", BareSizes)
    monkeypatch.setitem(kinds.SYNAPSES, "pulled", PulledSizes)
    monkeypatch.setitem(kinds.NEURONS, "ramped", RampedSizes)
    monkeypatch.setitem(drawings.SYNAPSES, "pulled", replace(PAIR, draw=draw_pulled))
    monkeypatch.setitem(drawings.NEURONS, "ramped", replace(MIM_MET5, draw=draw_ramped, gate_lines=GATES))


WEIGHTS = [np.array([[0.9, -0.4], [0.0, 0.3], [-1.0, 0.66]]), np.array([[0.5, -0.7, 0.2]])]
LAYERS = (2, 3, 1)


def coded() -> Design:
    return Design.model_validate({"synapse": {"kind": "signed", "line_V": 0.6}, "neuron": {"kind": "bare"}})


def drawn() -> Design:
    return Design.model_validate({"synapse": {"kind": "pulled"}, "neuron": {"kind": "ramped"}})


def test_its_cells_and_their_wiring_are_those_of_its_contract(read_netlist: Any) -> None:
    design = coded()
    topology = Topology.of(LAYERS, design)
    netlist = read_netlist(schematic(topology, design))
    assert netlist.ports("synapse")[:4] == ["vdd", "vss", "dendrite", "sign"]
    assert netlist.ports("network") == list(topology.ports)
    bound = {
        name: dict(zip(netlist.ports(cell), nets, strict=True))
        for name, nets, cell, _ in netlist.instances("network")
    }
    assert bound["Xsynapse_2_1_0"] == {
        "vdd": "vdd", "vss": "vss", "dendrite": "dendrite_2_0", "sign": "sign_2_1_0", "bit_0": "bit_0_2_1_0", "bit_1": "bit_1_2_1_0",
        "axon": "spike_1_1", "axon_b": "spike_b_1_1", "gate_n": "gate_n", "word": "word_2_1",
    }  # fmt: skip
    assert bound["Xneuron_1_2"] == {
        "vdd": "vdd", "vss": "vss", "ramp": "ramp_1_2", "spike": "spike_1_2", "spike_b": "spike_b_1_2", "dendrite": "dendrite_1_2",
        "reset": "reset_1", "phase": "phase_1", "level": "level",
    }  # fmt: skip
    assert [port for port in topology.ports if port.startswith("word")] == [
        "word_1_0", "word_1_1", "word_2_0", "word_2_1", "word_2_2",
    ]  # fmt: skip


def test_the_flat_netlist_and_a_chip_have_its_devices(read_netlist: Any) -> None:
    design = coded()
    topology = Topology.of(LAYERS, design)
    flat, deep = read_netlist(flat_network(topology, design)), read_netlist(schematic(topology, design))
    assert flat.devices("network") == deep.devices("network")
    sigmas = Sigmas(
        {cell: {one.path: 0.01 for one in parts if one.is_device} for cell, parts in elements(design).items()}
    )
    chip = read_netlist(chip_netlist(draw(1, topology, sigmas), design))
    (unit,) = (p for name, _, _, p in chip.instances("network") if name == "Xsynapse_2_2_0_MU1")
    assert unit["dvt"] != 0.0


def test_its_weights_are_codes_to_the_netlist_and_back() -> None:
    design = coded()
    mapping = map_weights(WEIGHTS, 1.0, design=design)
    text = bias_sources(mapping)
    assert "Vsign_1_1_0 sign_1_1_0 0 1.8 ; layer=1 axon=1 neuron=0 code=1" in text
    assert "Vbit_1_1_0_0 bit_1_1_0_0 0 1.8 ; layer=1 axon=0 neuron=0 code=3" in text
    for back, meant in zip(read_biases(text, 1.0, design=design), mapping.weights(), strict=True):
        np.testing.assert_allclose(back, meant, atol=1e-12)
    assert list(mapping.table.columns) == [
        "layer",
        "axon",
        "neuron",
        "weight",
        "code",
        "current_A",
        "clipped",
    ]
    with pytest.raises(OutOfRange, match="full scale"):
        map_weights([5 * WEIGHTS[0]], 1.0, design=design)


def test_a_deck_drives_each_of_its_pins_once() -> None:
    design = coded()
    topology = Topology.of(LAYERS, design)
    biases = Biases("x", bias_sources(map_weights(WEIGHTS, 1.0, design=design)))
    circuit = Circuit(topology, design, schematic(topology, design), "* models\n", 0.5)
    deck = circuit.deck("s", biases, np.array([0.2, 1.0]), SimulatorOptions(), circuit.membrane_probes)
    driven = [
        line.split()[1] for text in (deck.text, biases.text) for line in text.splitlines() if line[:1] == "V"
    ]
    read = set(topology.spike_ports)
    # The drivers of the inputs have a phase; nothing else of the timeline is there that has no port.
    assert sorted(driven) == sorted(set(topology.ports) - read)
    assert deck.vectors[-1] == "v(xnetwork.dendrite_2_0)"
    assert "i(vlevel)" in deck.vectors
    table = pins_table(topology, design, circuit.discharger_V, biases.text).set_index("pin")
    assert tuple(table.index) == topology.ports
    assert table.loc["gate_n", ["kind", "volts_V"]].tolist() == ["line", 0.6]
    assert table.loc["word_2_1", ["kind", "layer", "axon"]].tolist() == ["line", 2, 1]
    assert table.loc["bit_1_1_0_0", ["kind", "volts_V"]].tolist() == ["bit_1", 1.8]
    assert table.loc["ramp_1_1", ["kind", "volts_V"]].tolist() == ["discharger bias", 0.5]
    assert table.loc["level", "kind"] == "reset level"


def test_benches_of_neurons_take_it_and_those_of_gate_biases_refuse_it() -> None:
    design = coded()
    silent = dict.fromkeys(design.contracts.synapse.storage.off, 0.0)
    bench = neuron_bench(design, "n", LoneNeuron(2, 1.3, 0.5, driven=1), silent)
    assert "v(dendrite)" in bench.vectors
    assert "Vgate_n gate_n 0 0.6" in bench.text
    (neuron,) = (line for line in bench.text.splitlines() if line.startswith("Xneuron "))
    assert neuron.split()[1:] == (
        ["vdd", "vss", "vdis", "spike", "spike_b", "dendrite", "reset_1", "phase_1", "v0", "neuron"]
    )
    with pytest.raises(
        CircuitError, match=r"circuit\.synapse\.kind: this is known of synapses whose weights are gate biases"
    ):
        synapse_bench(design, "n", None, None)  # type: ignore[arg-type]


def test_a_drawn_kind_matches_its_netlist(tmp_path: Path) -> None:
    design = drawn()
    block = draw_network((2, 2), design)
    topology = Topology.of((2, 2), design)
    assert {key.split()[0] for key in block.pins} == set(topology.ports)
    report = compare(write_gds(block, tmp_path / "network.gds"), schematic(topology, design), "network")
    report.require_match()
    assert "pull_1_1_0" in {port.lower() for port in report.ports}


@pytest.mark.spice
def test_the_same_circuit_behind_other_ports_fires_at_the_same_time(tmp_path: Path) -> None:
    model = preset()
    times = []
    for name, design in (("ours", Design()), ("renamed", drawn())):
        topology = Topology.of((2, 1), design)
        netlist = schematic(topology, design)
        circuit = Circuit(topology, design, netlist, lean_library(find_pdk(), Corner("tt"), netlist), 0.5485)
        biases = Biases("x", bias_sources(map_weights([np.array([[0.7, -0.3]])], model, design=design)))
        deck = circuit.deck(name, biases, np.array([0.3, 0.6]), SimulatorOptions(), circuit.membrane_probes)
        (result,) = run_many([deck], jobs=1, folder=tmp_path / name, timeout_s=120)
        assert isinstance(result, Result)
        times.append(spike_times_s(result, circuit)[0][0])
    assert times[0] == times[1]
    assert 0.5e-6 < times[0] < 0.9e-6


def test_a_kind_without_a_drawing_says_so() -> None:
    with pytest.raises(LayoutError, match=r"circuit\.synapse\.kind = 'signed': this kind is not drawn"):
        draw_network((2, 2), coded())


def test_a_network_of_other_cells_than_the_designs_is_refused() -> None:
    with pytest.raises(CircuitError, match="cells with other ports"):
        schematic(Topology(LAYERS), coded())


def test_an_experiment_chooses_a_kind_and_its_settings() -> None:
    section = {"synapse": {"kind": "signed", "bits": 3}, "neuron": {"kind": "bare"}}
    experiment = parse_experiment({"name": "x", "circuit": section}, "x.toml")
    design = experiment.circuit
    assert design.contracts.synapse.names.count("bit_2") == 1
    assert Design.model_validate(design.model_dump()) == design
    facts = circuit_facts(design)
    assert (facts["circuit.synapse.kind"], facts["circuit.synapse.bits"]) == ("signed", 3)
    assert "Cbit" not in cells_text(design)
    assert illegal_sizes(design) == []


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"synapse": {"kind": "signned"}}, r"circuit\.synapse\.kind = 'signned': .*did you mean 'signed'"),
        ({"synapse": {"kind": 3}}, r"circuit\.synapse\.kind = 3"),
        ({"synapse": {"kind": "signed", "bitts": 3}}, r"circuit\.synapse\.bitts = 3: unknown key; did you mean 'bits'"),
        ({"synapse": {"bits": 3}}, r"circuit\.synapse\.bits = 3: unknown key"),
        ({"synapse": {"memory_nn": 3}}, r"circuit\.synapse\.memory_nn = 3: unknown key; did you mean 'memory_n'"),
        ({"neuron": {"kind": "bare", "fet": {"w_um": 0.1, "l_um": 0.15}}}, r"circuit\.neuron\.fet: .*W = 0\.1 um is outside"),
    ],
)  # fmt: skip
def test_a_kind_or_a_setting_that_is_not_there_is_refused(section: dict[str, Any], told: str) -> None:
    with pytest.raises(ExperimentError, match=told):
        parse_experiment({"name": "x", "circuit": section}, "x.toml")


def test_a_default_kind_is_not_named_in_what_is_known_of_a_circuit() -> None:
    """Models, manifests and caches of circuits that name no kind stay what they are."""
    assert not [key for key in circuit_facts(Design()) if key.endswith("kind")]
    assert Design.model_validate({"synapse": {"kind": "pair"}, "neuron": {"kind": "mim_met5"}}) == Design()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"ports": ports("dendrite", Role.DENDRITE)}, "0 ports of role axon"),
        ({"storage": Code(1)}, "its storage holds sign, bit_0, its weight ports are"),
        ({"probes": {"membrane": "nowhere"}}, "nothing in it is on nowhere"),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(CircuitError, match=told):
        replace(SynapseSizes().contract(), **change)
