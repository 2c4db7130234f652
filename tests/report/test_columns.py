"""The columns in the report and on the terminal."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from nonideal.characterize.column import Column
from nonideal.cli.tables import show
from nonideal.report import write_report
from nonideal.report.columns import column_blocks, column_table, layout_line
from nonideal.report.units import quantity
from nonideal.runs.stage import Outcome
from nonideal.runs.summaries.characterization import CharacterizationSummary
from nonideal.runs.summaries.layout import ColumnsSummary, LayoutSummary

LAYOUT: dict[str, Any] = {
    "layers": [5, 3], "area_um2": 1711.2, "devices": 144, "drc_violations": 0, "drc_rules": 121, "lvs_matched": True, "override": False,
    "extraction": {
        "extractor": "kpex", "mode": "RC", "resistors_extracted": 801, "capacitors_extracted": 942, "resistors": 265, "capacitors": 648,
    },
}  # fmt: skip


@pytest.fixture
def columns(column: Column) -> tuple[Column, ...]:
    small = {"axons": 3, "check_rms_s": 0.25e-9, "check_spikes": 15}
    return column.model_copy(update=small), column


def test_every_column_has_its_numbers_with_errors_and_units(columns: tuple[Column, ...]) -> None:
    table = column_table(columns)
    assert table.headings[2:] == ("3 axons", "5 axons")
    cells = {row[0]: row[2:] for row in table.rows}
    assert cells["netlist"] == ("pex-rc", "pex-rc")
    assert cells["C_m"][1] == "130.000 ± 0.020 fF"
    assert cells["q_on+"][1] == "-18.0 ± 5.0 aC"
    assert cells["check"] == ("0.25 ns (15 spikes)", "0.6 ns (12 spikes)")
    assert "no parameter was fitted to" in table.note
    assert quantity(-1.8e-17, "C", 2) == "-18 aC"


def test_the_report_says_of_what_extraction_its_errors_are(columns: tuple[Column, ...]) -> None:
    """Where columns were extracted, in which convention; nothing where nobody knows."""
    full = tuple(column.model_copy(update={"sidewall": "full"}) for column in columns)
    assert column_table(full).rows[0][2:] == ("pex-rc, sidewalls full",) * 2
    told = column_blocks(SimpleNamespace(model=SimpleNamespace(columns=full), columns=None))  # type: ignore[arg-type]
    assert "sidewalls full: bottom_up's errors tell how consistent the method is" in str(told[-1])
    silent = column_blocks(SimpleNamespace(model=SimpleNamespace(columns=columns), columns=None))  # type: ignore[arg-type]
    assert len(silent) == len(told) - 1


def test_a_layout_is_one_line() -> None:
    told = layout_line(LayoutSummary.model_validate(LAYOUT))
    for words in ("5 axons", "DRC 0 violations of 121 rules", "LVS matches", "265 R and 648 C"):
        assert words in told
    wrong = layout_line(LayoutSummary.model_validate(LAYOUT | {"lvs_matched": False, "override": True}))
    assert "LVS DIFFERS, overridden" in wrong


@pytest.mark.parametrize("measured", ["pex-rc", "schematic"])
def test_the_report_shows_the_layouts_of_what_was_measured(
    builder: Any, columns: tuple[Column, ...], model: Any, measured: str
) -> None:
    """Layouts that stand from before say nothing of columns measured on the schematic."""
    builder.folder("columns")
    builder.manifest("columns", summary={"netlist": "pex-rc", "columns": [LAYOUT]})
    found = tuple(column.model_copy(update={"netlist": measured}) for column in columns)
    builder.characterization(model().model_copy(update={"columns": found}))
    page = write_report(builder.path)[1].read_text()
    assert "no parameter was fitted to" in page
    assert "0.25 ns (15 spikes)" in page
    assert ("LVS matches" in page) == (measured == "pex-rc")


def test_the_terminal_shows_them_too(columns: tuple[Column, ...], tmp_path: Path) -> None:
    summary = {
        "corner": "tt", "parameters": {}, "e_rev_positive_norm": 2.8, "e_rev_negative_norm": -1.5, "additivity_error": 0.0,
        "unit_current_A": 1e-7, "columns": [column.model_dump(mode="json") for column in columns],
    }  # fmt: skip
    drawn = ColumnsSummary.model_validate({"columns": [LAYOUT]})
    told = CharacterizationSummary.model_validate(summary)
    with (tmp_path / "out").open("w") as file:
        console = Console(width=160, record=True, file=file)
        show(console, Outcome("columns", tmp_path, False, 1.0, True, drawn))
        show(console, Outcome("characterization", tmp_path, False, 1.0, True, told))
    text = console.export_text()
    for words in ("265 R and 648 C", "3 axons", "130.000 ± 0.020 fF", "no parameter was fitted to"):
        assert words in text
