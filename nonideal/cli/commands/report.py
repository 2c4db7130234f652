"""`nonideal report`."""

from __future__ import annotations

from nonideal.cli.command import Panel, command
from nonideal.cli.options import Common, SamplesOption, with_common
from nonideal.cli.output import finish


@command("nonideal report --experiment iris", Panel.look)
@with_common
def report(common: Common, *, samples: SamplesOption = None) -> None:
    """Write report.html and report.md on whatever stages were run."""
    with common.session(samples=samples) as opened:
        reports = opened.reports()
    finish([], common.as_json, reports)
