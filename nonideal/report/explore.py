"""The ranking of design choices, where ``nonideal explore`` has made one: chart and table."""

from __future__ import annotations

import pandas as pd

from nonideal.report.blocks import Block
from nonideal.report.explore_panel import explore_panel
from nonideal.report.explore_table import explore_table
from nonideal.runs.errors import ResultUnreadable
from nonideal.runs.results import DAMAGE, Results
from nonideal.runs.summaries.explore import ChoiceSummary
from nonideal.runs.summaries.rows import known
from nonideal.stages.explore import TABLE


def explore_blocks(results: Results) -> tuple[Block, ...]:
    """What ``explore/`` holds; empty where it holds nothing."""
    file = results.path / "explore" / TABLE
    if not file.is_file():
        return ()
    try:
        found = pd.read_csv(file)
        words = ["overrides", "dominated_by", "problem"]
        found[words] = found[words].astype(object).fillna("")
        table = explore_table(ChoiceSummary.model_validate(row) for row in known(found))
        caption = (
            "Filled: Pareto-optimal, no other choice is nowhere worse and somewhere better in error, jitter, area and "
            "energy. Lines join the values of one factor through the present design (star), the broad grey one those that no other beats in "
            "the chart's two quantities; bars are standard errors of the error, 95 % intervals of accuracy."
        )
        panel = explore_panel(found, caption)
    except DAMAGE as error:
        raise ResultUnreadable(
            f"{file} cannot be read ({error}): remove it and run `{results.command('explore')}` again"
        ) from error
    return (table,) if panel is None else (panel, table)
