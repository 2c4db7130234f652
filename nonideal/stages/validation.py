"""Validation of an experiment's networks: the plan from experiment and files, and what is written of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from nonideal.characterize.model import PhysicalModel
from nonideal.experiment.belonging import check_model
from nonideal.experiment.errors import BadOption
from nonideal.files import write_csv, write_parquet
from nonideal.runs.stage import Done, Work
from nonideal.stages.layout import drawn_topology
from nonideal.stages.workbench import workbench

if TYPE_CHECKING:
    from nonideal.characterize.workbench import Workbench
    from nonideal.postlayout.plan import Netlist, ValidationPlan
    from nonideal.postlayout.stage import Validation
    from nonideal.postlayout.summary import ValidationSummary

SCHEMATIC: Final = "schematic"


def validate_networks(work: Work) -> Done:
    """Simulate every mapping's network on the held-out samples and compare; see ``nonideal.postlayout.stage``.

    With ``compare = "paper"`` the schematic is simulated beside an extracted netlist (into ``schematic/``), so that the parasitics' own
    effect shows. Raises ``SamplesFailed`` after all of both has been written where a sample gave no result: the same command
    again tries those samples again, and only those.
    """
    from nonideal.postlayout.errors import SamplesFailed

    kind: Netlist = work.options.get("netlist", SCHEMATIC)
    bench = workbench(work.experiment, work.context, work.rundir.cache)
    outputs: tuple[Path, ...] = ()
    beside: ValidationSummary | None = None
    failed: list[str] = []
    compared = work.experiment.validation.compare == "paper"
    if compared and kind != SCHEMATIC and mappings_on(work, SCHEMATIC):
        outputs, beside, _ = _validate(work, bench, SCHEMATIC, work.folder / SCHEMATIC, failed)
    files, summary, waveforms = _validate(work, bench, kind, work.folder, failed, beside)
    if failed:
        raise SamplesFailed(
            "; ".join(failed)
            + ". Samples among them are marked failed and enter no number; run the same command again to try them again"
        )
    return Done((*outputs, *files, *waveforms), summary, passed=bool(summary.passed))


def _validate(
    work: Work,
    bench: Workbench,
    kind: Netlist,
    folder: Path,
    failed: list[str],
    beside: ValidationSummary | None = None,
) -> tuple[tuple[Path, ...], ValidationSummary, tuple[Path, ...]]:
    """One netlist: its files, its summary, its waveforms; simulations without a result are told in ``failed``."""
    from nonideal.postlayout.stage import validate
    from nonideal.postlayout.summary import OnSchematic
    from nonideal.runs.spec import judge_summary

    experiment = work.experiment
    folder.mkdir(parents=True, exist_ok=True)
    plan = plan_of(work, bench, kind)
    found = validate(plan, bench, folder, say=lambda text: work.context.console.print(f"  {kind}: {text}"))
    budget, summary = write_budget(plan, found, folder) if folder == work.folder else ((), found.summary)
    verdicts = judge_summary(experiment.spec, summary)
    more: dict[str, object] = {"experiment": experiment.name, "seed": experiment.training.seeds[0]}
    if beside is not None:
        more["beside_schematic"] = {
            name: OnSchematic(spike_time_rmse_s=row.spike_time_rmse_s, current_scale=row.current_scale)
            for name, row in beside.mappings.items()
        }
    passed = all(v.passed for v in verdicts) and not found.failures
    more |= {"spec": tuple(v.judged() for v in verdicts), "passed": passed}
    summary = summary.model_copy(update=more)
    files = (folder / "spikes.parquet", folder / "summary.json")
    write_parquet(files[0], found.spikes)
    summary.save(files[1])
    if found.failures:
        first = found.failures[0]
        failed.append(
            f"{kind}: {len(found.failures)} simulations gave no result, first {first.name}: {first.message} ({first.folder}; {files[0]})"
        )
    return (*files, *budget, *found.pins), summary, found.waveforms


def write_budget(
    plan: ValidationPlan, found: Validation, folder: Path
) -> tuple[tuple[Path, ...], ValidationSummary]:
    """budget.csv: what the prediction of each mapping that nothing was fitted for is made of; and the summary with it."""
    import pandas as pd

    from nonideal.postlayout.budget import budget_of
    from nonideal.postlayout.plan import BLIND

    tables, mappings = [], dict(found.summary.mappings)
    for mapping in sorted(BLIND & set(plan.networks)):
        budget = budget_of(plan, found, mapping)
        if budget is not None:
            mappings[mapping] = mappings[mapping].model_copy(update={"error_budget": budget.summary()})
            tables.append(budget.table().assign(mapping=mapping))
    if not tables:
        return (), found.summary
    file = folder / "budget.csv"
    write_csv(file, pd.concat(tables))
    return (file,), found.summary.model_copy(update={"mappings": mappings})


def mappings_on(work: Work, kind: Netlist) -> tuple[str, ...]:
    """The mappings to validate on a netlist: bottom_up, measured on extracted columns, says nothing of the schematic beside."""
    from nonideal.postlayout.plan import BLIND

    measured = {column.netlist for column in PhysicalModel.load(work.rundir.model).columns}
    other = kind == SCHEMATIC and measured and SCHEMATIC not in measured
    return tuple(m for m in work.experiment.mappings if not (other and m in BLIND))


def _check_sidewalls(model: PhysicalModel, sidewall: str) -> None:
    """Raise ``BadOption`` where columns were extracted with another sidewall convention than the network: no spike would be where it is promised."""
    for column in model.columns:
        # Before there was a choice sidewalls were halved.
        counted = column.sidewall or (sidewall if column.netlist == SCHEMATIC else "halved")
        if counted != sidewall:
            raise BadOption(
                f"the model's column of {column.axons} axons was extracted with sidewalls {counted}, the network with "
                f'extraction.sidewall = "{sidewall}": extract both alike, and characterise and train again'
            )


def plan_of(work: Work, bench: Workbench, kind: Netlist) -> ValidationPlan:
    """What is validated on a netlist: the experiment's mappings, as far as they say something of it."""
    from nonideal.circuits.extraction.netlist import read_netlist
    from nonideal.circuits.extraction.units import joined_units
    from nonideal.circuits.network.correspondence import partners
    from nonideal.circuits.network.netlist import Topology, schematic
    from nonideal.circuits.network.testbench import Circuit
    from nonideal.pnn.checkpoint import load_dense
    from nonideal.postlayout.plan import ValidationPlan
    from nonideal.sky130_models import lean_library

    experiment, design, data = work.experiment, work.experiment.circuit, work.experiment.data
    validation = experiment.validation
    model = PhysicalModel.load(work.rundir.model)
    unknown = check_model(model, work.rundir.model, experiment)
    if unknown is not None:
        work.context.console.print(f"  {unknown}")
    topology = (
        Topology.of(experiment.training.layers, experiment.circuit)
        if kind == SCHEMATIC
        else drawn_topology(experiment, work.rundir)
    )
    if kind != SCHEMATIC:
        _check_sidewalls(model, experiment.extraction.sidewall)
    extracted = work.rundir.path / "layout" / "network.pex.spice"
    if kind == SCHEMATIC:
        netlist = schematic(topology, design)
    else:
        laid_out = read_netlist(extracted)
        if topology.mask is not None:
            partners(
                laid_out, topology, design
            )  # a layout of other weights is refused, by the synapse that has them
        # A simulator's time goes with devices: units of a bank are one, in the whole network as in its columns.
        netlist = joined_units(laid_out).text()
    circuit = Circuit(
        topology=topology,
        design=design,
        netlist=netlist,
        models=lean_library(bench.pdk, experiment.process.corner, netlist),
        vdis_V=model.vdis_V,
    )
    return ValidationPlan(
        circuit=circuit,
        netlist=kind,
        model=model,
        networks={m: load_dense(work.rundir.weights(m)) for m in mappings_on(work, kind)},
        dataset=data.load(),
        samples=validation.samples,
        calibration_samples=validation.calibration_samples,
        scale_low=validation.current_scale.low,
        scale_high=validation.current_scale.high,
        scale_step=validation.current_scale.step,
        clip=experiment.netlist.clip,
        compare=validation.compare,
        simulated="whole" if kind == SCHEMATIC else validation.simulate,
    )
