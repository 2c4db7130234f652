"""The stage ``shift``: what biases that are kept carry in the conditions that a training is to see."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nonideal.characterize.model import PhysicalModel
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import Experiment
from nonideal.runs.stage import Done, Work
from nonideal.stages.fan_in import axons_of
from nonideal.stages.measured_on import column_netlists

if TYPE_CHECKING:
    from nonideal.characterize.shift import Shifts


def measure_shift(work: Work) -> Done:
    """Measure the training's conditions and write shift.json."""
    model = PhysicalModel.load(work.rundir.model)
    shifts = shifts_of(work, work.experiment, model, work.folder / "decks")
    path = work.rundir.shift
    shifts.save(path)
    return Done((path,), shifts)


def shifts_of(work: Work, experiment: Experiment, model: PhysicalModel, decks: Path) -> Shifts:
    """The conditions of ``experiment.training``, measured at the biases that ``model`` stands for.

    Raises ``ExperimentError`` where only home is named, ``FitRefused``, which names the condition, and ``CharacterizationFailed``.
    """
    from nonideal.characterize.condition import Condition, conditions_of
    from nonideal.characterize.errors import FitRefused
    from nonideal.characterize.fixed_bias import measure_fixed_biases
    from nonideal.characterize.shift import ConditionShift, Shifts
    from nonideal.characterize.shift_fit import fit_layer
    from nonideal.stages.workbench import workbench

    asked, design = experiment.training.variation, experiment.circuit
    assert asked is not None
    home = Condition(experiment.process.corner, design.supplies.temperature_C)
    conditions = conditions_of(
        home, asked.corners or (home.corner,), asked.temperatures_C or (home.temperature_C,)
    )
    if len(conditions) == 1:
        raise ExperimentError(
            experiment.name,
            [
                f"[training.variation] names no other condition than {home.label}, which is home: give other temperatures_C or corners, or neither"
            ],
        )
    bench, columns = (
        workbench(experiment, work.context, work.rundir.cache),
        column_netlists(experiment, work.rundir),
    )
    layers = sorted(set(axons_of(experiment)))
    kept, found = [], []
    for done, one in enumerate(conditions, start=1):
        work.context.console.print(f"  {done} of {len(conditions)}: {one.label}")
        kept.append(
            measure_fixed_biases(
                bench.at(one.corner),
                one.design(design),
                experiment.characterize,
                model,
                columns,
                decks / one.name,
            )
        )
        if one == home:
            continue
        try:
            fitted = {axons: fit_layer(model, kept[0], kept[-1], axons) for axons in layers}
        except FitRefused as error:
            raise FitRefused(f"[training.variation] {one.label}: {error}") from error
        found.append(
            ConditionShift(
                corner=one.corner.value,
                temperature_C=one.temperature_C,
                layers={axons: layer.shift for axons, layer in fitted.items()},
                error_ln=max(layer.error_ln for layer in fitted.values()),
                error_norm=max(layer.error_norm for layer in fitted.values()),
            )
        )
    return Shifts(corner=home.corner.value, temperature_C=home.temperature_C, conditions=tuple(found))
