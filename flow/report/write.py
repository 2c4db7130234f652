"""A run directory -> ``report.html`` and ``report.md`` in it."""

from __future__ import annotations

from pathlib import Path

from files import write_text
from flow.report.contents import build
from flow.report.page import html_page, markdown_page
from flow.report.results import load_results


def write_report(rundir_path: Path) -> tuple[Path, Path]:
    """Write the report on whatever stages were run; returns the paths of ``report.html`` and ``report.md``.

    Raises ``NothingToReport`` where no stage was run, ``ResultUnreadable`` where a file cannot be read.
    """
    report = build(load_results(rundir_path))
    page, text = rundir_path / "report.html", rundir_path / "report.md"
    write_text(page, html_page(report))
    write_text(text, markdown_page(report))
    return page, text
