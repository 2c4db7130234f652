"""What stands in a report, in which order: verdict, how it works, comparison, model, training, provenance."""

from __future__ import annotations

from collections.abc import Iterable

from nonideal.characterize.shift import Shifts
from nonideal.report import tables
from nonideal.report.blocks import Block, Picture, Report, Section, Table, Text, Tile
from nonideal.report.chips import chip_blocks
from nonideal.report.columns import column_blocks
from nonideal.report.conditions import condition_blocks
from nonideal.report.diagrams import circuit, data_flow
from nonideal.report.error_budget import error_budget_blocks
from nonideal.report.explore import explore_blocks
from nonideal.report.layout import layout_blocks
from nonideal.report.pictures import (
    characterization_pictures,
    cost_pictures,
    output_unpaired,
    spike_pictures,
    training_picture,
    used_rmse_s,
    waveform_pictures,
)
from nonideal.report.provenance import provenance
from nonideal.report.shift_table import accuracy_table, shift_table
from nonideal.report.spread import spread_tables
from nonideal.report.units import quantity
from nonideal.runs.manifest import now
from nonideal.runs.results import OPTIONAL, REFERENCE, Results
from nonideal.runs.rundir import COMMANDS
from nonideal.runs.spec import State, Verdict, judge, primary

FEW_SAMPLES = 20
"""Below this, statistics of a validation come with a caution."""


def build(results: Results) -> Report:
    """The report on what a run directory holds."""
    found = judge(results)
    verdict, state = _verdict(results, found)
    sections = [
        Section("verdict", "Does it pass?", (tables.verdict_table(found), *_missing(results))),
        Section("how", "How it works", _how(results)),
        Section("comparison", "Model against SPICE", _comparison(results)),
        Section("error-budget", "What the error is made of", error_budget_blocks(results)),
        Section("model", "What was measured on the circuit", _characterization(results)),
        Section("explore", "Design choices", explore_blocks(results)),
        Section("conditions", "Corners and temperatures", condition_blocks(results)),
        Section("chips", "Yield and calibration of chips", chip_blocks(results)),
        Section("training", "Training", _training(results)),
        Section("write-back", "Write-back", _writeback(results)),
        Section("layout", "Layout", layout_blocks(results)),
        Section(
            "retries", "Simulations tried again", (tables.retry_table(results),) if results.retries else ()
        ),
        Section("provenance", "Where each number comes from", provenance(results, found)),
    ]
    return Report(
        title=f"Nonideal: {results.experiment}",
        lead=_lead(results),
        verdict=verdict,
        state=state,
        tiles=tuple(_tiles(results, found)),
        sections=tuple(section for section in sections if section.blocks),
        footer=f"Written by nonideal on {now()}. Remake with `nonideal report{results.shared_options}`.",
    )


def _lead(results: Results) -> tuple[str, ...]:
    validation, model = results.validation, results.model
    where = f"experiment {results.experiment}"
    if model is not None:
        where += f", process corner {model.corner}"
    if validation is not None:
        where += f", {validation['samples']} test samples on the {validation['netlist']} netlist"
    return (
        "Analog in-memory computing lets a chip multiply and add where the weights are stored: each weight "
        "is a small current, "
        "and a capacitor sums the currents. In real transistors those currents depend on the voltage they "
        "change, so a network "
        "trained on ideal arithmetic (`ann`) goes wrong on the chip.",
        "Nonideal measures that dependence in SPICE simulations of the sky130 process, trains networks on "
        "the physics as measured "
        "(`pnn`: of synapses and neurons; `bottom_up`: of whole columns), writes the networks back as circuits, and simulates them "
        "transistor by transistor.",
        "This page shows how well the simulated circuits keep the spike times that their networks promised: "
        f"{where}.",
    )


def _verdict(results: Results, found: list[Verdict]) -> tuple[str, str]:
    judged = [v for v in found if v.state is not State.unlimited]
    failed = [v for v in judged if v.state is State.failed]
    waiting = [v for v in judged if v.state is State.not_run]
    met = len(judged) - len(failed) - len(waiting)
    text = f"{met} of {len(judged)} limits met"
    if failed:
        text += f"; not met: {', '.join(v.parameter for v in failed)}"
    if waiting:
        text += f"; {len(waiting)} of stages that are not in this run"
    if results.has("validation") and not results.complete("validation"):
        text += "; the validation is not complete"
    if _few(results):
        text += "; few samples"
    if results.altered:
        many = len(results.altered)
        text += (
            f"; {many} files are not what their stages made"
            if many > 1
            else "; 1 file is not what its stage made"
        )
    return text + ".", "fail" if failed or results.altered else "idle" if waiting else "pass"


def _missing(results: Results) -> Iterable[Block]:
    if results.altered:
        told = "; ".join(
            f"`{one.file}` {one.what} (`{one.command}` makes it again)" for one in results.altered
        )
        yield Text(f"Not what their stages made, and no result: {told}.", "warning")
    for stage in COMMANDS:
        if results.handed_in(stage) or stage in OPTIONAL:
            continue
        if results.has(stage) and not results.complete(stage):
            yield Text(
                f"The stage {stage} is not complete: it was cut off, or some of its simulations failed. What "
                "lies there is shown; "
                f"run `{results.command(stage)}` again to complete it.",
                "warning",
            )
    missing = [
        stage
        for stage in COMMANDS
        if not results.has(stage) and stage not in OPTIONAL and not results.handed_in(stage)
    ]
    if missing:
        commands = ", ".join(f"`{results.command(stage)}`" for stage in missing)
        yield Text(f"Not in this run: {', '.join(missing)}. To add: {commands}.", "missing")


def _not_run(results: Results, stage: str) -> tuple[Block, ...]:
    return (Text(f"Not in this run. `{results.command(stage)}` makes these results.", "missing"),)


def _few(results: Results) -> tuple[Text, ...]:
    """A caution, where statistics rest on few samples."""
    samples = (results.validation or {}).get("samples")
    if samples is None or samples >= FEW_SAMPLES:
        return ()
    return (
        Text(
            f"Caution: these numbers rest on {samples} sample{'s' * (samples != 1)}. One sample more or less right is "
            f"{100 / samples:.0f} % of accuracy, and other samples may give other errors and spike counts; "
            f"take them for a trial. From {FEW_SAMPLES} samples on this line goes away.",
            "warning",
        ),
    )


def _tiles(results: Results, found: list[Verdict]) -> Iterable[Tile]:
    validation = results.validation
    states = {(v.parameter): v.state for v in found}

    def state(parameter: str) -> str:
        known = states.get(parameter)
        return known.value if known in (State.passed, State.failed) else ""

    if validation is None:
        if results.model is not None:
            for name, estimate, row in (
                ("λ_N, NMOS", results.model.positive.lambda_per_V, "λ of the NMOS (positive weights)"),
                ("λ_P, PMOS", results.model.negative.lambda_per_V, "λ of the PMOS (negative weights)"),
                ("λ_dis, discharger", results.model.lambda_dis_per_V, "λ of the discharger"),
            ):
                yield Tile(quantity(estimate.value, estimate.unit), name, state(row))
        for name, variant in results.variants.items():
            yield Tile(
                quantity(variant["test_accuracy_median"], "%", 3),
                f"{name}: accuracy of the model, median of seeds",
            )
        return
    mappings, first = results.validated, primary(results)
    for name in sorted(mappings, key=lambda mapping: (mapping != first, mapping)):
        rmse = (mappings[name].get("spike_time_rmse_s") or {}).get("output")
        row = f"{name}: output spike-time RMSE, model against SPICE"
        yield Tile(quantity(rmse, "s", 3), f"{name}: RMSE of output spikes", state(row))
    ratio = next((v for v in found if v.parameter == f"{first}: RMSE of {REFERENCE} over it"), None)
    if ratio is not None and ratio.measured is not None:
        yield Tile(f"{ratio.measured:.3g} ×", f"{first} closer than {REFERENCE}", state(ratio.parameter))
    name = first if first in mappings else next(iter(mappings))
    chosen = mappings[name]
    yield Tile(
        quantity(chosen["accuracy_spice"], "%", 3),
        f"{name}: accuracy in SPICE",
        state(f"{name}: accuracy in SPICE"),
    )
    yield Tile(
        f"{chosen['missed_spikes']} / {chosen['extra_spikes']}", f"{name}: missed / extra spikes, all layers"
    )
    failed = validation.get("failed_samples") or 0
    yield Tile(str(failed), "samples without a result", "fail" if failed else "pass")
    floor = validation["numerical_floor_s"]
    yield Tile(quantity(floor, "s", 2), "numerical floor", state("numerical floor of the simulator"))
    yield Tile(quantity(chosen["energy_per_inference_J"], "J", 3), f"{name}: energy per inference")


def _how(results: Results) -> tuple[Block, ...]:
    flow_caption = "Each stage reads only what the stages before it wrote. Dashed: not in this run."
    circuit_caption = (
        "While an input spike lasts, its selector lets the memory transistor's current flow: the NMOS pulls "
        "the membrane down (positive "
        "weight), the PMOS up (negative weight). The bias on the memory transistor's gate is the weight. In "
        "the firing phase the discharger "
        "ramps the membrane down; when it crosses V_switch the neuron spikes: the more positive input, the "
        "earlier."
    )
    return (
        Picture("data-flow", "From process to proof", data_flow(results), "Data flow", flow_caption),
        Picture("circuit", "A synapse and a neuron", circuit(), "Circuit", circuit_caption),
        Table(
            "Words",
            ("Word", "Meaning"),
            (
                (
                    "spike time",
                    "when a neuron fires, from the start of its phase; the only signal between layers",
                ),
                (
                    "T_circ",
                    "length of a phase: a layer accumulates for T_circ, then fires for T_circ, while the "
                    "next one accumulates",
                ),
                (
                    "membrane potential",
                    "voltage of a neuron's capacitor; starts at V₀ and is pulled down by positive weights",
                ),
                ("λ", "how much a current changes with the membrane potential, per volt; 0 would be ideal"),
                (
                    "reversal potential",
                    "1 / (V_th λ): the potential at which the current would vanish; training knows λ by it",
                ),
                (
                    "ann, pnn, bottom_up",
                    "networks trained with nearly ideal synapses, with the measured reversal potentials, and with whole columns "
                    "as they were measured",
                ),
                ("RMSE", "root mean square of spike time in SPICE minus spike time in the model"),
                (
                    "missed, extra",
                    "spikes that only the model has, or only SPICE has: counted over all layers, never averaged away",
                ),
                ("numerical floor", "how far spike times move when the simulator computes twice as finely"),
            ),
            left=frozenset({0, 1}),
        ),
    )


def _comparison(results: Results) -> tuple[Block, ...]:
    if results.validation is None:
        return _not_run(results, "validation")
    blocks: list[Block] = [*_few(results)]
    failed = results.validation.get("failed_samples") or 0
    if failed or results.failed:
        blocks.append(Text(f"{max(failed, len(results.failed))} samples gave no result in SPICE.", "warning"))
    if results.failed:
        blocks.append(tables.failed_table(results))
    blocks.append(tables.mapping_table(results.validation, used_rmse_s(results), output_unpaired(results)))
    return (
        *blocks,
        *spike_pictures(results),
        *waveform_pictures(results),
        *cost_pictures(results.validation),
    )


def _characterization(results: Results) -> tuple[Block, ...]:
    blocks: list[Block] = []
    if results.model is None:
        blocks += _not_run(results, "characterization")
    else:
        blocks.append(tables.model_table(results.model))
        blocks += column_blocks(results)
        blocks += spread_tables(results.model)
        if results.curves is not None:
            blocks += characterization_pictures(results.model, results.curves)
    if results.corners:
        blocks.append(tables.corner_table(results))
    return tuple(blocks)


def _training(results: Results) -> tuple[Block, ...]:
    handed_in = results.handed_in("training")
    if results.training is None and handed_in:
        told = ", ".join(f"`{path.relative_to(results.path)}`" for path in handed_in)
        return (Text(f"Trained elsewhere and handed in: {told}."),)
    if results.training is None:
        return _not_run(results, "training")
    picture = training_picture(results)
    there, shift = accuracy_table(results.training), results.manifests.get("shift")
    # A training that sees no conditions may stand beside the shift of an earlier one.
    seen = None if shift is None or there is None else shift_table(Shifts.model_validate(shift.summary))
    blocks = (seen, there, picture)
    more = (block for block in blocks if block is not None)
    return (tables.training_table(results.training), *more)


def _writeback(results: Results) -> tuple[Block, ...]:
    return (tables.writeback_table(results),) if results.mappings else _not_run(results, "netlist")
