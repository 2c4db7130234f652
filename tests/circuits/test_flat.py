"""The flat network is the schematic, device by device and spike by spike."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.chip import Chip, LayerShifts, chip_netlist
from nonideal.circuits.network.flat import elements, flat_network, instances
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Biases, Circuit, spike_times_s
from nonideal.sky130_models import lean_library

PORTS = "axon axon_b dendrite bias_n bias_p vdd vss"
TOPOLOGY = Topology((2, 2, 1))
BIAS_V = {"n": 0.52, "p": 1.28}


def own(body: str) -> Design:
    return Design(cells={"synapse": f".subckt synapse {PORTS}\n{body}\n.ends synapse\n"})


def test_a_neuron_holds_the_devices_of_its_driver_by_path() -> None:
    parts = {one.path: one for one in elements(Design())["neuron"]}
    assert {"MDI", "MSB", "CM", "driver_MN1", "driver_MP3"} <= parts.keys()
    # The driver's trigger is the neuron's sense node, its inner node one of its own.
    assert parts["driver_MN1"].nodes == ("spike_b", "sense", "driver_nx", "vss")
    assert parts["CM"].what == "sky130_fd_pr__cap_mim_m3_2"
    assert all(one.is_device for one in parts.values())


def test_the_flat_network_has_the_schematics_devices(read_netlist: Callable[[str], Any]) -> None:
    flat, nested = read_netlist(flat_network(TOPOLOGY, Design())), read_netlist(schematic(TOPOLOGY, Design()))
    assert flat.ports("network") == nested.ports("network")
    assert flat.devices("network") == nested.devices("network")
    names = [name for name, *_ in flat.instances("network")]
    assert len(set(names)) == len(names)
    assert {"Xsynapse_2_1_0_MNM", "Xneuron_1_1_driver_MP3", "Xdriver_0_MN2"} <= set(names)


def test_every_cell_of_the_network_is_an_instance() -> None:
    found = list(instances(TOPOLOGY))
    cells = [cell for _, cell, _ in found]
    assert (cells.count("synapse"), cells.count("neuron"), cells.count("driver")) == (6, 3, 2)
    bound = {name: nets for name, _, nets in found}
    assert bound["neuron_2_0"]["vdis"] == TOPOLOGY.vdis(2, 0)


def test_what_is_added_stands_at_its_device_only() -> None:
    text = flat_network(TOPOLOGY, Design(), {"synapse_1_0_1_MNS": "dvt=0.0125"})
    (line,) = [row for row in text.splitlines() if "dvt=" in row]
    assert line.startswith("Xsynapse_1_0_1_MNS ")
    with pytest.raises(CircuitError, match="no device synapse_1_0_2_MNS"):
        flat_network(TOPOLOGY, Design(), {"synapse_1_0_2_MNS": "dvt=0"})


def test_an_own_cell_of_devices_resistors_and_capacitors_is_flattened() -> None:
    body = "XM1 dendrite bias_n x vss sky130_fd_pr__nfet_01v8 w=1\n+ l=0.5\nR1 x vss 10k\nC1 x 0 1f"
    parts = {one.kind: one for one in elements(own(body))["synapse"]}
    assert (parts["R"].what, parts["C"].nodes, parts["R"].is_device) == ("10000", ("x", "0"), False)
    assert parts["X"].is_device
    assert parts["X"].parameters == "w=1 l=0.5"
    text = flat_network(Topology((1, 1)), own(body))
    assert "Csynapse_1_0_0_1 synapse_1_0_0_x 0 1e-15" in text
    assert "Rsynapse_1_0_0_1 synapse_1_0_0_x vss 10000" in text


def test_an_own_cell_is_read_as_the_simulator_reads_it() -> None:
    """No upper case, two names of ground, blanks around an equals sign, comments at a line's end."""
    body = "XM1 Dendrite BIAS_N X VSS sky130_fd_pr__nfet_01v8 w = 1 l =0.5 ; wide\nC1 x GND 1f $ of the wire"
    parts = {one.kind: one for one in elements(own(body))["synapse"]}
    assert parts["X"].nodes == ("dendrite", "bias_n", "x", "vss")
    assert (parts["X"].is_device, parts["X"].parameters) == (True, "w=1 l=0.5")
    assert (parts["C"].nodes, parts["C"].what) == (("x", "0"), "1e-15")
    text = flat_network(Topology((1, 1)), own(body))
    assert "Xsynapse_1_0_0_M1 dendrite_1_0 bias_n_1_0_0 synapse_1_0_0_x vss " in text


def test_parameters_outside_and_expressions_with_blanks_are_flattened() -> None:
    body = "XM1 dendrite bias_n x vss sky130_fd_pr__nfet_01v8 w='1 + w0' l=0.5\nR1 x vss 10k"
    outside = own(body).cells["synapse"] + ".param w0=1\n"
    parts = {one.kind: one for one in elements(Design(cells={"synapse": outside}))["synapse"]}
    assert parts["X"].parameters == "w=2 l=0.5"


@pytest.mark.parametrize(
    "line", ["B1 dendrite vss I=1n*V(dendrite)", "M1 dendrite vss axon vss nmos", "R1 x vss"]
)
def test_a_cell_that_holds_more_is_refused_by_its_line(line: str) -> None:
    with pytest.raises(
        CircuitError, match=rf"circuit\.cells\.synapse: the file, line 2: `{re.escape(line)}`: "
    ):
        elements(own(line))


def test_a_cell_inside_itself_is_refused() -> None:
    with pytest.raises(CircuitError, match="holds itself"):
        elements(own(f"Xagain {PORTS} synapse"))


@pytest.mark.spice
def test_flat_nested_and_unshifted_networks_spike_alike(
    make_workbench: Callable[..., Any], tmp_path: Path
) -> None:
    """And a shifted one does not."""
    bench, design = make_workbench(), Design()
    shape = {layer: (TOPOLOGY.layers[layer], TOPOLOGY.layers[layer - 1]) for layer in (1, 2)}

    def chip(shift_V: float) -> Chip:
        layers = tuple(
            LayerShifts({"MNM": np.full(shape[layer], shift_V)}, {"MDI": np.full(shape[layer][0], shift_V)})
            for layer in (1, 2)
        )
        return Chip(0, TOPOLOGY, layers, {"MN1": np.full(2, shift_V)})

    bias = "\n".join(f"V{net} {net} 0 {BIAS_V[net.split('_')[1]]}" for net in TOPOLOGY.bias_ports)
    biases = Biases("test", f".subckt biases {' '.join(TOPOLOGY.bias_ports)}\n{bias}\n.ends biases\n")
    nested = schematic(TOPOLOGY, design)
    circuit = Circuit(TOPOLOGY, design, nested, lean_library(bench.pdk, bench.corner, nested), 0.5485)
    texts = {
        "nested": nested,
        "flat": flat_network(TOPOLOGY, design),
        "unshifted": chip_netlist(chip(0.0), design),
        "shifted": chip_netlist(chip(-0.005), design),
    }
    times = {}
    for name, text in texts.items():
        deck = replace(circuit, netlist=text).deck(name, biases, np.array([0.1, 0.4]), bench.simulator)
        (result,) = bench.run_decks([deck], tmp_path / name)
        times[name] = np.concatenate(spike_times_s(result, circuit))
    assert np.isfinite(times["nested"]).all()
    for name in ("flat", "unshifted"):
        assert times[name] == pytest.approx(times["nested"], abs=0.05e-9)
    assert np.all(times["shifted"] < times["nested"] - 5e-9)
