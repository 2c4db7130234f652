"""Every device of a layout is one of the schematic, and no other: a chip's shifts stand where they belong, or nowhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nonideal.circuits.design import Design, Fet, SynapseSizes
from nonideal.circuits.extraction.netlist import Device, Element, Netlist, net_of
from nonideal.circuits.extraction.netlist import read_netlist as read_extracted
from nonideal.circuits.network.chip import Chip, Sigmas, chip_netlist, draw
from nonideal.circuits.network.correspondence import (
    CorrespondenceError,
    extracted_chip_netlist,
    laid_out,
    partners,
)
from nonideal.circuits.network.flat import elements, flat_elements
from nonideal.circuits.network.netlist import Topology

TOPOLOGY = Topology((3, 2, 2))


def extracted(topology: Topology = TOPOLOGY, design: Design | None = None) -> Netlist:
    """What an extractor makes of the network: lower case, an order of its own, sources for drains, nodes of nets, capacitors turned."""
    devices = []
    random = np.random.default_rng(3)
    for one in flat_elements(topology, design or Design()):
        nodes = [f"{node}.{random.integers(9)}" if random.random() < 0.5 else node for node in one.nodes]
        if len(nodes) == 4 and random.random() < 0.5:
            nodes[0], nodes[2] = nodes[2], nodes[0]
        given = dict(word.split("=") for word in one.element.parameters.split())
        parameters = f"l={given['l']} w={given['w']} as=0.5 ad=0.345"
        devices.append(Device(one.name.lower(), tuple(nodes), one.element.what, parameters))
    order = random.permutation(len(devices))
    return Netlist(
        "network",
        topology.ports,
        tuple(devices[i] for i in order),
        (Element("vdd", "vdd.1", 12.5),),
        (Element("vdd.1", "vss", 1.25e-16),),
    )


def chip(seed: int = 5, topology: Topology = TOPOLOGY) -> Chip:
    cells = {
        cell: {one.path: 0.01 for one in parts if one.is_device} for cell, parts in elements(Design()).items()
    }
    return draw(seed, topology, Sigmas(cells))


def changed(netlist: Netlist, name: str, **given: Any) -> Netlist:
    return replace(
        netlist, devices=tuple(replace(d, **given) if d.name == name else d for d in netlist.devices)
    )


def test_every_device_has_one_partner_on_the_same_nets() -> None:
    found = partners(extracted(), TOPOLOGY, Design())
    wanted = {one.name: one for one in flat_elements(TOPOLOGY, Design())}
    assert found.keys() == wanted.keys()
    assert len({device.name for (device,) in found.values()}) == len(found)
    for name, (device,) in found.items():
        assert device.model == wanted[name].element.what
        assert sorted(map(net_of, device.nodes)) == sorted(wanted[name].nodes)


@pytest.mark.parametrize("seed", range(3))
def test_a_device_has_the_shift_that_it_has_in_the_schematic(
    seed: int, tmp_path: Path, read_netlist: Callable[[str], Any]
) -> None:
    """The text is read back, by name and by parameter; parasitics and ports are as they were."""
    one, layout = chip(seed), extracted()
    text = extracted_chip_netlist(one, Design(), layout)
    assert text.startswith(f"* chip {seed}\n")
    file = tmp_path / "network.spice"
    file.write_text(text)
    back = read_extracted(file)
    assert (back.ports, back.resistors, back.capacitors) == (
        layout.ports,
        layout.resistors,
        layout.capacitors,
    )
    schematic = {
        name[1:].lower(): {key: value for key, value in parameters.items() if key in ("dvt", "dc")}
        for name, _, _, parameters in read_netlist(chip_netlist(one, Design())).instances("network")
    }
    drawn = {
        device.name: {
            key: float(value)
            for key, value in (word.split("=") for word in device.parameters.split())
            if key in ("dvt", "dc")
        }
        for device in back.devices
    }
    assert drawn == schematic
    assert all(len(shift) == 1 for shift in drawn.values())


def test_a_device_that_is_not_there_is_named() -> None:
    layout = extracted()
    gone = replace(layout, devices=tuple(d for d in layout.devices if d.name != "neuron_1_1_driver_mn2"))
    with pytest.raises(CorrespondenceError, match=r"neuron_1_1_driver_MN2 of the schematic has no partner"):
        partners(gone, TOPOLOGY, Design())
    with pytest.raises(CorrespondenceError, match=r"neuron_1_1_driver_MN2"):
        extracted_chip_netlist(chip(), Design(), gone)


def test_a_device_that_is_there_twice_or_on_one_side_only_is_named() -> None:
    """Two fingers of one device would be two of a name; none of them gets the shift."""
    layout = extracted()
    (twin,) = (d for d in layout.devices if d.name == "neuron_2_0_mdi")
    with pytest.raises(CorrespondenceError, match=r"neuron_2_0_MDI of the schematic has 2 partners"):
        partners(replace(layout, devices=(*layout.devices, twin)), TOPOLOGY, Design())
    other = replace(twin, name="$17")
    with pytest.raises(CorrespondenceError, match=r"1 differences: \$17 of the extracted netlist is not in"):
        partners(replace(layout, devices=(*layout.devices, other)), TOPOLOGY, Design())


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("synapse_1_2_0_mnm", {"model": "sky130_fd_pr__nfet_01v8_lvt"}, "synapse_1_2_0_MNM: .* extracted as a .*_lvt"),
        ("synapse_1_2_0_mnm", {"parameters": "l=0.25 w=0.9"}, "synapse_1_2_0_MNM: .* 0.9 x 0.25 um, .* 1 x 0.25 um"),
        ("neuron_1_0_cm", {"parameters": "w=7 l=5"}, "neuron_1_0_CM: .* 5 x 7 um"),
        ("neuron_1_0_cm", {"nodes": ("neuron_1_1_membrane.2", "vss")}, "neuron_1_0_CM: .* between neuron_1_1_membrane vss"),
    ],
)  # fmt: skip
def test_a_partner_that_is_another_device_is_named(name: str, given: dict[str, Any], told: str) -> None:
    with pytest.raises(CorrespondenceError, match=told):
        partners(changed(extracted(), name, **given), TOPOLOGY, Design())


def test_names_that_are_exchanged_are_found_by_their_nets() -> None:
    """Two synapses of one kind and size, each with the other's name: by name alone each would get the other's shift."""
    layout, names = extracted(), {"synapse_1_0_0_mpm": "synapse_1_1_1_mpm"}
    names |= {new: old for old, new in names.items()}
    exchanged = replace(
        layout, devices=tuple(replace(d, name=names.get(d.name, d.name)) for d in layout.devices)
    )
    with pytest.raises(CorrespondenceError, match=r"2 differences: synapse_1_0_0_MPM: .*synapse_1_1_1_MPM: "):
        partners(exchanged, TOPOLOGY, Design())


def test_a_layout_of_another_network_or_circuit_is_refused() -> None:
    with pytest.raises(CorrespondenceError, match=r"layers \[3, 2, 1\]"):
        partners(extracted(), Topology((3, 2, 1)), Design())
    wide = Design(synapse=SynapseSizes(memory_n=Fet(w_um=2.0, l_um=0.25)))
    with pytest.raises(CorrespondenceError, match=r"MNM: it was extracted with 1 x 0.25 um"):
        partners(extracted(), TOPOLOGY, wide)
    assert partners(extracted(design=wide), TOPOLOGY, wide)


# -- one cell of the layout ---------------------------------------------------------------------------------------------------------


def test_a_cell_of_the_layout_has_its_devices_and_what_its_nets_couple_to() -> None:
    """Nets in its own words; a neighbour's net is ground; what lies between two ports is not the cell's."""
    couplings = {
        ("neuron_1_1_membrane.2", "vss"): 1e-15,
        ("neuron_1_1_membrane", "neuron_1_1_sense.1"): 2e-16,
        ("neuron_1_0_membrane", "neuron_1_1_membrane.2"): 3e-16,
        ("iso_1", "neuron_1_1_membrane.4"): 4e-16,
        ("neuron_1_1_driver_nx", "phase_1"): 5e-16,
        ("spike_1_1", "vdd"): 6e-16,
        ("spike_1_1", "spike_1_0"): 7e-16,
        ("neuron_2_1_membrane", "neuron_1_0_sense"): 8e-16,
    }
    capacitors = tuple(Element(a, b, value) for (a, b), value in couplings.items())
    found = laid_out(replace(extracted(), capacitors=capacitors), TOPOLOGY, Design(), "neuron_1_1")
    designed = {one.path: one for one in elements(Design())["neuron"]}
    devices = [one for one in found if one.is_device]
    assert [one.path for one in devices] == list(designed)
    for one in devices:
        assert sorted(one.nodes) == sorted(designed[one.path].nodes)
        assert "ad=0.345" in one.parameters
    wires = {frozenset(one.nodes): float(one.what) for one in found if not one.is_device}
    assert {tuple(sorted(pair)): value for pair, value in wires.items()} == pytest.approx(
        {
            ("membrane", "vss"): 1.3e-15,
            ("membrane", "sense"): 2e-16,
            ("iso", "membrane"): 4e-16,
            ("driver_nx", "phase"): 5e-16,
        }
    )


def test_a_cell_of_another_layout_is_refused() -> None:
    with pytest.raises(CorrespondenceError, match=r"layers \[3, 2\]"):
        laid_out(extracted(), Topology((3, 2)), Design(), "neuron_1_1")
