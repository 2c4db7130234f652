"""The table of ranked design choices as text, for the terminal and for the report."""

from __future__ import annotations

from nonideal.characterize.explore_plot import legend_line
from nonideal.report.units import NONE, quantity
from nonideal.runs.summaries.explore import ChoiceSummary

COLUMNS = (
    "Name",
    "Choice",
    "Error, rms",
    "Simple model's",
    "λ_N (/V)",
    "λ_P (/V)",
    "C_m",
    "V_dis_b",
    "Unit current",
    "Spike load",
    "Energy",
    "Area (µm²)",
    "Pareto",
)
WORDS = ("Name", "Choice", "Pareto")
"""Columns that hold words."""
NOTE = (
    "Error: spike times of random patterns, SPICE against the column's own model, told beforehand; simple model: one slope of "
    "current a sign, no charge, no coupling, no delay. Spike load: delay of a spike for every neuron that it drives. Energy of "
    "an inference and area are by neuron, input drivers included."
)


def cells(row: ChoiceSummary) -> tuple[str, ...]:
    """One choice; the last cell says whether it is Pareto-optimal, what dominates it, or why it has no numbers."""
    what = legend_line(row.model_dump())
    if row.check_rms_s is None:
        return (row.name, what, *[NONE] * (len(COLUMNS) - 3), f"refused: {row.problem}")
    return (
        row.name,
        what,
        _error(row.check_rms_s, row.check_rms_stderr_s)
        + (f", {row.unpaired_spikes:.0f} unpaired" if row.unpaired_spikes else ""),
        quantity(row.simple_rms_s, "s", 3),
        _number(row.lambda_N_per_V, ".3f"),
        _number(row.lambda_P_per_V, ".3f"),
        quantity(row.membrane_F, "F"),
        _number(row.vdis_V, ".4f", " V"),
        quantity(row.unit_current_A, "A"),
        NONE if row.spike_load_s is None else f"{1e12 * row.spike_load_s:.0f} ps",
        quantity(row.energy_per_neuron_J, "J", 3),
        _number(row.area_per_neuron_um2, ".0f"),
        _standing(row),
    )


def _error(rms_s: float, stderr_s: float | None) -> str:
    return f"{1e9 * rms_s:.3f} ns" if stderr_s is None else f"{1e9 * rms_s:.3f} ± {1e9 * stderr_s:.3f} ns"


def _number(value: float | None, shape: str, unit: str = "") -> str:
    return NONE if value is None else f"{value:{shape}}{unit}"


def _standing(row: ChoiceSummary) -> str:
    if row.pareto:
        return "optimal"
    return row.problem or f"dominated by {row.dominated_by}"
