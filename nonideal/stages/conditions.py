"""The stage ``conditions``: every corner, temperature and supply characterised, the network tried in each; table, plot and models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nonideal.circuits.design import Supplies
from nonideal.circuits.supply_offsets import SupplyOffsets
from nonideal.experiment.errors import BadOption
from nonideal.experiment.experiment import Experiment
from nonideal.experiment.offsets import supply_offsets, temperatures_near
from nonideal.experiment.sections import Conditions
from nonideal.files import write_csv
from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.conditions import (
    ConditionsSummary,
    ConditionSummary,
    Span,
)
from nonideal.runs.summaries.rows import known
from nonideal.sky130_models.corner import parse_corner
from nonideal.stages.codes import holds_codes

if TYPE_CHECKING:
    from nonideal.characterize.workbench import Workbench
    from nonideal.conditions.network import Assessment, Task
    from nonideal.conditions.spot_summary import ChipThere, SpotCheckThere
    from nonideal.conditions.survey import Reference

TABLE = "table.csv"
SUMMARY = "summary.json"


def section_from_options(
    corners: str | None,
    temperatures: str | None,
    supplies: Mapping[str, str | None],
    spice: int | None,
    track_sense: bool | None,
) -> dict[str, Any]:
    """The options of the command line as ``conditions`` holds them; None where one was not given. ``supplies``: offsets by vdd, v0, vsense."""
    found: dict[str, Any] = {"corners": None, "temperatures_C": None, "spice_samples": spice}
    try:
        if corners is not None:
            found["corners"] = tuple(dict.fromkeys(parse_corner(part) for part in corners.split(",")))
    except ValueError as error:
        raise BadOption(f"--corner {corners}: {error}") from error
    if temperatures is not None:
        found["temperatures_C"] = _temperatures(temperatures)
    for supply, text in supplies.items():
        found[f"{supply}_offsets_V"] = None if text is None else _offsets(supply, text)
    if spice is not None and spice < 0:
        raise BadOption(f"--spice {spice}: give a number of samples, 0 for none")
    return found | {"track_sense": track_sense}


def _temperatures(text: str) -> tuple[float, ...]:
    try:
        values = tuple(dict.fromkeys(float(part) for part in text.split(",")))
        for value in values:
            Supplies(temperature_C=value)
    except ValueError as error:
        raise BadOption(
            f"--temperature {text}: give degrees Celsius from -40 to 125, as -40,27,125"
        ) from error
    return values


def _offsets(supply: str, text: str) -> tuple[float, ...]:
    if text == "none":
        return ()
    try:
        section = Conditions.model_validate(
            {f"{supply}_offsets_V": [float(part) for part in text.split(",")]}
        )
    except ValueError as error:
        raise BadOption(
            f"--{supply} {text}: give volts that it is off by, from -0.5 to 0.5 and not 0, each once, as -0.02,0.02; or none"
        ) from error
    values: tuple[float, ...] = getattr(section, f"{supply}_offsets_V")
    return values


def offsets_of(experiment: Experiment) -> tuple[tuple[float, ...], tuple[SupplyOffsets, ...]]:
    """Temperatures near home's, and supplies that are off, one at a time. Raises ``BadOption`` for what the circuit cannot have."""
    asked = experiment.conditions, experiment.circuit
    try:
        return temperatures_near(*asked), supply_offsets(*asked)
    except ValueError as error:
        raise BadOption(str(error)) from error


def mapping_of(experiment: Experiment) -> str:
    """Whose weights are tried: as ``conditions.mapping`` says, else bottom_up where it is trained, else pnn."""
    asked = experiment.conditions.mapping
    return asked or ("bottom_up" if "bottom_up" in experiment.training.variants else "pnn")


def survey_conditions(work: Work) -> Done:
    """Characterise every condition, try the network in each, check some in SPICE, and write what was found."""
    from nonideal.characterize.condition import Condition, conditions_of
    from nonideal.characterize.physics import columns_of
    from nonideal.conditions.network import Task, assess, table
    from nonideal.conditions.plot import save_heat_maps
    from nonideal.conditions.survey import Survey, spans, survey
    from nonideal.pnn.checkpoint import load_dense
    from nonideal.postlayout.errors import SamplesFailed
    from nonideal.stages.workbench import workbench

    experiment, say = work.experiment, work.context.console.print
    chosen, design = experiment.conditions, experiment.circuit
    if holds_codes(design):
        from nonideal.stages.coded_conditions import survey_codes

        return survey_codes(work, mapping_of(experiment))
    home = Condition(experiment.process.corner, design.supplies.temperature_C)
    network = load_dense(work.rundir.weights(mapping_of(experiment)))
    task = Task.of(network, experiment.data.load(), experiment.circuit, clip=experiment.netlist.clip)
    decks = work.folder / "decks"
    bench = workbench(experiment, work.context, work.rundir.cache)
    nominal = experiment.characterize.model_copy(update={"draws": 0})  # mismatch is not asked for here
    plan = Survey(bench, design, nominal, columns_of(task.layers), decks, chosen.track_sense)
    met, at_home = survey(
        plan,
        conditions_of(home, chosen.corners, chosen.temperatures_C, *offsets_of(experiment)),
        lambda done, total, one: say(f"  {done + 1} of {total}: {one.label}"),
    )
    assessed = assess(task, met, 1.0 + design.timing.hold_s / design.timing.t_circ_s)
    models = _save_models(assessed, work.folder / "models")
    found = table(assessed)
    for column, values in _noise(work, task, assessed).items():
        found[column] = values
    write_csv(work.folder / TABLE, found)
    plots = save_heat_maps(found, work.folder)

    checks, there = _simulated(work, bench, task, assessed, at_home)
    summary = ConditionsSummary(
        mapping=mapping_of(experiment),
        home=home.label,
        samples=len(task.inputs),
        sense_tracked=chosen.track_sense and "neuron" not in design.cells,
        spans={name: Span(**span) for name, span in spans(met).items()},
        checks=tuple(checks),
        chips=tuple(there),
        conditions=tuple(ConditionSummary.model_validate(row) for row in known(found)),
    )
    summary.save(work.folder / SUMMARY)
    tried: list[SpotCheckThere | ChipThere] = [*checks, *there]
    failed = [one for one in tried if one.failed]
    if failed:
        raise SamplesFailed(
            f"{sum(one.failed for one in failed)} simulations gave no result, first {failed[0].problem}. Tables and models are written; "
            "run the same command again to try these again"
        )
    return Done((work.folder / TABLE, work.folder / SUMMARY, *plots, *models), summary)


def _noise(work: Work, task: Task, assessed: list[Assessment]) -> dict[str, list[float | None]]:
    """Columns of the table: jitter and accuracy under noise, condition by condition; empty where it was not asked for or not measured."""
    from nonideal.conditions.noise import NoiseOptions, under_noise

    experiment = work.experiment
    draws = experiment.conditions.noise_draws
    if not draws or not experiment.characterize.noise:
        return {}
    options = NoiseOptions(experiment.noise.low_corner_Hz, draws, experiment.noise.seed)
    met = [under_noise(task, one, options) for one in assessed]
    columns = {"jitter_s": "jitter_s", "noisy_accuracy": "accuracy", "noisy_low": "low", "noisy_high": "high"}
    return {
        f"anew_{name}": [None if one is None else getattr(one, key) for one in met]
        for name, key in columns.items()
    }


def _simulated(
    work: Work, bench: Workbench, task: Task, assessed: list[Assessment], at_home: Reference
) -> tuple[list[SpotCheckThere], list[ChipThere]]:
    """The network in some of the conditions in SPICE, and drawn chips there and at home."""
    from nonideal.conditions.chips import DrawnChips
    from nonideal.conditions.network import mapped
    from nonideal.conditions.spot import check_in_spice, to_check

    experiment, say = work.experiment, work.context.console.print
    chosen, design, decks = experiment.conditions, experiment.circuit, work.folder / "decks"
    first = assessed[0].met.characterised
    assert first is not None
    samples = min(chosen.spice_samples, len(task.inputs))
    if samples == 0:
        return [], []
    checks: list[SpotCheckThere] = []
    there: list[ChipThere] = []
    written = mapped(task, first.model)
    drawn = DrawnChips(bench, design, first.model, at_home, task, decks)
    seeds = range(experiment.chips.first_chip, experiment.chips.first_chip + chosen.spice_chips)
    for one in [assessed[0], *to_check(assessed, chosen.spice_conditions)]:
        here = one.met.condition
        if one is not assessed[0]:
            say(f"  in SPICE, {samples} samples: {here.label}")
            at_corner = bench.at(here.corner)
            checks += check_in_spice(at_corner, design, task, one, at_home, written, samples, decks)
        if seeds:
            say(f"  {len(seeds)} drawn chips in SPICE, {samples} samples each: {here.label}")
            there += drawn.at(here, seeds, samples)
    return checks, there


def _save_models(assessed: list[Assessment], folder: Path) -> list[Path]:
    """The model of every condition that has one."""
    folder.mkdir(exist_ok=True)
    paths = []
    for one in assessed:
        if one.met.characterised is not None:
            paths.append(folder / f"{one.met.condition.name}.json")
            one.met.characterised.model.save(paths[-1])
    return paths
