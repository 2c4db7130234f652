"""The conditions that a training saw: what kept biases carry there, and how well the networks do."""

from __future__ import annotations

import numpy as np

from nonideal.characterize.shift import ConditionShift, Shifts
from nonideal.report.table import Table, numbers, words
from nonideal.runs.summaries.training import TrainingSummary


def shift_table(shifts: Shifts) -> Table:
    """One row a condition: factors on the currents of +1 and -1, how spikes stretch, what the laws are off."""
    return Table(
        columns=(
            *words("Condition"),
            *numbers("I of +1", "I of -1"),
            *words("Spike times"),
            *numbers("Error of ln I", "Error of spike times"),
        ),
        rows=tuple(map(_row, shifts.conditions)),
        title=f"Conditions that training sees, biases kept as at {shifts.corner} {shifts.temperature_C:g} °C",
        note="Of the layer with the fewest axons. A spike that comes at t at home comes at the time given here, t and T_circ = 1. "
        "Errors: rms, of the laws that training knows against what was measured.",
    )


def _row(one: ConditionShift) -> tuple[str, ...]:
    layer = one.layers[min(one.layers)]
    unit = np.array(1.0)
    return (
        f"{one.corner} {one.temperature_C:g} °C",
        *(f"{float(np.exp(branch.ln(unit))):.3g} x" for branch in (layer.positive, layer.negative)),
        f"{layer.gain:.3f} t {layer.offset:+.3f}",
        f"{100 * one.error_ln:.2g} %",
        f"{1e3 * one.error_norm:.2g} per mille",
    )


def accuracy_table(training: TrainingSummary) -> Table | None:
    """Accuracy by condition, home first, of every variant; None of a training that saw none."""
    found = {name: variant.conditions or {} for name, variant in training.variants.items()}
    labels = list(next(iter(found.values()), {}))
    if not labels:
        return None
    return Table(
        title=f"Accuracy by condition, biases kept, on {training.test_samples} held-out samples of {training.data_set}",
        columns=(*words("Condition"), *numbers(*found, unit="%")),
        rows=tuple((label, *(each[label] for each in found.values())) for label in labels),
        note="Told by the laws that training knows; the median of seeds, of each the mean over chips where the training drew any. "
        "The command conditions tells it by each condition's own model, and in SPICE.",
    )
