"""The table of ranked design choices, for the terminal and for the report."""

from __future__ import annotations

from collections.abc import Iterable

from nonideal.characterize.explore_plot import legend_line
from nonideal.report.table import Cell, Column, Table, numbers, words
from nonideal.report.units import NONE
from nonideal.runs.summaries.explore import ChoiceSummary

COLUMNS = (
    *words("Name", "Choice"),
    Column("Error, rms"),
    Column("Simple model's", unit="s", digits=3),
    Column("Jitter", unit="s", digits=3),
    *words("Accuracy under noise", "under noise and mismatch"),
    *numbers("λ_N (/V)", "λ_P (/V)"),
    Column("C_m", unit="F"),
    Column("V_dis_b"),
    Column("Unit current", unit="A"),
    Column("Spike load"),
    Column("Energy", unit="J", digits=3),
    Column("Area (µm²)"),
    *words("Pareto"),
)
NOTE = (
    "Error: spike times of random patterns, SPICE against the column's own model, told beforehand; simple model: one slope of "
    "current a sign, no charge, no coupling, no delay. Spike load: delay of a spike for every neuron that it drives. Jitter: of "
    "the same spikes by the choice's own noise, closed form, rms; accuracy: held-out, of a network trained on the choice (`--accuracy`), on the "
    "nominal chip and on drawn chips that nobody trimmed, mean over seeds and half of its 95 % "
    "interval. Energy of an inference and area are by neuron, input drivers included."
)


def explore_table(choices: Iterable[ChoiceSummary], title: str = "Design choices") -> Table:
    """One row a choice."""
    return Table(title, COLUMNS, tuple(map(_row, choices)), NOTE)


def _row(one: ChoiceSummary) -> tuple[Cell, ...]:
    """The last cell says whether it is Pareto-optimal, what dominates it, or why it has no numbers."""
    what = legend_line(one.model_dump())
    if one.check_rms_s is None:
        return (one.name, what, *[NONE] * (len(COLUMNS) - 3), f"refused: {one.problem}")
    return (
        one.name,
        what,
        _error(one.check_rms_s, one.check_rms_stderr_s)
        + (f", {one.unpaired_spikes:.0f} unpaired" if one.unpaired_spikes else ""),
        one.simple_rms_s,
        one.jitter_s,
        _share(one.noisy_accuracy, one.noisy_accuracy_half),
        _share(one.chip_accuracy, one.chip_accuracy_half),
        _fixed(one.lambda_N_per_V, ".3f"),
        _fixed(one.lambda_P_per_V, ".3f"),
        one.membrane_F,
        _fixed(one.vdis_V, ".4f", " V"),
        one.unit_current_A,
        NONE if one.spike_load_s is None else f"{1e12 * one.spike_load_s:.0f} ps",
        one.energy_per_neuron_J,
        _fixed(one.area_per_neuron_um2, ".0f"),
        _standing(one),
    )


def _error(rms_s: float, stderr_s: float | None) -> str:
    return f"{1e9 * rms_s:.3f} ns" if stderr_s is None else f"{1e9 * rms_s:.3f} ± {1e9 * stderr_s:.3f} ns"


def _share(value: float | None, half: float | None) -> str:
    if value is None:
        return NONE
    return f"{100 * value:.1f} %" if half is None else f"{100 * value:.1f} ± {100 * half:.1f} %"


def _fixed(value: float | None, shape: str, unit: str = "") -> str:
    return NONE if value is None else f"{value:{shape}}{unit}"


def _standing(one: ChoiceSummary) -> str:
    if one.pareto:
        return "optimal"
    return one.problem or f"dominated by {one.dominated_by}"
