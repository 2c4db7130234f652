"""Results of the stages as tables for people: the report's, on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import rich.table
from rich.console import Console
from rich.text import Text

from nonideal.runs.rundir import stage_of
from nonideal.runs.stage import Outcome
from nonideal.runs.summaries.layout import ColumnsSummary

if TYPE_CHECKING:
    from nonideal.files.record import Document
    from nonideal.report.table import Table

COLOURS = {"pass": "green", "fail": "red"}


def show(console: Console, outcome: Outcome) -> None:
    """Print an outcome: its tables, where it lies, and how long it took."""
    if isinstance(outcome.summary, ColumnsSummary):
        from nonideal.report.columns import layout_line

        for column in outcome.summary.columns:
            console.print(layout_line(column))
    for table in tables_of(outcome):
        console.print(on_terminal(table))
    state = "up to date" if outcome.skipped else f"{outcome.seconds:.1f} s"
    console.print(f"{outcome.stage}: {outcome.folder} ({state})")


def on_terminal(table: Table) -> rich.table.Table:
    """A table as rich draws it; states in colour."""
    drawn = rich.table.Table(title=table.title or None, caption=table.note or None)
    for column in table.columns:
        drawn.add_column(column.heading, justify="left" if column.left else "right")
    for row in table.shown:
        cells = zip(table.columns, row, strict=True)
        drawn.add_row(
            *(
                Text(cell, COLOURS.get(cell, "")) if column.holds == "states" else cell
                for column, cell in cells
            )
        )
    return drawn


def tables_of(outcome: Outcome) -> Iterable[Table]:
    """What is shown of a stage's results."""
    render = _renders().get(type(outcome.summary))
    if render is not None:
        yield from render(outcome.summary)
    # A stage in folders of its own for netlists, as mismatch_pex-rc, is shown as the stage; its model holds more than it tells.
    if stage_of(outcome.stage) == "mismatch":
        from nonideal.characterize.model import PhysicalModel
        from nonideal.report.spread import spread_tables

        yield from spread_tables(PhysicalModel.load(outcome.folder / "model.json"))


def _renders() -> dict[type[Document], Callable[[Any], Iterable[Table]]]:
    """What is told -> its tables."""
    from nonideal.characterize.shift import Shifts
    from nonideal.postlayout.summary import ValidationSummary
    from nonideal.report.chip_tables import calibration_table, yield_tables
    from nonideal.report.columns import column_table
    from nonideal.report.condition_table import condition_tables
    from nonideal.report.explore_table import explore_table
    from nonideal.report.noise_table import noise_tables
    from nonideal.report.shift_table import accuracy_table, shift_table
    from nonideal.report.stage_tables import layout_table, limits_table, netlists_table, parameters_table
    from nonideal.report.tables import mapping_table, training_table
    from nonideal.report.tapeout_table import tapeout_table, tile_simulation_table
    from nonideal.runs.summaries.characterization import CharacterizationSummary
    from nonideal.runs.summaries.chips import CalibrationSummary, YieldSummary
    from nonideal.runs.summaries.conditions import ConditionsSummary
    from nonideal.runs.summaries.explore import ExploreSummary
    from nonideal.runs.summaries.layout import LayoutSummary
    from nonideal.runs.summaries.netlist import WriteBackSummary
    from nonideal.runs.summaries.noise import NoiseSummary
    from nonideal.runs.summaries.tapeout import TapeoutSummary
    from nonideal.runs.summaries.tile_simulation import TileSimulationSummary
    from nonideal.runs.summaries.training import TrainingSummary

    def characterization(found: CharacterizationSummary) -> Iterable[Table]:
        yield parameters_table(found)
        if found.columns:
            yield column_table(found.columns)

    def training(found: TrainingSummary) -> Iterable[Table]:
        yield training_table(found)
        seen = accuracy_table(found)
        if seen is not None:
            yield seen

    def validation(found: ValidationSummary) -> Iterable[Table]:
        yield mapping_table(found)
        if found.spec:
            yield limits_table(found.spec)

    return {
        CharacterizationSummary: characterization,
        Shifts: lambda found: [shift_table(found)],
        TrainingSummary: training,
        WriteBackSummary: lambda found: [netlists_table(found)],
        LayoutSummary: lambda found: [layout_table(found)],
        ValidationSummary: validation,
        ExploreSummary: lambda found: [explore_table(found.choices, found.title)],
        ConditionsSummary: condition_tables,
        NoiseSummary: noise_tables,
        TapeoutSummary: lambda found: [tapeout_table(found)],
        TileSimulationSummary: lambda found: [tile_simulation_table(found)],
        YieldSummary: yield_tables,
        CalibrationSummary: lambda found: [calibration_table([found])],
    }
