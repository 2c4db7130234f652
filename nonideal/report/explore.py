"""The ranking of design choices, where ``nonideal explore`` has made one: table and plot."""

from __future__ import annotations

import pandas as pd

from nonideal.characterize.explore_plot import pareto
from nonideal.report.blocks import Block, Picture
from nonideal.report.explore_table import explore_table
from nonideal.report.svg import inline_svg
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
        title = "Error, area and energy of design choices"
        caption = (
            "Filled: Pareto-optimal, no other choice is nowhere worse and somewhere better in error, area and energy. Lines join the "
            "values of one factor through the present design (star); bars are standard errors."
        )
        picture = Picture("explore", title, inline_svg(pareto(found), "explore", title), title, caption)
    except DAMAGE as error:
        raise ResultUnreadable(
            f"{file} cannot be read ({error}): remove it and run `{results.command('explore')}` again"
        ) from error
    return (picture, table)
