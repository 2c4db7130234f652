"""The stage ``conditions`` of a network of codes: every condition with the lines that its bias generator makes there, nothing derived anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nonideal.files import write_csv
from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.conditions import ConditionsSummary, ConditionSummary
from nonideal.runs.summaries.rows import known
from nonideal.stages.codes import codes_of

if TYPE_CHECKING:
    from nonideal.characterize.generator_bench import GeneratorBench
    from nonideal.characterize.model import PhysicalModel
    from nonideal.circuits.design import Design
    from nonideal.conditions.codes import Coded

TABLE, SUMMARY = "table.csv", "summary.json"


def survey_codes(work: Work, mapping: str) -> Done:
    """Follow the generator in every condition, tell what the network of ``mapping`` does on its lines, and write what was found."""
    from nonideal.characterize.condition import Condition, conditions_of
    from nonideal.characterize.model import PhysicalModel
    from nonideal.conditions.codes import follows, meet, table, tell_all
    from nonideal.experiment.offsets import supply_offsets, temperatures_near
    from nonideal.stages.workbench import workbench

    experiment, say = work.experiment, work.context.console.print
    chosen, design = experiment.conditions, experiment.circuit
    model = PhysicalModel.load(work.rundir.model)
    coded = coded_network(work, mapping, model)
    home = Condition(experiment.process.corner, design.supplies.temperature_C)
    near_C = temperatures_near(chosen, design)
    off = [one for one in supply_offsets(chosen, design) if follows(one)]
    wanted = conditions_of(home, chosen.corners, chosen.temperatures_C, near_C, off)
    met = meet(
        workbench(experiment, work.context, work.rundir.cache),
        generator_bench(design),
        wanted,
        work.folder / "decks",
        lambda done, total, one: say(f"  {done + 1} of {total}: {one.label}"),
    )
    window = 1.0 + design.timing.hold_s / design.timing.t_circ_s
    found = table(tell_all(coded, met, model.t_circ_s, window))
    write_csv(work.folder / TABLE, found)
    summary = ConditionsSummary(
        generated=True,
        mapping=mapping,
        home=home.label,
        samples=len(coded.task.inputs),
        spans={},
        conditions=tuple(ConditionSummary.model_validate(row) for row in known(found)),
    )
    summary.save(work.folder / SUMMARY)
    return Done((work.folder / TABLE, work.folder / SUMMARY), summary)


def generator_bench(design: Design) -> GeneratorBench:
    """The experiment's generator, the default one where the circuit has none, for two layers of a neuron each.

    Without capacitors off the chip: lines behind them follow the loop more slowly than it settles, to the same levels.
    """
    from nonideal.characterize.generator_bench import GeneratorBench
    from nonideal.circuits.cells.generator import GeneratorSizes
    from nonideal.circuits.generator.generator import Generator

    sizes = (design.generator or GeneratorSizes()).model_copy(update={"line_capacitor_F": 0.0})
    return GeneratorBench(Generator.of(sizes, design, (1, 1, 1)), design)


def coded_network(work: Work, mapping: str, model: PhysicalModel) -> Coded:
    """The network of the first seed as ``model`` has it, and the held-out samples. Raises ``CircuitError`` for weights that are no codes."""
    from nonideal.characterize.physics import BottomUp, column_for, network_physics
    from nonideal.conditions.codes import Coded
    from nonideal.conditions.network import Task

    experiment = work.experiment
    network = codes_of(work.rundir.weights(mapping))
    task = Task.of(network, experiment.data.load(), experiment.circuit, clip=experiment.netlist.clip)
    full_scales = tuple(float(codes.full_scale) for codes in network.codes)
    axons = task.layers[:-1]
    return Coded(
        task,
        network_physics(model, task.layers, full_scales),
        tuple(column_for(model, one).v_th_V.value for one in axons),
        tuple(BottomUp(model).unit_current_A(one) for one in axons),
        full_scales,
    )
