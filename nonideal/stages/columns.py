"""The stage ``columns``: layouts of the columns that are characterised as extracted, and of the axons between layers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.layout import ColumnsSummary
from nonideal.stages.layout import draw_and_check, extracting


def lay_out_columns(work: Work) -> Done:
    """Draw every column, check it, extract it: the same as for the network. Extractions run side by side."""
    from nonideal.characterize.column_bench import NEURONS
    from nonideal.circuits.network.netlist import Topology

    design = work.experiment.circuit
    # Codes differ from bench to bench: columns are drawn for all of them, what a mask would wire is pins.
    columns, fan_outs = work.experiment.columns, work.experiment.fan_outs
    sizes = [*((axons, NEURONS) for axons in columns), *((1, *pair) for pair in fan_outs)]
    networks = [Topology.of(layers, design).opened for layers in sizes]
    folders = [*map(work.rundir.column, columns), *(work.rundir.fan_out(*pair) for pair in fan_outs)]
    override = bool(work.options.get("override"))
    checked = []
    for topology, folder in zip(networks, folders, strict=True):
        folder.mkdir(exist_ok=True)
        checked.append(draw_and_check(topology, design, folder, override=override))
    devices = [one.summary.devices for one in checked]
    kind = work.experiment.characterize.on
    with (
        ThreadPoolExecutor(min(work.context.jobs, len(networks))) as pool,
        extracting(work, kind) as extract,
    ):
        found = list(pool.map(extract, networks, folders, devices))
    files = [file for one in checked for file in one.files] + [file for one in found for file in one.files]
    drawn = tuple(
        one.summary.model_copy(update={"extraction": extraction.summary})
        for one, extraction in zip(checked, found, strict=True)
    )
    summary = ColumnsSummary(netlist=kind, columns=drawn[: len(columns)], fan_outs=drawn[len(columns) :])
    return Done(tuple(files), summary, passed=all(one.passed for one in checked))
