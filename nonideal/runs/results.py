"""Everything a run directory holds, read once. A stage that was not run is None or empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.shift import Shifts
from nonideal.circuits.drc_summary import DrcSummary
from nonideal.circuits.lvs_summary import LvsSummary
from nonideal.circuits.pex_summary import PexSummary
from nonideal.files import UnreadableFile, sha256_of
from nonideal.files.record import Document
from nonideal.postlayout.summary import MappingSummary, ValidationSummary
from nonideal.runs.commands import option_text
from nonideal.runs.errors import NothingToReport, ResultUnreadable
from nonideal.runs.manifest import NAME as MANIFEST
from nonideal.runs.manifest import Manifest, load_manifest
from nonideal.runs.result_tables import CURVES, MAPPING, METRICS, SPIKES, WAVEFORMS, table_of
from nonideal.runs.rundir import (
    ASIDE,
    CALIBRATION,
    COMMANDS,
    CORNERS,
    SCHEMATIC,
    RunDir,
    command_of,
    netlist_of_stage,
    stage_of,
)
from nonideal.runs.stage import worked_in
from nonideal.runs.summaries.chips import CalibrationSummary, YieldSummary
from nonideal.runs.summaries.conditions import ConditionsSummary
from nonideal.runs.summaries.explore import ExploreSummary
from nonideal.runs.summaries.layout import ColumnsSummary, LayoutSummary
from nonideal.runs.summaries.noise import NoiseSummary
from nonideal.runs.summaries.training import TrainingSummary, VariantSummary
from nonideal.runs.troubles import FailedSample, Retry, failed_samples, retries

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
D = TypeVar("D", bound=Document)
DAMAGE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What reading a file raises that holds anything."""


OWN_FILES = {"characterization": "model.json", "training": "*/weights.safetensors"}
"""Stage -> what a person may hand in for it."""
OPTIONAL = frozenset({"columns", "shift", "layout"})
"""Stages that a whole run may do without."""
TOLD_BY = {
    "characterization": "model.json",
    "training": "summary.json",
    "netlist": "*/mapping.csv",
    "validation": "summary.json",
}
"""Stage -> the file that its results are told by; of the others any."""
REFERENCE = "ann"
"""The mapping that the others are compared with."""


@dataclass(frozen=True, slots=True)
class Altered:
    """A file that is not what its stage made, relative to the run directory: ``what`` became of it, and the command that makes it again."""

    file: str
    what: str
    command: str


@dataclass(frozen=True, slots=True)
class Results:
    """What was found in ``path``; ``asked``: what commands on it have on their line ("": as its stages recorded it)."""

    path: Path
    model: PhysicalModel | None = None
    curves: pd.DataFrame | None = None
    training: TrainingSummary | None = None
    metrics: dict[str, dict[int, pd.DataFrame]] = field(default_factory=dict)
    mappings: dict[str, pd.DataFrame] = field(default_factory=dict)
    validation: ValidationSummary | None = None
    spikes: pd.DataFrame | None = None
    waveforms: dict[str, pd.DataFrame] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    corners: dict[str, PhysicalModel] = field(default_factory=dict)
    corner_validations: dict[str, ValidationSummary] = field(default_factory=dict)
    columns: ColumnsSummary | None = None
    layout: LayoutSummary | None = None
    shift: Shifts | None = None
    explore: ExploreSummary | None = None
    conditions: ConditionsSummary | None = None
    noise: NoiseSummary | None = None
    yields: dict[str, YieldSummary] = field(default_factory=dict)
    calibrations: dict[str, CalibrationSummary] = field(default_factory=dict)
    drc: DrcSummary | None = None
    lvs: LvsSummary | None = None
    pex: PexSummary | None = None
    retries: tuple[Retry, ...] = ()
    failed: tuple[FailedSample, ...] = ()
    altered: tuple[Altered, ...] = ()
    asked: str = ""

    @property
    def experiment(self) -> str:
        """The experiment's name; the folder's where no stage recorded it."""
        told = None if self.validation is None else self.validation.experiment
        return told or self.path.resolve().name

    @property
    def variants(self) -> dict[str, VariantSummary]:
        """What was trained, by name."""
        return {} if self.training is None else self.training.variants

    @property
    def validated(self) -> dict[str, MappingSummary]:
        """What was validated, by mapping."""
        return {} if self.validation is None else self.validation.mappings

    def has(self, stage: str) -> bool:
        """Are there results of a stage?"""
        told = {
            "characterization": self.model,
            "training": self.training,
            "netlist": self.mappings or None,
            "validation": self.validation,
        }
        return told.get(stage) is not None or any((self.path / stage).glob(TOLD_BY.get(stage, "*")))

    @property
    def stages(self) -> tuple[str, ...]:
        """Those of the loop, and those beside it that have results; of ``calibration`` one a chip."""
        return (*COMMANDS, *(stage for stage in _beside_the_loop(self.path) if self.has(stage)))

    def complete(self, stage: str) -> bool:
        """Did the stage end well? Its manifest is written last."""
        return stage in self.manifests

    def handed_in(self, stage: str) -> tuple[Path, ...]:
        """Files of a stage that no stage made: a model, or weights, of the user's own."""
        folder = self.path / stage
        if stage not in OWN_FILES or worked_in(folder):
            return ()
        return tuple(sorted(folder.glob(OWN_FILES[stage])))

    @property
    def shared_options(self) -> str:
        """What every command on this directory has on its line: as it was asked now, or as the last finished stage recorded it."""
        last = max(self.manifests.values(), key=lambda manifest: manifest.started, default=None)
        recorded = last.shared if last is not None else ""
        return self.asked or recorded or RunDir.at(self.path).options(self.experiment)

    def command(self, stage: str, corner: str = "") -> str:
        """The command that makes a stage's results, of a corner in this directory too: as recorded, or for a stage that did not end.

        A directory that was moved, or copied, is the one it is now.
        """
        manifest = self.manifests.get(stage)
        if manifest is not None and manifest.command and not corner:
            return self.recorded(manifest)
        settings = {} if manifest is None else manifest.inputs.settings
        own = {name[2:]: value for name, value in settings.items() if name.startswith("--")}
        if manifest is None and "/chip_" in stage:
            own["chip"] = stage.partition("/chip_")[2]
        if manifest is None and netlist_of_stage(stage) != SCHEMATIC:
            own["netlist"] = netlist_of_stage(stage)
        at = {"corner": corner or None}
        return f"nonideal {command_of(stage)}{self.shared_options}{option_text(at | own)}"

    def recorded(self, made: Manifest) -> str:
        """The command that a manifest recorded, as it is typed for this directory."""
        return made.command.replace(made.shared, self.shared_options, 1) if made.shared else made.command

    def setting(self, section: str) -> dict[str, Any] | None:
        """A section of the experiment as a finished stage recorded it, e.g. ``circuit`` or ``data``."""
        for stage in ("validation", "training", "netlist", "characterization"):
            manifest = self.manifests.get(stage)
            found = manifest.inputs.settings.get(section) if manifest is not None else None
            if isinstance(found, dict):
                return found
        return None


def list_results(path: Path | str, asked: str = "") -> Results:
    """Which stages a run directory has results of, and what became of their files; nothing else of them is read.

    ``asked`` as in ``Results``. Raises ``NothingToReport``.
    """
    path = Path(path)
    stages = (*COMMANDS, *_beside_the_loop(path))
    manifests = {stage: load_manifest(path / stage) for stage in stages}
    results = Results(
        path=path,
        asked=asked,
        manifests={stage: manifest for stage, manifest in manifests.items() if manifest is not None},
    )
    if not any(results.has(stage) for stage in stages):
        state = "holds no results" if path.is_dir() else "does not exist"
        raise NothingToReport(
            f"{path} {state}: run `nonideal reproduce{results.shared_options}` or any of its stages first, or give the --run-dir "
            "of an experiment that was run"
        )
    return replace(results, altered=tuple(_altered(results)))


def load_results(path: Path | str, asked: str = "") -> Results:
    """Read a run directory; ``asked`` as in ``Results``. Raises ``NothingToReport`` and ``ResultUnreadable``.

    Example:

        results = nonideal.load_results("runs/iris")
        for name, row in results.validated.items():
            print(name, row.spike_time_rmse_s.output, row.accuracy_spice)
    """
    path = Path(path)
    characterization, training, validation = (
        path / name for name in ("characterization", "training", "validation")
    )
    found_training = _read(training / "summary.json", TrainingSummary.load)
    spikes = _read(validation / "spikes.parquet", table_of(SPIKES))
    listed = list_results(path, asked)
    results = replace(
        listed,
        model=_read(characterization / "model.json", PhysicalModel.load),
        curves=_read(characterization / "curves.parquet", table_of(CURVES)),
        training=found_training,
        metrics=_must(training / "summary.json", lambda file: _metrics(training, found_training)),
        mappings=_by_folder(path / "netlist", "mapping.csv", table_of(MAPPING)),
        validation=_read(validation / "summary.json", ValidationSummary.load),
        spikes=spikes,
        waveforms={
            file.stem.removeprefix("worst_"): _must(file, table_of(WAVEFORMS))
            for file in sorted(validation.glob("worst_*.parquet"))
        },
        corners=_by_folder(path / "corners", "characterization/model.json", PhysicalModel.load),
        corner_validations=_by_folder(path / "corners", "validation/summary.json", ValidationSummary.load),
        drc=_read(path / "layout" / "drc.json", DrcSummary.load),
        lvs=_read(path / "layout" / "lvs.json", LvsSummary.load),
        pex=_read(path / "layout" / "pex.json", PexSummary.load),
        retries=retries(path, (*COMMANDS, *_beside_the_loop(path))),
        failed=_must(validation / "spikes.parquet", lambda file: failed_samples(path, spikes)),
    )
    return _beside(results)


def _beside(results: Results) -> Results:
    """With what stages beside the loop told."""

    def told(stage: str, kind: type[D]) -> D | None:
        """What a finished stage's manifest holds of it."""
        made = results.manifests.get(stage)
        return None if made is None else kind.from_json(made.summary, results.path / stage / MANIFEST)

    def written(stage: str, kind: type[D]) -> D | None:
        """What a stage wrote of itself, finished or not."""
        file = results.path / stage / "summary.json"
        if not file.is_file():
            return None
        try:
            return kind.load(file)
        except DAMAGE as error:
            raise ResultUnreadable(
                f"{file.parent} cannot be read ({error}): remove it and run `{results.command(stage)}` again"
            ) from error

    def by_stage(name: str, kind: type[D]) -> dict[str, D]:
        found = {stage: written(stage, kind) for stage in results.stages if stage_of(stage) == name}
        return {stage: summary for stage, summary in found.items() if summary is not None}

    try:
        return replace(
            results,
            columns=told("columns", ColumnsSummary),
            layout=told("layout", LayoutSummary),
            shift=told("shift", Shifts),
            explore=told("explore", ExploreSummary),
            conditions=written("conditions", ConditionsSummary),
            noise=written("noise", NoiseSummary),
            yields=by_stage("yield", YieldSummary),
            calibrations=by_stage(CALIBRATION, CalibrationSummary),
        )
    except UnreadableFile as error:
        raise ResultUnreadable(str(error)) from error


def _altered(results: Results) -> Iterator[Altered]:
    """What became of the files since their stages made them, at all corners."""
    corners = sorted(folder.name for folder in (results.path / CORNERS).glob("*/"))
    for corner in ("", *corners):
        base = f"{CORNERS}/{corner}/" if corner else ""
        for stage in results.stages if not corner else COMMANDS:
            folder, command = results.path / base / stage, results.command(stage, corner)
            made = load_manifest(folder)
            if made is None:
                if (folder / MANIFEST).exists():
                    yield Altered(f"{base}{stage}/{MANIFEST}", "cannot be read", command)
                continue
            for name, sha256 in made.outputs.items():
                file = folder / name
                if not file.is_file() or sha256_of(file) != sha256:
                    what = "was altered or damaged" if file.is_file() else "is gone"
                    yield Altered(f"{base}{stage}/{name}", what, (corner and made.command) or command)


def _beside_the_loop(path: Path) -> tuple[str, ...]:
    """The stages beside the loop, on extracted netlists where they are there; of ``calibration`` in the order of their chips."""
    others = []
    for stage in (stage for stage in ASIDE if stage != CALIBRATION):
        others += [stage, *sorted(folder.name for folder in path.glob(f"{stage}_*"))]
    chips = sorted(
        path.glob(f"{CALIBRATION}*/chip_*"),
        key=lambda folder: (folder.parent.name, len(folder.name), folder.name),
    )
    return (*others, *(f"{folder.parent.name}/{folder.name}" for folder in chips))


def _must(file: Path, reader: Callable[[Path], T]) -> T:
    try:
        return reader(file)
    except ResultUnreadable:
        raise
    except UnreadableFile as error:
        raise ResultUnreadable(str(error)) from error
    except DAMAGE as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ResultUnreadable(
            f"{file} cannot be read ({reason}): remove it and run its stage again"
        ) from error


def _read(file: Path, reader: Callable[[Path], T]) -> T | None:
    return _must(file, reader) if file.is_file() else None


def _by_folder(base: Path, name: str, reader: Callable[[Path], T]) -> dict[str, T]:
    """``base/<key>/<name>`` for every key that has it."""
    folders = sorted(p for p in base.iterdir() if p.is_dir()) if base.is_dir() else []
    return {f.name: _must(f / name, reader) for f in folders if (f / name).is_file()}


def _metrics(folder: Path, summary: TrainingSummary | None) -> dict[str, dict[int, pd.DataFrame]]:
    """metrics.csv by variant and seed; the first seed lies in the variant's own folder."""
    found: dict[str, dict[int, pd.DataFrame]] = {}
    for variant, row in ({} if summary is None else summary.variants).items():
        for position, seed in enumerate(entry.seed for entry in row.seeds):
            place = folder / variant if position == 0 else folder / variant / f"seed_{seed}"
            table = _read(place / "metrics.csv", table_of(METRICS))
            if table is not None:
                found.setdefault(variant, {})[seed] = table
    return found
