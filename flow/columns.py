"""The columns that are characterised: on which netlist, and their layouts where that is an extraction."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from characterize.column import Netlist
from flow.experiment import Experiment
from flow.layout import EXTRACTED, draw_and_check, extracting
from flow.manifest import load_manifest
from flow.rundir import RunDir
from flow.stage import Done, Work

if TYPE_CHECKING:
    from characterize.stage import ColumnNetlist

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


def lay_out_columns(work: Work) -> Done:
    """Draw every column, check it, extract it: the same as for the network. Extractions run side by side."""
    from characterize.column_bench import NEURONS

    layers = [(axons, NEURONS) for axons in work.experiment.columns]
    folders = [work.rundir.column(axons) for axons in work.experiment.columns]
    override = bool(work.options.get("override"))
    checked = []
    for sizes, folder in zip(layers, folders, strict=True):
        folder.mkdir(exist_ok=True)
        checked.append(draw_and_check(sizes, work.experiment.circuit, folder, override=override))
    devices = [one.summary["devices"] for one in checked]
    kind = work.experiment.characterize.on
    with (
        ThreadPoolExecutor(min(work.context.jobs, len(layers))) as pool,
        extracting(work, kind) as extract,
    ):
        found = list(pool.map(extract, layers, folders, devices))
    files = [file for one in checked for file in one.files] + [file for one in found for file in one.files]
    columns = [
        one.summary | {"extraction": extraction.summary}
        for one, extraction in zip(checked, found, strict=True)
    ]
    return Done(
        tuple(files), {"netlist": kind, "columns": columns}, passed=all(one.passed for one in checked)
    )


def column_netlists(experiment: Experiment, rundir: RunDir) -> list[ColumnNetlist]:
    """The netlists of the experiment's columns: as designed, or as the stage ``columns`` extracted them."""
    from characterize.stage import ColumnNetlist

    if not extracted_columns(experiment):
        return [ColumnNetlist.schematic(axons, experiment.circuit) for axons in experiment.columns]
    return [
        ColumnNetlist(
            axons,
            experiment.characterize.on,
            (rundir.column(axons) / EXTRACTED).read_text(encoding="utf-8"),
        )
        for axons in experiment.columns
    ]
