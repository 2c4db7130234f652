"""The stages of the loop: thin orchestration of the rooms' own functions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from characterize.model import PhysicalModel
from flow.commands import told
from flow.experiment import Experiment
from flow.files import write_csv, write_json, write_parquet
from flow.layout import layout_network
from flow.rundir import COMMANDS, RunDir
from flow.stage import Done, Need, Stage, Work
from flow.training import train_one
from flow.validation import validate_networks
from flow.writeback import write_netlist


def _simulator_tools() -> dict[str, str]:
    """ngspice and PDK; raises their rooms' exceptions where one is missing."""
    from sky130_models import find_pdk
    from spice import find_ngspice

    pdk = find_pdk()
    return {"ngspice": find_ngspice().version, "pdk": f"{pdk.source} {pdk.version}", "pdk_sha256": pdk.sha256}


def _package_tools(*names: str) -> dict[str, str]:
    from importlib import metadata

    return {name: metadata.version(name) for name in names}


def _layout_tools() -> dict[str, str]:
    """What draws, checks and extracts; a missing extractor is its own error, once something is to be extracted."""
    from importlib.util import find_spec

    extractor = _package_tools("klayout-pex") if find_spec("klayout_pex") else {}
    return _package_tools("gdstk", "klayout") | extractor


def _characterize(work: Work) -> Done:
    from characterize.plots import save_plots
    from characterize.stage import characterize
    from characterize.workbench import Workbench
    from sky130_models import find_pdk
    from spice import Cache

    experiment = work.experiment
    bench = Workbench(
        pdk=find_pdk(),
        corner=experiment.process.corner,
        simulator=experiment.simulator.options(experiment.circuit.supplies.temperature_C),
        jobs=work.context.jobs,
        timeout_s=experiment.simulator.timeout_s,
        cache=Cache(work.rundir.cache),
        scheduler=work.context.scheduler,
        progress=work.context.progress,
    )
    found = characterize(bench, experiment.circuit, experiment.characterize, work.folder / "decks")
    outputs = tuple(work.folder / name for name in ("model.json", "curves.parquet", "curves.csv"))
    found.model.save(outputs[0])
    write_parquet(outputs[1], found.curves)
    write_csv(outputs[2], found.curves)
    plots = save_plots(found.model, found.curves, work.folder / "plots")
    return Done((*outputs, *plots), _model_summary(found.model))


def _model_summary(model: PhysicalModel) -> dict[str, Any]:
    """The paper's table, with standard errors."""
    estimates = {
        "lambda_N_per_V": model.positive.lambda_per_V,
        "lambda_P_per_V": model.negative.lambda_per_V,
        "lambda_dis_per_V": model.lambda_dis_per_V,
        "membrane_F": model.membrane_F,
        "v_0_V": model.v_0_V,
        "v_switch_V": model.v_switch_V,
        "sensing_delay_s": model.sensing_delay_s,
        "discharge_norm": model.discharge_norm,
    }
    return {
        "corner": model.corner,
        "parameters": {
            name: {"value": e.value, "stderr": e.stderr, "unit": e.unit} for name, e in estimates.items()
        },
        "e_rev_positive_norm": 1.0 / model.beta_positive,
        "e_rev_negative_norm": 1.0 / model.beta_negative,
        "v_th_V": model.v_th_V,
        "unit_current_A": model.unit_current_A(),
        "vdis_V": model.vdis_V,
        "additivity_error": model.additivity_error,
    }


def _train(work: Work) -> Done:
    from joblib import Parallel, delayed
    from rich.progress import Progress

    training = work.experiment.training
    work.experiment.data.fetch(work.context.console.print)
    runs = [(variant, seed) for variant in training.variants for seed in training.seeds]

    def folder(variant: str, seed: int) -> Path:
        place = work.folder / variant
        return place if seed == training.seeds[0] else place / f"seed_{seed}"

    jobs = min(work.context.jobs, len(runs))
    results: list[dict[str, Any]] = []
    # One training shows its own epochs; several show how many are done.
    alone = work.context.bars and len(runs) == 1
    with Progress(console=work.context.console, disable=alone or not work.context.bars) as bar:
        task = bar.add_task("trainings", total=len(runs))
        pending = Parallel(n_jobs=jobs, return_as="generator")(
            delayed(train_one)(
                work.experiment, work.rundir.model, variant, seed, folder(variant, seed), show_progress=alone
            )
            for variant, seed in runs
        )
        for result in pending:
            results.append(result)
            bar.advance(task)
            work.context.pulse.advance(len(results), len(runs))

    variants: dict[str, Any] = {}
    for variant in training.variants:
        mine = [r for (v, _), r in zip(runs, results, strict=True) if v == variant]
        variants[variant] = {
            "test_accuracy_median": median(r["test_accuracy"] for r in mine),
            "test_accuracy_first_seed": mine[0]["test_accuracy"],
            "seeds": [{k: v for k, v in r.items() if k != "weights"} for r in mine],
        }
    summary = {
        "data_set": work.experiment.data.set,
        "test_samples": results[0]["test_samples"],
        "variants": variants,
    }
    write_json(work.folder / "summary.json", summary)
    return Done((work.folder / "summary.json", *(Path(r["weights"]) for r in results)), summary)


def _netlist(work: Work) -> Done:
    outputs: list[Path] = []
    summary: dict[str, Any] = {}
    for name in work.experiment.validation.mappings:
        folder = work.folder / name
        paths = (folder / "network.spice", folder / "mapping.csv")
        summary[name] = write_netlist(
            work.rundir.weights(name),
            work.rundir.model,
            work.experiment,
            *paths,
            clip=work.experiment.netlist.clip or bool(work.options.get("clip")),
        )
        outputs += paths
    return Done(tuple(outputs), {"mappings": summary})


def _need(
    experiment: Experiment, rundir: RunDir, path: Path, maker: str, options: Mapping[str, Any] | None = None
) -> Need:
    """An input that stage ``maker`` makes with this experiment's settings (and ``options``), and how to make it here."""
    settings = {name: experiment.section(name) for name in STAGES[maker].sections}
    given = options or {}
    return Need(
        path,
        f"nonideal {COMMANDS[maker]}{told(given)}{rundir.options(experiment.name)}",
        rundir.path / maker,
        settings | {f"--{name}": value for name, value in given.items()},
        complete=bool(given),
    )


def _model_need(experiment: Experiment, rundir: RunDir) -> dict[str, Need]:
    return {"model": _need(experiment, rundir, rundir.model, "characterization")}


def _training_need(experiment: Experiment, rundir: RunDir) -> dict[str, Need]:
    """The physical model, unless the experiment trains on one that ships with the package."""
    return {} if experiment.training.preset is not None else _model_need(experiment, rundir)


def _weights_need(experiment: Experiment, rundir: RunDir) -> dict[str, Need]:
    mappings = experiment.validation.mappings
    return _model_need(experiment, rundir) | {
        f"weights {m}": _need(experiment, rundir, rundir.weights(m), "training") for m in mappings
    }


def _extracted_need(experiment: Experiment, rundir: RunDir, options: Mapping[str, Any]) -> dict[str, Need]:
    """An extracted netlist of the right kind, where one is to be validated: one with capacitance only is not an RC netlist."""
    kind = options.get("netlist", "schematic")
    if kind == "schematic":
        return {}
    path = rundir.path / "layout" / "network.pex.spice"
    return {"extraction": _need(experiment, rundir, path, "layout", {"netlist": kind})}


STAGES = {
    stage.name: stage
    for stage in (
        Stage(
            name="characterization",
            kept="its simulations",
            doing="sweeping the circuit in ngspice and fitting the physical model",
            sections=("process", "circuit", "characterize", "simulator"),
            rooms=("sky130_models", "spice", "circuits", "characterize"),
            run=_characterize,
            tools=_simulator_tools,
        ),
        Stage(
            name="training",
            doing="training on the physical model",
            sections=("data", "training"),
            rooms=("pnn", "characterize/model.py"),
            run=_train,
            needs=_training_need,
            tools=lambda: _package_tools("torch", "scikit-learn"),
            seeds=lambda e: {"split": e.data.split_seed, "training": list(e.training.seeds)},
        ),
        Stage(
            name="netlist",
            on_circuit=True,
            doing="weights -> bias voltages -> SPICE network",
            sections=("circuit", "netlist", "validation.mappings"),
            rooms=("circuits", "characterize/model.py", "flow/writeback.py"),
            run=_netlist,
            needs=_weights_need,
        ),
        Stage(
            name="layout",
            kept="its extracted parasitics",
            on_circuit=True,
            doing="drawing the network; DRC, LVS, extraction",
            sections=("circuit", "training.layers"),
            rooms=("sky130_models", "circuits", "flow/layout.py"),
            run=layout_network,
            tools=_layout_tools,
        ),
        Stage(
            name="validation",
            kept="its simulations",
            on_circuit=True,
            doing="simulating the networks and comparing their spikes with the models'",
            sections=(
                "process",
                "circuit",
                "data",
                "training.layers",
                "netlist",
                "validation",
                "simulator",
                "spec",
            ),
            rooms=(
                "sky130_models",
                "spice",
                "circuits",
                "pnn",
                "postlayout",
                "characterize/model.py",
                "characterize/workbench.py",
                "flow/validation.py",
            ),
            run=validate_networks,
            needs=_weights_need,
            needs_for=_extracted_need,
            tools=_simulator_tools,
            seeds=lambda e: {"split": e.data.split_seed, "training": e.training.seeds[0]},
        ),
    )
}
LOOP = ("characterization", "training", "netlist", "layout", "validation")
