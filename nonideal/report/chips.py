"""Chips, where ``nonideal yield`` and ``nonideal calibrate`` have drawn some: yields, designs, what trimming takes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from nonideal.chips.design_plot import design_figure
from nonideal.chips.yield_plot import yield_figure
from nonideal.files import read_json
from nonideal.report.blocks import Block, Picture
from nonideal.report.chip_tables import calibration_table, designs_table, spot_table, yield_table
from nonideal.report.svg import inline_svg
from nonideal.runs.errors import ResultUnreadable
from nonideal.runs.results import DAMAGE, Results
from nonideal.runs.rundir import CALIBRATION, SCHEMATIC, netlist_of_stage, stage_of


def chip_blocks(results: Results) -> tuple[Block, ...]:
    """What ``yield/`` and ``calibration/`` hold, on every netlist; empty where they hold nothing."""
    yields = (stage for stage in results.stages if stage_of(stage) == "yield")
    return (
        *(block for stage in yields for block in _yield_blocks(results, stage)),
        *_calibration_blocks(results),
    )


def _yield_blocks(results: Results, stage: str) -> tuple[Block, ...]:
    folder, kind = results.path / stage, netlist_of_stage(stage)
    if not (folder / "summary.json").is_file():
        return ()
    try:
        summary = read_json(folder / "summary.json")
        curves, bits = (pd.read_csv(folder / name) for name in ("yield.csv", "bits.csv"))
        title = "Yield against accuracy loss, and against the converters' bits"
        on = "" if kind == SCHEMATIC else f" of the {kind} netlist"
        caption = (
            f"Shares of {summary['chips']} chips in the fast model{on}, with their 95 % intervals; dotted: the loss that counts as good. "
            "As written: every bias as for the nominal chip. Trimmed: each chip measured and written anew."
        )
        markup = inline_svg(yield_figure(curves, bits, summary["accuracy_loss_max"]), stage, title)
        blocks: list[Block] = [
            yield_table(summary),
            Picture(stage, "Yield" if kind == SCHEMATIC else f"Yield, {kind}", markup, title, caption),
        ]
        if summary.get("spice"):
            blocks.append(spot_table(summary["spice"]))
        if summary.get("designs"):
            blocks += [designs_table(summary["designs"]), *_design_picture(summary["designs"])]
    except DAMAGE as error:
        raise ResultUnreadable(
            f"{folder} cannot be read ({error}): remove it and run `{results.command(stage)}` again"
        ) from error
    return tuple(blocks)


def _design_picture(designs: list[dict[str, Any]]) -> tuple[Picture, ...]:
    known = pd.DataFrame([one for one in designs if not one["problem"]])
    if known.empty:
        return ()
    title = "Yield of designs against the area of their synapses"
    caption = "Every design as written and trimmed; bars are 95 % intervals, names stand beside the former."
    return (
        Picture(
            "designs", "Area and yield", inline_svg(design_figure(known), "designs", title), title, caption
        ),
    )


def _calibration_blocks(results: Results) -> tuple[Block, ...]:
    chips = []
    for stage in results.stages:
        file = results.path / stage / "summary.json"
        if stage_of(stage) == CALIBRATION and file.is_file():
            try:
                chips.append(read_json(file))
                table = calibration_table(chips)
            except DAMAGE as error:
                raise ResultUnreadable(
                    f"{file.parent} cannot be read ({error}): remove it and run `{results.command(stage)}` again"
                ) from error
    return (table,) if chips else ()
