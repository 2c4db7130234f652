"""Characterisation of an experiment: its circuit and its columns, and what is written of them."""

from __future__ import annotations

from typing import Any

from nonideal.characterize.model import PhysicalModel
from nonideal.files import write_csv, write_parquet
from nonideal.runs.stage import Done, Work
from nonideal.stages.measured_on import column_netlists


def characterize_circuit(work: Work) -> Done:
    """Sweep the circuit, measure the columns, and write model, curves and plots."""
    from nonideal.characterize.plots import save_plots
    from nonideal.characterize.stage import characterize
    from nonideal.stages.workbench import workbench

    experiment = work.experiment
    found = characterize(
        workbench(experiment, work.context, work.rundir.cache),
        experiment.circuit,
        experiment.characterize,
        work.folder / "decks",
        column_netlists(experiment, work.rundir),
    )
    outputs = tuple(work.folder / name for name in ("model.json", "curves.parquet", "curves.csv"))
    found.model.save(outputs[0])
    write_parquet(outputs[1], found.curves)
    write_csv(outputs[2], found.curves)
    plots = save_plots(found.model, found.curves, work.folder / "plots")
    return Done((*outputs, *plots), summary_of(found.model))


def summary_of(model: PhysicalModel) -> dict[str, Any]:
    """The paper's table, spreads at weight 1, and the columns, with standard errors."""
    estimates = {
        "lambda_N_per_V": model.positive.lambda_per_V,
        "lambda_P_per_V": model.negative.lambda_per_V,
        "lambda_dis_per_V": model.lambda_dis_per_V,
        "membrane_F": model.membrane_F,
        "v_0_V": model.v_0_V,
        "v_switch_V": model.v_switch_V,
        "sensing_delay_s": model.sensing_delay_s,
        "discharge_norm": model.discharge_norm,
    }
    spread = model.spread
    if spread is not None:
        unit_A = model.unit_current_A()
        estimates |= {
            "sigma_ln_current_N": spread.positive.sigma_at(unit_A),
            "sigma_ln_current_P": spread.negative.sigma_at(unit_A),
            "sigma_ln_ramp": spread.neuron.sigma_ln_ramp,
            "sigma_threshold_norm": spread.neuron.sigma_threshold,
        }
    return {
        "corner": model.corner,
        "parameters": {
            name: {"value": e.value, "stderr": e.stderr, "unit": e.unit} for name, e in estimates.items()
        },
        "e_rev_positive_norm": 1.0 / model.beta_positive,
        "e_rev_negative_norm": 1.0 / model.beta_negative,
        "v_th_V": model.v_th_V,
        "unit_current_A": model.unit_current_A(),
        "vdis_V": model.vdis_V,
        "additivity_error": model.additivity_error,
        "columns": [column.model_dump(mode="json") for column in model.columns],
        "mismatch": None
        if spread is None
        else {
            "draws": spread.positive.draws,
            "neurons_left_out": spread.neuron.left_out,
            "residual_s": spread.neuron.residual_s,
            "library_disagrees": [one.device for one in spread.library if not one.agrees],
        },
    }
