"""The options that commands share, each defined once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from nonideal.cli.session import Session


class Kind(StrEnum):
    """Netlists that can be validated."""

    schematic = "schematic"
    pex_c = "pex-c"
    pex_rc = "pex-rc"


class Measured(StrEnum):
    """Netlists that columns can be measured on."""

    schematic = "schematic"
    pex = "pex"
    pex_c = "pex-c"
    pex_rc = "pex-rc"

    @property
    def netlist(self) -> str:
        """Its full name."""
        return Measured.pex_rc.value if self is Measured.pex else self.value


class Comparison(StrEnum):
    """What a validation compares."""

    layout = "layout"
    paper = "paper"


class Extractor(StrEnum):
    """What extracts parasitics."""

    nonideal = "nonideal"
    kpex = "kpex"
    magic = "magic"


class Accelerator(StrEnum):
    """On what a training runs."""

    cpu = "cpu"
    cuda = "cuda"
    auto = "auto"


def _experiments(begun: str) -> list[str]:
    """For completion: the names that begin so."""
    from nonideal.experiment.folders import known_experiments

    return [name for name in known_experiments() if name.startswith(begun)]


DEFAULT_EXPERIMENT = "iris"
ExperimentOption = Annotated[
    str | None,
    typer.Option(
        "--experiment",
        "-e",
        help=f"Name of a file in experiments/, or a path to a .toml file (default: {DEFAULT_EXPERIMENT}).",
        show_default=False,
        autocompletion=_experiments,
    ),
]
ExperimentArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="EXPERIMENT",
        help="The same as --experiment.",
        show_default=False,
        autocompletion=_experiments,
    ),
]
WeightsOption = Annotated[
    Path | None,
    typer.Option("--weights", help="A file of weights of your own, in place of the experiment's."),
]
ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model",
        help="The physical model that belongs to --weights: a file, or a name such as sky130_tt.",
    ),
]
OutFileOption = Annotated[
    Path | None, typer.Option("--out", help="The file to write, in place of the run directory's.")
]
OutFolderOption = Annotated[
    Path | None, typer.Option("--out", help="The folder to write into, in place of the run directory's.")
]
LayersOption = Annotated[
    str | None,
    typer.Option(
        "--layers",
        help="Layer sizes, inputs first, as 32,32 (default: the experiment's).",
        show_default=False,
    ),
]
OwnDataOption = Annotated[
    str | None,
    typer.Option("--data", help="A CSV, Parquet or .npz file of samples, or a data set's name, as iris."),
]
ImagesOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Folder with the files of an image set (default: data.folder, $NONIDEAL_DATA/SET, data/SET).",
    ),
]
PresetOption = Annotated[
    str | None,
    typer.Option(
        "--preset",
        help="Train on a physical model that ships with the package, as sky130_tt: no simulator, no PDK (default: the experiment's own).",
    ),
]
AcceleratorOption = Annotated[
    Accelerator | None,
    typer.Option(
        "--accelerator",
        help="On what to train; auto: CUDA where there is one (default: the experiment's own).",
    ),
]
DevicesOption = Annotated[
    int | None,
    typer.Option(
        "--devices",
        min=1,
        help="Train on several at once, through Lightning Fabric (default: the experiment's own).",
    ),
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", "-j", help="Parallel processes (default: one per core).")
]
CornerOption = Annotated[
    str | None,
    typer.Option("--corner", help="Process corners, as tt,ff,ss,sf,fs (default: the experiment's own)."),
]
SchedulerOption = Annotated[
    str | None, typer.Option("--scheduler", help="Dask scheduler for the simulations, as tcp://host:8786.")
]
RunDirOption = Annotated[
    Path | None, typer.Option("--run-dir", help="Where results go (default: runs/<experiment>).")
]
CharacterizeOnOption = Annotated[
    Measured | None,
    typer.Option(
        "--characterize-on",
        help="Measure columns on the schematic or on their extracted layouts (pex: pex-rc). Default: reproduce takes --netlist; "
        "otherwise as the run directory was characterised before, or the experiment's own.",
        show_default=False,
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Run the stage even where its results stand.")]
SamplesOption = Annotated[
    int | None,
    typer.Option("--samples", help="Validate this many held-out samples, in a run directory of its own."),
]
SeedsOption = Annotated[
    str | None,
    typer.Option(
        "--seeds",
        help="Train on these seeds, as 1 or 1,2,3; the first goes to silicon (default: the experiment's).",
        show_default=False,
    ),
]
CompareOption = Annotated[
    Comparison | None,
    typer.Option(
        "--compare",
        help="layout: does the network work on its layout? paper: every variant, the schematic beside, current scales searched in SPICE. "
        "Default: the experiment's validation.compare.",
        show_default=False,
    ),
]
ClipOption = Annotated[
    bool,
    typer.Option(
        "--clip",
        help="Clip weights outside the realisable range (they are counted) instead of refusing them.",
    ),
]
NetlistOption = Annotated[
    Kind,
    typer.Option(
        "--netlist", help="schematic, or extracted from the layout with capacitance (pex-c) or both (pex-rc)."
    ),
]
ExtractorOption = Annotated[
    Extractor | None,
    typer.Option(
        "--extractor",
        help="What extracts: nonideal, by kpex's rules in seconds; kpex itself, in minutes; "
        "magic, which needs PDK_ROOT and magic >= 8.3.677 (see doctor). "
        "Default: the experiment's extraction.extractor.",
        show_default=False,
    ),
]
OverrideOption = Annotated[
    bool, typer.Option("--override", help="Go on in spite of DRC or LVS errors; the report says so.")
]
VaryOption = Annotated[
    list[str] | None,
    typer.Option(
        "--vary",
        help="Values of a key of the circuit, as timing.hold_s=2e-9,5e-9; keys joined by + take one value together. Several: all "
        "combinations. Default: the experiment's section explore, or the built-in choices.",
        show_default=False,
    ),
]
TemperatureOption = Annotated[
    str | None,
    typer.Option(
        "--temperature",
        help="Temperatures in degrees Celsius, as -40,27,125 (default: the experiment's section conditions).",
        show_default=False,
    ),
]
VddOption = Annotated[
    str | None,
    typer.Option(
        "--vdd",
        help="By how much V_dd is off, in V, as -0.18,0.18; none: not at all (default: the experiment's; -10, -5, 5 and 10 %).",
        show_default=False,
    ),
]
V0Option = Annotated[
    str | None,
    typer.Option(
        "--v0", help="The same of V_0 (default: the experiment's; -20 and 20 mV).", show_default=False
    ),
]
VsenseOption = Annotated[
    str | None,
    typer.Option(
        "--vsense", help="The same of V_sense (default: the experiment's; -20 and 20 mV).", show_default=False
    ),
]
SpiceOption = Annotated[
    int | None,
    typer.Option(
        "--spice",
        help="Simulate so many samples in some of the conditions; 0: none (default: the experiment's).",
        show_default=False,
    ),
]
KeepSenseOption = Annotated[
    bool, typer.Option("--keep-sense", help="Leave V_sense as it is at home, in every condition.")
]
ChipsOption = Annotated[
    int | None,
    typer.Option(
        "--chips",
        min=10,
        max=1_000_000,
        help="Chips in the fast model (default: chips.chips).",
        show_default=False,
    ),
]
FirstChipOption = Annotated[
    int | None,
    typer.Option(
        "--first-chip", min=0, help="Seed of the first chip (default: chips.first_chip).", show_default=False
    ),
]
SpiceChipsOption = Annotated[
    int | None,
    typer.Option(
        "--spice-chips",
        min=0,
        max=10_000,
        help="Of those, in SPICE too (default: chips.spice_chips).",
        show_default=False,
    ),
]
HiddenOption = Annotated[
    str | None,
    typer.Option("--hidden", help="Sizes of the hidden layer to compare, as 5,10,20.", show_default=False),
]
ChipOption = Annotated[
    list[int],
    typer.Option("--chip", min=0, help="Seed of the chip; give it several times for several chips."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout, for machines.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


@dataclass(frozen=True)
class Common:
    """The options of every command that works on a run directory; ``named``: whether an experiment was given at all."""

    experiment: str = DEFAULT_EXPERIMENT
    jobs: JobsOption = None
    corner: CornerOption = None
    scheduler: SchedulerOption = None
    run_dir: RunDirOption = None
    characterize_on: CharacterizeOnOption = None
    as_json: JsonOption = False
    debug: DebugOption = False
    named: bool = False

    def session(self, **own: Any) -> AbstractContextManager[Session]:
        """The session these options ask for; ``own``: what the command adds, as ``nonideal.cli.session.session`` takes it."""
        from nonideal.cli.session import session

        return session(
            self.experiment,
            run_dir=self.run_dir,
            jobs=self.jobs,
            corner=self.corner,
            scheduler=self.scheduler,
            characterize_on=None if self.characterize_on is None else self.characterize_on.netlist,
            **own,
        )


OPTIONS = tuple(f.name for f in fields(Common) if f.name not in ("experiment", "named"))
"""Those of ``Common`` that are options as they stand; the experiment has an option and an argument."""


def comparing(compare: Comparison | None) -> dict[str, dict[str, str | None]]:
    """What ``--compare`` changes of an experiment."""
    return {"validation": {"compare": None if compare is None else compare.value}}


def with_common(command: Callable[..., None]) -> Callable[..., None]:
    """``command(common, ...)`` for the command line: the experiment, its own options, then those of ``Common``, in one signature."""
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    hints = get_type_hints(Common, include_extras=True)
    defaults = {f.name: f.default for f in fields(Common)}

    def parameter(name: str, default: Any, annotation: Any) -> inspect.Parameter:
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)

    parameters = [
        parameter("name", None, ExperimentArgument),
        *own,
        parameter("experiment", None, ExperimentOption),
        *(parameter(name, defaults[name], hints[name]) for name in OPTIONS),
    ]

    def called(*, name: str | None = None, experiment: str | None = None, **given: Any) -> None:
        asked = named_experiment(name, experiment)
        shared = {option: given.pop(option) for option in OPTIONS}
        command(Common(asked or DEFAULT_EXPERIMENT, named=asked is not None, **shared), **given)

    called.__name__, called.__doc__, called.__annotations__ = command.__name__, command.__doc__, {}
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return called


def named_experiment(argument: str | None, option: str | None) -> str | None:
    """The experiment, given either way; raises ``BadOption`` for two that differ."""
    from nonideal.experiment.errors import BadOption

    if argument is not None and option is not None and argument != option:
        raise BadOption(f"{argument} and --experiment {option}: give one experiment")
    return argument if argument is not None else option
