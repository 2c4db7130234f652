"""The design rule check finds nothing in the cells as drawn, and every rule of the table when its geometry is broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path

import klayout.db as kdb
import pytest
from klayout import rdb

from nonideal.circuits.design import Fet, SynapseSizes
from nonideal.circuits.drc import check, check_cell
from nonideal.circuits.drc.checks import violations
from nonideal.circuits.drc.regions import Regions, place
from nonideal.circuits.layout.crossbar import crossbar
from nonideal.circuits.layout.errors import DrcFailed, LayoutError
from nonideal.circuits.layout.network import network
from nonideal.circuits.layout.synapse import synapse
from nonideal.circuits.layout.write import write_gds
from nonideal.sky130_models.antenna import ANTENNA_RULES
from nonideal.sky130_models.layers import LAYERS
from nonideal.sky130_models.rules import RULES, Rule, rule

# Rules that no moved edge of these layouts can break: own geometry, as (layer, x0, y0, x1, y1) in um.
BROKEN: dict[str, list[tuple[str, float, float, float, float]]] = {
    "dnwell.2": [("dnwell", 0, 0, 2.99, 5)],
    "dnwell.3": [("dnwell", 0, 0, 5, 5), ("dnwell", 11.29, 0, 15, 5)],
    "nwell.6": [
        ("dnwell", 0, 0, 10, 10),
        ("nwell", 0, 0, 1, 10),
        ("nwell", 9.02, 0, 10, 10),
        ("nwell", 0, 0, 10, 1.1),
        ("nwell", 0, 8.9, 10, 10),
    ],
    "hvtr.1": [("hvtr", 0, 0, 0.37, 1)],
    "hvtr.2": [("hvtr", 0, 0, 1, 1), ("hvtp", 1.37, 0, 2, 1)],
    "hvi.1": [("hvi", 0, 0, 0.59, 1)],
    "hvi.2a": [("hvi", 0, 0, 1, 1), ("hvi", 1.69, 0, 3, 1)],
    "rpm.1a": [("rpm", 0, 0, 1.26, 2)],
    "rpm.2": [("rpm", 0, 0, 2, 2), ("rpm", 2.83, 0, 5, 2)],
    "urpm.1a": [("urpm", 0, 0, 1.26, 2)],
    "urpm.2": [("urpm", 0, 0, 2, 2), ("urpm", 2.83, 0, 5, 2)],
    "licon.5b": [("licon1", 0, 0, 0.17, 0.17), ("tap", -1, -1, 0.22, 1), ("diff", 0.22, -1, 1, 1)],
    "licon.13": [("licon1", 0, 0, 0.17, 0.17), ("diff", -1, -1, 1, 1), ("npc", 0.25, 0, 1, 1)],
    "nwell.1": [("nwell", 0, 0, 0.83, 2)],
    "npc.1": [("npc", 0, 0, 0.26, 1)],
    "ct.2": [("mcon", 0, 0, 0.17, 0.17), ("mcon", 0.35, 0, 0.52, 0.17)],
    "m1.1": [("met1", 0, 0, 0.13, 2)],
    "m2.6": [("met2", 0, 0, 0.25, 0.25)],
    "via.2": [("via", 0, 0, 0.15, 0.15), ("via", 0.31, 0, 0.46, 0.15)],
    "via2.2": [("via2", 0, 0, 0.2, 0.2), ("via2", 0.39, 0, 0.59, 0.2)],
    "via3.2": [("via3", 0, 0, 0.2, 0.2), ("via3", 0.39, 0, 0.59, 0.2)],
    "m5.2": [("met5", 0, 0, 3, 3), ("met5", 4.5, 0, 8, 3)],
    "cap2m.4": [("capm2", 0, 0, 3, 3), ("via4", 0.19, 1, 0.99, 1.8)],
    "nwell.2a": [("nwell", 0, 0, 2, 2), ("nwell", 3.2, 0, 5, 2)],
    "nwell.4": [("nwell", 0, 0, 2, 2)],
    "difftap.4": [("tap", 0, 0, 0.28, 2), ("diff", 0.28, 0, 1, 2)],
    "nsd.10b": [("tap", 0, 0, 0.2, 0.3)],
    "poly.11": [("diff", 0, 0, 1, 1), ("poly", 0.3, -1, 0.5, 0.5), ("poly", 0.3, 0.3, 2, 0.5)],
    "lvtn.2": [("lvtn", 0, 0, 1, 1), ("lvtn", 1.37, 0, 3, 1)],
    "lvtn.9": [("lvtn", 0, 0, 1, 1), ("hvtp", 1.37, 0, 3, 1)],
    "poly.1b": [
        ("nwell", -2, -2, 3, 3),
        ("lvtn", -1, -1, 2, 2),
        ("diff", 0, 0, 1, 1),
        ("poly", 0.3, -1, 0.64, 2),
    ],
    "lvtn.10": [("nwell", 0, 0, 3, 3), ("lvtn", 0.37, 1, 2, 2)],
    "lvtn.13": [("lvtn", 0, 0, 0.51, 0.51)],
    "lvtn.14": [
        ("lvtn", 0, 0, 2, 0.5),
        ("lvtn", 0, 1, 2, 2),
        ("lvtn", 0, 0, 0.5, 2),
        ("lvtn", 1, 0, 2, 2),
    ],
    "hvtp.2": [("hvtp", 0, 0, 1, 1), ("hvtp", 1.37, 0, 3, 1)],
    "licon.16": [("tap", 0, 0, 1, 1)],
    "licon.17": [("licon1", 0, 0, 0.17, 0.17), ("poly", -1, -1, 1, 0.05), ("diff", -1, 0.1, 1, 1)],
    "m1.3ab": [("met1", 0, 0, 4, 4), ("met1", 4.2, 0, 5, 1)],
    "m2.3ab": [("met2", 0, 0, 4, 4), ("met2", 4.2, 0, 5, 1)],
    "m3.3cd": [("met3", 0, 0, 4, 4), ("met3", 4.35, 0, 5, 1)],
    "m4.5ab": [("met4", 0, 0, 4, 4), ("met4", 4.35, 0, 5, 1)],
    "m1.7": [("met1", 0, 0, 1, 0.3), ("met1", 0, 0.6, 1, 1), ("met1", 0, 0, 0.3, 1), ("met1", 0.6, 0, 1, 1)],
    "m2.7": [("met2", 0, 0, 1, 0.3), ("met2", 0, 0.6, 1, 1), ("met2", 0, 0, 0.3, 1), ("met2", 0.6, 0, 1, 1)],
    "m3.7": [("met3", 0, 0, 1, 0.3), ("met3", 0, 0.7, 1, 1), ("met3", 0, 0, 0.3, 1), ("met3", 0.7, 0, 1, 1)],
    "m4.7": [("met4", 0, 0, 1, 0.3), ("met4", 0, 0.7, 1, 1), ("met4", 0, 0, 0.3, 1), ("met4", 0.7, 0, 1, 1)],
    "m3.6": [("met3", 0, 0, 0.48, 0.48)],
    "m4.4a": [("met4", 0, 0, 0.48, 0.48)],
    "m5.4": [("met5", 0, 0, 1.9, 1.9)],
    "via4.2": [("via4", 0, 0, 0.8, 0.8), ("via4", 1.5, 0, 2.3, 0.8)],
    "capm.1": [("capm", 0, 0, 0.99, 2)],
    "capm.2a": [("capm", 0, 0, 2, 2), ("capm", 2.8, 0, 5, 2)],
    "capm.2b": [("capm", 0, 0, 2, 2), ("met3", -0.2, -0.2, 2.2, 2.2), ("met3", 3.3, 0, 4, 1)],
    "capm.3": [("capm", 0, 0, 2, 2), ("met3", -0.13, -0.2, 2.2, 2.2)],
    "capm.4": [("capm", 0, 0, 2, 2), ("via3", 0.1, 0.5, 0.3, 0.7)],
    "capm.5": [("capm", 0, 0, 2, 2), ("via3", 2.1, 0.5, 2.3, 0.7)],
    "capm.8": [("capm", 0, 0, 2, 2), ("via2", 2.1, 0.5, 2.3, 0.7)],
    "capm.11": [("capm", 0, 0, 2, 2), ("met3", 2.4, 0.5, 3.3, 1.7)],
    "cap2m.1": [("capm2", 0, 0, 0.99, 2)],
    "cap2m.2a": [("capm2", 0, 0, 2, 2), ("capm2", 2.8, 0, 5, 2)],
    "cap2m.2b": [("capm2", 0, 0, 2, 2), ("met4", -0.2, -0.2, 2.2, 2.2), ("met4", 3.3, 0, 4, 1)],
    "cap2m.5": [("capm2", 0, 0, 2, 2), ("via4", 2.1, 0.5, 2.9, 1.3)],
    "cap2m.8": [("capm2", 0, 0, 2, 2), ("via3", 2.1, 0.5, 2.3, 0.7)],
    "cap2m.11": [("capm2", 0, 0, 2, 2), ("met4", 2.4, 0.5, 3.3, 1.7)],
    "LU.2": [("diff", 0, 0, 1, 1), ("nsdm", -1, -1, 2, 2), ("tap", 16.1, 0, 17, 1), ("psdm", 16, -1, 18, 2)],
    "LU.3": [("diff", 0, 0, 1, 1), ("psdm", -1, -1, 2, 2), ("tap", 16.1, 0, 17, 1), ("nsdm", 16, -1, 18, 2)],
}
NM = (20, 100, 400)


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> kdb.Layout:
    """A network of one synapse and one neuron, flat."""
    gds = write_gds(network((1, 1)), tmp_path_factory.mktemp("drc") / "network.gds")
    layout = kdb.Layout()
    layout.read(str(gds))
    layout.top_cell().flatten(True)
    return layout


def moved_edges(layout: kdb.Layout, names: list[str]) -> Iterator[None]:
    """The layout with one edge of one shape moved in or out, for every such edge in turn; it is put back afterwards."""
    top = layout.top_cell()
    for name in names:
        index = layout.find_layer(LAYERS[name].gds_layer, LAYERS[name].drawing)
        if index is None:
            continue
        shapes = top.shapes(index)
        boxes = sorted(
            (shape.bbox() for shape in shapes.each()), key=lambda b: (b.left, b.bottom, b.right, b.top)
        )
        try:
            for position, box in enumerate(boxes):
                for step, edge, way in product(NM, range(4), (1, -1)):
                    corners = [box.left, box.bottom, box.right, box.top]
                    corners[edge] += step * way
                    if corners[0] >= corners[2] or corners[1] >= corners[3]:
                        continue
                    shapes.clear()
                    for other, whole in enumerate(boxes):
                        shapes.insert(kdb.Box(*corners) if other == position else whole)
                    yield
        finally:
            shapes.clear()
            for box in boxes:
                shapes.insert(box)


def layers_of(one: Rule) -> list[str]:
    """The mask layers whose edges a rule is about."""
    words = f"{one.layer} {one.other or ''}"
    aliases = {
        "gate": ["poly", "diff"], "n+diff": ["diff", "nsdm"], "p+diff": ["diff", "psdm"], "n+tap": ["tap"], "p+tap": ["tap"],
        "licon_poly": ["licon1", "poly"], "licon_diff": ["licon1", "diff"], "licon": ["licon1"], "opposite_diff": ["diff", "nsdm"],
        "met4_plate": ["met4"], "all": ["met1"],
    }  # fmt: skip
    found: list[str] = []
    for word in words.replace("|", " ").replace("gate_W", "gate").split():
        found += aliases.get(word, [word] if word in LAYERS else [])
    return list(dict.fromkeys(found))


def test_network_is_clean(flat: kdb.Layout) -> None:
    report = check_cell(flat, flat.top_cell())
    assert report.clean, report.summary()
    assert len(report.rules) == len(RULES) + len(ANTENNA_RULES)


@pytest.mark.parametrize(
    "one",
    [r for r in RULES if r.name not in BROKEN and r.kind not in ("angle", "grid")],
    ids=lambda r: r.name,
)
def test_moved_edge_is_found(flat: kdb.Layout, one: Rule) -> None:
    assert violations(Regions(flat, flat.top_cell()), one).is_empty()
    with closing(moved_edges(flat, layers_of(one))) as moves:
        for _ in moves:
            if not violations(Regions(flat, flat.top_cell()), one).is_empty():
                return
    pytest.fail(f"no moved edge of {layers_of(one)} breaks {one.name}: is the check able to fail?")


@pytest.mark.parametrize("name", BROKEN)
def test_broken_geometry_is_found(name: str) -> None:
    layout = kdb.Layout()
    top = layout.create_cell("broken")
    for layer, *corners in BROKEN[name]:
        top.shapes(layout.layer(*place(layer))).insert(kdb.DBox(*corners))
    assert not violations(Regions(layout, top), rule(name)).is_empty()


def test_edges_askew_are_found() -> None:
    layout = kdb.Layout()
    top = layout.create_cell("askew")
    corner = kdb.DPolygon([kdb.DPoint(0, 0), kdb.DPoint(0, 1), kdb.DPoint(1, 1)])
    top.shapes(layout.layer(*place("met1"))).insert(corner)
    regions = Regions(layout, top)
    assert violations(regions, rule("x.2")).is_empty()
    assert violations(regions, rule("x.3a")).is_empty()
    top.shapes(layout.layer(*place("poly"))).insert(corner)
    top.shapes(layout.layer(*place("met2"))).insert(
        kdb.DPolygon([kdb.DPoint(0, 0), kdb.DPoint(1, 3), kdb.DPoint(2, 0)])
    )
    regions = Regions(layout, top)
    assert violations(regions, rule("x.2")).count() == 1
    assert violations(regions, rule("x.3a")).count() == 1


def test_wide_metal_keeps_off_its_own_narrow_arm() -> None:
    layout = kdb.Layout()
    top = layout.create_cell("arm")
    for x0, y0, x1, y1 in ((0, 0, 4, 4), (4, 0, 5, 0.2), (4.2, 0, 5, 4)):
        top.shapes(layout.layer(*place("met1"))).insert(kdb.DBox(x0, y0, x1, y1))
    assert not violations(Regions(layout, top), rule("m1.3ab")).is_empty()


def test_contacts_of_precision_resistors_are_bars() -> None:
    layout = kdb.Layout()
    top = layout.create_cell("resistor")
    top.shapes(layout.layer(*place("licon1"))).insert(kdb.DBox(0, 0, 0.19, 2))
    assert not violations(Regions(layout, top), rule("licon.1")).is_empty()
    top.shapes(layout.layer(*place("rpm"))).insert(kdb.DBox(-1, -1, 1, 3))
    assert violations(Regions(layout, top), rule("licon.1")).is_empty()


def test_off_grid_is_found(flat: kdb.Layout) -> None:
    layout = kdb.Layout()
    top = layout.create_cell("off_grid")
    top.shapes(layout.layer(68, 20)).insert(kdb.Box(0, 0, 1002, 1000))
    report = check_cell(layout, top)
    assert [v.rule for v in report.violations] == ["x.1b"]


@pytest.mark.parametrize("w_um", [0.42, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("l_um", [0.15, 0.25, 0.5])
def test_synapses_of_any_size_are_clean(tmp_path: Path, w_um: float, l_um: float) -> None:
    fet, other = Fet(w_um=w_um, l_um=l_um), Fet(w_um=1.0, l_um=0.25)
    sizes = SynapseSizes(memory_n=other, select_n=fet, memory_p=fet, select_p=other)
    report = check(write_gds(crossbar(3, 2, sizes), tmp_path / "crossbar.gds"))
    assert report.clean, report.summary()


def test_reports(tmp_path: Path) -> None:
    block = synapse()
    block.rect("met1", 0.05, 1.4, 0.15, 2.4)
    report = check(write_gds(block, tmp_path / "synapse.gds"))
    with pytest.raises(DrcFailed, match=r"m1\.1 x 1"):
        report.require_clean()
    report.write(tmp_path / "drc.json")
    told = json.loads((tmp_path / "drc.json").read_text())
    assert told["violations"] == report.count > 0
    (width,) = [found for found in told["by_rule"] if found["rule"] == "m1.1"]
    assert width["count"] == 1
    assert width["boxes_um"][0] == pytest.approx([0.05, 1.4, 0.15, 2.4], abs=0.01)
    report.write_markers(tmp_path / "drc.lyrdb")
    database = rdb.ReportDatabase("read back")
    database.load(str(tmp_path / "drc.lyrdb"))
    assert database.num_items() == report.count


def test_an_empty_cell_is_no_clean_layout(tmp_path: Path) -> None:
    layout = kdb.Layout()
    top = layout.create_cell("empty")
    with pytest.raises(LayoutError, match="nothing to check"):
        check_cell(layout, top)
