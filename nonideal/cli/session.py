"""What every command does first: experiment, corners, run directory, lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nonideal.experiment.errors import BadOption, ExperimentError
from nonideal.experiment.experiment import Experiment, load_experiment
from nonideal.runs.commands import CommandLine
from nonideal.runs.context import Context, available_cores
from nonideal.runs.manifest import load_manifest
from nonideal.runs.rundir import CALIBRATION, RunDir, default_run_dir, on_netlist, stage_of
from nonideal.runs.stage import Outcome, Stage, outdated, run_stage
from nonideal.sky130_models.corner import Corner, parse_corner
from nonideal.stages.checks import check_before
from nonideal.stages.codes import holds_codes, refuse_codes_on, refuse_noise
from nonideal.stages.conditions import offsets_of
from nonideal.stages.designs import designs
from nonideal.stages.explore import choices
from nonideal.stages.layout import layout_options
from nonideal.stages.measured_on import SCHEMATIC, MeasuredOn, measured_on
from nonideal.stages.table import LOOP, STAGES
from nonideal.stages.tapeout import require_tile
from nonideal.stages.tile_simulation import TILE_SIMULATION, check_samples

if TYPE_CHECKING:
    from nonideal.cli.options import Common


@dataclass(frozen=True, slots=True)
class Session:
    """An experiment at one or more corners, in a locked run directory; ``asked``: what its columns are to be measured on."""

    experiment: Experiment
    corners: tuple[Corner, ...]
    rundir: RunDir
    context: Context
    asked: MeasuredOn | None = None

    def at(self, corner: Corner) -> tuple[Experiment, RunDir]:
        """Experiment and run directory at a corner; the experiment's own corner has the directory itself."""
        rundir = self._rundir(corner)
        on = measured_on(self.experiment, rundir, self.asked).netlist
        return self.experiment.at(corner).changed({"characterize": {"on": on}}), rundir

    def _rundir(self, corner: Corner) -> RunDir:
        own = corner == self.experiment.process.corner
        return self.rundir if own else self.rundir.corner(corner.value)

    def as_asked(self, asked: Mapping[str, Any]) -> Session:
        """The same with what a manifest says was asked beside the experiment's file. Raises ``ExperimentError`` for what that no longer takes."""
        changes = {name: values for name, values in asked.get("changes", {}).items() if values}
        update = {}
        for name, values in changes.items():
            section = getattr(self.experiment, name)
            given = {key: value for key, value in values.items() if value is not None}
            # JSON has lists for tuples and text for corners: the section's own types are asked for.
            typed = type(section).model_validate(section.model_dump(exclude_unset=True) | given)
            update[name] = section.model_copy(update={key: getattr(typed, key) for key in given})
        experiment = self.experiment.model_copy(update=update)
        if asked.get("samples") is not None:
            experiment = of_samples(experiment, int(asked["samples"]))
        return replace(self, experiment=experiment)

    def run(
        self, stages: tuple[str, ...], options: Mapping[str, Mapping[str, Any]] | None = None
    ) -> list[Outcome]:
        """Run stages in order, at every corner, and say where that leaves a report out of date. ``options``: by stage."""
        try:
            return self._run(stages, options or {})
        finally:
            self._tell_of_old_reports()

    def _run(self, stages: tuple[str, ...], options: Mapping[str, Mapping[str, Any]]) -> list[Outcome]:
        places = [(corner, *self.at(corner)) for corner in self.corners]
        for _, experiment, _ in places:
            wanted = [stage for stage in map(_stage, stages) if stage.wanted(experiment)]
            check_before(experiment, wanted, options, self.context.console.print)
        outcomes = []
        for corner, experiment, rundir in places:
            if len(self.corners) > 1:
                self.context.console.print(f"corner {corner.value}", style="bold")
            wanted = [stage for stage in map(_stage, stages) if stage.wanted(experiment)]
            if any(stage.reads_model(experiment, rundir) for stage in wanted):
                found = measured_on(self.experiment, rundir, self.asked)
                self.context.console.print(f"columns are measured on {found.netlist} ({found.why})")
            for stage in wanted:
                outcomes.append(run_stage(stage, experiment, rundir, self.context, options.get(stage.name)))
        return outcomes

    def _tell_of_old_reports(self) -> None:
        """A corner's results stand in its own report, and in that of the run directory."""
        places = [self.rundir, *(self._rundir(corner) for corner in self.corners)]
        for path, rundir in {place.path: place for place in places}.items():
            if outdated(path):
                again = self.context.line.report(self.experiment.name, rundir)
                self.context.console.print(
                    f"{path / 'report.html'} is older than these results; to remake it: `{again}`"
                )

    def characterize(self, extractor: str | None = None, *, override: bool = False) -> list[Outcome]:
        """The columns, where they are measured on their layouts, and the physical model."""
        kinds = [self.at(corner)[0].characterize.on for corner in self.corners]
        netlist = next((kind for kind in kinds if kind != SCHEMATIC), SCHEMATIC)
        options = _of_columns(layout_options(netlist, extractor, override=override))
        return self.run(("columns", "characterization"), options)

    def explore(self, extractor: str | None = None) -> list[Outcome]:
        """Rank design choices; those that cannot be are refused before anything runs."""
        choices(self.experiment)
        netlist = self.at(self.corners[0])[0].characterize.on
        options = _of_columns(layout_options(netlist, extractor))["columns"]
        return self.run(("explore",), {"explore": options})

    def conditions(self) -> list[Outcome]:
        """Characterise corners, temperatures and supplies and try the network there; columns are those of the schematic, of codes the run's."""
        if holds_codes(self.experiment.circuit):
            return self._on_own_model().run(("conditions",))
        self._check_on_schematic("conditions are characterised on the schematic only")
        offsets_of(self.experiment)
        return self.run(("conditions",))

    def noise(self, netlist: str = SCHEMATIC) -> list[Outcome]:
        """How the network's spikes jitter on a netlist: of its layout in ``noise_<netlist>``. Raises ``ExperimentError`` for codes."""
        refuse_noise(self.experiment)
        self._check_measured_on(
            netlist, f"noise of the {netlist} netlist is told by columns measured on the same"
        )
        stage = on_netlist("noise", netlist)
        return self.run((stage,), {stage: _drawn_into(netlist)})

    def tapeout(
        self, *, extraction: bool = True, simulate: int | None = None, columns_alone: bool = False
    ) -> list[Outcome]:
        """The network as the tile of a shuttle, and so many samples on it in SPICE: by columns, and unless ``columns_alone`` the first whole too.

        Raises ``ExperimentError`` for an experiment that is none, ``BadOption`` for samples that are not there, or of a tile without extraction.
        """
        require_tile(self.experiment)
        if simulate is None:
            if columns_alone:
                raise BadOption("--columns-alone says how samples are simulated: give --simulate too")
            return self.run(("tapeout",), {} if extraction else {"tapeout": {"no-extraction": True}})
        if not extraction:
            raise BadOption("--simulate takes the extracted tile: leave --no-extraction out")
        check_samples(simulate, len(self.experiment.data.load().test_x))
        options = {"simulate": simulate} | ({"columns-alone": True} if columns_alone else {})
        return self.run(("tapeout", TILE_SIMULATION), {TILE_SIMULATION: options})

    def chips(self, netlist: str = SCHEMATIC) -> list[Outcome]:
        """The statistical model of chips on a netlist, and the yield of the experiment's network there; of codes by the run's model."""
        if holds_codes(self.experiment.circuit):
            return self._on_own_model().run(("mismatch", "yield"))
        self._check_chips(netlist)
        asked = self.experiment.chips
        self._check_not_drawn(range(asked.first_chip, asked.first_chip + asked.chips))
        if netlist == SCHEMATIC:
            designs(self.experiment)
        else:
            self._check_whole(netlist)
        stages = on_netlist("mismatch", netlist), on_netlist("yield", netlist)
        return self.run(stages, dict.fromkeys(stages, _drawn_into(netlist)))

    def calibrate(self, seeds: Sequence[int], netlist: str = SCHEMATIC) -> list[Outcome]:
        """The statistical model, and each of these chips measured and trimmed, in ``calibration/chip_<seed>``.

        On an extracted netlist, in ``calibration_<netlist>/chip_<seed>``.
        A chip that cannot be measured keeps no other from being tried; the first one's error is raised at the end.
        """
        from nonideal.characterize.errors import CharacterizationFailed

        refuse_codes_on(self.experiment, netlist)
        self._check_chips(netlist)
        self._check_not_drawn(seeds)
        mismatch, options = on_netlist("mismatch", netlist), _drawn_into(netlist)
        failed: list[CharacterizationFailed] = []
        try:
            outcomes = self._run((mismatch,), {mismatch: options})
            for corner in self.corners:
                experiment, rundir = self.at(corner)
                for seed in dict.fromkeys(seeds):
                    stage = _stage(f"{on_netlist(CALIBRATION, netlist)}/chip_{seed}")
                    mine = {"chip": seed} | options
                    try:
                        outcomes.append(run_stage(stage, experiment, rundir, self.context, mine))
                    except CharacterizationFailed as error:
                        self.context.console.print(f"  {error}")
                        failed.append(error)
            if failed:
                raise failed[0]
            return outcomes
        finally:
            self._tell_of_old_reports()

    def _on_own_model(self) -> Session:
        """The same session, on whichever netlist the run's columns were measured: networks of codes are told by that model alone."""
        return (
            self if self.asked is None or self.asked.why == "--characterize-on" else replace(self, asked=None)
        )

    def _check_chips(self, netlist: str) -> None:
        why = f"chips are drawn into the {netlist} netlist, and columns measured on the same tell their spike times"
        self._check_measured_on(netlist, why)
        mapping, trained = self.experiment.chips.mapping, self.experiment.training.variants
        if mapping not in trained:
            raise ExperimentError(
                self.experiment.name,
                [
                    f"chips.mapping = {mapping!r}, which training.variants = {list(trained)} does not train: set one or the other"
                ],
            )

    def _check_not_drawn(self, seeds: Sequence[int]) -> None:
        """The devices that the statistical model was measured on are no witnesses of it."""
        drawn = self.experiment.characterize.draw_seed
        if drawn in seeds:
            raise BadOption(
                f"chip {drawn} shares devices with the benches of the statistical model (characterize.draw_seed = {drawn}): "
                "choose other chips (chips.first_chip), or another draw_seed"
            )

    def _check_whole(self, netlist: str) -> None:
        """Only the network itself is drawn and extracted: no part of it, and no other design."""
        asked = self.experiment.chips
        keys = {"spice_neurons": asked.spice_neurons, "vary": asked.vary, "hidden": asked.hidden}
        given = [f"chips.{key}" for key, value in keys.items() if value]
        if given:
            raise BadOption(
                f"--netlist {netlist}: {' and '.join(given)} asks for parts of the network or other designs, which have no extracted netlist; "
                "leave it out, or take --netlist schematic"
            )

    def _check_on_schematic(self, why: str) -> None:
        self._check_measured_on(SCHEMATIC, why)

    def _check_measured_on(self, netlist: str, why: str) -> None:
        if self.asked is not None and self.asked.netlist != netlist:
            raise BadOption(f"--characterize-on {self.asked.netlist}: {why}; leave it out")

    def loop(
        self, netlist: str, extractor: str | None = None, *, override: bool = False
    ) -> tuple[list[Outcome], list[Path]]:
        """Every stage, then the report; samples that failed are in the report before they are an error."""
        from nonideal.postlayout.errors import SamplesFailed

        options: dict[str, dict[str, str | bool]] = {
            "layout": layout_options(netlist, extractor, override=override),
            "validation": {"netlist": netlist},
        }
        options |= _of_columns(options["layout"])
        stages: tuple[str, ...] = LOOP
        if netlist == SCHEMATIC and self.experiment.circuit.cells:
            stages = tuple(stage for stage in LOOP if stage != "layout")
            own = ", ".join(self.experiment.circuit.cells)
            self.context.console.print(
                f"no layout: circuit.cells replaces {own}, and only our own cells are drawn"
            )
        try:
            outcomes = self._run(stages, options)
        except SamplesFailed:
            self.reports()
            raise
        return outcomes, self.reports()

    def reports(self) -> list[Path]:
        """Write the report at every corner that has results; the paths of the pages."""
        from nonideal.report import NothingToReport, write_report

        pages = []
        for corner in self.corners:
            try:
                rundir = self._rundir(corner)
                pages.append(
                    write_report(rundir.path, self.context.line.shared(self.experiment.name, rundir))[0]
                )
            except NothingToReport:
                if len(self.corners) == 1:
                    raise
        return pages


def _stage(name: str) -> Stage:
    """A stage, in the folder of its own that ``name`` says."""
    return replace(STAGES[stage_of(name)], name=name)


def _drawn_into(netlist: str) -> dict[str, str]:
    """The options of stages whose chips are drawn into a netlist, or its noise; the schematic is what they take without."""
    return {} if netlist == SCHEMATIC else {"netlist": netlist}


def _of_columns(layout: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The options of the stages that measure columns, from those of the layout: the netlist is the experiment's affair."""
    options = {name: value for name, value in layout.items() if name != "netlist" and value}
    return {"columns": options, "characterization": options}


@contextmanager
def session(
    experiment: str | Path,
    *,
    run_dir: str | Path | None = None,
    jobs: int | None = None,
    corner: str | None = None,
    scheduler: str | None = None,
    force: bool = False,
    samples: int | None = None,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    characterize_on: str | None = None,
    like: str | None = None,
) -> Iterator[Session]:
    """Open a session; raises ``ExperimentError``, ``BadOption``, ``RunDirBusy`` before anything runs.

    ``samples`` overrides how many are validated. Such a run has a directory of its own (``runs/iris-5``)
    unless ``run_dir`` says otherwise, so that a short one never replaces the results of a whole one. ``changes``: keys of
    sections that the command line sets (None: it does not). ``characterize_on``: the netlist to measure columns on, as the
    command line gives it; ``like``: the one to take without it (None: see ``measured_on``).

        with nonideal.session("iris", jobs=2) as session:
            session.characterize()    # as the command of that name does, with --jobs 2
    """
    loaded = load_experiment(experiment).changed(changes or {})
    name = loaded.name
    if samples is not None:
        loaded, name = of_samples(loaded, samples), f"{name}-{samples}"
    if jobs is not None and jobs < 1:
        raise BadOption(f"--jobs {jobs}: give at least 1, or leave it out for one per core")
    corners = corners_of(corner) if corner else (loaded.process.corner,)
    rundir = RunDir(Path(run_dir) if run_dir is not None else default_run_dir(name))
    line = CommandLine(str(experiment), samples, changes or {})
    context = Context(jobs=jobs or available_cores(), scheduler=scheduler, force=force, line=line)
    with rundir.lock():
        yield Session(loaded, corners, rundir, context, _asked(characterize_on, like))


def of_samples(loaded: Experiment, samples: int) -> Experiment:
    """The experiment with so many samples validated; raises ``BadOption`` for more than there are."""
    held = loaded.data.held_out or len(loaded.data.load().test_y)
    if not 1 <= samples <= held:
        raise BadOption(f"--samples {samples}: {loaded.name} holds out {held}; give 1 to {held}")
    # A short run calibrates on half as many samples as it validates; three at least, or the scale is a matter of luck.
    few = min(loaded.validation.calibration_samples, max(3, samples // 2))
    short = loaded.validation.model_copy(update={"samples": samples, "calibration_samples": few})
    return loaded.model_copy(update={"validation": short})


def looking_at(common: Common) -> tuple[Path, str, Session | None]:
    """For commands that only look: the directory of results, what commands on it have on their line, and the experiment as a session.

    The session holds no lock. None: the directory's own experiment is not found, and none was named. Raises as ``session`` does.
    """
    if common.jobs is not None and common.jobs < 1:
        raise BadOption(f"--jobs {common.jobs}: give at least 1, or leave it out for one per core")
    given = common.experiment
    if common.run_dir is not None and not common.named:
        given = _recorded(common.run_dir) or common.run_dir.name
    try:
        loaded = load_experiment(given)
    except ExperimentError:
        if common.named or common.run_dir is None:
            raise
        return common.run_dir, "", None
    corners = corners_of(common.corner) if common.corner else (loaded.process.corner,)
    if len(corners) > 1:
        raise BadOption(f"--corner {common.corner}: give one corner to look at")
    base = RunDir(common.run_dir if common.run_dir is not None else default_run_dir(loaded.name))
    line = CommandLine(given)
    opened = Session(loaded, corners, base, Context(jobs=1, line=line))
    rundir = opened.at(corners[0])[1]
    return rundir.path, line.shared(loaded.name, rundir), opened


def _recorded(path: Path) -> str | None:
    """The experiment that the results in a directory were made of, as their manifests recorded it."""
    made = [found for place in sorted(path.glob("*/")) if (found := load_manifest(place)) is not None]
    last = max(made, key=lambda one: one.started, default=None)
    return None if last is None else last.asked.get("experiment") or None


def _asked(characterize_on: str | None, like: str | None) -> MeasuredOn | None:
    if characterize_on is not None:
        return MeasuredOn(characterize_on, "--characterize-on")
    return None if like is None else MeasuredOn(like, "as --netlist")


def corners_of(text: str) -> tuple[Corner, ...]:
    try:
        found = tuple(parse_corner(part) for part in text.split(","))
    except ValueError as error:
        raise BadOption(f"--corner {text}: {error}") from error
    return tuple(dict.fromkeys(found))
