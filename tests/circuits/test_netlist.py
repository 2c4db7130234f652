"""Cells and network as SPICE text: ports, nets, device counts, sizes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nonideal.circuits.cells.leaf_cells import cells_text
from nonideal.circuits.design import Design, DriverSizes, Fet, NeuronSizes, SynapseSizes
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.netlist import MAX_NEURONS, Topology, schematic
from nonideal.spice import check_net

Reader = Callable[[str], Any]
SIZES = st.lists(st.integers(1, 6), min_size=2, max_size=4).map(tuple)
FETS = {"synapse": 4, "driver": 6, "neuron": 17}


def fets(devices: dict[str, int]) -> int:
    return sum(count for name, count in devices.items() if "fet" in name)


@pytest.mark.parametrize(("cell", "ports"), [
    ("synapse", "axon axon_b dendrite bias_n bias_p vdd vss"),
    ("driver", "trigger phase out out_b vdd vss"),
    ("neuron", "dendrite spike spike_b phase reset reset_b iso iso_b v0 vdis vsense vdd vss"),
])  # fmt: skip
def test_leaf_cells_have_their_ports_and_devices(read_netlist: Reader, cell: str, ports: str) -> None:
    netlist = read_netlist(cells_text(Design()))
    assert netlist.ports(cell) == ports.split()
    devices = netlist.devices(cell)
    assert fets(devices) == FETS[cell]
    assert sum(devices.values()) - fets(devices) == (1 if cell == "neuron" else 0)


def test_every_port_of_a_leaf_cell_is_used(read_netlist: Reader) -> None:
    netlist = read_netlist(cells_text(Design()))
    for cell in FETS:
        touched = {net for _, nets, _, _ in netlist.instances(cell) for net in nets}
        assert set(netlist.ports(cell)) <= touched


def test_no_net_inside_a_leaf_cell_ends_blind(read_netlist: Reader) -> None:
    netlist = read_netlist(cells_text(Design()))
    for cell in FETS:
        touched = [net for _, nets, _, _ in netlist.instances(cell) for net in nets]
        for net in set(touched) - set(netlist.ports(cell)):
            assert touched.count(net) >= 2, f"{cell}: {net}"


def test_bulks_are_at_the_rails(read_netlist: Reader) -> None:
    netlist = read_netlist(cells_text(Design()))
    for cell in FETS:
        for name, nets, master, _ in netlist.instances(cell):
            if "fet" in master:
                assert nets[3] == ("vdd" if "pfet" in master else "vss"), f"{cell}.{name}"


def test_memory_fets_sit_on_the_dendrite_and_selectors_at_the_rails(read_netlist: Reader) -> None:
    nets = {name: nets for name, nets, _, _ in read_netlist(cells_text(Design())).instances("synapse")}
    assert nets["XMNM"][:2] == ["dendrite", "bias_n"]
    assert nets["XMPM"][:2] == ["dendrite", "bias_p"]
    assert nets["XMNS"][1:3] == ["axon", "vss"]
    assert nets["XMPS"][1:3] == ["axon_b", "vdd"]


def test_switches_of_the_neuron_close_together(read_netlist: Reader) -> None:
    """A transmission gate's PMOS takes the complement of its NMOS; the isolation's dummies the other way round."""
    nets = {name: nets for name, nets, _, _ in read_netlist(cells_text(Design())).instances("neuron")}
    assert nets["XMISN"][:3] == ["dendrite", "iso", "membrane"]
    assert nets["XMISP"][:3] == ["dendrite", "iso_b", "membrane"]
    assert nets["XMDUN"][:3] == ["membrane", "iso_b", "membrane"]
    assert nets["XMDUP"][:3] == ["membrane", "iso", "membrane"]
    assert nets["XMRN"][:3] == ["v0", "reset", "membrane"]
    assert nets["XMRP"][:3] == ["v0", "reset_b", "membrane"]
    assert nets["XMDI"][:2] == ["membrane", "vdis"]
    assert nets["XMDE"][1:3] == ["phase", "vss"]


def test_sizes_reach_the_text(read_netlist: Reader) -> None:
    """Every transistor a size of its own: no field is read for another, none is left out."""
    sizes = iter(Fet(w_um=1 + 0.05 * k, l_um=0.15 + 0.005 * k) for k in range(40))
    groups: dict[str, Any] = {}
    fields: dict[str, list[tuple[float, float]]] = {}
    for cell, kind in (("synapse", SynapseSizes), ("driver", DriverSizes), ("neuron", NeuronSizes)):
        names = [name for name, field in kind.model_fields.items() if field.annotation is Fet]
        chosen: dict[str, Any] = {name: next(sizes) for name in names}
        groups[cell] = kind(**chosen)
        fields[cell] = [(f.w_um, f.l_um) for f in chosen.values()]
    design = Design(**groups)
    netlist = read_netlist(cells_text(design))
    for cell, wanted in fields.items():
        found = {(p["w"], p["l"]) for _, _, m, p in netlist.instances(cell) if "fet" in m}
        assert found == set(wanted)


def test_junctions_belong_to_the_width(read_netlist: Reader) -> None:
    for _, _, master, p in read_netlist(cells_text(Design())).instances("neuron"):
        if "fet" in master:
            assert p["ad"] == p["as"] == pytest.approx(p["w"] * 0.29, abs=1e-6)
            assert p["pd"] == p["ps"] == pytest.approx(2 * (p["w"] + 0.29), abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(layers=SIZES)
def test_a_network_of_any_sizes(read_netlist: Reader, layers: tuple[int, ...]) -> None:
    topology = Topology(layers)
    netlist = read_netlist(schematic(topology, Design()))
    neurons, synapses = sum(layers[1:]), sum(m * n for m, n in pairwise(layers))
    devices = netlist.devices("network")
    assert fets(devices) == 6 * layers[0] + 4 * synapses + 17 * neurons
    assert devices["sky130_fd_pr__cap_mim_m3_2"] == neurons
    assert netlist.ports("network") == list(topology.ports)
    assert len(set(topology.ports)) == len(topology.ports)
    masters = [master for _, _, master, _ in netlist.instances("network")]
    assert masters.count("synapse") == synapses == len(topology.synapses())
    names = [name for name, *_ in netlist.instances("network")]
    assert len(set(names)) == len(names)
    for net in {net for _, nets, _, _ in netlist.instances("network") for net in nets} | set(topology.ports):
        assert check_net(net) == net


@settings(max_examples=15, deadline=None)
@given(layers=SIZES)
def test_wiring_follows_the_indices(read_netlist: Reader, layers: tuple[int, ...]) -> None:
    """Synapse (layer, axon, neuron) takes the axon's spike and feeds that neuron's dendrite; it and every neuron have their own gates."""
    netlist = read_netlist(schematic(Topology(layers), Design()))
    gates: list[str] = []
    for name, nets, master, _ in netlist.instances("network"):
        bound = dict(zip(netlist.ports(master), nets, strict=True))
        index = name.split("_")[1:]
        if master == "synapse":
            layer, axon, neuron = (int(i) for i in index)
            source = f"axon_0_{axon}" if layer == 1 else f"spike_{layer - 1}_{axon}"
            assert bound["axon"] == source
            assert bound["axon_b"] == source.replace("axon_", "axon_b_").replace("spike_", "spike_b_")
            assert bound["dendrite"] == f"dendrite_{layer}_{neuron}"
            index_text = f"{layer}_{axon}_{neuron}"
            assert (bound["bias_n"], bound["bias_p"]) == (f"bias_n_{index_text}", f"bias_p_{index_text}")
            gates += [bound["bias_n"], bound["bias_p"]]
        elif master == "neuron":
            layer, neuron = (int(i) for i in index)
            assert (bound["spike"], bound["phase"]) == (f"spike_{layer}_{neuron}", f"phase_{layer}")
            assert (bound["reset"], bound["iso_b"]) == (f"reset_{layer}", f"iso_b_{layer}")
            assert bound["vdis"] == f"vdis_{layer}_{neuron}"
            gates.append(bound["vdis"])
    assert len(set(gates)) == len(gates)


def test_every_bias_is_a_pin_of_its_own() -> None:
    topology = Topology((2, 2, 1))
    assert topology.vdis_ports == ("vdis_1_0", "vdis_1_1", "vdis_2_0")
    rails, biases = ("v0", "vsense", "vdd", "vss"), topology.vdis_ports + topology.bias_ports
    assert topology.ports[topology.ports.index("v0") :] == rails + biases


@pytest.mark.parametrize("layers", [(), (5,), (5, 0), (0, 5), (5, MAX_NEURONS + 1), (5, -1, 3)])
def test_impossible_layers_are_refused(layers: tuple[int, ...]) -> None:
    with pytest.raises(CircuitError, match="layers = "):
        Topology(layers)


def test_the_text_does_not_depend_on_hashing() -> None:
    """The cache keys on text: two processes must write the same."""
    program = (
        "from nonideal.circuits.design import Design; from nonideal.circuits.network.netlist import Topology, schematic; import hashlib; "
        "print(hashlib.sha256(schematic(Topology((4, 3, 2)), Design()).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_the_devices_whose_sizes_are_checked_are_those_that_are_drawn() -> None:
    """Every size of the design, made unique, turns up in the netlist on the device of its contract."""
    for cell, key, width in (("synapse", "memory_p", 3.33), ("neuron", "sense_n", 3.33), ("neuron", "sense_p", 3.33),
                             ("neuron", "sense_bias", 3.33), ("neuron", "discharge", 3.33), ("driver", "inverter_p", 3.33)):  # fmt: skip
        sizes = getattr(Design(), cell)
        other = sizes.model_copy(update={key: Fet(w_um=width, l_um=0.5)})
        text = cells_text(Design().model_copy(update={cell: other}))
        line = next(line for line in text.splitlines() if f"w={width}" in line)
        device = other.contract().device(key)
        assert line.split()[:6] == [f"X{device.path}", *device.nodes, device.model]
