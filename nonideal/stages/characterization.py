"""Characterisation of an experiment: its circuit and its columns, and what is written of them."""

from __future__ import annotations

from nonideal.files import write_csv, write_parquet
from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.characterization import characterization_summary
from nonideal.stages.measured_on import column_netlists, fan_out_netlists


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
        fan_out_netlists(experiment, work.rundir),
    )
    outputs = tuple(work.folder / name for name in ("model.json", "curves.parquet", "curves.csv"))
    found.model.save(outputs[0])
    write_parquet(outputs[1], found.curves)
    write_csv(outputs[2], found.curves)
    plots = save_plots(found.model, found.curves, work.folder / "plots")
    return Done((*outputs, *plots), characterization_summary(found.model))
