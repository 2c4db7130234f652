"""What the simulations of an experiment run on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nonideal.experiment.experiment import Experiment
from nonideal.runs.context import Context

if TYPE_CHECKING:
    from nonideal.characterize.workbench import Workbench


def workbench(experiment: Experiment, context: Context, cache: Path) -> Workbench:
    """The experiment's corner and simulator settings, on the processes of ``context``."""
    from nonideal.characterize.workbench import Workbench
    from nonideal.sky130_models import find_pdk
    from nonideal.spice import Cache

    return Workbench(
        pdk=find_pdk(),
        corner=experiment.process.corner,
        simulator=experiment.simulator.options(experiment.circuit.supplies.temperature_C),
        jobs=context.jobs,
        timeout_s=experiment.simulator.timeout_s,
        cache=Cache(cache),
        scheduler=context.scheduler,
        progress=context.progress,
    )
