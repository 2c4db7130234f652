"""The stage ``mismatch``: the statistical model that chips are drawn from."""

from __future__ import annotations

from pathlib import Path

from nonideal.characterize.model import PhysicalModel
from nonideal.experiment.experiment import Experiment
from nonideal.runs.rundir import SCHEMATIC, RunDir, on_netlist
from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.characterization import characterization_summary
from nonideal.stages.codes import holds_codes
from nonideal.stages.measured_on import column_netlists, fan_out_netlists
from nonideal.stages.workbench import workbench


def mismatch_model(rundir: RunDir, netlist: str = SCHEMATIC) -> Path:
    """The statistical model of a run whose chips are drawn into a netlist."""
    return rundir.path / on_netlist("mismatch", netlist) / "model.json"


def statistical_model(work: Work, experiment: Experiment, folder: Path) -> PhysicalModel:
    """The experiment's circuit, its columns and its mismatch, saved as ``folder``/model.json.

    The columns are those of the netlist that chips are drawn into (``characterize.on``), for they tell the spike times.
    """
    from nonideal.characterize.stage import characterize

    options = experiment.characterize.model_copy(update={"draws": experiment.chips.draws})
    folder.mkdir(parents=True, exist_ok=True)
    found = characterize(
        workbench(experiment, work.context, work.rundir.cache),
        experiment.circuit,
        options,
        folder / "decks",
        column_netlists(experiment, work.rundir),
        fan_out_netlists(experiment, work.rundir),
    )
    found.model.save(folder / "model.json")
    return found.model


def measure_mismatch(work: Work) -> Done:
    """The statistical model that chips of this experiment are drawn from."""
    if holds_codes(work.experiment.circuit):
        from nonideal.stages.coded_chips import measure_code_mismatch

        return measure_code_mismatch(work)
    model = statistical_model(work, work.experiment, work.folder)
    return Done((work.folder / "model.json",), characterization_summary(model))
