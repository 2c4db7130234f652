"""One sample of a trained network in SPICE, with all membranes: its waveforms, and its spikes against the model's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nonideal.characterize.model import PhysicalModel
from nonideal.experiment.errors import BadOption
from nonideal.experiment.experiment import Experiment
from nonideal.files import write_csv
from nonideal.postlayout.summary import CurrentScale
from nonideal.runs.rundir import RunDir
from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.sample import SampleSummary, SpikeRow
from nonideal.stages.validation import SCHEMATIC, plan_of
from nonideal.stages.workbench import workbench

if TYPE_CHECKING:
    import pandas as pd


TABLE = "spikes.csv"


def stage_name(mapping: str, netlist: str, sample: int) -> str:
    """The stage, and folder, of one sample: what is simulated apart is kept apart."""
    return f"simulate/{mapping}_{netlist}_{sample}"


def mapping_to_simulate(experiment: Experiment, rundir: RunDir, netlist: str, asked: str | None) -> str:
    """The mapping asked for, else the one nothing is fitted for where it says something of this netlist, else pnn, else the first.

    Raises ``BadOption`` for one that was not trained, or was measured on another netlist.
    """
    from nonideal.postlayout.plan import BLIND

    trained = experiment.training.variants
    if asked is not None and asked not in trained:
        raise BadOption(f"--mapping {asked}: {experiment.name} trains {', '.join(trained)}")
    measured = {column.netlist for column in PhysicalModel.load(rundir.model).columns} if rundir.model.is_file() else set()  # fmt: skip
    elsewhere = netlist == SCHEMATIC and bool(measured) and SCHEMATIC not in measured
    if asked is not None:
        if elsewhere and asked in BLIND:
            raise BadOption(
                f"--mapping {asked}: its columns were measured on {', '.join(sorted(measured))}, which says nothing of the schematic: "
                f"give --netlist {min(measured)}, or another mapping"
            )
        return asked
    fit = [name for name in trained if not (name in BLIND and (elsewhere or not measured))]
    return next((name for name in ("bottom_up", "pnn") if name in fit), (fit or list(trained))[0])


def check_sample(experiment: Experiment, sample: int) -> None:
    """Raise ``BadOption`` for a number that no validation of this experiment has."""
    if not 0 <= sample < experiment.validation.samples:
        raise BadOption(
            f"--sample {sample}: {experiment.name} validates {experiment.validation.samples} samples, give 0 to "
            f"{experiment.validation.samples - 1} (the number in spikes.parquet; validation.samples says how many)"
        )


def simulate_sample(work: Work) -> Done:
    """Write the network back as the validation does (its calibration comes from the cache where it was validated), and run one sample.

    Raises ``SamplesFailed`` where SPICE gives no result.
    """
    from nonideal.circuits.network.testbench import energy_J, spike_times_s
    from nonideal.postlayout.comparison import spike_table
    from nonideal.postlayout.errors import SamplesFailed
    from nonideal.postlayout.fitting import scale_of, trim
    from nonideal.postlayout.prediction import decide, unclipped_times
    from nonideal.postlayout.runner import Runner
    from nonideal.postlayout.waveforms import save_waveforms
    from nonideal.spice import Failure, Result
    from nonideal.spice.raw import read_raw

    mapping, sample = str(work.options["mapping"]), int(work.options["sample"])
    kind: Any = str(work.options.get("netlist", SCHEMATIC))
    check_sample(work.experiment, sample)
    one = work.experiment.changed({"validation": {"mappings": (mapping,)}})
    bench = workbench(one, work.context, work.rundir.cache)
    plan = plan_of(replace(work, experiment=one), bench, kind)
    runner = Runner(plan, bench, work.folder, lambda text: work.context.console.print(f"  {text}"))
    trimmed = trim(runner)
    circuit = plan.circuit_of(mapping, plan.circuit.vdis_V if trimmed is None else trimmed.vdis_V)
    scale = scale_of(runner, mapping, circuit)
    biases, clipped = runner.biases(mapping, mapping, scale)
    network, inputs = plan.networks[mapping], plan.inputs[sample]
    name = f"sample_{sample}"
    deck = circuit.deck(name, biases, inputs.numpy(), bench.simulator, circuit.membrane_probes)
    saved = save_waveforms(deck, circuit, plan.levels(mapping), network, inputs, sample, bench, work.folder)
    if isinstance(saved, Failure):
        raise SamplesFailed(f"{name} of {mapping} on {kind}: {saved.message} ({saved.folder / name}.log)")
    raw, waveforms = saved.files
    deck.write(work.folder, name)
    result = Result(name, read_raw(raw), (), "")
    t_circ_s, classes = plan.model.t_circ_s, plan.dataset.classes
    promised = [layer * t_circ_s for layer in unclipped_times(network, inputs.unsqueeze(0))]
    seen = [layer[None, :] for layer in spike_times_s(result, circuit)]
    table = spike_table(mapping, [sample], promised, seen, t_circ_s, circuit.timeline.window_s)
    write_csv(work.folder / TABLE, table)
    named = [plan.class_names[k] if k >= 0 else None for k in (
        int(decide(promised[-1] / t_circ_s, classes)[0]), int(decide(seen[-1] / t_circ_s, classes)[0])
    )]  # fmt: skip
    summary = SampleSummary(
        experiment=one.name,
        mapping=mapping,
        netlist=kind,
        corner=plan.model.corner,
        sample=sample,
        test_index=int(plan.drawn[sample]),
        label=plan.class_names[int(plan.labels[sample])],
        model_says=named[0],
        spice_says=named[1],
        current_scale=CurrentScale(positive=scale.positive, negative=scale.negative),
        vdis_V=circuit.vdis_V,
        clipped_weights=clipped,
        energy_J=energy_J(result, circuit),
        spikes=_rows(table),
        deck=f"{name}.cir",
        raw=raw.name,
        waveforms=waveforms.name,
        table=TABLE,
    )
    outputs = (raw, waveforms, work.folder / TABLE, work.folder / f"{name}.cir")
    return Done((*outputs, *(work.folder / file for file in deck.includes)), summary)


def _rows(table: pd.DataFrame) -> tuple[SpikeRow, ...]:
    """The table's rows; a time that is infinite is none."""
    import numpy as np

    def time(value: float) -> float | None:
        return float(value) if np.isfinite(value) else None

    rows = table.to_dict(orient="records")
    times = ("t_model_s", "t_spice_s")
    return tuple(SpikeRow.model_validate(row | {name: time(row[name]) for name in times}) for row in rows)
