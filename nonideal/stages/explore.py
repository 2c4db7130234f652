"""The stage ``explore``: design choices drawn, characterised anew and ranked; their table and plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nonideal.characterize.candidates import Candidate, built_in, distinct, varied
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.physics import columns_of
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.experiment.errors import BadOption
from nonideal.experiment.experiment import Experiment
from nonideal.files import write_csv
from nonideal.runs.rundir import EXTRACTED
from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.explore import ChoiceSummary, ExploreSummary
from nonideal.runs.summaries.rows import known
from nonideal.stages.layout import MODES, draw_and_check, extracting

if TYPE_CHECKING:
    from nonideal.characterize.explore import Draw

TABLE = "table.csv"


def vary_from_options(texts: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """``--vary key=v1,v2 ...`` as ``explore.vary`` holds it."""
    found: dict[str, tuple[float, ...]] = {}
    for text in texts:
        key, _, values = text.partition("=")
        try:
            numbers = tuple(float(value) for value in values.split(","))
        except ValueError:
            raise BadOption(
                f"--vary {text}: give a key of [circuit] and numbers, as timing.hold_s=2e-9,5e-9"
            ) from None
        if key in found:
            raise BadOption(f"--vary {text}: {key} is there twice; give all its values at once")
        found[key] = numbers
    return found


def choices(experiment: Experiment) -> list[Candidate]:
    """What is ranked: the experiment's own choices, each legal, or the built-in ones. Raises ``CircuitError``."""
    vary, design = experiment.explore.vary, experiment.circuit
    if not vary:
        return built_in(design)
    found = varied(vary, experiment.explore.limit)
    for candidate in found:
        candidate.applied(design)
    return distinct(design, found)


def explore_circuit(work: Work) -> Done:
    """Rank the design choices and write what was found."""
    from nonideal.characterize.explore import explore, table
    from nonideal.characterize.explore_plot import save_pareto
    from nonideal.stages.explore_judge import judge_of
    from nonideal.stages.workbench import workbench

    experiment = work.experiment
    kind, axons = experiment.characterize.on, columns_of(experiment.training.layers[:2])[0]
    console = work.context.console

    def tell(done: int, total: int, candidate: Candidate) -> None:
        console.print(f"  {done + 1} of {total}: {candidate.name} {candidate.settings_text}".rstrip())

    points = explore(
        workbench(experiment, work.context, work.rundir.cache),
        experiment.circuit,
        _measured(experiment),
        choices(experiment),
        _drawing(work, axons),
        work.folder / "decks",
        tell,
        judge_of(experiment, work.context.jobs),
    )
    found = table(points)
    write_csv(work.folder / TABLE, found)
    plots = save_pareto(found, work.folder)
    summary = ExploreSummary(
        corner=experiment.process.corner.value,
        netlist=kind,
        axons=axons,
        choices=tuple(ChoiceSummary.model_validate(row) for row in known(found)),
    )
    return Done((work.folder / TABLE, *plots), summary)


def _measured(experiment: Experiment) -> CharacterizeOptions:
    """Noise takes 10 s a choice, mismatch a minute: that is measured where a network's accuracy is asked for."""
    draws = experiment.chips.draws if experiment.explore.accuracy else 0
    return experiment.characterize.model_copy(update={"noise": True, "draws": draws})


def _drawing(work: Work, axons: int) -> Draw:
    """Draws and checks the column of a choice, and extracts it where columns are measured so; files go to ``layouts``/<choice>."""
    from nonideal.characterize.column_bench import NEURONS
    from nonideal.characterize.explore import ColumnLayout
    from nonideal.characterize.stage import ColumnNetlist
    from nonideal.circuits.extraction.netlist import read_netlist
    from nonideal.circuits.network.netlist import Topology

    kind = work.experiment.characterize.on

    def draw(candidate: Candidate, design: Design) -> ColumnLayout:
        topology = Topology.of((axons, NEURONS), design).opened
        place = work.folder / "layouts" / candidate.name
        place.mkdir(parents=True, exist_ok=True)
        try:
            summary = draw_and_check(topology, design, place, override=False).summary
        except CircuitError as error:
            problem = f"not drawable: {error}"
            if kind in MODES:
                raise CircuitError(problem) from error
            return ColumnLayout(ColumnNetlist.schematic(axons, design), None, problem)
        if kind not in MODES:
            return ColumnLayout(ColumnNetlist.schematic(axons, design), summary.area_um2)
        with extracting(work, kind) as extract:
            extract(topology, place, summary.devices)
        text = read_netlist(place / EXTRACTED).text()
        return ColumnLayout(
            ColumnNetlist(axons, kind, text, work.experiment.extraction.sidewall), summary.area_um2
        )

    return draw
