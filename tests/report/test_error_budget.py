"""The section on the error budget: the numbers of the file, and nothing where there is none."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from nonideal.postlayout.budget import Budget, Groups
from nonideal.postlayout.terms import TERMS
from nonideal.report import write_report
from nonideal.report.budget_panel import budget_panel
from nonideal.report.error_budget import LABELS

NAN = float("nan")


def page(builder: Any, row: Any, budget: Any) -> tuple[str, str]:
    builder.characterization().validation({"pnn": row(3e-9), "bottom_up": row(0.417e-9, error_budget=budget)})
    html, markdown = write_report(builder.path)
    return unescape(html.read_text(encoding="utf-8")), markdown.read_text(encoding="utf-8")


def test_the_section_shows_the_files_numbers(builder: Any, row: Any, budget: Budget) -> None:
    html, markdown = page(builder, row, budget.summary().as_json())
    assert 'id="error-budget"' in html
    for shown in (
        "21.7 ns", "22.3 ns", "0.555 ns", "0.123 ns", "27.1 ns", "28.9 ns", "0.321 ns", "0.654 ns", "41 hidden and 27 output", "7 intervals",
        "nearer to SPICE: coupling between neighbouring columns.",
    ):  # fmt: skip
        assert shown in html, shown
        assert shown in markdown, shown
    remainder = (0.417**2 - 0.123**2 - 0.0625**2) ** 0.5
    assert f"{remainder:.3g} ns" in html
    assert "1 of 3 effects are larger" in html


def test_the_largest_effect_comes_first(builder: Any, row: Any, budget: Budget) -> None:
    _, markdown = page(builder, row, budget.summary().as_json())
    part = markdown[markdown.index("What the model forgets") :]
    assert (
        part.index(LABELS["membrane_capacitance"])
        < part.index(LABELS["spike_load"])
        < part.index(LABELS["coupling"])
    )


def test_bars_and_lines(budget: Budget) -> None:
    """The largest effect above; one that moves nothing has its number at the start of the axis."""
    panel = budget_panel("budget", "bottom_up", budget.summary(), 0.0625e-9, "told", lambda one: one.name)
    (chart,) = panel.charts
    terms, residuals = chart.traces[:2]
    start = 0.5 * 0.0625
    assert dict(zip(terms["y"], terms["x"], strict=True)) == pytest.approx(
        {"membrane_capacitance": 21.7, "spike_load": 0.2, "coupling": start}
    )
    assert dict(zip(residuals["y"], residuals["x"], strict=True)) == pytest.approx({"firing_fit": 0.123})
    assert terms["text"] == ["21.7 ns", "0.2 ns", "0 ns"]
    assert chart.layout["yaxis"]["categoryarray"] == [
        "membrane_capacitance", "spike_load", "firing_fit", "coupling",
    ]  # fmt: skip
    assert 10 ** chart.layout["xaxis"]["range"][0] == pytest.approx(start)
    assert [shape["x0"] for shape in chart.layout["shapes"]] == pytest.approx([0.417, 0.0625])
    assert [trace["name"] for trace in chart.traces[2:]] == [
        "RMSE of the whole model, 0.417 ns", "numerical floor, 0.0625 ns",
    ]  # fmt: skip


def test_every_mapping_has_a_figure_of_its_own(builder: Any, row: Any, budget: Budget) -> None:
    told = budget.summary().as_json()
    builder.characterization().validation({n: row(1e-9, error_budget=told) for n in ("bottom_up", "other")})
    html = write_report(builder.path)[0].read_text(encoding="utf-8")
    names = re.findall(r'<figure class="panel" id="(error-budget[^"]*)"', html)
    assert len(names) == len(set(names)) == 2


def test_without_a_budget_there_is_no_section(builder: Any, row: Any) -> None:
    builder.characterization().validation({"bottom_up": row(1e-9)})
    assert "error-budget" not in write_report(builder.path)[0].read_text(encoding="utf-8")


def test_nothing_compared_is_said(builder: Any, row: Any, budget: Budget) -> None:
    empty = Groups(NAN, NAN, NAN)
    entries = tuple(replace(e, change=empty, rmse=empty) for e in budget.entries)
    html, _ = page(
        builder, row, replace(budget, rmse=empty, entries=entries, together=entries[0]).summary().as_json()
    )
    assert "nothing to compare" in html


def test_every_term_has_a_name() -> None:
    assert set(TERMS) <= set(LABELS)
