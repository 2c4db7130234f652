"""The section on the error budget: the numbers of the file, and nothing where there is none."""

from __future__ import annotations

from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from nonideal.postlayout.budget import Budget, Entry, Groups
from nonideal.postlayout.terms import TERMS
from nonideal.report import write_report
from nonideal.report.error_budget import LABELS, budget_figure

NAN = float("nan")


def entry(name: str, kind: Any, change_s: float, rmse_s: float) -> Entry:
    """Hidden, output and given output apart by factors, so that no number stands for another."""
    return Entry(
        name,
        kind,
        Groups(1.1 * change_s, change_s, 1.2 * change_s),
        Groups(1.3 * rmse_s, rmse_s, 1.4 * rmse_s),
    )


@pytest.fixture
def budget() -> Budget:
    entries = (
        entry("spike_load", "term", 0.2e-9, 0.555e-9),
        entry("membrane_capacitance", "term", 21.7e-9, 22.3e-9),
        entry("coupling", "term", 0.0, 0.311e-9),
        entry("firing_fit", "residual", 0.123e-9, 0.45e-9),
        entry("numerical_floor", "residual", 0.0625e-9, 0.45e-9),
        entry("training_grid", "numerics", 0.321e-9, 0.654e-9),
    )
    whole = Groups(0.58e-9, 0.417e-9, 0.39e-9)
    return Budget(whole, entries, entry("all_terms", "term", 27.1e-9, 28.9e-9), (41, 27), grid_intervals=7)


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
    (ax,) = budget_figure("bottom_up", budget.summary(), 0.0625e-9).axes
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([21.7, 0.2, 0.123, 0.0])  # type: ignore[attr-defined]
    assert [line.get_xdata()[0] for line in ax.lines] == pytest.approx([0.417, 0.0625])  # type: ignore[index]


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
