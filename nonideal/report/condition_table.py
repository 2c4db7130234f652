"""The conditions as tables, for the terminal and for the report: what the network does, supplies, the silicon, spans, checks in SPICE."""

from __future__ import annotations

from nonideal.circuits.supply_offsets import NAMES
from nonideal.conditions.spot_summary import ChipThere
from nonideal.report.generated_table import generated_table
from nonideal.report.table import Cell, Column, Table, numbers, words
from nonideal.report.units import NONE, quantity
from nonideal.runs.summaries.conditions import ConditionsSummary, ConditionSummary

SILICON = {
    "lambda_N_per_V": Column("λ_N (/V)", digits=3),
    "lambda_P_per_V": Column("λ_P (/V)", digits=3),
    "lambda_dis_per_V": Column("λ_dis (/V)", digits=3),
    "membrane_F": Column("C_m", unit="F"),
    "v_th_V": Column("V_th", unit="V", digits=3),
    "vdis_V": Column("V_dis_b", unit="V", digits=3),
    "vsense_V": Column("V_sense", unit="V", digits=3),
    "unit_current_A": Column("Unit current", unit="A"),
    "unit_bias_N_V": Column("Bias of +1", unit="V", digits=3),
    "unit_bias_P_V": Column("Bias of -1", unit="V"),
    "leakage_N_A": Column("Leakage of +1", unit="A", digits=2),
    "leakage_P_A": Column("Leakage of -1", unit="A", digits=2),
    "drift_low_V": Column("Drift at 0.5 V", unit="V", digits=2),
    "sensing_delay_s": Column("Sensing delay", unit="s", digits=3),
    "linearity_N_rms": Column("Linearity N", unit="%", digits=2),
    "linearity_P_rms": Column("Linearity P", unit="%", digits=2),
    "largest_weight_N": Column("Largest weight", digits=3),
    "largest_weight_P": Column("Smallest weight", digits=3),
    "check_rms_s": Column("Model's error", unit="s", digits=2),
}
"""Parameter -> its column."""


def _signed(name: str, value: float | None) -> float | None:
    """The P branch makes negative weights: its largest current is the smallest weight."""
    return -value if name == "largest_weight_P" and value is not None else value


def condition_tables(summary: ConditionsSummary) -> tuple[Table, ...]:
    """All of them; without those of what was not simulated."""
    if summary.generated:
        return (generated_table(summary),)
    found = (network_table, supply_table, noise_table, silicon_table, span_table, check_table, chip_table)
    return tuple(table for table in (one(summary) for one in found) if table.rows)


def silicon_table(summary: ConditionsSummary) -> Table:
    """Every condition's own model."""
    return Table(
        "Silicon by condition",
        (*words("Condition"), *SILICON.values(), *words("State")),
        tuple(
            (
                row.label,
                *(_signed(name, getattr(row, name)) for name in SILICON),
                row.problem or "characterised",
            )
            for row in summary.conditions
        ),
        note="Leakage: of a silent synapse of that weight at V_0. Drift: of a membrane that nothing is done to, in one phase. Model's "
        "error: random patterns on the condition's column, SPICE against its own model, rms.",
    )


def supply_table(summary: ConditionsSummary) -> Table:
    """How far spikes move with supplies that are off, and by how much for each millivolt."""
    rows: list[tuple[Cell, ...]] = []
    for row in summary.conditions:
        given = row.supplies.given
        if len(given) != 1:
            continue
        ((supply, by_V),) = given.items()
        rows.append(
            (
                NAMES[supply],
                f"{1e3 * by_V:+g} mV",
                row.kept_accuracy,
                row.kept_output_change_s,
                _per_mV(row.kept_hidden_change_s, by_V),
                _per_mV(row.kept_output_change_s, by_V),
                _counts(row.kept_lost, row.kept_gained),
                row.anew_accuracy,
                row.anew_output_change_s,
                _per_mV(row.anew_hidden_change_s, by_V),
                _per_mV(row.anew_output_change_s, by_V),
                row.problem or row.anew_problem or row.kept_problem,
            )
        )
    return Table(
        "Supplies that are off",
        (
            *words("Supply", "Off by"),
            Column("Accuracy, kept", unit="%", digits=3),
            Column("Outputs move, kept", unit="s", digits=3),
            *numbers("Hidden, ns/mV, kept", "Output, ns/mV, kept", "lost / gained"),
            Column("Accuracy, anew", unit="%", digits=3),
            Column("Outputs move, anew", unit="s", digits=3),
            *numbers("Hidden, ns/mV, anew", "Output, ns/mV, anew"),
            *words("Why not"),
        ),
        tuple(rows),
        note=f"One supply at a time, all others and the temperature as at home ({summary.home}). Kept: every bias as written, against ground. "
        "Anew: biases derived for that supply; V_sense itself stays off. Of each millivolt: how far spikes move, rms over those that "
        "both have, by how far the supply is off; an output's with what its hidden spikes bring along.",
    )


def span_table(summary: ConditionsSummary) -> Table:
    """Least, typical and largest value of every parameter."""
    rows = []
    for name, column in SILICON.items():
        span = summary.spans[name]
        values = (_signed(name, value) for value in (span.min, span.typ, span.max))
        rows.append((column.heading, *map(column.shown, values)))
    return Table(
        "Parameters over the conditions",
        (*words("Parameter"), *numbers("min", "typ", "max")),
        tuple(rows),
        note=f"Over the conditions that could be characterised; typ: {summary.home}.",
    )


def network_table(summary: ConditionsSummary) -> Table:
    """What the network does with its biases kept, and derived anew."""
    rows: list[tuple[Cell, ...]] = [
        (
            row.label,
            _ratio(row.kept_source_ratio),
            _ratio(row.kept_unit_ratio_N),
            _ratio(row.kept_unit_ratio_P),
            _silent(row),
            row.kept_accuracy,
            row.kept_rms_change_s,
            _counts(row.kept_lost, row.kept_gained),
            row.anew_accuracy,
            row.anew_rms_change_s,
            _counts(row.anew_lost, row.anew_gained),
            row.problem or row.anew_problem or row.kept_problem,
        )
        for row in summary.conditions
    ]
    sense = "set anew as well" if summary.sense_tracked else "left as it is"
    return Table(
        f"The network ({summary.mapping}) by condition",
        (
            *words("Condition"),
            *numbers("Sensing current, kept", "I of +1, kept", "I of -1, kept", "Silent neuron fires, kept"),
            Column("Accuracy, kept", unit="%", digits=3),
            Column("Spikes move, kept", unit="s", digits=3),
            Column("lost / gained"),
            Column("Accuracy, anew", unit="%", digits=3),
            Column("Spikes move, anew", unit="s", digits=3),
            Column("lost / gained"),
            *words("Why not"),
        ),
        tuple(rows),
        note=f"Fast model, {summary.samples} held-out samples. Kept: every bias as written at home ({summary.home}); currents are "
        f"relative to home. Anew: the same weights realised with the condition's own model, V_sense {sense}. Spikes move: rms against home "
        "over the spikes that both have; lost and gained: spikes that only home, or only the condition, has while they are watched.",
    )


def check_table(summary: ConditionsSummary) -> Table:
    """The samples that were simulated."""
    rows: list[tuple[Cell, ...]] = []
    for check in summary.checks:
        good = check.samples - check.failed
        rows.append(
            (
                check.label,
                check.biases,
                f"{good} of {check.samples}",
                check.rmse_s,
                check.pairs,
                f"{check.missed} / {check.extra}",
                f"{check.right_spice} / {check.right_model} of {good}",
                check.problem,
            )
        )
    return Table(
        "Spot checks in SPICE",
        (
            *words("Condition", "Biases"),
            Column("Samples"),
            Column("RMSE", unit="s", digits=3),
            *numbers("Spikes", "missed / extra", "Right in SPICE / model"),
            *words("Problem"),
        ),
        tuple(rows),
        note="The whole network's schematic in that condition against the fast model, all layers.",
    )


def noise_table(summary: ConditionsSummary) -> Table:
    """Jitter of output spikes and accuracy under it in every condition whose noise was measured."""
    rows: list[tuple[Cell, ...]] = [
        (
            row.label,
            row.anew_jitter_s,
            row.anew_accuracy,
            row.anew_noisy_accuracy,
            row.anew_noisy_low,
            row.anew_noisy_high,
        )
        for row in summary.conditions
        if row.anew_noisy_accuracy is not None
    ]
    return Table(
        "Noise by condition",
        (
            *words("Condition"),
            Column("Output spikes jitter by", unit="s", digits=3),
            *numbers("Accuracy without noise", "Under noise", "From", "To", unit="%", digits=4),
        ),
        tuple(rows),
        note=f"Biases derived anew, the condition's own noise in closed form, {summary.samples} held-out samples; jitter rms. From, to: 95 % "
        "interval of the mean over draws on these samples.",
    )


def _per_mV(change_s: float | None, by_V: float) -> float | None:
    """1e-6 s/V is 1 ns/mV."""
    return None if change_s is None else change_s / abs(by_V) / 1e-6


def _ratio(value: float | None) -> str:
    return NONE if value is None else f"{value:.3g} x"


def _silent(row: ConditionSummary) -> str:
    if row.problem:
        return NONE
    value = row.kept_silent_norm
    return "not in its phase" if value is None else f"{value:.3f} T_circ"


def _counts(lost: float | None, gained: float | None) -> str:
    return NONE if lost is None or gained is None else f"{lost:.0f} / {gained:.0f}"


def chip_table(summary: ConditionsSummary) -> Table:
    """The drawn chips that were simulated, one row a condition."""
    found: dict[str, list[ChipThere]] = {}
    for chip in summary.chips:
        found.setdefault(chip.label, []).append(chip)
    rows: list[tuple[Cell, ...]] = []
    for label, chips in found.items():
        shares = [chip.right / chip.samples for chip in chips]
        failed = sum(chip.failed for chip in chips)
        told = next((chip.problem for chip in chips if chip.problem), "")
        right = sum(chip.right for chip in chips), sum(chip.samples for chip in chips)
        least, most = quantity(min(shares), "%", 3), quantity(max(shares), "%", 3)
        silent = sum(chip.silent for chip in chips)
        rows.append(
            (
                label,
                len(chips),
                f"{right[0]} of {right[1]}",
                f"{least} .. {most}",
                silent,
                failed,
                told,
            )
        )
    return Table(
        "Drawn chips in SPICE, biases kept",
        (
            *words("Condition"),
            *numbers("Chips", "Right", "Lowest .. highest chip", "Silent", "Without a result"),
            *words("Why"),
        ),
        tuple(rows),
        note="Every device with a shift of its own, nothing trimmed, every bias as the nominal circuit has it at home. Silent: samples on which no "
        "output fired in its phase. A sample without a result is not right.",
    )
