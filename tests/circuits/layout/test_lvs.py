"""Layout and netlist match as drawn, and do not after any change to either."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import klayout.db as kdb
import pytest

from nonideal.circuits.design import Design, Fet, NeuronSizes, SynapseSizes
from nonideal.circuits.layout.errors import LayoutError, LvsFailed
from nonideal.circuits.layout.network import network
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare
from nonideal.circuits.network.netlist import Topology, schematic

TINY = Topology((1, 1))
FETS_OF_SYNAPSE, FETS_OF_DRIVER, FETS_OF_NEURON = 4, 6, 11 + 6


def tiny_netlist(design: Design | None = None) -> str:
    return schematic(TINY, design or Design())


def drawn(folder: Path, design: Design | None = None) -> Path:
    return write_gds(network(TINY.layers, design or Design()), folder / "network.gds")


def changed(gds: Path, folder: Path, change: Callable[[kdb.Layout, kdb.Cell], None]) -> Path:
    """A copy of a layout after a change to it, flat."""
    layout = kdb.Layout()
    layout.read(str(gds))
    layout.top_cell().flatten(True)
    change(layout, layout.top_cell())
    path = folder / "changed.gds"
    layout.write(str(path))
    return path


@pytest.mark.parametrize("layers", [(1, 1), (3, 2), (2, 4, 3), (1, 2, 1, 2)])
def test_networks_match(tmp_path: Path, layers: tuple[int, ...]) -> None:
    gds = write_gds(network(layers), tmp_path / "network.gds")
    topology = Topology(layers)
    report = compare(gds, schematic(topology, Design()))
    assert report.matched, report.differences
    synapses, neurons = len(topology.synapses()), sum(layers[1:])
    fets = synapses * FETS_OF_SYNAPSE + layers[0] * FETS_OF_DRIVER + neurons * FETS_OF_NEURON
    assert report.device_count == fets + neurons
    assert report.devices_layout == report.devices_netlist
    assert {port.lower() for port in report.ports} == set(topology.ports)


def test_other_sizes_match(tmp_path: Path) -> None:
    design = Design(
        synapse=SynapseSizes(memory_p=Fet(w_um=3.0, l_um=0.5), select_n=Fet(w_um=0.42, l_um=0.15)),
        neuron=NeuronSizes(mim_w_um=9.0, mim_l_um=12.0, sense_n=Fet(w_um=2.0, l_um=0.3)),
    )
    report = compare(drawn(tmp_path, design), tiny_netlist(design))
    assert report.matched, report.differences


def test_wrong_width(tmp_path: Path) -> None:
    design = Design(synapse=SynapseSizes(memory_n=Fet(w_um=1.01, l_um=0.25)))
    report = compare(drawn(tmp_path, design), tiny_netlist())
    assert not report.matched
    assert report.differences[0] == "1 x sky130_fd_pr__nfet_01v8 L = 0.25, W = 1.01 in the layout only"
    with pytest.raises(LvsFailed, match="differences between layout and netlist"):
        report.require_match()


@pytest.mark.parametrize(("w_um", "l_um"), [(7.0, 7.01), (3.5, 14.0)])
def test_wrong_capacitor(tmp_path: Path, w_um: float, l_um: float) -> None:
    """The second one has the right area."""
    design = Design(neuron=NeuronSizes(mim_w_um=w_um, mim_l_um=l_um))
    report = compare(drawn(tmp_path, design), tiny_netlist())
    assert not report.matched
    assert report.devices_layout == report.devices_netlist
    assert "cap_mim_m4 A = " in report.differences[0]


def test_missing_device(tmp_path: Path) -> None:
    """A gate without its poly is a resistor of diffusion, and no FET."""

    def drop_a_gate(layout: kdb.Layout, top: kdb.Cell) -> None:
        shapes = top.shapes(layout.layer(66, 20))
        diffusion = kdb.Region(top.begin_shapes_rec(layout.layer(65, 20)))
        gate = next(s for s in shapes.each() if not (kdb.Region(s.bbox()) & diffusion).is_empty())
        gate.delete()

    report = compare(changed(drawn(tmp_path), tmp_path, drop_a_gate), tiny_netlist())
    assert not report.matched
    assert sum(report.devices_layout.values()) < sum(report.devices_netlist.values())


def test_missing_device_in_the_netlist(tmp_path: Path) -> None:
    text = re.sub(r"(?m)^XMDUN .*\n", "", tiny_netlist())
    assert not compare(drawn(tmp_path), text).matched


def test_other_threshold(tmp_path: Path) -> None:
    text = tiny_netlist().replace("pfet_01v8_hvt", "pfet_01v8")
    assert not compare(drawn(tmp_path), text).matched


def test_swapped_labels(small_gds: Path, small_netlist: str, tmp_path: Path) -> None:
    """By topology still a match: only the names tell."""

    def swap(layout: kdb.Layout, top: kdb.Cell) -> None:
        names = {"bias_n_1_0_0": "bias_n_1_0_1", "bias_n_1_0_1": "bias_n_1_0_0"}
        for index in layout.layer_indexes():
            for shape in top.shapes(index).each(kdb.Shapes.STexts):
                if shape.text_string in names:
                    shape.text_string = names[shape.text_string]

    assert compare(small_gds, small_netlist).matched
    report = compare(changed(small_gds, tmp_path, swap), small_netlist)
    assert report.difference_count == 2
    assert "port bias_n_1_0_0 of the layout is where BIAS_N_1_0_1 should be" in report.differences


def test_swapped_nets_in_the_netlist(small_gds: Path, small_netlist: str) -> None:
    swapped = small_netlist.replace(" iso_1 iso_b_1 ", " iso_b_1 iso_1 ").replace(
        ".subckt network", ".subckt network", 1
    )
    head, tail = swapped.split(".subckt network", 1)
    ports = small_netlist.split(".subckt network", 1)[1].split("\nX", 1)[0]
    text = head + ".subckt network" + ports + "\nX" + tail.split("\nX", 1)[1]
    assert not compare(small_gds, text).matched


def test_short_and_open(small_gds: Path, small_netlist: str, tmp_path: Path) -> None:
    def short(layout: kdb.Layout, top: kdb.Cell) -> None:
        box = top.bbox()
        top.shapes(layout.layer(69, 20)).insert(
            kdb.Box(0, -box.height() // 2, box.right, -box.height() // 2 + 300)
        )

    def cut(layout: kdb.Layout, top: kdb.Cell) -> None:
        vias = top.shapes(layout.layer(70, 44))
        next(iter(vias.each())).delete()

    assert not compare(changed(small_gds, tmp_path, short), small_netlist).matched
    assert not compare(changed(small_gds, tmp_path, cut), small_netlist).matched


def test_two_dischargers_on_one_bias(small_gds: Path, small_netlist: str, tmp_path: Path) -> None:
    """Every neuron is calibrated by a bias of its own: a wire between two of them is found."""
    first, second = (network((2, 2, 1)).pins[f"vdis_1_{k}"] for k in (0, 1))

    def join(layout: kdb.Layout, top: kdb.Cell) -> None:
        via2, met3 = (top.shapes(layout.layer(*pair)) for pair in ((69, 44), (70, 20)))
        for pin in (first, second):
            via2.insert(kdb.DBox(pin.x - 0.1, pin.y - 0.1, pin.x + 0.1, pin.y + 0.1))
            met3.insert(kdb.DBox(pin.x - 0.2, pin.y - 0.2, pin.x + 0.2, pin.y + 0.6))
        # Past the second membrane's landing, under the axons: nothing but the two pins is joined.
        met3.insert(kdb.DBox(first.x, first.y + 0.4, second.x, first.y + 0.6))

    report = compare(changed(small_gds, tmp_path, join), small_netlist)
    assert not report.matched
    assert any("vdis_1_" in message for message in report.differences), report.differences


@pytest.mark.parametrize(("implant", "device"), [((94, 20), "nfet"), ((93, 44), "pfet")])
def test_missing_taps(tmp_path: Path, implant: tuple[int, int], device: str) -> None:
    """Without p-taps the bulks of the NMOS are a net of their own, without n-taps those of the PMOS."""

    def drop_taps(layout: kdb.Layout, top: kdb.Cell) -> None:
        around = kdb.Region(top.begin_shapes_rec(layout.layer(*implant)))
        taps = top.shapes(layout.layer(65, 44))
        for tap in [t for t in taps.each() if not (kdb.Region(t.bbox()) & around).is_empty()]:
            tap.delete()

    report = compare(changed(drawn(tmp_path), tmp_path, drop_taps), tiny_netlist())
    assert not report.matched
    assert any(device in message for message in report.differences), report.differences


@pytest.mark.parametrize("fet", ["XMDUN", "XMNM"])
def test_a_bulk_on_another_net(small_gds: Path, small_netlist: str, fet: str) -> None:
    """The substrate is one node: an NMOS of the netlist with its bulk elsewhere is none of the layout's."""
    line = next(line for line in small_netlist.splitlines() if line.startswith(f"{fet} "))
    assert line.split()[4] == "vss"
    other = " ".join([*line.split()[:4], "vdd", *line.split()[5:]])
    report = compare(small_gds, small_netlist.replace(line, other))
    assert not report.matched
    assert any("nfet" in message for message in report.differences), report.differences


def test_taps_on_two_nets_are_one(small_gds: Path, small_netlist: str, tmp_path: Path) -> None:
    """A p-tap on another net than the rest shorts it to the substrate."""

    def tie(layout: kdb.Layout, top: kdb.Cell) -> None:
        pin = network((2, 2, 1)).pins["vsense"]
        for layer, half in (((65, 44), 0.3), ((94, 20), 0.5), ((66, 44), 0.085), ((67, 20), 0.3), ((67, 44), 0.085),
                            ((68, 20), 0.3), ((68, 44), 0.075), ((69, 20), 0.3)):  # fmt: skip
            top.shapes(layout.layer(*layer)).insert(
                kdb.DBox(pin.x - half, pin.y - half, pin.x + half, pin.y + half)
            )

    report = compare(changed(small_gds, tmp_path, tie), small_netlist)
    assert not report.matched
    assert "vsense,vss" in report.ports, report.ports


def test_lost_label(small_gds: Path, small_netlist: str, tmp_path: Path) -> None:
    def drop(layout: kdb.Layout, top: kdb.Cell) -> None:
        for index in layout.layer_indexes():
            for shape in [s for s in top.shapes(index).each(kdb.Shapes.STexts) if s.text_string == "vsense"]:
                shape.delete()

    report = compare(changed(small_gds, tmp_path, drop), small_netlist)
    assert "port vsense is not in the layout" in report.differences


def test_database_and_report(small_gds: Path, small_netlist: str, tmp_path: Path) -> None:
    """The database has named layers, and the schematic's names of devices and internal nets."""
    path = tmp_path / "network.lvsdb.gz"
    report = compare(small_gds, small_netlist, database=path)
    text = gzip.decompress(path.read_bytes()).decode()
    assert "layer(L" not in text
    for name in ("neuron_1_0_membrane", "dendrite_2_0", "neuron_2_0_misn", "synapse_1_1_0_mnm"):
        assert f"name({name})" in text
    report.write(tmp_path / "lvs.json")
    told = json.loads((tmp_path / "lvs.json").read_text())
    assert told["matched"] is True
    assert told["devices"] == report.device_count


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".subckt network a b\nR1 a b 100\n.ends", "R element"),
        (
            ".subckt network a b\nX1 a b a b sky130_fd_pr__nfet_01v8 w=1\n.ends",
            "w = 1.0, l = None: give numbers",
        ),
        (".subckt network a b\nX1 a b a b sky130_fd_pr__nfet_01v8 w=1 l=0.15 nf=2\n.ends", "nf = 2"),
        (".subckt network a b\nX1 a b a b sky130_fd_pr__nfet_01v8 w=1 l=0.15 m=1.5\n.ends", "m = 1.5"),
        (
            ".subckt other a b\nX1 a b a b sky130_fd_pr__nfet_01v8 w=1 l=0.15\n.ends",
            "no subcircuit 'network'",
        ),
    ],
)
def test_references_that_no_layout_is(small_gds: Path, text: str, message: str) -> None:
    with pytest.raises(LvsFailed, match=message):
        compare(small_gds, text)


def test_no_such_cell(small_gds: Path) -> None:
    with pytest.raises(LayoutError, match="no cell 'nothing'"):
        compare(small_gds, "", "nothing")


def test_a_call_of_what_is_not_defined_is_refused(small_gds: Path, small_netlist: str) -> None:
    with pytest.raises(LvsFailed, match="calls UNHEARD_OF, and defines no such subcircuit"):
        compare(small_gds, small_netlist.replace(".ends network", "Xmore vss vdd unheard_of\n.ends network"))
