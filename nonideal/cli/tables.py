"""Results of the stages as tables for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from nonideal.characterize.shift import Shifts
from nonideal.files.record import Document
from nonideal.postlayout.summary import JudgedLimit, ValidationSummary
from nonideal.runs.rundir import stage_of
from nonideal.runs.stage import Outcome
from nonideal.runs.summaries.characterization import CharacterizationSummary
from nonideal.runs.summaries.chips import CalibrationSummary, YieldSummary
from nonideal.runs.summaries.conditions import ConditionsSummary
from nonideal.runs.summaries.explore import ExploreSummary
from nonideal.runs.summaries.layout import ColumnsSummary, LayoutSummary
from nonideal.runs.summaries.netlist import WriteBackSummary
from nonideal.runs.summaries.training import TrainingSummary

if TYPE_CHECKING:
    from nonideal.report import blocks

_PREFIXES = ((1e-15, "f"), (1e-12, "p"), (1e-9, "n"), (1e-6, "u"), (1e-3, "m"), (1.0, ""))


def quantity(value: float, unit: str, digits: int = 4) -> str:
    """A value with an engineering prefix (1.4e-13, F -> 140 fF); units with a slash and numbers have none."""
    if value == 0 or not unit or "/" in unit:
        return f"{value:.{digits}g} {unit}".strip()
    factor, prefix = next(((f, p) for f, p in reversed(_PREFIXES) if abs(value) >= f), _PREFIXES[0])
    return f"{value / factor:.{digits}g} {prefix}{unit}"


def show(console: Console, outcome: Outcome) -> None:
    """Print an outcome: its table, where it lies, and how long it took."""
    render = RENDER.get(type(outcome.summary))
    if render is not None:
        console.print(render(outcome.summary))
    # A stage in folders of its own for netlists, as mismatch_pex-rc, is shown as the stage.
    if stage_of(outcome.stage) == "mismatch":
        console.print(_mismatch(outcome.folder / "model.json"))
    if isinstance(outcome.summary, ValidationSummary) and outcome.summary.spec:
        console.print(spec_table(outcome.summary.spec))
    state = "up to date" if outcome.skipped else f"{outcome.seconds:.1f} s"
    console.print(f"{outcome.stage}: {outcome.folder} ({state})")


def _of_report(found: blocks.Table) -> Table:
    """A table of the report on the terminal."""
    table = Table(title=found.title, caption=found.note)
    for index, heading in enumerate(found.columns):
        table.add_column(heading, justify="left" if index in found.left else "right")
    for row in found.rows:
        table.add_row(*row)
    return table


def _columns(summary: ColumnsSummary) -> RenderableType:
    from nonideal.report.columns import layout_line

    return "\n".join(map(layout_line, summary.columns))


def _characterization(summary: CharacterizationSummary) -> RenderableType:
    from nonideal.report.columns import column_table

    table = Table(title=f"physical model, corner {summary.corner}")
    table.add_column("parameter")
    table.add_column("value", justify="right")
    table.add_column("standard error", justify="right")
    for name, estimate in summary.parameters.items():
        unit = "" if estimate.unit == "1" else estimate.unit
        table.add_row(name, quantity(estimate.value, unit), quantity(estimate.stderr, unit, 2))
    for name in ("e_rev_positive_norm", "e_rev_negative_norm", "additivity_error"):
        table.add_row(name, quantity(getattr(summary, name), "", 3), "")
    table.add_row("unit_current_A", quantity(summary.unit_current_A, "A"), "")
    if not summary.columns:
        return table
    return Group(table, _of_report(column_table(summary.columns)))


def _mismatch(model: Path) -> RenderableType:
    """The spread that stands in the statistical model: more than its summary tells."""
    from nonideal.characterize.model import PhysicalModel
    from nonideal.report.spread import spread_tables

    return Group(*map(_of_report, spread_tables(PhysicalModel.load(model))))


def _shift(summary: Shifts) -> RenderableType:
    from nonideal.report.shift_table import shift_table

    return _of_report(shift_table(summary))


def _training(summary: TrainingSummary) -> RenderableType:
    from nonideal.report.shift_table import accuracy_table

    seen = accuracy_table(summary)
    return _accuracy(summary) if seen is None else Group(_accuracy(summary), _of_report(seen))


def _accuracy(summary: TrainingSummary) -> Table:
    table = Table(title=f"{summary.data_set}: accuracy on {summary.test_samples} held-out samples")
    table.add_column("variant")
    table.add_column("median of seeds", justify="right")
    table.add_column("lowest .. highest", justify="right")
    table.add_column("the one for silicon", justify="right")
    for name, variant in summary.variants.items():
        worst, best = variant.test_accuracy_span
        table.add_row(
            name,
            f"{100 * variant.test_accuracy_median:.1f} %",
            f"{100 * worst:.1f} .. {100 * best:.1f} %",
            f"{100 * variant.test_accuracy_first_seed:.1f} %",
        )
    return table


def _netlist(summary: WriteBackSummary) -> Table:
    table = Table(title="write-back")
    for heading in ("mapping", "layers", "synapses", "clipped", "off", "largest current"):
        table.add_column(heading, justify="left" if heading == "mapping" else "right")
    for name, mapping in summary.mappings.items():
        table.add_row(
            name,
            "-".join(map(str, mapping.layers)),
            str(mapping.synapses),
            str(mapping.clipped),
            "" if mapping.off is None else str(mapping.off),
            quantity(mapping.largest_current_A, "A", 3),
        )
    return table


def _layout(summary: LayoutSummary) -> Table:
    table = Table(title=f"layout {'-'.join(map(str, summary.layers))}")
    table.add_column("")
    table.add_column("found", justify="right")
    table.add_row("area", f"{summary.area_um2:.0f} um2")
    table.add_row("devices", str(summary.devices))
    table.add_row(f"DRC violations ({summary.drc_rules} rules)", str(summary.drc_violations))
    if summary.worst_antenna:
        table.add_row("nearest to an antenna rule", summary.worst_antenna)
    table.add_row("LVS", "match" if summary.lvs_matched else Text("DIFFERS", "red"))
    if summary.override:
        table.add_row("DRC and LVS", Text("overridden", "red"))
    found = summary.extraction
    if found is not None:
        table.add_row("extracted R, C", f"{found.resistors_extracted}, {found.capacitors_extracted}")
        table.add_row("R, C after reduction", f"{found.resistors}, {found.capacitors}")
        for net, span in (("dendrite", found.dendrite_F), ("membrane", found.membrane_F)):
            if span is not None:
                low, high = (quantity(farad, "F", 3) for farad in span)
                table.add_row(f"parasitics of a {net}", f"{low} .. {high}")
    return table


def _explore(summary: ExploreSummary) -> Table:
    from nonideal.report.explore_table import COLUMNS, NOTE, WORDS, cells

    column = f"a column of {summary.axons} axons on {summary.netlist}"
    table = Table(title=f"design choices, {column}, corner {summary.corner}", caption=NOTE)
    for heading in COLUMNS:
        table.add_column(heading, justify="left" if heading in WORDS else "right")
    for row in summary.choices:
        table.add_row(*cells(row), style="bold" if row.pareto else None)
    return table


def _conditions(summary: ConditionsSummary) -> RenderableType:
    from nonideal.report.condition_table import (
        check_table,
        chip_table,
        network_table,
        silicon_table,
        span_table,
    )

    tables = (network_table, silicon_table, span_table, check_table, chip_table)
    found = [table(summary) for table in tables]
    return Group(*(_of_report(one) for one in found if one.rows))


def _yield(summary: YieldSummary) -> RenderableType:
    from nonideal.report.chip_tables import yield_tables

    return Group(*map(_of_report, yield_tables(summary)))


def _calibration(summary: CalibrationSummary) -> RenderableType:
    from nonideal.report.chip_tables import calibration_table

    return _of_report(calibration_table([summary]))


def _validation(summary: ValidationSummary) -> Table:
    table = Table(title=f"{summary.samples} samples, {summary.netlist} netlist, corner {summary.corner}")
    table.add_column("")
    for name in summary.mappings:
        table.add_column(name, justify="right")
    mappings = list(summary.mappings.values())

    def row(name: str, cells: list[str]) -> None:
        table.add_row(name, *cells)

    for layer in ("hidden", "output"):
        row(f"RMSE {layer}", [_or_none(getattr(m.spike_time_rmse_s, layer), "s") for m in mappings])
    row("RMSE outputs in use", [_or_none(m.spike_time_rmse_used_outputs_s, "s") for m in mappings])
    row("largest error, output", [_or_none(m.spike_time_max_error_s.output, "s") for m in mappings])
    row("missed / extra spikes", [f"{m.missed_spikes} / {m.extra_spikes}" for m in mappings])
    row("accuracy, model", [_percent(m.accuracy_model) for m in mappings])
    row("accuracy, SPICE", [_percent(m.accuracy_spice) for m in mappings])
    row("energy per inference", [_or_none(m.energy_per_inference_J, "J") for m in mappings])
    row("failed samples", [str(m.failed_samples) for m in mappings])
    table.add_section()
    row("numerical floor", [_or_none(summary.numerical_floor_s, "s"), *[""] * (len(mappings) - 1)])
    row("CPU time per sample", [_or_none(summary.seconds_per_sample, "s", 3), *[""] * (len(mappings) - 1)])
    return table


def spec_table(limits: Sequence[JudgedLimit]) -> Table:
    """Parameter, limits, measured value, pass: one row for each limit of the experiment."""
    table = Table(title="specification")
    for heading in ("parameter", "min", "max", "measured", ""):
        table.add_column(heading, justify="left" if heading == "parameter" else "right")
    for one in limits:
        cells = [_or_none(value, one.unit, blank="") for value in (one.minimum, one.maximum)]
        verdict = Text("pass", "green") if one.passed else Text("FAIL", "red")
        table.add_row(one.parameter, *cells, _or_none(one.measured, one.unit), verdict)
    return table


def _or_none(value: float | None, unit: str, digits: int = 4, blank: str = "none") -> str:
    if value is None:
        return blank
    return _percent(value) if unit == "%" else quantity(value, unit, digits)


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{100 * value:.1f} %"


RENDER: dict[type[Document], Callable[[Any], RenderableType]] = {
    ColumnsSummary: _columns,
    CharacterizationSummary: _characterization,
    Shifts: _shift,
    TrainingSummary: _training,
    WriteBackSummary: _netlist,
    LayoutSummary: _layout,
    ValidationSummary: _validation,
    ExploreSummary: _explore,
    ConditionsSummary: _conditions,
    YieldSummary: _yield,
    CalibrationSummary: _calibration,
}
"""What is told -> how it is shown."""
