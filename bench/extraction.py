"""What another extraction does to the spikes of a validated network, and how much of that one trim takes back.

    python bench/extraction.py runs/iris-5 [--experiment iris] [--samples 5] [--jobs 1] [--out runs/iris-5/cache/crossed]

The weights and the physical model of ``bottom_up`` are the run directory's: its columns were extracted with one sidewall convention. Its
network is extracted with both, and each netlist simulated twice: with nothing fitted, and after one trim. The trim knows one thing,
that a neuron without input fires as its phase ends. The bias of all dischargers is set so; and a network whose silent neurons were
late by some factor has that much more capacitance, so all synaptic currents get this one factor too. No trained spike is looked at.

One line each: RMSE over the spikes that both have, hidden and output layer, their mean (SPICE minus model), missed and extra spikes.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.trim import trim_discharger
from nonideal.circuits.extraction import ExtractionOptions, Sidewall, extract
from nonideal.circuits.network.mapping import bias_sources, map_weights
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.testbench import Biases, Circuit, spike_times_s
from nonideal.experiment.experiment import load_experiment
from nonideal.files import read_json
from nonideal.pnn.checkpoint import load_dense
from nonideal.postlayout.comparison import spike_table
from nonideal.postlayout.plan import Netlist, ValidationPlan
from nonideal.postlayout.prediction import unclipped_times
from nonideal.postlayout.runner import Runner
from nonideal.postlayout.scale import Scale
from nonideal.runs.context import Context
from nonideal.runs.manifest import load_manifest
from nonideal.runs.rundir import RunDir
from nonideal.sky130_models import lean_library
from nonideal.spice import Failure
from nonideal.stages.layout import DATABASE, MODES
from nonideal.stages.workbench import workbench

MAPPING = "bottom_up"


@dataclass(frozen=True, slots=True)
class Trimmed:
    """The dischargers' bias, and the factor on all currents that goes with it."""

    vdis_V: float
    factor: float


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="run directory, validated on pex-c or pex-rc")
    parser.add_argument("--experiment", default="iris")
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--out", type=Path, help="where decks and extractions go (default: RUN/cache/crossed)"
    )
    given = parser.parse_args()
    rundir, out = RunDir(given.run), given.out or given.run / "cache" / "crossed"
    made = load_manifest(rundir.path / "layout")
    kind = "" if made is None else str(made.inputs.settings.get("--netlist"))
    if kind not in MODES:
        parser.error(f"{given.run} has no extracted layout: run `nonideal reproduce --netlist pex-c` first")
    print(
        "columns      network      trim     V_dis (V)  factor   hidden ns  output ns  mean ns  missed extra"
    )
    for sidewall in ("full", "halved"):
        runner = crossed(given, rundir, kind, sidewall, out)
        own = runner.plan.model.columns[-1].sidewall
        circuit = runner.plan.circuit_of(MAPPING, 0.0)
        for trim in (Trimmed(circuit.vdis_V, 1.0), trimmed(runner, circuit)):
            told = "none" if trim.factor == 1.0 else "silence"
            print(
                f"{own!s:12} {sidewall:12} {told:8} {trim.vdis_V:.5f}    {trim.factor:.4f}  {line(runner, circuit, trim)}",
                flush=True,
            )


def crossed(
    given: argparse.Namespace, rundir: RunDir, kind: Netlist | Any, sidewall: Sidewall | Any, out: Path
) -> Runner:
    """The run's weights and model on its layout, extracted with that convention."""
    experiment = load_experiment(given.experiment)
    layout, topology = rundir.path / "layout", Topology.of(experiment.training.layers, experiment.circuit)
    found = extract(
        layout / DATABASE,
        topology.ports,
        int(read_json(layout / "lvs.json")["devices"]),
        folder=out / sidewall,
        cache=rundir.cache / "extraction",
        options=ExtractionOptions(mode=MODES[kind], sidewall=sidewall),
    )
    bench = workbench(experiment, Context(jobs=given.jobs), rundir.cache)
    model = PhysicalModel.load(rundir.model)
    models = lean_library(bench.pdk, experiment.process.corner, found.text)
    plan = ValidationPlan(
        circuit=Circuit(topology, experiment.circuit, found.text, models, model.vdis_V),
        netlist=kind,
        model=model,
        networks={MAPPING: load_dense(rundir.weights(MAPPING))},
        dataset=experiment.data.load(),
        samples=given.samples,
        calibration_samples=1,
    )
    return Runner(plan, bench, out / sidewall, print)


def trimmed(runner: Runner, circuit: Circuit) -> Trimmed:
    """One trim by silence: the bias at which neurons without input fire as their phase ends, and by what factor they were late before.

    A ramp of the same shape takes as much longer as there is more capacitance for its current.
    """
    plan = runner.plan
    t_circ_s = circuit.design.timing.t_circ_s
    off = map_weights(
        [np.zeros((n, m)) for m, n in pairwise(circuit.topology.layers)], plan.model, design=circuit.design
    )
    biases = Biases("off", bias_sources(off))
    found = trim_discharger(circuit, biases, runner.simulate)
    timing = circuit.design.timing.model_copy(update={"guard_s": 0.5 * t_circ_s, "hold_s": 0.25 * t_circ_s})
    slow = replace(circuit, design=circuit.design.model_copy(update={"timing": timing}))
    silent = np.full(circuit.topology.layers[0], np.inf)
    (outcome,) = runner.run([slow.deck("before_trim", biases, silent, runner.bench.simulator)])
    if isinstance(outcome, Failure):
        raise SystemExit(f"{outcome.name}: {outcome.message} ({outcome.folder})")
    late = float(np.mean(np.concatenate(spike_times_s(outcome, slow)))) / t_circ_s
    return Trimmed(found.vdis_V, late)


def line(runner: Runner, circuit: Circuit, trim: Trimmed) -> str:
    """What SPICE says of the promised spikes after a trim."""
    plan, t_circ_s = runner.plan, circuit.design.timing.t_circ_s
    inputs = plan.dataset.test_x[: plan.samples]
    promised = [layer * t_circ_s for layer in unclipped_times(plan.networks[MAPPING], inputs)]
    biases, _ = runner.biases(
        f"{MAPPING}_{round(1e6 * trim.factor)}", MAPPING, Scale(trim.factor, trim.factor)
    )
    here = replace(circuit, vdis_V=trim.vdis_V)
    outcomes = runner.infer(here, biases, inputs.numpy())
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    if failed:
        raise SystemExit(f"{failed[0].name}: {failed[0].message} ({failed[0].folder})")
    times = [outcome.times_s for outcome in outcomes if not isinstance(outcome, Failure)]
    seen = [np.stack([sample[layer] for sample in times]) for layer in range(circuit.topology.depth)]
    table = spike_table(
        MAPPING, list(range(plan.samples)), promised, seen, t_circ_s, circuit.timeline.window_s
    )
    pairs = table[table["kind"] == "pair"]
    error_ns = 1e9 * (pairs["t_spice_s"] - pairs["t_model_s"])
    last = pairs["layer"] == circuit.topology.depth
    rms = [float(np.sqrt(np.mean(error_ns[where] ** 2))) for where in (~last, last)]
    counts = [int((table["kind"] == kind).sum()) for kind in ("missed", "extra")]
    return f"{rms[0]:9.2f}  {rms[1]:9.2f}  {error_ns.mean():7.2f}  {counts[0]:6d} {counts[1]:5d}"


if __name__ == "__main__":
    main()
