"""The network cut out of a tile is the network."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nonideal.circuits.columns.cut import Place, cut
from nonideal.circuits.extraction.netlist import Device, Element, Netlist, net_of
from nonideal.circuits.network.flat import flat_elements
from nonideal.sky130_models.tile import GROUND, SUPPLY
from nonideal.tapeout.assembly import Chip
from nonideal.tapeout.errors import TapeoutError
from nonideal.tapeout.network import network_of

NFET = "sky130_fd_pr__nfet_01v8"


def tile(chip: Chip) -> Netlist:
    """A tile of the chip's network, of an inverter for a generator and one that hears a spike; two wires, and couplings between the parts."""
    topology = chip.topology
    called = {use.name: pin for pin, use in chip.pinning.uses.items() if pin.startswith("ua")}
    called |= {"vdd": SUPPLY, "vss": GROUND} | {
        topology.vdis(*one): "network_vdis" for one in topology.neurons()
    }
    called |= {"vsense": "network_vsense"}
    outside = {*topology.control_ports, *topology.spike_ports, *(f"in_{j}" for j in range(5))}

    def net(name: str) -> str:
        return called.get(name, name if name in outside else f"network_{name}")

    devices = [
        Device(f"network_{one.name.lower()}", tuple(map(net, one.nodes)), one.element.what, "l=0.15 w=0.42 as=1 ad=1 ps=1 pd=1")
        for one in flat_elements(topology, chip.design)
    ]  # fmt: skip
    devices += [
        Device("network_generator_m", ("network_vdis", "phase_1", GROUND, GROUND), NFET, "l=0.15 w=0.42"),
        Device("control_u1_n", ("uo_out[0]", "spike_2_0.1", GROUND, GROUND), NFET, "l=0.15 w=0.42"),
    ]
    return Netlist(
        chip.options.top,
        (SUPPLY, GROUND, "ua[1]", "uo_out[0]"),
        tuple(devices),
        (Element("spike_2_0", "spike_2_0.1", 100.0), Element("uo_out[0]", "uo_out[0].1", 10.0)),
        (
            Element("network_dendrite_1_2", "network_vdis", 1e-15),
            Element("network_dendrite_1_2", "network_generator_x", 2e-15),
            Element("phase_1", "network_vdis.3", 3e-15),
        ),
    )


def test_a_network_is_cut_out_of_its_tile_with_what_hears_it(chip: Chip) -> None:
    found = network_of(chip, tile(chip))
    assert set(found.ports) == set(chip.topology.ports)
    inside = {one.name.split("_")[0] for one in found.devices}
    flat = [*flat_elements(chip.topology, chip.design)]
    assert len(found.devices) == len(flat) + 1
    assert inside == {"driver", "synapse", "neuron"}
    (load,) = [one for one in found.devices if "heard" in one.name]
    assert load.name.startswith("neuron_2_0_heard")
    assert (load.nodes[0], load.nodes[1], load.nodes[2]) == ("vss", "spike_2_0.1", "vss")
    assert [(r.a, r.b) for r in found.resistors] == [("spike_2_0", "spike_2_0.1")]
    # A neuron's V_dis is its own; what couples to the generator couples to ground.
    farads = {frozenset((c.a, c.b)): c.value for c in found.capacitors}
    assert farads == {
        frozenset(("dendrite_1_2", "vdis_1_2")): pytest.approx(1e-15),
        frozenset(("dendrite_1_2", "vss")): pytest.approx(2e-15),
        frozenset(("phase_1", "vss")): pytest.approx(3e-15),
    }
    assert Place(2, 4) in cut(found, chip.topology).pieces
    assert "network_" not in found.text()


def test_what_has_no_network_is_refused(chip: Chip) -> None:
    whole = tile(chip)
    with pytest.raises(TapeoutError, match="no device is called"):
        network_of(chip, replace(whole, devices=whole.devices[-2:]))
    some = tuple(one for one in whole.devices if "reset_1" not in {net_of(node) for node in one.nodes})
    with pytest.raises(TapeoutError, match="is on reset_1"):
        network_of(chip, replace(whole, devices=some))
