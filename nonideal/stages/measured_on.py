"""The columns that are characterised: on which netlist, and their layouts where that is an extraction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nonideal.characterize.column import Netlist
from nonideal.experiment.experiment import Experiment
from nonideal.runs.manifest import load_manifest
from nonideal.runs.rundir import EXTRACTED, RunDir

if TYPE_CHECKING:
    from nonideal.characterize.fan_out import FanOutNetlist
    from nonideal.characterize.stage import ColumnNetlist

SCHEMATIC: Netlist = "schematic"


@dataclass(frozen=True, slots=True)
class MeasuredOn:
    """The netlist that columns are measured on, and who says so."""

    netlist: str
    why: str


def measured_on(experiment: Experiment, rundir: RunDir, asked: MeasuredOn | None) -> MeasuredOn:
    """As asked for; else as the run directory was characterised before; else as the experiment says."""
    if asked is not None:
        return asked
    made = load_manifest(rundir.path / "characterization")
    settings = None if made is None else made.inputs.settings.get("characterize")
    if isinstance(settings, dict) and "on" in settings:
        return MeasuredOn(settings["on"], f"as {rundir.path} was before; --characterize-on says otherwise")
    return MeasuredOn(experiment.characterize.on, f"as experiment {experiment.name} says")


def extracted_columns(experiment: Experiment) -> bool:
    """Whether columns are measured on extracted layouts."""
    return experiment.characterize.on != SCHEMATIC


def column_netlists(experiment: Experiment, rundir: RunDir) -> list[ColumnNetlist]:
    """The netlists of the experiment's columns: as designed, or as the stage ``columns`` extracted them."""
    from nonideal.characterize.stage import ColumnNetlist
    from nonideal.circuits.extraction.netlist import read_netlist

    if not extracted_columns(experiment):
        return [ColumnNetlist.schematic(axons, experiment.circuit) for axons in experiment.columns]
    return [
        ColumnNetlist(
            axons,
            experiment.characterize.on,
            read_netlist(rundir.column(axons) / EXTRACTED).text(),
            experiment.extraction.sidewall,
        )
        for axons in experiment.columns
    ]


def fan_out_netlists(experiment: Experiment, rundir: RunDir) -> list[FanOutNetlist]:
    """The axons between the experiment's layers, as the stage ``columns`` extracted them; none where columns are as designed."""
    from nonideal.characterize.fan_out import FanOutNetlist
    from nonideal.circuits.extraction.netlist import read_netlist

    return [
        FanOutNetlist(*pair, read_netlist(rundir.fan_out(*pair) / EXTRACTED).text())
        for pair in experiment.fan_outs
    ]
