"""The coded synapse as it is drawn: clean for every mask, the netlist of its own weights and of no others, one layer apart from those."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import klayout.db as kdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nonideal.circuits.cells.codes import coded_weights
from nonideal.circuits.cells.contract import Device
from nonideal.circuits.design import Design
from nonideal.circuits.drc import check
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.extraction import ExtractionOptions, extract
from nonideal.circuits.layout.coded import coded, coded_height, coded_width
from nonideal.circuits.layout.errors import LayoutError, LvsFailed
from nonideal.circuits.layout.inventory import inventory
from nonideal.circuits.layout.mask import mask_differences
from nonideal.circuits.layout.network import leaf_cells, network
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare
from nonideal.circuits.network.correspondence import CorrespondenceError, partners
from nonideal.circuits.network.masked import tied, with_mask
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Biases, Circuit
from nonideal.circuits.units import unit_names
from nonideal.sky130_models.layers import LAYERS

Codes = tuple[Any, ...]


def design(**synapse: Any) -> Design:
    return Design.model_validate({"synapse": {"kind": "coded", **synapse}})


def masked(layers: tuple[int, ...], codes: Codes, circuit: Design) -> Topology:
    """``codes`` by layer, [neurons, axons]."""
    storage = coded_weights(circuit.contracts.synapse.storage)
    mask = tuple(tuple(tuple(storage.on(int(code)) for code in row) for row in layer) for layer in codes)
    return replace(Topology.of(layers, circuit), mask=mask)


def random_codes(layers: tuple[int, ...], seed: int, largest: int = 15) -> Codes:
    rng = np.random.default_rng(seed)
    return tuple(rng.integers(-largest, largest + 1, (b, a)) for a, b in pairwise(layers))


def drawn(topology: Topology, circuit: Design, folder: Path) -> Path:
    return write_gds(network(topology.layers, circuit, mask=topology.mask), folder / "network.gds")


@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(codes=st.lists(st.integers(-15, 15), min_size=6, max_size=6))
def test_every_mask_is_clean_and_its_own_netlist(tmp_path: Path, codes: list[int]) -> None:
    circuit = design()
    topology = masked(
        (2, 2, 1), (np.array(codes[:4]).reshape(2, 2), np.array(codes[4:]).reshape(1, 2)), circuit
    )
    gds = drawn(topology, circuit, tmp_path)
    drc, lvs = check(gds), compare(gds, schematic(topology, circuit))
    assert drc.clean, drc.summary()
    assert lvs.matched, lvs.differences
    assert {port.lower() for port in lvs.ports} == set(topology.ports)


def test_all_codes_side_by_side(tmp_path: Path) -> None:
    circuit, layers = design(bits=3), (5, 3)
    topology = masked(layers, ((np.arange(15) - 7).reshape(3, 5),), circuit)
    gds = drawn(topology, circuit, tmp_path)
    assert check(gds).clean
    report = compare(gds, schematic(topology, circuit))
    assert report.matched, report.differences


@pytest.mark.parametrize(
    "synapse",
    [
        {"bits": 2},
        {"bits": 3},
        {"bits": 5},
        {"bits": 3, "unit_n": {"w_um": 0.84, "l_um": 0.5}, "unit_p": {"w_um": 0.5, "l_um": 2.0}},
        {"bits": 2, "pull_p": {"w_um": 3.0, "l_um": 0.18}, "rest_n": {"w_um": 0.84, "l_um": 0.25}, "pull_n": {"w_um": 0.84, "l_um": 0.15}},
    ],
    ids=["2 bits", "3 bits", "5 bits", "units", "inverters"],
)  # fmt: skip
def test_other_bits_and_sizes(tmp_path: Path, synapse: dict[str, Any]) -> None:
    circuit, layers = design(**synapse), (2, 1)
    topology = masked(layers, random_codes(layers, 3, 2 ** synapse["bits"] - 1), circuit)
    gds = drawn(topology, circuit, tmp_path)
    drc, lvs = check(gds), compare(gds, schematic(topology, circuit))
    assert drc.clean, drc.summary()
    assert lvs.matched, lvs.differences


def test_one_layer_of_cuts_is_all_that_weights_change(tmp_path: Path) -> None:
    circuit, layers = design(), (3, 2)
    files = []
    for seed in (1, 2):
        (tmp_path / str(seed)).mkdir()
        files.append(
            drawn(masked(layers, random_codes(layers, seed), circuit), circuit, tmp_path / str(seed))
        )
    changed = []
    for layer in LAYERS.values():
        regions = []
        for file in files:
            layout = kdb.Layout()
            layout.read(str(file))
            shapes = layout.top_cell().begin_shapes_rec(layout.layer(layer.gds_layer, layer.drawing))
            regions.append(kdb.Region(shapes).merged())
        if not (regions[0] ^ regions[1]).is_empty():
            changed.append(layer.name)
    assert changed == ["mcon"]


def test_a_layout_of_other_weights_is_refused_by_the_synapse_that_has_them(tmp_path: Path) -> None:
    circuit, layers = design(), (3, 2)
    (codes,) = random_codes(layers, 1)
    other = codes.copy()
    other[1, 2] = 5 if codes[1, 2] != 5 else 6
    topology, wrong = masked(layers, (codes,), circuit), masked(layers, (other,), circuit)
    gds = drawn(wrong, circuit, tmp_path)
    report = compare(gds, schematic(topology, circuit))
    assert not report.matched
    block = network(layers, circuit, mask=topology.mask)
    found = mask_differences(gds, block, circuit.contracts.synapse.storage.ties, topology.mask or ())
    assert found
    assert all(one.startswith("synapse_1_2_1: the layout ties ") for one in found), found
    with pytest.raises(LvsFailed, match="synapse_1_2_1: the layout ties"):
        report.with_differences(found).require_match()
    assert mask_differences(gds, block, circuit.contracts.synapse.storage.ties, wrong.mask or ()) == []


def test_a_missing_and_a_double_cut_are_told(tmp_path: Path) -> None:
    circuit, layers = design(), (1, 1)
    topology = masked(layers, (np.array([[5]]),), circuit)
    gds = drawn(topology, circuit, tmp_path)
    block = network(layers, circuit, mask=topology.mask)
    _, rail = block.cuts["synapse_1_0_0 drive_n"]
    layout = kdb.Layout()
    layout.read(str(gds))
    top = layout.top_cell()
    top.flatten(True)
    mcon = layout.layer(LAYERS["mcon"].gds_layer, LAYERS["mcon"].drawing)
    top.shapes(mcon).insert(kdb.DBox(rail[0].x0, rail[0].y0, rail[0].x1, rail[0].y1))
    layout.write(str(gds))
    ties = circuit.contracts.synapse.storage.ties
    assert mask_differences(gds, block, ties, topology.mask or ()) == [
        "synapse_1_0_0: the layout ties drive_n to axon and vss, its weight to axon"
    ]
    assert not compare(gds, schematic(topology, circuit)).matched


def test_junctions_are_those_of_the_deck(tmp_path: Path) -> None:
    """Drains and sources of all units of a bank and of the fingers: a row ends in one region that nothing shares."""
    circuit = design()
    topology = masked((1, 1), (np.array([[15]]),), circuit)
    gds = drawn(topology, circuit, tmp_path)
    database = tmp_path / "network.lvsdb"
    compare(gds, schematic(topology, circuit), database=database)
    lvs = kdb.LayoutVsSchematic()
    lvs.read(str(database))
    there: dict[str, float] = {}
    for device in next(iter(lvs.netlist().each_circuit())).each_device():
        if device.device_class().has_parameter("AD"):
            there[device.name] = device.parameter("AD") + device.parameter("AS")
    wanted: dict[str, float] = defaultdict(float)
    have: dict[str, float] = defaultdict(float)
    for part in circuit.contracts.synapse.parts:
        if isinstance(part, Device) and part.units is not None:
            for name in unit_names(f"synapse_1_0_0_{part.path.lower()}", part.units):
                have[part.role] += there[name]
                wanted[part.role] += 2 * part.size.w_um * 0.145
    for role, area_um2 in wanted.items():
        assert have[role] == pytest.approx(area_um2, rel=0.09 if role.startswith("unit") else 0.6), role


@pytest.mark.parametrize(
    ("layers", "synapse"),
    [((3, 1), {"bits": 2}), ((1, 2), {"bits": 4}), ((1, 1), {"bits": 6}), ((2, 1), {"bits": 3, "switch": {"w_um": 0.42, "l_um": 0.25}})],
    ids=["2 bits", "4 bits", "6 bits", "switches"],
)  # fmt: skip
def test_latches_are_clean_and_their_netlist(
    tmp_path: Path, layers: tuple[int, ...], synapse: dict[str, Any]
) -> None:
    circuit = design(storage="latch", **synapse)
    topology = Topology.of(layers, circuit)
    gds = drawn(topology, circuit, tmp_path)
    drc, lvs = check(gds), compare(gds, schematic(topology, circuit))
    assert drc.clean, drc.summary()
    assert lvs.matched, lvs.differences
    assert {port.lower() for port in lvs.ports} == set(topology.ports)


def test_a_swapped_bit_line_is_no_match(tmp_path: Path) -> None:
    circuit = design(storage="latch", bits=2)
    topology = Topology.of((1, 1), circuit)
    block = network((1, 1), circuit)
    block.pins["bit_0_1_0"], block.pins["bit_1_1_0"] = block.pins["bit_1_1_0"], block.pins["bit_0_1_0"]
    report = compare(write_gds(block, tmp_path / "network.gds"), schematic(topology, circuit))
    assert not report.matched


def test_latches_extracted(tmp_path: Path) -> None:
    """Their nodes keep the names that states are set by."""
    circuit, layers = design(storage="latch", bits=2), (2, 1)
    topology = Topology.of(layers, circuit)
    gds = drawn(topology, circuit, tmp_path)
    report = compare(gds, schematic(topology, circuit), database=tmp_path / "network.lvsdb.gz")
    found = extract(tmp_path / "network.lvsdb.gz", topology.ports, report.device_count, folder=tmp_path)
    partners(found.netlist, topology, circuit)
    for latch in circuit.contracts.synapse.storage.latches.values():
        assert found.net_capacitance_F[f"synapse_1_1_0_{latch.q}"] > 0.3e-15


def test_less_room_than_needed_is_refused() -> None:
    sizes: Any = design().synapse
    with pytest.raises(LayoutError, match="is less than"):
        coded(sizes, width=coded_width(sizes) - 0.5)
    with pytest.raises(LayoutError, match="is less than"):
        coded(sizes, height=coded_height(sizes) - 0.1)


@pytest.mark.parametrize(
    ("storage", "most_um2", "synapse_um2"), [("mask", 15000, 120), ("latch", 25000, 300)]
)
def test_area_of_a_network(storage: str, most_um2: float, synapse_um2: float) -> None:
    """Of 5-5-5, without the generator: 3,400 um2 are left to it of what both may take."""
    circuit, layers = design(storage=storage), (5, 5, 5)
    assert inventory(network(layers, circuit)).area_um2 < most_um2 - 3400
    cells = leaf_cells(circuit)
    assert cells.pitch * cells.row_height < synapse_um2


@pytest.mark.parametrize("mode", ["CC", "RC"])
def test_extracted_before_the_mask_and_with_it(tmp_path: Path, mode: Any) -> None:
    """What was drawn without a mask, and gets one as a netlist, is what is drawn with it: device by device, and to the capacitance of cuts."""
    circuit, layers = design(bits=2), (2, 1)
    topology = masked(layers, (np.array([[3, -2]]),), circuit)
    netlists = []
    for one in (topology, topology.opened):
        folder = tmp_path / ("mask" if one is topology else "open")
        folder.mkdir()
        gds = drawn(one, circuit, folder)
        report = compare(gds, schematic(one, circuit), database=folder / "network.lvsdb.gz")
        assert report.matched, report.differences
        found = extract(
            folder / "network.lvsdb.gz",
            one.ports,
            report.device_count,
            folder=folder,
            options=ExtractionOptions(mode=mode),
        )
        partners(found.netlist, one, circuit)
        netlists.append(found)
    wired, opened = netlists
    put_on = tied(opened.netlist, topology)
    partners(put_on, topology, circuit)
    with pytest.raises(CorrespondenceError, match="synapse_1_0_0_MN0"):
        partners(put_on, masked(layers, (np.array([[2, -2]]),), circuit), circuit)
    assert set(put_on.ports) == set(wired.netlist.ports)
    blank = Topology.of(layers, circuit)
    biases = Biases("m", "", topology.mask)
    bench = Circuit(blank, circuit, opened.netlist.text(), "* models\n", 0.5)
    assert bench.opened
    assert bench.wired(biases).netlist == with_mask(opened.netlist.text(), topology)
    own = Circuit(topology, circuit, wired.netlist.text(), "* models\n", 0.5)
    assert own.wired(biases) is own
    with pytest.raises(CircuitError, match="has other weights wired in"):
        own.wired(replace(biases, mask=masked(layers, (np.array([[2, -2]]),), circuit).mask))
    assert wired.net_capacitance_F["dendrite_1_0"] == pytest.approx(
        opened.net_capacitance_F["dendrite_1_0"], rel=1e-3
    )
