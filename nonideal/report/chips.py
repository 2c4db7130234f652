"""Chips, where ``nonideal yield`` and ``nonideal calibrate`` have drawn some: yields, designs, what trimming takes."""

from __future__ import annotations

import pandas as pd

from nonideal.report.blocks import Block
from nonideal.report.chip_tables import (
    calibration_table,
    designs_table,
    spot_table,
    under_noise_table,
    yield_table,
)
from nonideal.report.yield_panel import design_panel, yield_panel
from nonideal.runs.errors import ResultUnreadable
from nonideal.runs.results import DAMAGE, Results
from nonideal.runs.rundir import SCHEMATIC, netlist_of_stage
from nonideal.runs.summaries.chips import YieldSummary


def chip_blocks(results: Results) -> tuple[Block, ...]:
    """What ``yield/`` and ``calibration/`` hold, on every netlist; empty where they hold nothing."""
    chips = tuple(results.calibrations.values())
    return (
        *(
            block
            for stage, summary in results.yields.items()
            for block in _yield_blocks(results, stage, summary)
        ),
        *((calibration_table(chips),) if chips else ()),
    )


def _yield_blocks(results: Results, stage: str, summary: YieldSummary) -> tuple[Block, ...]:
    folder, kind = results.path / stage, netlist_of_stage(stage)
    try:
        curves, bits = (pd.read_csv(folder / name) for name in ("yield.csv", "bits.csv"))
        on = "" if kind == SCHEMATIC else f" of the {kind} netlist"
        caption = (
            f"Shares of {summary.chips} chips in the fast model{on}, with their 95 % intervals; dotted: the loss that counts as good. "
            "As written: every bias as for the nominal chip. Trimmed: each chip measured and written anew."
        )
        title = "Yield" if kind == SCHEMATIC else f"Yield, {kind}"
        blocks: list[Block] = [
            yield_table(summary),
            yield_panel(stage, title, curves, bits, summary.accuracy_loss_max, caption),
        ]
        if summary.noisy_as_written is not None:
            blocks.append(under_noise_table(summary))
        if summary.spice is not None:
            blocks.append(spot_table(summary.spice))
        if summary.designs:
            shown = design_panel(
                summary.designs,
                "Every design as written and trimmed; bars are 95 % intervals, names stand beside the former.",
            )
            blocks += [designs_table(summary.designs), *(() if shown is None else (shown,))]
    except DAMAGE as error:
        raise ResultUnreadable(
            f"{folder} cannot be read ({error}): remove it and run `{results.command(stage)}` again"
        ) from error
    return tuple(blocks)
