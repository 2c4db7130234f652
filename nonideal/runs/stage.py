"""What every stage has in common: inputs checked, skipped when unchanged, resumed when cut off, recorded."""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from itertools import chain, count
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.text import Text

from nonideal.experiment.experiment import Experiment
from nonideal.files import read_json, remove_leftovers, sha256_of, write_json
from nonideal.files.record import Document
from nonideal.runs import manifest
from nonideal.runs.code import hash_code
from nonideal.runs.commands import CommandLine
from nonideal.runs.context import Context
from nonideal.runs.errors import NoCircuit, StageInputAltered, StageInputMissing, StageInputStale
from nonideal.runs.manifest import Inputs, Manifest
from nonideal.runs.rundir import CALIBRATION, CORNERS, RunDir

STARTED = "started.json"
REPLACED = "replaced"
"""Folder of a run directory for what stood where a stage writes, and was made by none."""
PDK = "pdk_sha256"
PACKAGES = ("nonideal", "numpy", "scipy", "torch", "pandas", "PySpice")


@dataclass(frozen=True, slots=True)
class Work:
    """What a stage's function gets.

    ``folder`` is its own; what lies there comes from a cut-off run with equal inputs and may be continued.
    """

    experiment: Experiment
    rundir: RunDir
    context: Context
    folder: Path
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """What a stage's function gives back: files that others read, its numbers, and whether they pass."""

    outputs: tuple[Path, ...]
    summary: Document
    passed: bool = True


@dataclass(frozen=True, slots=True)
class Need:
    """An input file of a stage, and the stage that makes it, with which options: ``CommandLine`` tells the command.

    ``folder`` is that of the maker and ``settings`` what its manifest must record: a result of other settings
    is refused, not used, and so is one that was altered afterwards. In a folder that no stage worked in (neither manifest nor
    ``started.json``) the file is taken as given (a model of the user's own), unless ``complete`` asks for a stage that ended well.
    ``without``: changes of the experiment, by section and key, that the stage's command has options for and that spare the file.
    """

    path: Path
    maker: str
    options: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    complete: bool = False
    without: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the loop.

    ``sections``: what of the experiment it depends on (dotted names); the code is all that ``run`` and these reach (``nonideal.runs.code``).
    ``needs``: its input files. ``tools``: versions that change its result; finding them raises the room's own
    exception where one is missing, before anything runs. ``on_circuit``: it needs a circuit for the experiment's network.
    ``wanted``: whether the experiment asks for it at all. ``kept``: what of its work the cache holds.
    ``summary``: the type of what is told of its results.
    """

    name: str
    doing: str
    sections: tuple[str, ...]
    run: Callable[[Work], Done]
    needs: Callable[[Experiment, RunDir], dict[str, Need]] = field(default=lambda experiment, rundir: {})
    tools: Callable[[], dict[str, str]] = dict
    summary: type[Document] = Document
    seeds: Callable[[Experiment], dict[str, Any]] = field(default=lambda experiment: {})
    needs_for: Callable[[Experiment, RunDir, Mapping[str, Any]], dict[str, Need]] = field(
        default=lambda experiment, rundir, options: {}
    )
    wanted: Callable[[Experiment], bool] = field(default=lambda experiment: True)
    on_circuit: bool = False
    kept: str = ""

    def reads_model(self, experiment: Experiment, rundir: RunDir) -> bool:
        """Whether its results are those of a characterisation, or rest on one."""
        return self.name == "characterization" or "model" in self.needs(experiment, rundir)

    def check(self, experiment: Experiment) -> None:
        """Raise ``NoCircuit`` where the stage cannot be for this experiment."""
        if self.on_circuit and experiment.training.network is not None:
            raise NoCircuit(self.name, experiment.name)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A stage that has results: made now, or standing from before."""

    stage: str
    folder: Path
    skipped: bool
    seconds: float
    passed: bool
    summary: Document

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "stage": self.stage,
            "folder": str(self.folder),
            "skipped": self.skipped,
            "seconds": round(self.seconds, 3),
            "passed": self.passed,
            "summary": self.summary.as_json(),
        }


def run_stage(
    stage: Stage,
    experiment: Experiment,
    rundir: RunDir,
    context: Context,
    options: Mapping[str, Any] | None = None,
) -> Outcome:
    """Run a stage, unless its results stand.

    ``options`` are settings from outside the experiment; they count as inputs. With ``context.force`` it begins anew. Hold ``rundir.lock()``.
    Raises ``NoCircuit``, ``StageInputMissing``, ``StageInputAltered`` and ``StageInputStale``, and whatever the stage raises; then its folder has no
    manifest, and the next call continues.
    """
    stage.check(experiment)
    options = dict(options or {})
    inputs = inputs_of(stage, experiment, rundir, options, context.line)
    folder = rundir.stage(stage.name)
    reason = "forced" if context.force else manifest.stale(folder, inputs)
    found = manifest.load_manifest(folder)
    standing = None if reason is not None or found is None else _standing(stage, found)
    if found is not None and standing is not None:
        context.console.print(f"{stage.name}: up to date ({folder})", style="dim")
        return Outcome(stage.name, folder, True, found.seconds, found.passed, standing)

    reason = reason or f"{folder / manifest.NAME} tells its numbers as another version did"
    context.console.print(Text.assemble((stage.name, "bold"), f": {stage.doing} ", (f"({reason})", "dim")))
    if found is not None:
        context.console.print(_replaced(stage, found, folder, rundir))
    aside = _prepare(folder, inputs, rundir, anew=context.force)
    if aside is not None:
        context.console.print(f"  what lay in {folder} was made by no stage; it is in {aside} now")
    started, begin = manifest.now(), time.perf_counter()
    with context.beating(stage.name):
        done = stage.run(Work(experiment, rundir, context, folder, options))
    seconds = time.perf_counter() - begin
    Manifest(
        stage=stage.name,
        inputs=inputs,
        outputs={str(path.relative_to(folder)): sha256_of(path) for path in done.outputs},
        versions=_versions() | inputs.tools,
        summary=done.summary.as_json(),
        passed=done.passed,
        started=started,
        seconds=seconds,
        command=context.line.command(stage.name, experiment, rundir, options),
        shared=context.line.shared(experiment.name, rundir),
        asked=context.line.asked,
    ).save(folder)
    (folder / STARTED).unlink(missing_ok=True)
    return Outcome(stage.name, folder, False, seconds, done.passed, done.summary)


def _standing(stage: Stage, found: Manifest) -> Document | None:
    """What is told of results that stand; None where another version told it in a way that this one does not read."""
    try:
        return stage.summary.model_validate(found.summary)
    except ValidationError:
        return None


def worked_in(folder: Path) -> bool:
    """Whether a stage worked in its folder; what lies in another one somebody handed in."""
    return (folder / manifest.NAME).exists() or (folder / STARTED).exists()


def set_aside(folder: Path, rundir: RunDir) -> Path:
    """Move what lies in a stage's folder to ``replaced/`` of the run directory, to the place that comes back."""
    aside = _free(rundir.path / REPLACED / folder.relative_to(rundir.path))
    aside.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(aside)
    return aside


def outdated(path: Path) -> bool:
    """Is there a report in a run directory that is older than some stage's results, at any corner?"""
    page = path / "report.html"
    if not page.is_file():
        return False
    written = page.stat().st_mtime_ns
    chips = f"{CALIBRATION}*/*"
    patterns = ("*", chips, f"{CORNERS}/*/*", f"{CORNERS}/*/{chips}")
    folders = [folder for pattern in patterns for folder in path.glob(pattern)]
    made = [folder / name for folder in folders for name in (manifest.NAME, STARTED)]
    return any(file.is_file() and file.stat().st_mtime_ns > written for file in made)


def _replaced(stage: Stage, found: Manifest, folder: Path, rundir: RunDir) -> str:
    """What is about to be replaced, and how it is made again."""
    told = f"  replaces the results in {folder} of {found.started[:16].replace('T', ' ')} UTC"
    if found.command:
        told += f", made by `{found.command}`"
    return told + (f"; {stage.kept} stay in {rundir.cache}" if stage.kept else "")


def inputs_of(
    stage: Stage, experiment: Experiment, rundir: RunDir, options: dict[str, Any], line: CommandLine
) -> Inputs:
    """What the stage's results would depend on if it ran now. Raises as ``run_stage`` does before anything runs."""

    def command(need: Need) -> str:
        return line.command(need.maker, experiment, rundir, need.options)

    needs = stage.needs(experiment, rundir) | stage.needs_for(experiment, rundir, options)
    for need in needs.values():
        if not need.path.is_file():
            spared = replace(line, changes=_merged(line.changes, need.without))
            without = spared.command(stage.name, experiment, rundir, options) if need.without else ""
            raise StageInputMissing(stage.name, need.path, command(need), without)
    files = manifest.hash_files({name: need.path for name, need in needs.items()})
    if "data" in stage.sections:
        files |= experiment.data.hashes()
    tools = stage.tools()
    for name, need in needs.items():
        _check_made(stage, need, files[name], files, tools, command(need))
    return Inputs(
        settings={name: experiment.section(name) for name in stage.sections}
        | {f"--{k}": v for k, v in options.items()},
        seeds=stage.seeds(experiment),
        files=files,
        tools=tools,
        code=hash_code(stage.run, stage.sections),
    )


def _merged(
    changes: Mapping[str, Mapping[str, Any]], more: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Changes by section and key, and more of them."""
    return {name: {**changes.get(name, {}), **more.get(name, {})} for name in {**changes, **more}}


def _check_made(
    stage: Stage, need: Need, sha256: str, files: Mapping[str, str], tools: Mapping[str, str], command: str
) -> None:
    """Raise unless an input is what its maker's manifest says, made with what this run has: settings, files and a PDK that both read."""
    if need.folder is None:
        return
    made = manifest.load_manifest(need.folder)
    if made is None:
        cut_off = (need.folder / STARTED).exists() or need.complete
        unreadable = f"{manifest.NAME} beside it cannot be read"
        changed = (
            [unreadable]
            if (need.folder / manifest.NAME).exists()
            else ["its stage did not end well"] * cut_off
        )
    else:
        if made.outputs.get(need.path.relative_to(need.folder).as_posix()) != sha256:
            raise StageInputAltered(stage.name, need.path, need.folder / manifest.NAME, command)
        settings, read = made.inputs.settings, made.inputs.files
        changed = [name for name, value in need.settings.items() if settings.get(name) != value]
        changed += [name for name in read if name in files and files[name] != read[name]]
        theirs = made.inputs.tools.get(PDK)
        changed += ["the PDK"] * (theirs is not None and tools.get(PDK, theirs) != theirs)
    if changed:
        raise StageInputStale(stage.name, need.path, changed, command)


def _prepare(folder: Path, inputs: Inputs, rundir: RunDir, *, anew: bool) -> Path | None:
    """Keep what a cut-off run with equal inputs left (unless ``anew``), else clear the folder; it is unfinished now.

    What no manifest and no start belongs to is nobody's result, and may be somebody's own model: it is moved out of the way, to the place
    that comes back.
    """
    marker, known = folder / STARTED, worked_in(folder)
    aside = None
    if anew or not _continues(marker, inputs):
        if not known and any(folder.iterdir()):
            aside = set_aside(folder, rundir)
            folder.mkdir()
        else:
            _empty(folder)
    (folder / manifest.NAME).unlink(missing_ok=True)
    remove_leftovers(folder)
    write_json(marker, {"key": inputs.key})
    return aside


def _empty(folder: Path) -> None:
    """Remove all that is in a folder; it stays, for it may be a link to another disk, or one that is mounted there."""
    for inside in folder.iterdir():
        if inside.is_dir() and not inside.is_symlink():
            shutil.rmtree(inside)
        else:
            inside.unlink()


def _continues(marker: Path, inputs: Inputs) -> bool:
    """Whether a run with these inputs was cut off here."""
    try:
        return bool(read_json(marker)["key"] == inputs.key)
    except (ValueError, TypeError, KeyError):
        return False


def _free(path: Path) -> Path:
    """The first of ``path``, ``path-2``, ``path-3`` ... that is not there."""
    names = chain([path], (path.with_name(f"{path.name}-{k}") for k in count(2)))
    return next(one for one in names if not one.exists())


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
