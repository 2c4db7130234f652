"""Validation of an experiment's networks: the plan from experiment and files, and what is written of it."""

from __future__ import annotations

from typing import Any

from characterize.model import PhysicalModel
from flow.files import write_json, write_parquet
from flow.spec import judge
from flow.stage import Done, Work


def validate_networks(work: Work) -> Done:
    """Simulate every mapping's network on the held-out samples and compare; see ``postlayout.stage``.

    Raises ``SamplesFailed`` after all has been written where a sample gave no result: the same command again
    tries those samples, and only those.
    """
    from characterize.workbench import Workbench
    from circuits.cells import cells_text
    from circuits.network import Topology, schematic
    from pnn.checkpoint import load_network
    from pnn.data import load_small
    from postlayout.errors import SamplesFailed
    from postlayout.simulation import Circuit
    from postlayout.stage import ValidationPlan, validate
    from sky130_models import find_pdk, lean_library
    from spice import Cache

    experiment, design, data = work.experiment, work.experiment.circuit, work.experiment.data
    validation, pdk = experiment.validation, find_pdk()
    model = PhysicalModel.load(work.rundir.model)
    topology = Topology(experiment.training.layers)
    circuit = Circuit(
        topology=topology,
        design=design,
        netlist=schematic(topology, design),
        models=lean_library(pdk, experiment.process.corner, cells_text(design)),
        vdis_V=model.vdis_V,
    )
    plan = ValidationPlan(
        circuit=circuit,
        netlist="schematic",
        model=model,
        networks={m: load_network(work.rundir.weights(m)) for m in validation.mappings},
        dataset=load_small(
            data.set, seed=data.split_seed, test_samples=data.test_samples, encoding=data.spike_encoding()
        ),
        samples=validation.samples,
        calibration_samples=validation.calibration_samples,
        scale_low=validation.current_scale.low,
        scale_high=validation.current_scale.high,
        scale_step=validation.current_scale.step,
        clip=experiment.netlist.clip,
    )
    bench = Workbench(
        pdk=pdk,
        corner=experiment.process.corner,
        simulator=experiment.simulator.options(design.supplies.temperature_C),
        jobs=work.context.jobs,
        timeout_s=experiment.simulator.timeout_s,
        cache=Cache(work.rundir.cache),
        scheduler=work.context.scheduler,
        progress=work.context.progress,
    )
    found = validate(plan, bench, work.folder, say=lambda text: work.context.console.print(f"  {text}"))
    verdicts = judge(experiment.spec, found.summary)
    summary: dict[str, Any] = (
        {"experiment": experiment.name} | found.summary | {"seed": experiment.training.seeds[0]}
    )
    summary |= {"spec": [v.as_json() for v in verdicts], "passed": all(v.passed for v in verdicts)}
    outputs = (work.folder / "spikes.parquet", work.folder / "summary.json")
    write_parquet(outputs[0], found.spikes)
    write_json(outputs[1], summary)
    if found.failures:
        first = found.failures[0]
        raise SamplesFailed(
            f"{len(found.failures)} simulations gave no result, first {first.name}: "
            f"{first.message} ({first.folder}). "
            f"They are marked failed in {outputs[0]} and enter no number; "
            f"the same command again tries them again"
        )
    return Done((*outputs, *found.waveforms), summary, passed=bool(summary["passed"]))
