"""A run directory -> ``report.html`` and ``report.md`` in it."""

from __future__ import annotations

from pathlib import Path

from nonideal.files import write_text
from nonideal.report.contents import build
from nonideal.report.markdown import markdown_page
from nonideal.report.page import html_page
from nonideal.runs.errors import ResultAltered, ResultUnreadable
from nonideal.runs.results import DAMAGE, load_results


def write_report(rundir_path: Path, asked: str = "") -> tuple[Path, Path]:
    """Write the report on whatever stages were run; returns the paths of ``report.html`` and ``report.md``.

    ``asked``: what commands on this directory have on their line, where no stage recorded it.

    Raises ``NothingToReport`` where no stage was run, ``ResultUnreadable`` where a file cannot be read, and ``ResultAltered``, once the
    report is written, where files are not what their stages made.
    """
    results = load_results(rundir_path, asked)
    try:
        report = build(results)
        html, markdown = html_page(report), markdown_page(report)
    except ResultUnreadable:
        raise
    except DAMAGE as error:
        suspects = [one.file for one in results.altered]
        suspects += [
            f"{one}/ (not complete)"
            for one in results.stages
            if results.has(one) and not results.complete(one)
        ]
        if not suspects:
            raise  # whole files that this program wrote itself: a defect
        raise ResultUnreadable(
            f"{rundir_path} holds results that cannot be shown ({type(error).__name__}: {error}), by all signs in {', '.join(suspects)}: "
            "run the stage again"
        ) from error
    page, text = rundir_path / "report.html", rundir_path / "report.md"
    write_text(page, html)
    write_text(text, markdown)
    if results.altered:
        told = "; ".join(f"{one.file} {one.what}: run `{one.command}` again" for one in results.altered)
        raise ResultAltered(f"{page} is written, but shows files that are not what their stages made: {told}")
    return page, text
