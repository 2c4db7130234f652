"""Cuts of a network that is drawn and extracted: what each piece holds, and what is refused."""

from dataclasses import replace

import pytest

from nonideal.circuits.columns.cut import Cut, CutError, Place, cut, instance_of
from nonideal.circuits.design import Design
from nonideal.circuits.extraction import ExtractionOptions, extract
from nonideal.circuits.extraction.netlist import Device, Netlist, net_of
from nonideal.circuits.network.netlist import Topology
from nonideal.stages.layout import DATABASE, draw_and_check

LAYERS = (3, 2, 2)


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Netlist:
    folder = tmp_path_factory.mktemp("network")
    topology = Topology.of(LAYERS, Design())
    checked = draw_and_check(Topology(LAYERS), Design(), folder, override=False)
    options = ExtractionOptions(extractor="nonideal", mode="RC")
    return extract(
        folder / DATABASE, topology.ports, checked.summary.devices, folder=folder / "own", options=options
    ).netlist


@pytest.fixture(scope="module")
def pieces(extracted: Netlist) -> Cut:
    return cut(extracted, Topology.of(LAYERS, Design()))


def test_every_device_and_every_signal_wire_is_in_one_piece(pieces: Cut, extracted: Netlist) -> None:
    names = [device.name for piece in pieces.pieces.values() for device in piece.devices]
    assert sorted(names) == sorted(device.name for device in extracted.devices)
    signal = [
        wire
        for wire in extracted.resistors
        if net_of(wire.a) not in pieces.rails and net_of(wire.a) in pieces.owner
    ]
    assert sum(len(piece.resistors) for piece in pieces.pieces.values()) == len(signal)
    assert len(pieces.pieces) == 3 + 2 + 2


def test_a_net_keeps_its_capacitance_to_all_else(pieces: Cut, extracted: Netlist) -> None:
    place = Place(1, 1)
    for net in ("dendrite_1_1", "neuron_1_1_membrane"):
        whole = sum(c.value for c in extracted.capacitors if (net_of(c.a) == net) != (net_of(c.b) == net))
        cut_F = sum(c.value for c in pieces.pieces[place].capacitors if net in map(net_of, (c.a, c.b)))
        assert cut_F == pytest.approx(whole, rel=1e-9)


def test_the_gates_on_a_spike_are_loads_and_there_are_as_many(pieces: Cut) -> None:
    loads = pieces.pieces[Place(1, 0)].loads
    assert sorted(load.model[-9:-5] for load in loads) == ["nfet", "pfet"]
    # Two neurons of the next layer, with one gate each on the spike and on its complement.
    assert [load.parameters.split()[-1] for load in loads] == ["m=2", "m=2"]
    assert pieces.pieces[Place(2, 0)].loads == ()


@pytest.mark.parametrize(
    ("name", "instance"),
    [("synapse_1_0_2_mnm", "synapse_1_0_2"), ("neuron_2_13_driver_mp1", "neuron_2_13"), ("driver_4", "driver_4"), ("driver_x", ""), ("mx", "")],
)  # fmt: skip
def test_instances_by_name(name: str, instance: str) -> None:
    assert instance_of(name) == instance


def test_a_device_of_no_cell_is_refused_by_name(extracted: Netlist) -> None:
    strange = replace(extracted.devices[0], name="stray")
    with pytest.raises(CutError, match=r"1 devices belong to no driver.*stray"):
        cut(replace(extracted, devices=(*extracted.devices, strange)), Topology.of(LAYERS, Design()))


def test_a_net_of_no_cell_is_refused_by_name(extracted: Netlist) -> None:
    first = extracted.devices[0]
    strange = Device(first.name, ("nowhere", *first.nodes[1:]), first.model, first.parameters)
    with pytest.raises(CutError, match=r"nets belong to no driver.*nowhere"):
        cut(replace(extracted, devices=(strange, *extracted.devices[1:])), Topology.of(LAYERS, Design()))
