"""What stands in a report, in which order: the answer, the comparison, the limits, how it works, model, training, provenance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nonideal.report import answer, tables
from nonideal.report.blocks import Block, Details, Picture, Report, Section, Text
from nonideal.report.chips import chip_blocks
from nonideal.report.columns import column_blocks
from nonideal.report.conditions import condition_blocks
from nonideal.report.diagrams import circuit, data_flow
from nonideal.report.error_budget import error_budget_blocks
from nonideal.report.explore import explore_blocks
from nonideal.report.layout import layout_blocks
from nonideal.report.noise import noise_blocks
from nonideal.report.panels import (
    FEW_SAMPLES,
    characterization_panels,
    cost_panels,
    few_samples,
    output_unpaired,
    spike_panels,
    training_panel_of,
    used_rmse_s,
    waveform_panels,
)
from nonideal.report.provenance import provenance
from nonideal.report.shift_table import accuracy_table, shift_table
from nonideal.report.spike_error import parts_of
from nonideal.report.spread import spread_tables
from nonideal.report.strips import strips_of
from nonideal.report.table import Table, words
from nonideal.runs.manifest import now
from nonideal.runs.results import OPTIONAL, Results
from nonideal.runs.rundir import COMMANDS
from nonideal.runs.spec import Verdict, judge

WHAT = (
    "Analog in-memory computing lets a chip multiply and add where the weights are stored: each weight is a small current, and a "
    "capacitor sums the currents. In real transistors those currents depend on the voltage they change, so a network trained on ideal "
    "arithmetic (`ann`) goes wrong on the chip.",
    "Nonideal measures that dependence in SPICE simulations of the sky130 process, trains networks on the physics as measured (`pnn`: of "
    "synapses and neurons; `bottom_up`: of whole columns), writes the networks back as circuits, and simulates them transistor by "
    "transistor. This page shows how well the simulated circuits keep the spike times that their networks promised.",
)


def build(results: Results) -> Report:
    """The report on what a run directory holds."""
    found = judge(results)
    verdict, state = answer.verdict(results, found)
    headline, lead = answer.headline(results, found)
    sections = [
        Section("missing", "To know first", tuple(_missing(results))),
        Section("comparison", "Model against SPICE", _comparison(results, found)),
        Section("noise", "What noise leaves open", noise_blocks(results)),
        Section("error-budget", "What the error is made of", error_budget_blocks(results)),
        Section("verdict", "Does it pass?", (tables.verdict_table(found),)),
        Section("how", "How it works", _how(results)),
        Section("model", "What was measured on the circuit", _characterization(results)),
        Section("explore", "Design choices", explore_blocks(results)),
        Section("conditions", "Corners, temperatures and supplies", condition_blocks(results)),
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
        experiment=results.experiment,
        headline=headline,
        lead=lead,
        verdict=verdict,
        state=state,
        tiles=tuple(answer.tiles(results, found)),
        picture=parts_of(results),
        sections=tuple(_tables_last(section) for section in sections if section.blocks),
        footer=f"Written by nonideal on {now()}. Remake with `nonideal report{results.shared_options}`.",
    )


def _tables_last(section: Section) -> Section:
    """What is read and looked at first; what is looked up after it."""
    blocks = sorted(section.blocks, key=lambda block: isinstance(block, Table | Details))
    return replace(section, blocks=tuple(blocks))


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
    samples = few_samples(results)
    if samples is None:
        return ()
    return (
        Text(
            f"Caution: these numbers rest on {samples} sample{'s' * (samples != 1)}. One sample more or less right is "
            f"{100 / samples:.0f} % of accuracy, and other samples may give other errors and spike counts; "
            f"take them for a trial. From {FEW_SAMPLES} samples on this line goes away.",
            "warning",
        ),
    )


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
        *(Text(paragraph) for paragraph in WHAT),
        Picture("data-flow", "From process to proof", data_flow(results), "Data flow", flow_caption),
        Picture("circuit", "A synapse and a neuron", circuit(), "Circuit", circuit_caption),
        Table(
            "Words",
            words("Word", "Meaning"),
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
        ),
    )


def _comparison(results: Results, found: list[Verdict]) -> tuple[Block, ...]:
    if results.validation is None:
        return _not_run(results, "validation")
    blocks: list[Block] = [*_few(results)]
    failed = results.validation.failed_samples or 0
    if failed or results.failed:
        blocks.append(Text(f"{max(failed, len(results.failed))} samples gave no result in SPICE.", "warning"))
    strips = strips_of(results, found, answer.leading(results))
    return (
        *blocks,
        *(() if strips is None else (strips,)),
        *spike_panels(results),
        *waveform_panels(results),
        *cost_panels(results.validation),
        tables.mapping_table(results.validation, used_rmse_s(results), output_unpaired(results)),
        *((tables.failed_table(results),) if results.failed else ()),
    )


def _characterization(results: Results) -> tuple[Block, ...]:
    blocks: list[Block] = []
    if results.model is None:
        blocks += _not_run(results, "characterization")
    else:
        if results.curves is not None:
            blocks += characterization_panels(results.model, results.curves)
        blocks.append(tables.model_table(results.model))
        blocks += column_blocks(results)
        blocks += spread_tables(results.model)
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
    there, shift = accuracy_table(results.training), results.shift
    # A training that sees no conditions may stand beside the shift of an earlier one.
    seen = None if shift is None or there is None else shift_table(shift)
    blocks = (training_panel_of(results), tables.training_table(results.training), seen, there)
    return tuple(block for block in blocks if block is not None)


def _writeback(results: Results) -> tuple[Block, ...]:
    return (tables.writeback_table(results),) if results.mappings else _not_run(results, "netlist")
