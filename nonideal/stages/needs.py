"""What each stage reads of other stages: the files, and what makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nonideal.experiment.experiment import Experiment
from nonideal.pnn.presets import preset_names
from nonideal.runs.rundir import EXTRACTED, RunDir, on_netlist, stage_of
from nonideal.runs.stage import Need
from nonideal.stages.codes import holds_codes
from nonideal.stages.conditions import mapping_of
from nonideal.stages.dependence import SECTIONS
from nonideal.stages.measured_on import SCHEMATIC, extracted_columns
from nonideal.stages.mismatch import mismatch_model
from nonideal.stages.noise import mapping_of as noise_mapping_of


def column_needs(experiment: Experiment, rundir: RunDir, options: Mapping[str, Any]) -> dict[str, Need]:
    """The extracted netlists of the columns, and of the axons between layers, where they are measured on those."""
    if not extracted_columns(experiment):
        return {}
    folders = {f"column {axons}": rundir.column(axons) for axons in experiment.columns}
    folders |= {f"fan-out {n} to {m}": rundir.fan_out(n, m) for n, m in experiment.fan_outs}
    return {
        name: _need(experiment, rundir, folder / EXTRACTED, "columns", options, complete=True)
        for name, folder in folders.items()
    }


def model_needs(experiment: Experiment, rundir: RunDir) -> dict[str, Need]:
    """The physical model."""
    return {"model": _need(experiment, rundir, rundir.model, "characterization")}


def training_needs(experiment: Experiment, rundir: RunDir) -> dict[str, Need]:
    """The physical model, unless the experiment trains on one that ships with the package; and the conditions, where it sees some."""
    model = {} if experiment.training.preset is not None else model_needs(experiment, rundir)
    if experiment.training.variation is None and experiment.training.spike_noise == "constant":
        shipped = {"training": {"preset": preset_names()[0]}}
        model = {name: replace(need, without=shipped) for name, need in model.items()}
    if not experiment.sees_conditions:
        return model
    return model | {"shift": _need(experiment, rundir, rundir.shift, "shift")}


def weights_needs(experiment: Experiment, rundir: RunDir) -> dict[str, Need]:
    """The physical model, and the weights that are mapped on it."""
    mappings = experiment.mappings
    return model_needs(experiment, rundir) | {
        f"weights {m}": _need(experiment, rundir, rundir.weights(m), "training") for m in mappings
    }


def sample_needs(experiment: Experiment, rundir: RunDir, options: Mapping[str, Any]) -> dict[str, Need]:
    """The weights of the mapping whose sample is simulated, and the netlist where that is extracted."""
    name = str(options["mapping"])
    weights = {f"weights {name}": _need(experiment, rundir, rundir.weights(name), "training")}
    return weights | extraction_needs(experiment, rundir, options)


def condition_needs(experiment: Experiment, rundir: RunDir) -> dict[str, Need]:
    """The weights that are tried. What they were trained on is theirs to know: every condition is characterised anew.

    Codes on a bias generator are told by home's physical model, and that is needed too.
    """
    name = mapping_of(experiment)
    weights = {f"weights {name}": _need(experiment, rundir, rundir.weights(name), "training")}
    return model_needs(experiment, rundir) | weights if holds_codes(experiment.circuit) else weights


def noise_needs(experiment: Experiment, rundir: RunDir, options: Mapping[str, Any]) -> dict[str, Need]:
    """The physical model, the columns it was measured on, the weights whose spikes jitter, and the netlist where that is extracted."""
    name = noise_mapping_of(experiment)
    weights = {f"weights {name}": _need(experiment, rundir, rundir.weights(name), "training")}
    return (
        model_needs(experiment, rundir)
        | column_needs(experiment, rundir, {})
        | weights
        | extraction_needs(experiment, rundir, options)
    )


def mismatch_needs(experiment: Experiment, rundir: RunDir, options: Mapping[str, Any]) -> dict[str, Need]:
    """The extracted netlists of the columns, where chips are drawn into an extracted netlist, by whichever extractor; of codes the run's model."""
    if holds_codes(experiment.circuit):
        return model_needs(experiment, rundir)
    return column_needs(experiment, rundir, {})


def chip_needs(experiment: Experiment, rundir: RunDir, options: Mapping[str, Any]) -> dict[str, Need]:
    """The statistical model, and the weights whose chips are drawn.

    On an extracted netlist that netlist too, and the physical model: it has to have columns of the same kind, and weights that were trained
    on another are refused.
    """
    name, kind = experiment.chips.mapping, options.get("netlist", SCHEMATIC)
    weights = {f"weights {name}": _need(experiment, rundir, rundir.weights(name), "training")}
    model, maker = mismatch_model(rundir, kind), on_netlist("mismatch", kind)
    if kind == SCHEMATIC:
        return {"mismatch": _need(experiment, rundir, model, maker)} | weights
    return (
        {"mismatch": _need(experiment, rundir, model, maker, {"netlist": kind}, complete=True)}
        | training_needs(experiment, rundir)
        | weights
        | extraction_needs(experiment, rundir, options)
    )


def mask_needs(experiment: Experiment, rundir: RunDir, options: Mapping[str, Any]) -> dict[str, Need]:
    """The netlist whose mask is drawn, where weights are one."""
    mapping = experiment.drawn_mapping
    if mapping is None:
        return {}
    path = rundir.mapping_folder(mapping) / "network.spice"
    return {"mask": _need(experiment, rundir, path, "netlist")}


def tapeout_needs(experiment: Experiment, rundir: RunDir, options: Mapping[str, Any]) -> dict[str, Need]:
    """The netlist whose mask is drawn, the currents of its codes, and the model that tells what neurons of the layout ask for."""
    found = mask_needs(experiment, rundir, options) | model_needs(experiment, rundir)
    mapping = experiment.drawn_mapping
    if mapping is None:
        return found
    path = rundir.mapping_folder(mapping) / "mapping.csv"
    return found | {"mapping": _need(experiment, rundir, path, "netlist")}


def tile_needs(experiment: Experiment, rundir: RunDir, options: Mapping[str, Any]) -> dict[str, Need]:
    """The extracted tile, what it was drawn of, and the weights that it is to hold."""
    found = tapeout_needs(experiment, rundir, options)
    mapping = experiment.drawn_mapping
    if mapping is None or experiment.tapeout is None:
        return found
    path = rundir.path / "tapeout" / f"{experiment.tapeout.top}.spice"
    return found | {
        "tile": _need(experiment, rundir, path, "tapeout", complete=True),
        f"weights {mapping}": _need(experiment, rundir, rundir.weights(mapping), "training"),
    }


def extraction_needs(experiment: Experiment, rundir: RunDir, options: Mapping[str, Any]) -> dict[str, Need]:
    """An extracted netlist of the right kind, where one is to be validated: one with capacitance only is not an RC netlist."""
    kind = options.get("netlist", "schematic")
    if kind == "schematic":
        return {}
    path = rundir.path / "layout" / EXTRACTED
    drawn = {"extraction": _need(experiment, rundir, path, "layout", {"netlist": kind}, complete=True)}
    return drawn | mask_needs(experiment, rundir, options)


def _need(
    experiment: Experiment,
    rundir: RunDir,
    path: Path,
    maker: str,
    options: Mapping[str, Any] | None = None,
    *,
    complete: bool = False,
) -> Need:
    """An input that stage ``maker`` makes with this experiment's settings (and ``options``)."""
    settings = {name: experiment.section(name) for name in SECTIONS[stage_of(maker)]}
    given = options or {}
    return Need(
        path,
        maker,
        given,
        rundir.path / maker,
        settings | {f"--{name}": value for name, value in given.items()},
        complete,
    )
