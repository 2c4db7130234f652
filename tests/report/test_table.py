"""One table in three forms: on the terminal, in HTML, as Markdown."""

from __future__ import annotations

import io
import re
from html import unescape

import pytest

from nonideal.cli.tables import on_terminal
from nonideal.report.blocks import Report, Section
from nonideal.report.markdown import markdown_page
from nonideal.report.page import html_page
from nonideal.report.table import Column, Table, numbers, states, words
from nonideal.runs.terminal import console_for

TABLE = Table(
    "Spikes",
    (*words("Layer"), *numbers("RMSE", unit="s", digits=3), *numbers("Count"), *states("Pass")),
    (("output <1>", 1.97e-9, 12345, "pass"), ("[hidden]", None, 0, "fail"), ("a | b", "n/a", None, "")),
    note="A note.",
)
CELLS = (
    ("output <1>", "1.97 ns", "12345", "pass"),
    ("[hidden]", "none", "0", "fail"),
    ("a | b", "n/a", "none", ""),
)


@pytest.fixture
def report() -> Report:
    sections = (Section("s", "S", (TABLE,)),)
    return Report("t", "e", "h", "l", "v", "pass", tiles=(), sections=sections)


def test_cells_are_shown_in_the_units_of_their_columns() -> None:
    assert TABLE.shown == CELLS
    assert TABLE.headings == ("Layer", "RMSE", "Count", "Pass")
    assert Column("x", unit="%", digits=3).shown(0.9412) == "94.1 %"


def test_every_row_has_a_cell_for_every_column() -> None:
    with pytest.raises(ValueError, match="zip"):
        _ = Table("", words("a", "b"), (("only one",),)).shown


def test_html(report: Report) -> None:
    page = html_page(report)
    rows = re.findall(r"<tr>(.*?)</tr>", page.partition("<tbody>")[2])
    assert [
        tuple(unescape(cell) for cell in re.findall(r">([^<>]*)(?:</span>)?</td>", row)) for row in rows
    ] == [(state, *rest) for *rest, state in CELLS], "the state stands first"
    assert '<th class="n">RMSE</th>' in page
    assert "<th>Layer</th>" in page
    assert '<span class="badge fail">fail</span>' in page


def test_markdown(report: Report) -> None:
    lines = markdown_page(report).splitlines()
    at = lines.index("| Layer | RMSE | Count | Pass |")
    assert lines[at + 1] == "| --- | ---: | ---: | --- |"
    assert lines[at + 2] == "| output &lt;1&gt; | 1.97 ns | 12345 | pass |"
    assert lines[at + 4] == r"| a \| b | n/a | none |  |"


def test_terminal() -> None:
    file = io.StringIO()
    console_for(stderr=False, file=file).print(on_terminal(TABLE))
    shown = [
        tuple(cell.strip() for cell in line.split("│")[1:-1])
        for line in file.getvalue().splitlines()
        if "│" in line
    ]
    assert shown == list(CELLS)
    assert "A note." in file.getvalue()
