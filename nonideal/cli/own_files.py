"""Commands on files of the user's own, without a run directory: weights as a netlist, layers as a layout."""

from __future__ import annotations

import re
from pathlib import Path

from nonideal.cli.out_folder import check_out, check_out_folder
from nonideal.cli.session import corners_of
from nonideal.experiment.belonging import check_weights
from nonideal.experiment.errors import BadOption
from nonideal.experiment.experiment import load_experiment
from nonideal.files import no_file
from nonideal.runs.commands import CommandLine
from nonideal.runs.context import Context, available_cores
from nonideal.runs.manifest import disowned_by
from nonideal.runs.rundir import RunDir, default_run_dir
from nonideal.runs.stage import Work
from nonideal.runs.summaries.layout import LayoutSummary
from nonideal.runs.summaries.netlist import NetlistSummary
from nonideal.stages.checks import check_drawable, check_extractor
from nonideal.stages.layout import (
    EXTRACTED_FILES,
    LAYOUT_FILES,
    MODES,
    draw_and_check,
    extracting,
    extractor_of,
)
from nonideal.stages.netlist import NetlistFiles, write_netlist


class GivenNetlist(NetlistSummary):
    """A netlist of any weights: where it and its tables lie, and what could not be told of the model that the weights were trained on."""

    netlist: str
    mapping: str
    pins: str
    model_unknown: str | None


def write_given(
    experiment: str,
    *,
    weights: Path,
    out: Path,
    model: Path | None,
    run_dir: Path | None,
    corner: str | None,
    clip: bool,
    force: bool = False,
) -> GivenNetlist:
    """``nonideal netlist --weights W --out F``: any weights, on the experiment's circuit."""
    check_netlist_name(out)
    loaded = load_experiment(experiment)
    rundir = RunDir(run_dir if run_dir is not None else default_run_dir(loaded.name))
    if corner:
        chosen = corners_of(corner)
        if len(chosen) > 1:
            raise BadOption(f"--corner {corner}: one corner for one netlist")
        rundir = rundir if chosen[0] == loaded.process.corner else rundir.corner(chosen[0].value)
        loaded = loaded.at(chosen[0])
    if not weights.is_file():
        raise BadOption(f"--weights {weights}: {no_file(weights)}")
    model_path = rundir.model if model is None else given_model(model)
    if not model_path.is_file():
        make = CommandLine(experiment).command("characterization", loaded, rundir, {})
        raise BadOption(f"--model {model_path}: {no_file(model_path)}; give --model, or run `{make}` first")
    for path, option in ((weights, "--weights"), (model_path, "--model")):
        manifest = disowned_by(path)
        if manifest is not None:
            raise BadOption(
                f"{option} {path}: was altered or damaged after it was made, {manifest} records another file: make it again, or give a copy "
                "from elsewhere to take it as it is"
            )
    inputs = {"--weights": weights, "--model": model_path}
    check_out(out, inputs, force=force)
    files = NetlistFiles.beside(out)
    for path in files.all:
        check_out(path, inputs, force=force)
    untold = check_weights(weights, model_path)
    of = f"weights {told_name(weights)}, on the circuit of experiment {loaded.name}"
    written = write_netlist(weights, model_path, loaded, files, of=of, clip=clip)
    return GivenNetlist.model_validate(
        written.as_json()
        | {
            "netlist": str(out),
            "mapping": str(files.table),
            "pins": str(files.pins),
            "model_unknown": untold,
        }
    )


def check_netlist_name(out: Path) -> None:
    """Raise ``BadOption`` for a netlist's name that a deck cannot include, or that belongs to a file beside it."""
    if out.name in {"", ".", ".."} or out.is_dir():
        return  # told by check_out
    if out.suffix in (".csv", ".cir"):
        raise BadOption(
            f"--out {out}: {'the mapping' if out.suffix == '.csv' else 'a deck'} is written there; end the netlist's name with .spice"
        )
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_. +-]*", out.name):
        raise BadOption(
            f"--out {out}: a deck includes the netlist by its name; use letters, digits and `_ . + -`, as network.spice"
        )


def told_name(path: Path) -> str:
    """A file's name as a comment of a netlist may hold it: printable ASCII, one line."""
    return path.name.encode("unicode_escape").decode("ascii")


def given_model(model: Path) -> Path:
    """A model's file: as given, or that of a preset where ``--model`` names one (``sky130_tt``) and no such file is there."""
    from nonideal.pnn.presets import preset_names, preset_path

    name = str(model)
    return preset_path(name) if not model.exists() and name in preset_names() else model


def draw_given(
    experiment: str,
    *,
    layers: str,
    out: Path,
    options: dict[str, str | bool],
    jobs: int | None = None,
    force: bool = False,
) -> LayoutSummary:
    """``nonideal layout --layers N,M --out DIR``: any network on the experiment's circuit; ``options``: those of the layout."""
    from nonideal.circuits.layout.errors import LayoutError
    from nonideal.circuits.layout.network import check_sizes
    from nonideal.circuits.network.netlist import Topology

    try:
        sizes = tuple(int(part) for part in layers.split(","))
    except ValueError:
        raise BadOption(f"--layers {layers}: give whole numbers, inputs first, as 32,32") from None
    try:
        check_sizes(sizes)
    except LayoutError as error:
        raise BadOption(f"--layers {layers}: {error}") from error
    loaded, kind = load_experiment(experiment), str(options["netlist"])
    check_drawable(loaded, [sizes])
    check_extractor("layout", kind, extractor_of(options, loaded))
    check_out_folder(out, LAYOUT_FILES + (EXTRACTED_FILES if kind in MODES else ()), force=force)
    out.mkdir(parents=True, exist_ok=True)
    topology = Topology.of(sizes, loaded.circuit).opened
    summary = draw_and_check(topology, loaded.circuit, out, override=bool(options.get("override"))).summary
    if kind in MODES:
        work = Work(loaded, RunDir(out), Context(jobs=jobs or available_cores()), out, options)
        with extracting(work, kind, summary.devices) as extract:
            found = extract(topology, out, summary.devices).summary
        summary = summary.model_copy(update={"extraction": found})
    return summary
