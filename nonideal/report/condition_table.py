"""The conditions as tables, for the terminal and for the report: what the network does, the silicon, spans, checks in SPICE."""

from __future__ import annotations

from nonideal.report.blocks import Table
from nonideal.report.units import NONE, quantity
from nonideal.runs.summaries.conditions import ConditionsSummary, ConditionSummary, DrawnChipThere

SILICON = (
    ("lambda_N_per_V", "λ_N (/V)", "", 3),
    ("lambda_P_per_V", "λ_P (/V)", "", 3),
    ("lambda_dis_per_V", "λ_dis (/V)", "", 3),
    ("membrane_F", "C_m", "F", 4),
    ("v_th_V", "V_th", "V", 3),
    ("vdis_V", "V_dis_b", "V", 3),
    ("vsense_V", "V_sense", "V", 3),
    ("unit_current_A", "Unit current", "A", 4),
    ("unit_bias_N_V", "Bias of +1", "V", 3),
    ("unit_bias_P_V", "Bias of -1", "V", 4),
    ("leakage_N_A", "Leakage of +1", "A", 2),
    ("leakage_P_A", "Leakage of -1", "A", 2),
    ("drift_low_V", "Drift at 0.5 V", "V", 2),
    ("sensing_delay_s", "Sensing delay", "s", 3),
    ("linearity_N_rms", "Linearity N", "%", 2),
    ("linearity_P_rms", "Linearity P", "%", 2),
    ("largest_weight_N", "Largest weight", "", 3),
    ("largest_weight_P", "Smallest weight", "", 3),
    ("check_rms_s", "Model's error", "s", 2),
)
"""Parameter, heading, unit, digits."""


def _cell(name: str, value: float | None, unit: str, digits: int) -> str:
    # The P branch makes negative weights: its largest current is the smallest weight.
    signed = -value if name == "largest_weight_P" and value is not None else value
    return quantity(signed, unit, digits)


def silicon_table(summary: ConditionsSummary) -> Table:
    """Every condition's own model."""
    rows = []
    for row in summary.conditions:
        cells = [_cell(name, getattr(row, name), unit, digits) for name, _, unit, digits in SILICON]
        rows.append((row.label, *cells, row.problem or "characterised"))
    headings = tuple(heading for _, heading, _, _ in SILICON)
    return Table(
        "Silicon by corner and temperature",
        ("Condition", *headings, "State"),
        tuple(rows),
        frozenset({0, len(headings) + 1}),
        note="Leakage: of a silent synapse of that weight at V_0. Drift: of a membrane that nothing is done to, in one phase. Model's "
        "error: random patterns on the condition's column, SPICE against its own model, rms.",
    )


def span_table(summary: ConditionsSummary) -> Table:
    """Least, typical and largest value of every parameter."""
    rows = []
    for name, heading, unit, digits in SILICON:
        span = summary.spans[name]
        rows.append(
            (heading, *(_cell(name, value, unit, digits) for value in (span.min, span.typ, span.max)))
        )
    return Table(
        "Parameters over the conditions",
        ("Parameter", "min", "typ", "max"),
        tuple(rows),
        note=f"Over the conditions that could be characterised; typ: {summary.home}.",
    )


def network_table(summary: ConditionsSummary) -> Table:
    """What the network does with its biases kept, and derived anew."""
    rows = []
    for row in summary.conditions:
        cells = [
            _ratio(row.kept_source_ratio),
            _ratio(row.kept_unit_ratio_N),
            _ratio(row.kept_unit_ratio_P),
            _silent(row),
        ]
        for name in ("kept", "anew"):
            cells += [
                quantity(getattr(row, f"{name}_accuracy"), "%", 3),
                quantity(getattr(row, f"{name}_rms_change_s"), "s", 3),
            ]
            cells.append(_counts(getattr(row, f"{name}_lost"), getattr(row, f"{name}_gained")))
        problem = row.problem or row.anew_problem or row.kept_problem
        rows.append((row.label, *cells, problem))
    sense = "set anew as well" if summary.sense_tracked else "left as it is"
    return Table(
        f"The network ({summary.mapping}) by corner and temperature",
        (
            "Condition",
            "Sensing current, kept",
            "I of +1, kept",
            "I of -1, kept",
            "Silent neuron fires, kept",
            "Accuracy, kept",
            "Spikes move, kept",
            "lost / gained",
            "Accuracy, anew",
            "Spikes move, anew",
            "lost / gained",
            "Why not",
        ),
        tuple(rows),
        frozenset({0, 11}),
        note=f"Fast model, {summary.samples} held-out samples. Kept: every bias as written at home ({summary.home}); currents are "
        f"relative to home. Anew: the same weights realised with the condition's own model, V_sense {sense}. Spikes move: rms against home "
        "over the spikes that both have; lost and gained: spikes that only home, or only the condition, has while they are watched.",
    )


def check_table(summary: ConditionsSummary) -> Table:
    """The samples that were simulated."""
    rows = []
    for check in summary.checks:
        good = check.samples - check.failed
        rows.append(
            (
                check.label,
                check.biases,
                f"{good} of {check.samples}",
                quantity(check.rmse_s, "s", 3),
                str(check.pairs),
                f"{check.missed} / {check.extra}",
                f"{check.right_spice} / {check.right_model} of {good}",
                check.problem,
            )
        )
    return Table(
        "Spot checks in SPICE",
        (
            "Condition",
            "Biases",
            "Samples",
            "RMSE",
            "Spikes",
            "missed / extra",
            "Right in SPICE / model",
            "Problem",
        ),
        tuple(rows),
        frozenset({0, 1, 7}),
        note="The whole network's schematic at that corner and temperature against the fast model, all layers.",
    )


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
    found: dict[str, list[DrawnChipThere]] = {}
    for chip in summary.chips:
        found.setdefault(chip.label, []).append(chip)
    rows = []
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
                str(len(chips)),
                f"{right[0]} of {right[1]}",
                f"{least} .. {most}",
                str(silent),
                str(failed),
                told,
            )
        )
    return Table(
        "Drawn chips in SPICE, biases kept",
        ("Condition", "Chips", "Right", "Lowest .. highest chip", "Silent", "Without a result", "Why"),
        tuple(rows),
        frozenset({0, 6}),
        note="Every device with a shift of its own, nothing trimmed, every bias as the nominal circuit has it at home. Silent: samples on which no "
        "output fired in its phase. A sample without a result is not right.",
    )
