"""`nonideal show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nonideal.cli.command import Panel, command
from nonideal.cli.options import Common, with_common
from nonideal.cli.output import console, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from nonideal.cli.inventory import Shown

COLOURS = {"current": "green", "stale": "yellow", "altered": "red", "unfinished": "yellow"}


@command("nonideal show iris", Panel.look)
@with_common
def show(common: Common) -> None:
    """List what a run directory holds: stages, when they were made, whether their results stand, main numbers, files to open.

    Stale: the experiment, the code, a tool or an input has changed since. Nothing is run, nothing is written.
    """
    from nonideal.cli.inventory import inventory
    from nonideal.cli.session import looking_at
    from nonideal.runs.results import list_results

    path, asked, opened = looking_at(common)
    results = list_results(path, asked)
    found = list(inventory(results, opened))
    report = path / "report.html"
    pages = [str(report)] if report.is_file() else []
    if common.as_json:
        print_json({"run_dir": str(path), "stages": [one.as_json() for one in found], "reports": pages})
        return
    say = console()
    say.print(_table(str(path), found))
    for one in found:
        if one.why and one.state != "current":
            say.print(f"{one.stage} is {one.state}: {one.why}", soft_wrap=True)
            say.print(f"  {one.command}", soft_wrap=True)
    for page in pages:
        say.print(f"report: {page}", soft_wrap=True)


def _table(title: str, found: list[Shown]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title)
    for heading in ("stage", "made (UTC)", "took", "", "main numbers", "open"):
        table.add_column(heading, justify="right" if heading == "took" else "left", overflow="fold")
    for one in found:
        state = Text(one.state, COLOURS.get(one.state, ""))
        if one.passed is not None:
            state.append("\npassed" if one.passed else "\nOUT OF SPEC", "" if one.passed else "red")
        table.add_row(
            one.stage,
            "" if one.made is None else one.made[:16].replace("T", " "),
            "" if one.seconds is None else f"{one.seconds:.0f} s",
            state,
            "\n".join(one.numbers),
            "\n".join(file.removeprefix(f"{title}/") for file in one.files[:4]),
            end_section=True,
        )
    return table
