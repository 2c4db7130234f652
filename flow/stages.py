"""The stages of the loop: thin orchestration of the rooms' own functions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from flow.characterization import characterize_circuit
from flow.chips import calibrate_chip, chip_yield, measure_mismatch, mismatch_model
from flow.columns import extracted_columns, lay_out_columns
from flow.commands import measuring, told
from flow.conditions import mapping_of, survey_conditions
from flow.experiment import Experiment
from flow.explore import explore_circuit
from flow.files import write_json
from flow.layout import EXTRACTED, layout_network
from flow.rundir import RunDir, command_of
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
    experiment: Experiment,
    rundir: RunDir,
    path: Path,
    maker: str,
    options: Mapping[str, Any] | None = None,
    *,
    complete: bool = False,
) -> Need:
    """An input that stage ``maker`` makes with this experiment's settings (and ``options``), and how to make it here."""
    settings = {name: experiment.section(name) for name in STAGES[maker].sections}
    given = options or {}
    line = told(measuring(maker, experiment) | dict(given))
    return Need(
        path,
        f"nonideal {command_of(maker)}{line}{rundir.options(experiment.name)}",
        rundir.path / maker,
        settings | {f"--{name}": value for name, value in given.items()},
        complete,
    )


def _columns_need(experiment: Experiment, rundir: RunDir, options: Mapping[str, Any]) -> dict[str, Need]:
    """The extracted netlists of the columns, where they are measured on those."""
    if not extracted_columns(experiment):
        return {}
    paths = {axons: rundir.column(axons) / EXTRACTED for axons in experiment.columns}
    return {
        f"column {axons}": _need(experiment, rundir, path, "columns", options, complete=True)
        for axons, path in paths.items()
    }


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


def _conditions_need(experiment: Experiment, rundir: RunDir) -> dict[str, Need]:
    """The weights that are tried. What they were trained on is theirs to know: every condition is characterised anew."""
    name = mapping_of(experiment)
    return {f"weights {name}": _need(experiment, rundir, rundir.weights(name), "training")}


def _yield_need(experiment: Experiment, rundir: RunDir) -> dict[str, Need]:
    """The statistical model, and the weights whose chips are drawn."""
    name = experiment.chips.mapping
    return {
        "mismatch": _need(experiment, rundir, mismatch_model(rundir), "mismatch"),
        f"weights {name}": _need(experiment, rundir, rundir.weights(name), "training"),
    }


def _extracted_need(experiment: Experiment, rundir: RunDir, options: Mapping[str, Any]) -> dict[str, Need]:
    """An extracted netlist of the right kind, where one is to be validated: one with capacitance only is not an RC netlist."""
    kind = options.get("netlist", "schematic")
    if kind == "schematic":
        return {}
    path = rundir.path / "layout" / EXTRACTED
    return {"extraction": _need(experiment, rundir, path, "layout", {"netlist": kind}, complete=True)}


MODEL = (
    "characterize/model.py",
    "characterize/column.py",
    "characterize/estimate.py",
    "characterize/spread.py",
    "characterize/physics.py",
)
"""The code of the physical model, as whoever reads it depends on."""
CHIPS = (
    "sky130_models",
    "spice",
    "circuits",
    "characterize",
    "pnn",
    "postlayout/comparison.py",
    "postlayout/prediction.py",
    "chips",
    "flow/chips.py",
    "flow/trade.py",
    "flow/training.py",
    "flow/workbench.py",
)
"""The code that chips' results depend on."""
STAGES = {
    stage.name: stage
    for stage in (
        Stage(
            name="columns",
            kept="its extracted parasitics",
            on_circuit=True,
            wanted=extracted_columns,
            doing="drawing the columns to characterise; DRC, LVS, extraction",
            sections=("circuit", "columns", "characterize.on"),
            rooms=("sky130_models", "circuits", "flow/layout.py", "flow/columns.py"),
            run=lay_out_columns,
            tools=_layout_tools,
        ),
        Stage(
            name="characterization",
            kept="its simulations",
            doing="sweeping the circuit in ngspice, measuring its columns and fitting the physical model",
            sections=("process", "circuit", "characterize", "columns", "simulator"),
            rooms=("sky130_models", "spice", "circuits", "characterize", "flow/characterization.py"),
            run=characterize_circuit,
            needs_for=_columns_need,
            tools=_simulator_tools,
        ),
        Stage(
            name="explore",
            kept="its simulations and extracted parasitics",
            on_circuit=True,
            doing="drawing, characterising and ranking design choices",
            sections=("process", "circuit", "characterize", "explore", "training.layers", "simulator"),
            rooms=("sky130_models", "spice", "circuits", "characterize", "flow/layout.py", "flow/explore.py"),
            run=explore_circuit,
            tools=lambda: _simulator_tools() | _layout_tools(),
        ),
        Stage(
            name="conditions",
            kept="its simulations",
            on_circuit=True,
            doing="characterising corners and temperatures, and trying the network in each",
            sections=(
                "process",
                "circuit",
                "characterize",
                "conditions",
                "data",
                "training.layers",
                "netlist",
                "simulator",
            ),
            rooms=(
                "sky130_models",
                "spice",
                "circuits",
                "characterize",
                "pnn/data.py",
                "pnn/checkpoint.py",
                "postlayout/comparison.py",
                "postlayout/prediction.py",
                "chips/conditions.py",
                "chips/condition_bench.py",
                "chips/condition_network.py",
                "chips/condition_plot.py",
                "flow/conditions.py",
            ),
            run=survey_conditions,
            needs=_conditions_need,
            tools=_simulator_tools,
            seeds=lambda e: {"split": e.data.split_seed, "training": e.training.seeds[0]},
        ),
        Stage(
            name="mismatch",
            kept="its simulations",
            on_circuit=True,
            doing="drawing synapses and neurons in ngspice: the statistical model of chips",
            sections=("process", "circuit", "characterize", "columns", "chips.draws", "simulator"),
            rooms=(
                "sky130_models",
                "spice",
                "circuits",
                "characterize",
                "flow/chips.py",
                "flow/workbench.py",
            ),
            run=measure_mismatch,
            tools=_simulator_tools,
            seeds=lambda e: {"draws": e.characterize.draw_seed},
        ),
        Stage(
            name="yield",
            kept="its simulations",
            on_circuit=True,
            doing="drawing chips, in the fast model and in ngspice",
            sections=(
                "process",
                "circuit",
                "characterize",
                "data",
                "training",
                "chips",
                "calibration",
                "simulator",
            ),
            rooms=CHIPS,
            run=chip_yield,
            needs=_yield_need,
            tools=_simulator_tools,
            seeds=lambda e: {
                "split": e.data.split_seed,
                "first chip": e.chips.first_chip,
                "training": e.training.seeds[0],
                "draws": e.characterize.draw_seed,
            },
        ),
        Stage(
            name="calibration",
            kept="its simulations",
            on_circuit=True,
            doing="measuring a chip in ngspice and trimming its biases",
            sections=(
                "process",
                "circuit",
                "data",
                "training.layers",
                "chips.mapping",
                "chips.spice_samples",
                "calibration",
                "simulator",
            ),
            rooms=CHIPS,
            run=calibrate_chip,
            needs=_yield_need,
            tools=_simulator_tools,
            seeds=lambda e: {"split": e.data.split_seed},
        ),
        Stage(
            name="training",
            doing="training on the physical model",
            sections=("data", "training"),
            rooms=("pnn", *MODEL, "flow/training.py"),
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
            rooms=("circuits", *MODEL, "flow/writeback.py"),
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
                *MODEL,
                "characterize/reference.py",
                "characterize/trim.py",
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
LOOP = ("columns", "characterization", "training", "netlist", "layout", "validation")
