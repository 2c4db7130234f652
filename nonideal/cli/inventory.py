"""What a run directory holds: its stages, whether their results stand, their main numbers, and the files to open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nonideal.cli.exit_code import exit_code_of
from nonideal.cli.numbers import main_numbers
from nonideal.experiment.errors import WorkflowError
from nonideal.runs.manifest import Manifest, load_manifest, stale
from nonideal.runs.rundir import stage_of
from nonideal.runs.stage import inputs_of
from nonideal.stages.table import STAGES

if TYPE_CHECKING:
    from nonideal.cli.session import Session
    from nonideal.runs.results import Results

FILES: Final = {
    "columns": ("*/network.gds",),
    "characterization": ("model.json", "curves.csv", "plots/*.png"),
    "shift": ("shift.json",),
    "training": ("*/weights.safetensors", "*/metrics.csv"),
    "netlist": ("*/network.spice", "*/network.cir"),
    "layout": ("layout.png", "network.gds", "network.pex.spice"),
    "validation": ("summary.json", "spikes.parquet", "worst_*.raw"),
    "explore": ("pareto.png", "table.csv"),
    "conditions": ("conditions.png", "supplies.png", "table.csv"),
    "noise": ("jitter.png", "jitter.csv"),
    "tapeout": ("tile.png", "tt_um_*.gds", "tt_um_*.spice", "info.yaml"),
    "tile-simulation": ("simulation.json", "simulation.csv", "datasheet.html"),
    "mismatch": ("model.json",),
    "yield": ("yield.png", "chips.csv"),
    "calibration": ("network.spice", "biases.csv"),
    "simulate": ("waveforms.png", "*.raw", "spikes.csv"),
}
"""Stage -> what a person opens, in this order."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A stage with results. ``state``: current, stale, altered, unfinished, handed in, or unknown; ``why`` says more; ``command`` makes it again."""

    stage: str
    folder: str
    state: str
    why: str
    made: str | None
    seconds: float | None
    passed: bool | None
    numbers: tuple[str, ...]
    files: tuple[str, ...]
    command: str

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {name: getattr(self, name) for name in self.__slots__}


def inventory(results: Results, opened: Session | None) -> Iterator[Shown]:
    """Every stage that left something in the directory, in the order of the loop; ``opened``: the experiment to compare with, if it is known."""
    samples = sorted(place.relative_to(results.path).as_posix() for place in results.path.glob("simulate/*/"))
    for stage in (*(one for one in results.stages if results.has(one)), *samples):
        folder, made = results.path / stage, load_manifest(results.path / stage)
        state, why = _state(results, stage, made, opened)
        yield Shown(
            stage=stage,
            folder=str(folder),
            state=state,
            why=why,
            made=None if made is None else made.started,
            seconds=None if made is None else round(made.seconds, 3),
            passed=None if made is None else made.passed,
            numbers=() if made is None else _numbers(made),
            files=tuple(map(str, _files(folder, FILES.get(stage_of(stage), ())))),
            command=results.command(stage) if made is None or not made.command else results.recorded(made),
        )


def _numbers(made: Manifest) -> tuple[str, ...]:
    kind = STAGES[stage_of(made.stage)].summary
    try:
        return main_numbers(kind.model_validate(made.summary))
    except ValueError:
        return ("told as another version did",)


def _files(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    return [file for pattern in patterns for file in sorted(folder.glob(pattern)) if file.is_file()]


def _state(results: Results, stage: str, made: Manifest | None, opened: Session | None) -> tuple[str, str]:
    """Whether the results stand for the experiment and the code as they are now."""
    folder = results.path / stage
    if made is None:
        if results.handed_in(stage):
            return "handed in", "made by no stage"
        return "unfinished", "it was cut off, or failed; its command goes on"
    altered = [one for one in results.altered if (results.path / one.file).is_relative_to(folder)]
    if altered:
        return "altered", f"{altered[0].file} {altered[0].what}"
    return (
        ("unknown", "its experiment was not found")
        if opened is None
        else _against(opened, stage, made, folder)
    )


def _against(opened: Session, stage: str, made: Manifest, folder: Path) -> tuple[str, str]:
    """The state of results, held against the experiment as it is now."""
    try:
        found = _inputs_now(stage, made, opened)
    except WorkflowError as error:  # an input is missing, or older than what it is made from
        return ("unknown" if exit_code_of(error) == 3 else "stale"), str(error).partition("\n")[0]
    except Exception as error:
        if exit_code_of(error) is None:
            raise
        return "unknown", str(error).partition("\n")[0]
    reason = stale(folder, found)
    return ("current", "") if reason is None else ("stale", reason)


def _inputs_now(stage: str, made: Manifest, opened: Session) -> Any:
    from dataclasses import replace

    own = opened.as_asked(made.asked)
    experiment, rundir = own.at(own.corners[0])
    options = {name[2:]: value for name, value in made.inputs.settings.items() if name.startswith("--")}
    return inputs_of(
        replace(STAGES[stage_of(stage)], name=stage), experiment, rundir, options, own.context.line
    )
