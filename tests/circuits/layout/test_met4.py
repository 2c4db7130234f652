"""The neuron whose capacitor lies between metals 3 and 4: clean, the netlist of its circuit, nothing on metal 5."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import gdstk
import numpy as np
import pytest

from nonideal.circuits.cells.codes import CodedWeights
from nonideal.circuits.cells.driver import DriverSizes
from nonideal.circuits.cells.fet import Fet
from nonideal.circuits.cells.kinds import kind_of
from nonideal.circuits.cells.neuron import NeuronSizes, NeuronSizesMet4
from nonideal.circuits.design import Design
from nonideal.circuits.drc import check
from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.contacts import MET3_PAD, stack
from nonideal.circuits.layout.inputs import input_width
from nonideal.circuits.layout.mim import MET3_MET4
from nonideal.circuits.layout.network import leaf_cells, network
from nonideal.circuits.layout.neuron import MIM_MET4, neuron, neuron_width
from nonideal.circuits.layout.straps import STRAP, STRAP_PITCH
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.sky130_models.layers import LAYERS

FLAT = {"mim_w_um": 19.0, "mim_l_um": 2.5}
PAIR: dict[str, Any] = {}
MASK, LATCH = ({"kind": "coded", "storage": storage} for storage in ("mask", "latch"))


def design(synapse: dict[str, Any] = PAIR, **neuron: Any) -> Design:
    return Design.model_validate({"synapse": synapse, "neuron": {"kind": "mim_met4", **neuron}})


def topology(layers: tuple[int, ...], circuit: Design) -> Topology:
    """Of a mask, with codes drawn at random."""
    made, storage = Topology.of(layers, circuit), circuit.contracts.synapse.storage
    if circuit.contracts.synapse.storage.ties and isinstance(storage, CodedWeights):
        rng = np.random.default_rng(7)
        codes = [rng.integers(-15, 16, (b, a)) for a, b in pairwise(layers)]
        mask = tuple(tuple(tuple(storage.on(int(code)) for code in row) for row in layer) for layer in codes)
        return replace(made, mask=mask)
    return made


def layers_of(gds: Path) -> set[str]:
    """Every layer on which something is drawn, labelled or a pin."""
    library = gdstk.read_gds(gds)
    found = {(polygon.layer, polygon.datatype) for cell in library.cells for polygon in cell.polygons}
    found |= {(label.layer, label.texttype) for cell in library.cells for label in cell.labels}
    return {
        name
        for name, layer in LAYERS.items()
        if any((layer.gds_layer, purpose) in found for purpose in (layer.drawing, layer.pin, layer.label))
    }


@pytest.mark.parametrize(
    ("layers", "circuit"),
    [
        ((1, 1), design()),
        ((2, 2, 1), design()),
        ((2, 2, 1), design(MASK)),
        ((2, 2, 1), design(MASK, **FLAT)),
        ((1, 1), design(LATCH)),
        ((2, 1), design(LATCH, **FLAT)),
    ],
    ids=["pair 1-1", "pair", "mask", "mask, flat", "latch", "latch, flat"],
)
def test_networks_are_clean_and_match(tmp_path: Path, layers: tuple[int, ...], circuit: Design) -> None:
    built = topology(layers, circuit)
    gds = write_gds(network(layers, circuit, mask=built.mask), tmp_path / "network.gds")
    rules = check(gds)
    assert rules.clean, rules.summary()
    report = compare(gds, schematic(built, circuit))
    assert report.matched, report.differences
    assert report.devices_layout["sky130_fd_pr__model__cap_mim"] == sum(layers[1:])
    drawn = layers_of(gds)
    assert "capm" in drawn
    assert not drawn & {"via4", "met5", "capm2"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layers", "synapse"),
    [((5, 5, 5), PAIR), ((5, 5, 5), MASK), ((5, 5, 5), LATCH), ((8, 8), MASK)],
    ids=["pair", "mask", "latch", "mask 8-8"],
)
def test_larger_networks(tmp_path: Path, layers: tuple[int, ...], synapse: dict[str, Any]) -> None:
    circuit = design(synapse, **(FLAT if synapse else {}))
    built = topology(layers, circuit)
    gds = write_gds(network(layers, circuit, mask=built.mask), tmp_path / "network.gds")
    rules = check(gds)
    assert rules.clean, rules.summary()
    report = compare(gds, schematic(built, circuit))
    assert report.matched, report.differences
    assert not layers_of(gds) & {"via4", "met5", "capm2"}


@pytest.mark.parametrize(
    "sizes",
    [
        NeuronSizesMet4(),
        NeuronSizesMet4(mim_w_um=2.0, mim_l_um=2.0),
        NeuronSizesMet4(mim_w_um=4.0, mim_l_um=20.0),
        NeuronSizesMet4(mim_w_um=12.0, mim_l_um=3.0, discharge=Fet(w_um=2.0, l_um=1.0)),
        # Its driver's phase would come down on the sensing inverter's bias, were the cell no wider.
        NeuronSizesMet4(sense_p=Fet(w_um=1.0, l_um=0.5), sense_bias=Fet(w_um=0.42, l_um=1.0)),
    ],
    ids=["default", "least", "tall", "flat", "wide inverter"],
)
def test_cells_are_clean(tmp_path: Path, sizes: NeuronSizes) -> None:
    block, _ = MIM_MET4.draw(sizes, DriverSizes())
    report = check(write_gds(block, tmp_path / "cell.gds"))
    assert report.clean, report.summary()


def test_the_netlist_is_the_other_kinds_but_for_the_capacitor() -> None:
    ours, theirs = design().contracts.neuron.text(), Design().contracts.neuron.text()
    assert ours.replace("cap_mim_m3_1", "cap_mim_m3_2") == theirs
    assert ours != theirs
    assert kind_of(design().neuron) == "mim_met4"


def test_a_capacitor_of_the_other_kind_does_not_match(tmp_path: Path) -> None:
    gds = write_gds(network((1, 1), design()), tmp_path / "network.gds")
    report = compare(gds, schematic(Topology((1, 1)), Design()))
    assert not report.matched
    assert report.devices_netlist["sky130_fd_pr__model__cap_mim_m4"] == 1


def test_a_flat_capacitor_takes_no_height() -> None:
    """19 x 2.5 um lie over the driver's row of a coded column: its network is as high as one with metal 5."""
    flat, square = leaf_cells(design(MASK, **FLAT)), leaf_cells(design(MASK))
    met5 = leaf_cells(Design.model_validate({"synapse": MASK}))
    assert flat.neuron.height == met5.neuron.height
    assert flat.pitch == square.pitch == met5.pitch
    assert 4.0 < square.neuron.height - met5.neuron.height < 5.0


def boxes(block: Block, layer: str) -> list[tuple[float, float, float, float]]:
    number = LAYERS[layer]
    polygons = block.cell.get_polygons(layer=number.gds_layer, datatype=number.drawing)
    found = [polygon.bounding_box() for polygon in polygons]
    return [(*low, *high) for low, high in found]


def test_membranes_are_shielded_from_their_neighbours() -> None:
    """A line of vss on metal 4 beside every membrane's bar, as high as it, and the bottom plate below all of them."""
    cell, _ = neuron(mim=MET3_MET4)
    lines = boxes(cell, "met4")
    shields = [box for box in lines if round((box[0] + box[2]) / 2, 2) in (0.0, round(cell.width, 2))]
    bars = [box for box in lines if box not in shields]
    assert len(shields) == 2
    (plate,) = [box for box in boxes(cell, "met3") if box[2] - box[0] > cell.width]
    for low, high in ((shield[1], shield[3]) for shield in shields):
        assert low <= min(bar[1] for bar in bars)
        assert high >= max(bar[3] for bar in bars) - 0.2
        assert plate[1] < low < plate[3]


def test_supply_stripes_have_room(tmp_path: Path) -> None:
    """Over the straps at both sides metal 4 is free from end to end, so that stripes may stand there."""
    circuit = design(MASK, **FLAT)
    block = network((2, 2, 1), circuit)
    met4 = boxes(block, "met4")
    left = -input_width(circuit.driver)
    right = max(box[2] for box in met4)
    assert all(box[0] >= left for box in met4)
    straps = [box for box in boxes(block, "met2") if abs(box[2] - box[0] - STRAP) < 1e-6]
    assert sorted(box[2] <= left or box[0] >= right for box in straps) == [True] * 4
    assert STRAP_PITCH > 1.2


def test_a_storage_level_reaches_every_discharger(tmp_path: Path) -> None:
    """Nothing lies over the neurons' bias pins on metals 3 and 4, and a line on metal 3 joins those of a row."""
    circuit = design()
    block = network((2, 2, 1), circuit)
    pins = [block.pins[net] for net in Topology((2, 2, 1)).vdis_ports]
    for pin in pins:
        pad = stack(block, pin.x, pin.y, "met2", "met4")
        block.square("met4", pad.x, pad.y, *MET3_PAD)
    gds = write_gds(block, tmp_path / "reached.gds")
    rules = check(gds)
    assert rules.clean, rules.summary()
    report = compare(gds, schematic(Topology((2, 2, 1)), circuit))
    assert report.matched, report.differences


def test_the_drivers_phase_keeps_clear_of_the_bias() -> None:
    wide = NeuronSizesMet4(sense_p=Fet(w_um=1.0, l_um=0.5), sense_bias=Fet(w_um=0.42, l_um=1.0))
    assert neuron_width(wide, mim=MET3_MET4) > neuron_width(NeuronSizesMet4(), mim=MET3_MET4)
    assert neuron_width(NeuronSizesMet4(mim_w_um=20.0), mim=MET3_MET4) == pytest.approx(20.85)
