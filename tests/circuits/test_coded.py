"""The coded synapse with its weights as a mask: its cell, its codes into a network and back, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from nonideal.circuits.cells.codes import coded_weights, largest_code, step_of
from nonideal.circuits.cells.leaf_cells import illegal_sizes
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError, MappingError, OutOfRange
from nonideal.circuits.network.mapping import bias_sources, map_weights, read_biases
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.pins import pins_table
from nonideal.circuits.network.testbench import Circuit
from nonideal.sky130_models import find_pdk, mismatch_sigma_V
from nonideal.sky130_models.corner import Corner
from nonideal.spice import SimulatorOptions
from tests.circuits.coded_silicon import LAYERS, MODEL, STEPS, WEIGHTS, coded


def test_a_bank_is_groups_of_units_and_an_inverter_at_their_source(read_netlist: Any) -> None:
    design = coded(bits=3, unit_n={"w_um": 0.42, "l_um": 2.0})
    assert illegal_sizes(design) == []
    netlist = read_netlist(schematic(Topology.of(LAYERS, design), design))
    assert netlist.ports("synapse") == (
        ["axon", "axon_b", "dendrite", "gate_n", "gate_p", "n0", "n1", "n2", "p0", "p1", "p2", "drive_n", "drive_p", "vdd", "vss"]
    )  # fmt: skip
    cell = {name: (nets, model, size) for name, nets, model, size in netlist.instances("synapse")}
    assert sorted(cell) == sorted(
        [f"XM{bank}{k}" for bank in "NP" for k in range(3)] + ["XMNS", "XMNR", "XMPS", "XMPR"]
    )
    nets, model, size = cell["XMN2"]
    assert (nets, model) == (["dendrite", "n2", "sn", "vss"], "sky130_fd_pr__nfet_01v8")
    # Four units of one width, each with half of the diffusions beside it.
    assert (size["w"], size["l"], size["m"]) == (0.42, 2.0, 4)
    assert (size["ad"], size["pd"]) == pytest.approx((0.42 * 0.145, 0.42 + 0.29))
    assert cell["XMPS"][0] == ["sp", "drive_p", "vdd", "vdd"]


@pytest.mark.parametrize(
    ("given", "told"),
    [({"bits": 1}, "greater than or equal to 2"), ({"bits": 7}, "less than or equal to 6"), ({"storage": "flash"}, "'mask'")],
)  # fmt: skip
def test_bits_and_storage_that_the_cell_has_not_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        coded(**given)


def test_each_synapse_is_wired_by_its_code(read_netlist: Any) -> None:
    design = coded()
    mapping = map_weights(WEIGHTS, MODEL, design=design, steps=STEPS)
    netlist = read_netlist(schematic(mapping.topology, design))
    bound = {
        name: dict(zip(netlist.ports(cell), nets, strict=True))
        for name, nets, cell, _ in netlist.instances("network")
    }
    # Layer 1, axon 0 on neuron 0 is +9 = 1 + 8, axon 1 on neuron 0 is -4.
    assert bound["Xsynapse_1_0_0"] == {
        "axon": "axon_0_0", "axon_b": "axon_b_0_0", "dendrite": "dendrite_1_0", "gate_n": "gate_n_1", "gate_p": "gate_p_1",
        "n0": "gate_n_1", "n1": "vss", "n2": "vss", "n3": "gate_n_1", "drive_n": "axon_0_0",
        "p0": "vdd", "p1": "vdd", "p2": "vdd", "p3": "vdd", "drive_p": "vdd", "vdd": "vdd", "vss": "vss",
    }  # fmt: skip
    negative = bound["Xsynapse_1_1_0"]
    assert [negative[f"p{k}"] for k in range(4)] == ["vdd", "vdd", "gate_p_1", "vdd"]
    assert (negative["drive_n"], negative["drive_p"], negative["n2"]) == ("vss", "axon_b_0_1", "vss")
    zero = bound["Xsynapse_1_0_1"]
    assert {zero[port] for port in ("n0", "n3", "drive_n")} == {"vss"}
    assert {zero[port] for port in ("p0", "p3", "drive_p")} == {"vdd"}
    assert (bound["Xsynapse_2_0_0"]["n0"], bound["Xsynapse_2_0_0"]["drive_n"]) == ("gate_n_2", "spike_1_0")
    blank = read_netlist(schematic(Topology.of(LAYERS, design), design))
    assert {nets[5] for _, nets, cell, _ in blank.instances("network") if cell == "synapse"} == {"vss"}
    assert netlist.ports("network") == blank.ports("network") == list(mapping.topology.ports)
    lines = [net for net in mapping.topology.ports if net.startswith("gate_")]
    assert lines == ["gate_n_1", "gate_p_1", "gate_n_2", "gate_p_2"]


@pytest.mark.parametrize("bits", [2, 4, 6])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_codes_read_back_as_the_same_weights(bits: int, data: st.DataObject) -> None:
    design = coded(bits=bits)
    most = largest_code(bits)
    full_scales = data.draw(st.lists(st.floats(0.3, 4.5), min_size=2, max_size=2))
    steps = [full_scale / most for full_scale in full_scales]
    seed = data.draw(st.integers(0, 2**16))
    scale = data.draw(st.tuples(st.floats(0.6, 1.1), st.floats(0.6, 1.1)))
    draw = np.random.default_rng(seed)
    codes = [draw.integers(-most, most, size, endpoint=True) for size in ((3, 4), (2, 3))]
    weights = [code * step for code, step in zip(codes, steps, strict=True)]
    mapping = map_weights(weights, MODEL, design=design, steps=steps, scale=scale)
    text = schematic(mapping.topology, design) + bias_sources(mapping)
    for back, meant in zip(read_biases(text, MODEL, design=design, scale=scale), weights, strict=True):
        np.testing.assert_allclose(back, meant, rtol=1e-8, atol=1e-12)
    table = mapping.table
    assert table["code"].tolist() == np.concatenate([code.T.ravel() for code in codes]).astype(float).tolist()


@settings(max_examples=50, deadline=None)
@given(step=st.floats(1e-3, 1.0), bits=st.integers(2, 6), seed=st.integers(0, 2**16))
def test_the_step_is_found_from_weights_in_single_precision(step: float, bits: int, seed: int) -> None:
    most = largest_code(bits)
    codes = np.random.default_rng(seed).integers(-most, most, (4, 5), endpoint=True)
    codes[0, :2] = 1, most
    weight = (codes * np.float32(step)).astype(np.float32).astype(float)
    assert step_of(weight, bits) == pytest.approx(step, rel=1e-6)


def test_weights_without_a_step_are_the_same_weights() -> None:
    design = coded()
    given, found = (map_weights(WEIGHTS, MODEL, design=design, steps=steps) for steps in (STEPS, None))
    for one, other, meant in zip(given.weights(), found.weights(), WEIGHTS, strict=True):
        np.testing.assert_allclose(one, meant, rtol=1e-12)
        np.testing.assert_allclose(other, meant, rtol=1e-12)
    assert step_of(np.zeros((2, 2)), 4) == 0.0
    off = map_weights([np.zeros((2, 2))], MODEL, design=design)
    assert off.layers[0].lines == {"gate_n": 0.0, "gate_p": 1.8}
    text = schematic(off.topology, design) + bias_sources(off)
    assert not read_biases(text, MODEL, design=design)[0].any()


def test_clipping_takes_the_largest_code() -> None:
    design = coded(bits=2)
    wanted = [np.array([[0.1, -0.5]])]
    with pytest.raises(
        OutOfRange,
        match=r"1 of 2 codes are beyond 3, the largest of circuit\.synapse\.bits = 2: axon 1 neuron 0: weight -0\.5 is code -5\..*more bits",
    ):
        map_weights(wanted, MODEL, design=design, steps=[0.1])
    mapping = map_weights(wanted, MODEL, design=design, steps=[0.1], clip=True)
    np.testing.assert_allclose(mapping.weights()[0], [[0.1, -0.3]])
    assert (mapping.clipped, mapping.off) == (1, 0)


@pytest.mark.parametrize(
    ("weight", "steps", "kind", "told"),
    [
        ([[0.1234, 0.5001, -0.777]], None, "coded", "no multiples, up to 15, of one step.*trained for .*analog biases"),
        ([[0.1, 0.25]], [0.1], "coded", r"axon 1 neuron 0: weight \+0\.25 is 2\.5000 steps of 0\.1.*whole numbers"),
        ([[0.5, 0.1]], [0.5], "coded", "0.2000 steps"),
        ([[1.5, 0.5]], [0.5], "coded", r"full scale 7\.5 \(code 15\) wants 5e-08 A of a unit.*at most 4\.967.*unit_n wider"),
        ([[0.005]], [0.001], "coded", r"full scale 0\.015 .*at least 0\.15.*unit_n narrower"),
        ([[0.1]], [0.1, 0.1], "coded", "2 steps for 1 layers"),
        ([[0.1]], [-0.1], "coded", "step = -0.1: the weight of code 1 is a positive number"),
        ([[0.1]], [0.1], "pair", 'these weights are codes.*kind = "coded"'),
    ],
)  # fmt: skip
def test_weights_that_are_no_codes_of_the_synapse_are_refused(
    weight: list[list[float]], steps: list[float] | None, kind: str, told: str
) -> None:
    design = Design.model_validate({"synapse": {"kind": kind}})
    with pytest.raises(CircuitError, match=told):
        map_weights([np.array(weight)], MODEL, design=design, steps=steps)


def test_a_code_that_the_cell_has_not_is_refused() -> None:
    storage = coded_weights(coded().contracts.synapse.storage)
    assert storage.on(-6) == {"drive_p", "p1", "p2"}
    assert storage.nets(5, {"axon": "a", "gate_n": "g"})["n2"] == "g"
    with pytest.raises(OutOfRange, match=r"code 16: with circuit\.synapse\.bits = 4 codes go from -15 to 15"):
        storage.on(16)
    with pytest.raises(CircuitError, match="known of coded synapses alone"):
        coded_weights(Design().contracts.synapse.storage)


def _swap(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


SYNAPSE = "Xsynapse_1_0_0 axon_0_0 axon_b_0_0 dendrite_1_0 gate_n_1 gate_p_1 gate_n_1 vss vss gate_n_1 vdd vdd vdd vdd axon_0_0 vdd vdd vss synapse"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda t: _swap(t, SYNAPSE, SYNAPSE.replace(" vss vss gate_n_1 vdd", " gate_p_1 vss gate_n_1 vdd")),
         "synapse_1_0_0: n1 is on gate_p_1, and a mask wires it to gate_n_1 or vss"),
        (lambda t: _swap(t, SYNAPSE, SYNAPSE.replace("vdd axon_0_0 vdd", "vdd vss vdd")), "drive_n does not go with its groups"),
        (lambda t: _swap(t, SYNAPSE, SYNAPSE.replace("gate_n_1 vdd vdd vdd vdd axon_0_0 vdd", "gate_n_1 gate_p_1 vdd vdd vdd axon_0_0 axon_b_0_0")),
         "both banks are on"),
        (lambda t: _swap(t, SYNAPSE, SYNAPSE.replace(" vdd vss synapse", " vss synapse")), "has 16 nets, its cell has 17 ports"),
        (lambda t: _swap(t, SYNAPSE + "\n", ""), "the netlist is not complete"),
        (lambda t: _swap(t, SYNAPSE, f"{SYNAPSE}\n{SYNAPSE}"), "synapse_1_0_0 stands in the netlist twice"),
        (lambda t: _swap(t, "Vgate_n_2 ", "Vgate_n_3 "), r"Vgate_n_<layer> for layers \[1, 3\], its network has layers 1 to 2"),
        (lambda t: "* nothing\n", "holds no synapse"),
    ],
)  # fmt: skip
def test_a_netlist_that_is_none_of_ours_is_refused(spoil: Callable[[str], str], told: str) -> None:
    design = coded()
    mapping = map_weights(WEIGHTS, MODEL, design=design, steps=STEPS)
    text = schematic(mapping.topology, design) + bias_sources(mapping)
    with pytest.raises(MappingError, match=told):
        read_biases(spoil(text), MODEL, design=design)


def test_a_deck_wires_the_weights_into_a_blank_network() -> None:
    design = coded()
    mapping = map_weights(WEIGHTS, MODEL, design=design, steps=STEPS)
    blank = Topology.of(LAYERS, design)
    circuit = Circuit(blank, design, schematic(blank, design), "* models\n", 0.5)
    deck = circuit.deck("s", mapping.biases("m"), np.array([0.2, 1.0]), SimulatorOptions())
    wired = schematic(mapping.topology, design)
    assert deck.includes["network_m.spice"] == wired
    assert ".include network_m.spice" in deck.text
    assert "Xbiases gate_n_1 gate_p_1 gate_n_2 gate_p_2 biases" in deck.text
    own = Circuit(mapping.topology, design, wired, "* models\n", 0.5)
    assert own.deck("s", mapping.biases("m"), np.array([0.2, 1.0]), SimulatorOptions()).text == deck.text
    other = map_weights([-w for w in WEIGHTS], MODEL, design=design, steps=STEPS).biases("other")
    with pytest.raises(CircuitError, match="other: the network has other weights wired in"):
        own.deck("s", other, np.array([0.2, 1.0]), SimulatorOptions())
    drawn = Circuit(blank, design, schematic(blank, design) + "* as extracted\n", "* models\n", 0.5)
    with pytest.raises(CircuitError, match="no schematic, so that no mask can be wired into it"):
        drawn.deck("s", other, np.array([0.2, 1.0]), SimulatorOptions())


def test_pins_are_the_lines_and_no_weights() -> None:
    design = coded()
    mapping = map_weights(WEIGHTS, MODEL, design=design, steps=STEPS)
    table = pins_table(mapping.topology, design, lambda layer, k: 0.5, bias_sources(mapping)).set_index("pin")
    assert tuple(table.index) == mapping.topology.ports
    assert table.loc["gate_p_2", ["kind", "layer"]].tolist() == ["gate line", 2]
    assert table.loc["gate_n_1", "volts_V"] == pytest.approx(mapping.layers[0].lines["gate_n"])
    assert not any(pin.startswith(("n0", "drive")) for pin in table.index)


def test_a_mask_that_is_not_the_networks_is_refused() -> None:
    design = coded()
    mask = map_weights(WEIGHTS, MODEL, design=design, steps=STEPS).mask
    with pytest.raises(CircuitError, match=r"not one of layers \[2, 2, 1\]"):
        Topology((2, 2, 1), Topology.of((2, 2, 1), design).pinout, mask)
    with pytest.raises(CircuitError, match="hold their weights on pins"):
        Topology(LAYERS, mask=mask)


@pytest.mark.spice
def test_a_group_of_units_spreads_as_its_units_do_together() -> None:
    pdk = find_pdk()
    one, four = (
        mismatch_sigma_V(pdk, Corner("tt"), "sky130_fd_pr__nfet_01v8", 0.42, 1.0, mult=m) for m in (1, 4)
    )
    assert four == pytest.approx(one / 2, rel=1e-6)
