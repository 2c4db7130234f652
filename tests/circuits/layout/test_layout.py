"""Cells: parametric, hierarchical, on grid, with pins that carry a label and a shape, in files that KLayout opens."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import gdstk
import klayout.db as kdb
import matplotlib.image
import pytest
from klayout import lay

from nonideal.circuits.design import Design, DriverSizes, Fet, NeuronSizes, SynapseSizes
from nonideal.circuits.drc import check
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import MET3_PAD, contact_offsets, stack
from nonideal.circuits.layout.crossbar import crossbar
from nonideal.circuits.layout.driver import driver
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.inventory import inventory
from nonideal.circuits.layout.network import network
from nonideal.circuits.layout.neuron import neuron
from nonideal.circuits.layout.picture import write_picture
from nonideal.circuits.layout.synapse import gate_gap, synapse
from nonideal.circuits.layout.write import write_gds, write_layer_properties
from nonideal.circuits.lvs import compare
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.sky130_models.layers import LAYERS
from nonideal.sky130_models.rules import rule


@pytest.mark.parametrize(
    "block",
    [
        synapse(),
        driver()[0],
        driver(DriverSizes(inverter_p=Fet(w_um=4.0, l_um=0.15), nand_n=Fet(w_um=0.42, l_um=0.3)))[0],
        neuron()[0],
        neuron(NeuronSizes(mim_w_um=4.0, mim_l_um=20.0))[0],
        neuron(NeuronSizes(mim_w_um=12.0, mim_l_um=3.0, discharge=Fet(w_um=2.0, l_um=1.0)))[0],
        neuron(NeuronSizes(sense_p=Fet(w_um=1.0, l_um=0.5), sense_bias=Fet(w_um=0.42, l_um=1.0)))[0],
        crossbar(1, 1),
        crossbar(4, 3),
        network((1, 2, 1)),
        network((3, 2, 5)),
    ],
    ids=lambda block: block.cell.name,
)
def test_cells_are_clean(tmp_path: Path, block: Block) -> None:
    report = check(write_gds(block, tmp_path / "cell.gds"))
    assert report.clean, report.summary()


def test_network_of_wide_synapses(tmp_path: Path) -> None:
    wide = SynapseSizes(memory_p=Fet(w_um=3.0, l_um=0.25), select_p=Fet(w_um=3.0, l_um=0.25))
    report = check(write_gds(network((2, 2), Design(synapse=wide)), tmp_path / "network.gds"))
    assert report.clean, report.summary()


def test_pins_have_labels_and_shapes(small_gds: Path) -> None:
    top = gdstk.read_gds(small_gds).top_level()[0]
    ports = set(Topology((2, 2, 1)).ports)
    assert {label.text for label in top.labels} == ports
    for label in top.labels:
        layer = next(
            one for one in LAYERS.values() if (one.gds_layer, one.label) == (label.layer, label.texttype)
        )
        pins = [p for p in top.polygons if (p.layer, p.datatype) == (layer.gds_layer, layer.pin)]
        assert any(p.contain(label.origin) for p in pins), label.text
    for cell in top.dependencies(True):
        assert not cell.labels, f"labels of {cell.name} would collide in every copy"


def test_axons_dendrites_and_controls_lie_where_they_should() -> None:
    block = network((2, 2))
    assert crossbar().pins["axon_0"].layer == "met4"
    assert crossbar().pins["dendrite_0"].layer == "met2"
    assert {block.pins[f"{line}_1"].layer for line in ("phase", "reset", "reset_b", "iso", "iso_b")} == {
        "met3"
    }
    assert {block.pins[f"vdis_1_{k}"].layer for k in (0, 1)} == {"met2"}


def test_hierarchy(tmp_path: Path) -> None:
    """An array of 8 x 8 is hardly larger than one of 2 x 2: cells are placed, not copied."""
    small, large = (write_gds(crossbar(n, n), tmp_path / f"{n}.gds") for n in (2, 8))
    cells = {cell.name for cell in gdstk.read_gds(large).cells}
    assert cells == {"crossbar", "synapse"}
    layout = kdb.Layout()
    layout.read(str(large))
    synapses = sum(instance.na * max(instance.nb, 1) for instance in layout.top_cell().each_inst())
    assert synapses == 64
    assert small.stat().st_size > 1000


def test_same_layout_same_file(tmp_path: Path) -> None:
    first = write_gds(network((2, 1)), tmp_path / "a.gds").read_bytes()
    assert write_gds(network((2, 1)), tmp_path / "b.gds").read_bytes() == first


def test_inventory() -> None:
    held = inventory(network((3, 4, 2)))
    assert held.cells == {"input_driver": 3, "neuron": 6, "synapse": 3 * 4 + 4 * 2}
    assert held.area_um2 == pytest.approx(held.width_um * held.height_um)
    assert held.area_um2 < inventory(network((3, 8, 2))).area_um2
    assert inventory(Block.named("empty")).area_um2 == 0.0


def test_named_regions_lie_inside_and_apart() -> None:
    held = inventory(network((3, 4, 2)))
    assert set(held.regions_um) == {"input drivers", "crossbar 1", "neurons 1", "crossbar 2", "neurons 2"}
    boxes = list(held.regions_um.values())
    for x0, y0, x1, y1 in boxes:
        assert 0 <= x0 < x1 <= held.width_um
        assert 0 <= y0 < y1 <= held.height_um
    for a, b in combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    (_, _, _, top), (_, low, _, _) = held.regions_um["neurons 1"], held.regions_um["crossbar 1"]
    assert top <= low


def test_layer_properties_open(tmp_path: Path, small_gds: Path) -> None:
    path = write_layer_properties(tmp_path / "network.lyp")
    view = lay.LayoutView()
    view.load_layout(str(small_gds), True)
    view.load_layer_props(str(path))
    names = {node.name for node in view.each_layer()}
    assert {"met1.drawing", "met4.pin", "met2.label", "capm2.drawing"} <= names


def test_picture(tmp_path: Path, small_gds: Path) -> None:
    properties = write_layer_properties(tmp_path / "network.lyp")
    png = write_picture(small_gds, properties, tmp_path / "network.png")
    pixels = matplotlib.image.imread(png)
    assert pixels.shape[0] > 200
    assert 0.05 < (pixels[..., :3].max(axis=2) > 0.2).mean() < 1.0


@pytest.mark.slow
def test_32_by_32(tmp_path: Path) -> None:
    """Drawn, checked and compared."""
    layers = (32, 32)
    gds = write_gds(network(layers), tmp_path / "network.gds")
    rules = check(gds)
    circuit = compare(gds, schematic(Topology(layers), Design()))
    assert rules.clean, rules.summary()
    assert circuit.matched, circuit.differences
    assert circuit.device_count == 32 * 32 * 4 + 32 * 6 + 32 * 18


def test_inner_node_is_short() -> None:
    """The charge of a pair's inner node is an error of the network: its length is what the pads' spacing asks, no more."""
    fet = Fet(w_um=1.0, l_um=0.25)
    assert rule("poly.2").value_um <= gate_gap(fet, fet) <= rule("poly.2").value_um + 0.025
    assert gate_gap(fet, Fet(w_um=2.0, l_um=0.25)) >= rule("poly.7").value_um + rule("poly.4").value_um


def test_a_storage_level_reaches_every_discharger(tmp_path: Path) -> None:
    """Nothing lies over the neurons' bias pins on metals 3 to 5, and there is room for a stack on each."""
    block = network((2, 2, 1))
    pins = [block.pins[net] for net in Topology((2, 2, 1)).vdis_ports]
    for name in ("met3", "met4", "met5"):
        number = LAYERS[name]
        drawn = block.cell.get_polygons(layer=number.gds_layer, datatype=number.drawing)
        shapes = [gdstk.rectangle((pin.x0, pin.y0), (pin.x1, pin.y1)) for pin in pins]
        assert not gdstk.boolean(drawn, shapes, "and"), name
    for pin in pins:
        pad = stack(block, pin.x, pin.y, "met2", "met4")
        block.square("met4", pad.x, pad.y, *MET3_PAD)
    gds = write_gds(block, tmp_path / "reached.gds")
    rules = check(gds)
    assert rules.clean, rules.summary()
    circuit = compare(gds, schematic(Topology((2, 2, 1)), Design()))
    assert circuit.matched, circuit.differences


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (SynapseSizes(memory_n=Fet(w_um=0.36, l_um=0.25)), "memory_n: w_um = 0.36 is below"),
        (SynapseSizes(select_p=Fet(w_um=1.0, l_um=0.13)), "select_p: l_um = 0.13 is below"),
        (SynapseSizes(select_p=Fet(w_um=1.004, l_um=0.25)), "select_p: w_um = 1.004 is no multiple"),
    ],
)
def test_sizes_that_cannot_be_drawn(sizes: SynapseSizes, message: str) -> None:
    with pytest.raises(LayoutError, match=message):
        synapse(sizes)


def test_refusals() -> None:
    with pytest.raises(LayoutError, match="a layout of layers"):
        network((3,))
    with pytest.raises(LayoutError, match="at least 1 of each"):
        crossbar(0, 3)
    with pytest.raises(LayoutError, match="below the least"):
        neuron(width=5.0)
    with pytest.raises(LayoutError, match="holds no contact"):
        contact_offsets(0.2)
    block = Block.named("block")
    with pytest.raises(LayoutError, match="off the"):
        block.rect("met1", 0.0, 0.0, 1.005, 1.0)
    with pytest.raises(LayoutError, match="empty or turned round"):
        block.rect("met1", 1.0, 0.0, 0.5, 1.0)
    with pytest.raises(LayoutError, match="no stack leads"):
        stack(block, 0.0, 0.0, "met3", "met1")


def test_mirrored_boxes_follow_their_cells() -> None:
    box = Box("met1", 0.0, 0.5, 1.0, 0.7)
    up, down = box.moved(2.0, 10.0), box.moved(2.0, 10.0, mirrored=True)
    assert (up.y0, up.y1) == pytest.approx((10.5, 10.7))
    assert (down.y0, down.y1) == pytest.approx((9.31, 9.51))


def test_membranes_are_shielded_from_their_neighbours() -> None:
    """Metal 5 between two capacitors' bars is vss, on both sides of every cell: outer columns see what inner ones see."""
    cell, _ = neuron()
    lines = [
        polygon.bounding_box()
        for polygon in cell.cell.polygons
        if (polygon.layer, polygon.datatype) == (72, 20)
    ]
    middles = {round((box[0][0] + box[1][0]) / 2, 2) for box in lines if box is not None}
    assert {0.0, round(cell.width, 2)} <= middles
