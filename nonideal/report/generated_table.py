"""The conditions of a network whose biases a generator makes, as a table."""

from __future__ import annotations

from nonideal.report.table import Cell, Column, Table, numbers, words
from nonideal.runs.summaries.conditions import ConditionsSummary


def generated_table(summary: ConditionsSummary) -> Table:
    """What the generator makes in every condition, and what the network does on it."""
    rows: list[tuple[Cell, ...]] = [
        (
            row.label,
            row.replica_s,
            _share(row.kept_unit_ratio_N),
            _share(row.kept_unit_ratio_P),
            _share(row.common_ratio),
            row.static_A,
            row.waiting_A,
            row.kept_accuracy,
            row.kept_hidden_change_s,
            row.kept_output_change_s,
            _counts(row.kept_lost, row.kept_gained),
            row.problem,
        )
        for row in summary.conditions
    ]
    return Table(
        f"The network ({summary.mapping}) on its bias generator, by condition",
        (
            *words("Condition"),
            Column("Replica fires", unit="s", digits=4),
            *numbers("Unit N", "Unit P", "Common current"),
            Column("Supply, at rest", unit="A", digits=3),
            Column("Codes that wait", unit="A", digits=2),
            Column("Accuracy", unit="%", digits=3),
            Column("Hidden spikes move", unit="s", digits=3),
            Column("Output spikes move", unit="s", digits=3),
            Column("lost / gained"),
            *words("Why not"),
        ),
        tuple(rows),
        note=f"Nothing written or derived anew: the generator's lines with its loop closed, V_0 following the supply. Currents are relative to home "
        f"({summary.home}). Fast model of home with what each condition's silicon does otherwise, {summary.samples} held-out samples; move: rms "
        "against home.",
    )


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _counts(lost: float | None, gained: float | None) -> str:
    return "" if lost is None or gained is None else f"{lost:.0f} / {gained:.0f}"
