"""Corners, temperatures and supplies, where ``nonideal conditions`` has been there: maps and tables."""

from __future__ import annotations

import pandas as pd

from nonideal.report.blocks import Block
from nonideal.report.condition_panel import condition_panel, supply_panel
from nonideal.report.condition_table import condition_tables
from nonideal.runs.errors import ResultUnreadable
from nonideal.runs.results import DAMAGE, Results
from nonideal.stages.conditions import TABLE


def condition_blocks(results: Results) -> tuple[Block, ...]:
    """What ``conditions/`` holds; empty where it holds nothing."""
    folder = results.path / "conditions"
    summary = results.conditions
    if not (folder / TABLE).is_file() or summary is None:
        return ()
    if summary.generated:
        return condition_tables(summary)
    try:
        title = "The network by corner and temperature"
        caption = (
            f"Above: accuracy of the fast model on {summary.samples} held-out samples, with every bias as it was written at "
            f"{summary.home} (framed) and with biases derived anew from the condition's own model. Below: how far spike times move "
            "against home, rms over the spikes that both have. None: the condition has no model, or no spike in common."
        )
        table = pd.read_csv(folder / TABLE)
        off = (
            "One supply at a time, by so much, everything else as at home: the same four maps. Biases are held against ground: a PMOS whose source "
            "is V_dd takes a change of V_dd for one of its bias."
        )
        panels = condition_panel(table, title, caption), supply_panel(table, "The network by supply", off)
        tables = condition_tables(summary)
    except DAMAGE as error:
        raise ResultUnreadable(
            f"{folder} cannot be read ({error}): remove it and run `{results.command('conditions')}` again"
        ) from error
    return (*(panel for panel in panels if panel is not None), *tables)
