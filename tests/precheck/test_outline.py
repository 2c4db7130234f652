"""Rules of the file as a whole: the valid tile keeps each, a broken one is found where it is broken."""

from __future__ import annotations

import sys
from pathlib import Path

import gdstk
import pytest

from nonideal.precheck import RULES, PrecheckError, TileFiles, precheck
from tests.precheck.tiles import NAME, TEMPLATE, draft, judge


def test_the_small_tile_keeps_every_rule(tmp_path: Path) -> None:
    found = precheck(draft().write(tmp_path), current_mA=1.0)
    assert found.passed
    assert {one.rule: one.found for one in found.rules if one.state == "fail"} == {}
    assert [one.rule for one in found.rules] == [rule.name for rule in RULES]
    assert [one.rule for one in found.rules if one.state == "not run"] == ["LVS"]
    assert (found.tile, found.template) == (NAME, "1x2")


def test_companions_may_be_missing_but_not_pass(tmp_path: Path) -> None:
    tile = draft()
    tile.lef = tile.info = ""
    found = precheck(tile.write(tmp_path))
    assert not found.passed
    files = found.rule("files")
    assert files.state == "fail"
    assert "cannot be read: LEF, info.yaml" in files.found
    assert "no such file" in files.found
    assert {found.rule(name).state for name in ("LEF size", "LEF pins", "info.yaml", "analog pins")} == {
        "not run"
    }
    assert found.rule("boundary").state == "pass"


def test_info_is_found_in_a_folder_above(tmp_path: Path) -> None:
    below = tmp_path / "gds"
    below.mkdir()
    files = draft().write(below)
    files.info.rename(tmp_path / "info.yaml")
    assert TileFiles.beside(files.gds).info == (tmp_path / "info.yaml").resolve()


def test_a_file_that_is_no_layout_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tt_um_text.gds"
    path.write_text("no layout", encoding="utf-8")
    with pytest.raises(PrecheckError, match=r"tt_um_text\.gds is no layout"):
        precheck(TileFiles.beside(path))


def test_a_second_top_cell_is_found(tmp_path: Path) -> None:
    tile = draft()
    tile.library.new_cell("other")
    found = judge(tile, tmp_path, "top cell")
    assert (found.state, found.found) == ("fail", f"2 top cells: other, {NAME}")


def test_a_top_cell_of_another_name_is_found(tmp_path: Path) -> None:
    tile = draft()
    tile.cell.name = "tt_um_other"
    assert judge(tile, tmp_path, "top cell").found == f"the top cell is tt_um_other, the file {NAME}"
    tile.cell.name = tile.name = "small"
    assert judge(tile, tmp_path, "top cell").found == "small does not begin with tt_um_"


@pytest.mark.parametrize("name", ["a#b", "a/b"])
def test_names_that_the_shuttle_refuses(tmp_path: Path, name: str) -> None:
    tile = draft()
    tile.cell.add(gdstk.Reference(tile.library.new_cell(name)))
    found = judge(tile, tmp_path, "cell names")
    assert (found.state, found.found) == ("fail", f"1 names: {name}")


def test_a_missing_boundary_is_found(tmp_path: Path) -> None:
    tile = draft()
    tile.drop(235, 4)
    assert judge(tile, tmp_path, "boundary").found == "no shape on prBoundary (235/4)"


def test_a_shape_outside_is_found_where_it_is(tmp_path: Path) -> None:
    tile = draft()
    tile.rect("met2", 100.0, 225.0, 101.0, 226.0)
    found = judge(tile, tmp_path, "boundary")
    assert found.state == "fail"
    (there,) = found.places
    assert (there.x_um, there.y_um) == (100.5, 225.5)
    assert there.what.startswith("69/20 reaches")


def test_a_label_outside_counts(tmp_path: Path) -> None:
    tile = draft()
    tile.cell.add(gdstk.Label("far", (-1, 3), layer=83, texttype=44))
    assert judge(tile, tmp_path, "boundary").state == "fail"


def test_a_boundary_that_begins_elsewhere_is_found(tmp_path: Path) -> None:
    tile = draft()
    for one in [*tile.cell.polygons, *tile.cell.labels]:
        if isinstance(one, gdstk.Label):
            one.origin = (one.origin[0] + 1, one.origin[1])
        else:
            one.translate(1, 0)
    assert judge(tile, tmp_path, "boundary").found == "the boundary begins at (1, 0)"


def test_a_size_of_no_template_is_found(tmp_path: Path) -> None:
    tile = draft()
    tile.drop(235, 4)
    tile.cell.add(gdstk.rectangle((0, 0), (161.0, 225.77), layer=235, datatype=4))
    found = judge(tile, tmp_path, "tile size")
    assert (found.state, found.found) == ("fail", "161 x 225.77 um")
    assert "1x2 161 x 225.76" in found.advice


def test_a_layer_that_the_process_has_not_is_found(tmp_path: Path) -> None:
    tile = draft()
    tile.cell.add(gdstk.rectangle((10, 10), (12, 14), layer=200, datatype=3))
    tile.cell.add(gdstk.Label("x", (20, 20), layer=71, texttype=77))
    found = judge(tile, tmp_path, "layers")
    assert (found.state, found.found) == ("fail", "not for a tile of this process: 71/77, 200/3")
    assert (11, 12) in {(one.x_um, one.y_um) for one in found.places}
    assert found.count == 2
    tile.cell.add(gdstk.rectangle((10, 10), (12, 14), layer=81, datatype=10))
    assert "areaid.moduleCut" in judge(tile, tmp_path, "layers").found


@pytest.mark.parametrize("datatype", [20, 16, 5])
def test_metal_5_is_found(tmp_path: Path, datatype: int) -> None:
    tile = draft()
    shape = (
        gdstk.Label("x", (80, 100), layer=72, texttype=5)
        if datatype == 5
        else gdstk.rectangle((79, 99), (81, 101), layer=72, datatype=datatype)
    )
    tile.cell.add(shape)
    found = judge(tile, tmp_path, "metal 5")
    assert found.state == "fail"
    assert (found.places[0].x_um, found.places[0].y_um) == (80, 100)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('top_module: "tt_um_small"', 'top_module: "tt_um_big"', "top_module is 'tt_um_big'"),
        ('tiles: "1x2"', 'tiles: "2x2"', "tiles is 2x2, the layout 1x2"),
        ('tiles: "1x2"', 'tiles: "9x9"', "tiles is '9x9', templates are 1x2"),
        ("uses_3v3: false", "uses_3v3: true", "uses_3v3 is set"),
    ],
)
def test_an_info_of_another_tile_is_found(tmp_path: Path, old: str, new: str, told: str) -> None:
    tile = draft()
    tile.info = tile.info.replace(old, new)
    found = judge(tile, tmp_path, "info.yaml")
    assert found.state == "fail"
    assert told in found.found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("project: [", "is no YAML"),
        ("project: 3", "has no mapping 'project'"),
        ("project: {analog_pins: many}\npinout: {}", "analog_pins = 'many'"),
        ("project: {supply_current_mA: -1}\npinout: {}", "supply_current_mA = -1"),
        (
            "project: {supply_current_mA: .nan}\npinout: {}",
            "supply_current_mA = nan: give mA, a number above 0",
        ),
        ("project: {supply_current_mA: true}\npinout: {}", "supply_current_mA = True"),
        ('project: {uses_3v3: "false"}\npinout: {}', "uses_3v3 = 'false': give true or false"),
        ("project: {tiles: 2020-99-99}\npinout: {}", "month must be in 1..12"),
        ("project: " + 1000 * "[", "nested too deeply"),
        ("project: {}\npinout: {a: [1, 2]}", "pinout.a is a list"),
    ],
)
def test_an_info_that_cannot_be_read_says_why(tmp_path: Path, text: str, told: str) -> None:
    tile = draft()
    tile.info = text
    assert told in judge(tile, tmp_path, "files").found


def test_a_machine_without_a_yaml_reader_is_no_fault_of_the_tile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ModuleNotFoundError, match=r"PyYAML .* pip install 'nonideal\[tapeout\]'"):
        judge(draft(), tmp_path, "files")


@pytest.mark.parametrize("current_mA", [0.0, -1.0, float("nan"), float("inf")])
def test_a_current_that_is_none_is_refused(tmp_path: Path, current_mA: float) -> None:
    with pytest.raises(PrecheckError, match=r"current \S+ mA: give a number above 0 \(--current\)"):
        judge(draft(), tmp_path, "supply current", current_mA=current_mA)


def test_a_tile_of_metres_is_judged_at_once(tmp_path: Path) -> None:
    tile = draft()
    tile.drop(235, 4)
    tile.cell.add(gdstk.rectangle((0, 0), (2e6, 2e6), layer=235, datatype=4))
    assert judge(tile, tmp_path, "density").found == "the tile has the size of no template (rule tile size)"


def test_the_template_is_that_of_the_boundary() -> None:
    assert (TEMPLATE.width_um, TEMPLATE.height_um) == (161.0, 225.76)
