"""The error budget of a prediction that nothing was tuned for: what each effect is worth, and what the rest is made of."""

from __future__ import annotations

from nonideal.postlayout.budget_summary import BudgetSummary, EntrySummary, RmsByGroup
from nonideal.report.blocks import Block, Text
from nonideal.report.budget_panel import budget_panel
from nonideal.report.table import Table, numbers, words
from nonideal.report.units import quantity
from nonideal.runs.results import Results

GROUPS = ("Hidden", "Output", "Output†")
GIVEN = "†: given the hidden spikes that SPICE had, not the prediction's own."
LABELS = {
    "membrane_capacitance": "capacitance of wiring: C_m of the schematic instead",
    "firing_stage": "firing stage as loaded: V_th and b of the bare cell instead",
    "current_dependence": "λ by current: one λ per sign instead",
    "turn_on_charge": "charge that arriving spikes leave behind",
    "synapse_delay": "delay of the synapses",
    "driver_delay": "delay of the input drivers",
    "coupling": "coupling between neighbouring columns",
    "spike_load": "delay of a spike by the neurons that it drives",
    "lambda_fit": "λ by current: residual of its fit",
    "capacitance_fit": "C_m: standard error",
    "firing_fit": "firing stage: residual of its formula",
    "turn_on_fit": "delay and charge of arrivals: residual of their fit",
    "numerical_floor": "numerical floor of the simulator",
    "training_exact": "charges to first order, as training has them",
    "training_grid": "spikes on the grid of training",
}


def error_budget_blocks(results: Results) -> tuple[Block, ...]:
    """Of every mapping that has a budget; nothing where none has."""
    blocks: list[Block] = []
    floor_s = None if results.validation is None else results.validation.numerical_floor_s
    budgets = ((name, row.error_budget) for name, row in results.validated.items())
    for k, (name, budget) in enumerate((name, budget) for name, budget in budgets if budget is not None):
        blocks += _blocks(f"error-budget-{k + 1}", name, budget, floor_s)
    return tuple(blocks)


def _blocks(name: str, mapping: str, budget: BudgetSummary, floor_s: float | None) -> list[Block]:
    return [
        Text(
            f"How to read this: `{mapping}` predicts spike times from measurements of single columns; nothing is tuned on the "
            "network. Here the model forgets one effect at a time while the circuit stays as it is. How far the predicted "
            "spike times then move is what that effect is worth; the RMSE beside it is how far from SPICE they then are. "
            "What SPICE found is looked at only afterwards: it changes no prediction."
        ),
        budget_panel(name, mapping, budget, floor_s, _caption(budget), _label),
        _terms(budget),
        _rest(budget),
        _numerics(budget),
    ]


def _label(entry: EntrySummary) -> str:
    return LABELS.get(entry.name, entry.name)


def _both(change: RmsByGroup, rmse: RmsByGroup) -> tuple[str, ...]:
    """By group the change, and the RMSE that comes of it."""
    return tuple(_shown(value) for both in zip(change.values, rmse.values, strict=True) for value in both)


def _cells(groups: RmsByGroup) -> tuple[str, ...]:
    return tuple(map(_shown, groups.values))


def _shown(value_s: float | None) -> str:
    """Rounding errors of the arithmetic are no time."""
    return "0 ns" if value_s is not None and abs(value_s) < 1e-15 else quantity(value_s, "s", 3)


def _caption(budget: BudgetSummary) -> str:
    terms, rmse = budget.largest_first("term"), budget.rmse.output_s
    if rmse is None or not terms:
        return "No output spike fired on both sides: there is nothing to compare."
    above = sum((term.change.output_s or 0.0) > rmse for term in terms)
    first = terms[0]
    return (
        f"Output layer, each bar an rms change of predicted spike times. Forgotten, the largest effect ({_label(first)}) would "
        f"move them by {_shown(first.change.output_s)}; the whole model is {_shown(rmse)} from SPICE (dashed). {above} of "
        f"{len(terms)} effects are larger than that error. Pale: what the measurements of the columns leave open; with the "
        f"numerical floor they explain {_shown(budget.residuals_quadrature.output_s)} of it in quadrature, "
        f"{_shown(budget.remainder.output_s)} remain."
    )


BOTH = tuple(title for group in GROUPS for title in (group, "RMSE"))


def _against(budget: BudgetSummary) -> str:
    """Effects without which the output layer would be nearer to SPICE: they are measured, but not understood."""
    whole = budget.rmse.output_s
    names = [
        _label(e) for e in budget.largest_first("term") if whole and (e.rmse.output_s or 0.0) < 0.99 * whole
    ]
    return f" Without these the output layer would be nearer to SPICE: {', '.join(names)}." if names else ""


def _terms(budget: BudgetSummary) -> Table:
    unmoved = RmsByGroup(hidden_s=0.0, output_s=0.0, output_given_s=0.0)
    rows = [("nothing: the whole model", *_both(unmoved, budget.rmse))]
    rows += [(_label(entry), *_both(entry.change, entry.rmse)) for entry in budget.largest_first("term")]
    squares = _cells(budget.terms_quadrature)
    rows.append(("all of them, in quadrature", squares[0], "", squares[1], "", squares[2], ""))
    rows.append(("all of them at once", *_both(budget.terms_together.change, budget.terms_together.rmse)))
    pairs = budget.pairs
    return Table(
        title="What the model forgets, and how far spikes then move",
        columns=(*words("Forgotten"), *numbers(*BOTH)),
        rows=tuple(rows),
        note=f"Rms over {pairs.hidden} hidden and {pairs.output} output spikes that model and SPICE both have; RMSE: what is then "
        f"between model and SPICE. {GIVEN} Effects that act alike add up plainly: at once they can be more than in "
        f"quadrature.{_against(budget)}",
    )


def _rest(budget: BudgetSummary) -> Table:
    rows = [(_label(entry), *_cells(entry.change)) for entry in budget.largest_first("residual")]
    rows.append(("all of these, in quadrature", *_cells(budget.residuals_quadrature)))
    rows.append(("RMSE of the whole model", *_cells(budget.rmse)))
    rows.append(("remainder, in quadrature", *_cells(budget.remainder)))
    return Table(
        title="What the remaining error is made of",
        columns=(*words("Left open by the measurements"), *numbers(*GROUPS)),
        rows=tuple(rows),
        note="The residual of λ and the error of C_m shift all synapses alike; those of the firing stage and of arrivals are drawn for "
        f"each spike. The remainder is what no entry accounts for. {GIVEN}",
    )


def _intervals(budget: BudgetSummary) -> str:
    steps = budget.grid_intervals
    return f" The grid has {steps} intervals." if steps else ""


def _numerics(budget: BudgetSummary) -> Table:
    return Table(
        title="The same physics as training evaluates it",
        columns=(*words("Instead of the exact reference"), *numbers(*BOTH)),
        rows=tuple(
            (_label(entry), *_both(entry.change, entry.rmse)) for entry in budget.largest_first("numerics")
        ),
        note="What validation compares has charges to first order and no grid; the change by the grid is counted from there."
        f"{_intervals(budget)} {GIVEN}",
    )
