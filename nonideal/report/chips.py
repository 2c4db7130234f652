"""Chips, where ``nonideal yield`` and ``nonideal calibrate`` have drawn some: yields, designs, what trimming takes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from nonideal.chips.design_plot import design_figure
from nonideal.chips.yield_plot import yield_figure
from nonideal.report.blocks import Block, Picture
from nonideal.report.chip_tables import calibration_table, designs_table, spot_table, yield_table
from nonideal.report.svg import inline_svg
from nonideal.runs.errors import ResultUnreadable
from nonideal.runs.results import DAMAGE, Results
from nonideal.runs.rundir import SCHEMATIC, netlist_of_stage
from nonideal.runs.summaries.chips import DesignSummary, YieldSummary


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
        title = "Yield against accuracy loss, and against the converters' bits"
        on = "" if kind == SCHEMATIC else f" of the {kind} netlist"
        caption = (
            f"Shares of {summary.chips} chips in the fast model{on}, with their 95 % intervals; dotted: the loss that counts as good. "
            "As written: every bias as for the nominal chip. Trimmed: each chip measured and written anew."
        )
        markup = inline_svg(yield_figure(curves, bits, summary.accuracy_loss_max), stage, title)
        blocks: list[Block] = [
            yield_table(summary),
            Picture(stage, "Yield" if kind == SCHEMATIC else f"Yield, {kind}", markup, title, caption),
        ]
        if summary.spice is not None:
            blocks.append(spot_table(summary.spice))
        if summary.designs:
            blocks += [designs_table(summary.designs), *_design_picture(summary.designs)]
    except DAMAGE as error:
        raise ResultUnreadable(
            f"{folder} cannot be read ({error}): remove it and run `{results.command(stage)}` again"
        ) from error
    return tuple(blocks)


def _design_picture(designs: Sequence[DesignSummary]) -> tuple[Picture, ...]:
    known = pd.DataFrame([one.as_json() for one in designs if not one.problem])
    if known.empty:
        return ()
    title = "Yield of designs against the area of their synapses"
    caption = "Every design as written and trimmed; bars are 95 % intervals, names stand beside the former."
    return (
        Picture(
            "designs", "Area and yield", inline_svg(design_figure(known), "designs", title), title, caption
        ),
    )
