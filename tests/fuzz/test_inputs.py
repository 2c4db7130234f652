"""Inputs that nobody meant well with: none reaches a shell, a traceback, a hang, or a file outside of the run directory.

    NONIDEAL_FUZZ=1250 .venv/bin/python -m pytest -m fuzz -s tests/fuzz/test_inputs.py       # 1250 of each of 9 kinds

Without ``NONIDEAL_FUZZ`` a fiftieth of that. CI leaves them out.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from nonideal.cli.main import app
from nonideal.experiment.experiment import load_experiment
from nonideal.pnn import preset, variant_options
from nonideal.pnn.checkpoint import Provenance, WeightsHeader, save_network
from nonideal.pnn.data import Encoding
from nonideal.runs.manifest import load_manifest
from tests.fuzz.conftest import Bench
from tests.fuzz.hostile import NAMES, VALUES, altered, altered_lines, damaged, toml
from tests.report.conftest import Builder

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(7200)]

SHARE = max(5, int(os.environ.get("NONIDEAL_FUZZ", "25")))
"""Examples of each test."""
WHATEVER = settings(
    max_examples=SHARE,
    deadline=None,
    database=None,
    derandomize=False,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
SYNAPSE = """\
* a synapse
.param wm=1
.subckt synapse axon axon_b dendrite bias_n bias_p vdd vss
XMNM dendrite bias_n xn vss sky130_fd_pr__nfet_01v8 ad=0.29 as=0.29 l=0.25 pd=2.58 ps=2.58 w={wm}
XMNS xn axon vss vss sky130_fd_pr__nfet_01v8 ad=0.29 as=0.29 l=0.25
+ pd=2.58 ps=2.58 w=1.0
XH dendrite bias_p axon_b vdd branch w=1
.ends synapse
.subckt branch d g en s w=1
XMPM d g xp s sky130_fd_pr__pfet_01v8 ad=0.29 as=0.29 l=0.25 pd=2.58 ps=2.58 w=w
XMPS xp en s s sky130_fd_pr__pfet_01v8 ad=0.29 as=0.29 l=0.25 pd=2.58 ps=2.58 w='w*1'
.ends branch
"""
BESIDE = (".csv", ".pins.csv", ".cir", ".models.spice")
"""Endings of what lies beside a netlist."""
WRITTEN = ("out.spice", *(f"out{ending}" for ending in BESIDE))
EXPERIMENT: dict[str, Any] = {
    "name": "small",
    "circuit": {
        "supplies": {"vdd_V": 1.8},
        "synapse": {"memory_n": {"w_um": 1.0, "l_um": 0.25}},
        "timing": {"t_circ_s": 1e-6},
    },
    "data": {"set": "iris", "test_samples": 6, "bias_axon": True},
    "training": {
        "layers": [5, 3],
        "variants": ["pnn"],
        "seeds": [1],
        "epochs": 2,
        "batch_size": 32,
        "learning_rate": 0.01,
        "tensorboard": False,
    },
    "validation": {"samples": 2, "mappings": ["pnn"], "calibration_samples": 2},
    "characterize": {"on": "schematic", "axons": 5},
    "simulator": {"timeout_s": 5.0},
    "spec": {"output_rmse_max_s": 1e-8},
}


class Files(dict[str, bytes]):
    """Contents by name; a failing input is told without them."""

    def __repr__(self) -> str:
        return "files"


@pytest.fixture(scope="module")
def files(bench: Bench) -> Files:
    """A valid file of every kind."""
    folder = bench.folder.parent
    model = preset("sky130_tt")
    options = variant_options("pnn", model, (5, 3))
    made = Provenance(variant="pnn", seed=1, dataset="iris", encoding=Encoding(), model_sha256="", epochs=0)
    save_network(folder / "w.safetensors", options.build(), WeightsHeader(network=options, provenance=made))
    model.save(folder / "m.json")
    # One that names no circuit, as older versions wrote them, is taken for any cell.
    model.model_copy(update={"circuit": None}).save(folder / "old.json")
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.uniform(0, 8, (60, 4)), columns=list("abcd")).assign(kind=["x", "y", "z"] * 20)
    table.to_csv(folder / "d.csv", index=False)
    table.to_parquet(folder / "d.parquet", index=False)
    np.savez(folder / "d.npz", x=table[list("abcd")].to_numpy(), y=np.arange(60) % 3)
    names = {
        "weights": "w.safetensors",
        "model": "m.json",
        "model_of_any_cell": "old.json",
        "csv": "d.csv",
        "parquet": "d.parquet",
        "npz": "d.npz",
    }
    return Files((name, (folder / file).read_bytes()) for name, file in names.items())


def experiment(bench: Bench, tree: object) -> Path:
    """Write a tree as an experiment file."""
    path = bench.folder / "small.toml"
    lines = (
        [f"{key} = {toml(value)}" for key, value in tree.items()] if isinstance(tree, dict) else [toml(tree)]
    )
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    return path


def clear(bench: Bench) -> None:
    """Nothing is there but what the next input brings."""
    outside = bench.folder.parent / "outside"
    shutil.rmtree(outside) if outside.is_dir() else outside.unlink(missing_ok=True)
    for path in sorted(bench.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


TRAINS: dict[str, Any] = EXPERIMENT | {"training": EXPERIMENT["training"] | {"preset": "sky130_tt"}}
"""The same without a characterisation: what is still right trains."""
ASKS = st.sampled_from(["train", "train", "characterize", "explore", "conditions", "yield", "show"])
"""What asks different things of an experiment."""


@WHATEVER
@given(tree=altered(TRAINS), command=ASKS)
def test_experiments(bench: Bench, tree: object, command: str) -> None:
    clear(bench)
    experiment(bench, tree)
    bench.run(command, "-e", "small.toml", may_write=("runs", "small.toml"))


@WHATEVER
@given(text=altered_lines("\n".join(f"{key} = {toml(value)}" for key, value in TRAINS.items())), command=ASKS)
def test_experiments_as_text(bench: Bench, text: str, command: str) -> None:
    clear(bench)
    (bench.folder / "small.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    bench.run(command, "-e", "small.toml")


@WHATEVER
@given(text=altered_lines(SYNAPSE))
def test_cells(bench: Bench, text: str) -> None:
    clear(bench)
    (bench.folder / "cell.spice").write_bytes(text.encode("utf-8", "surrogatepass"))
    experiment(bench, EXPERIMENT | {"circuit": {"cells": {"synapse": "cell.spice"}}})
    bench.run("characterize", "-e", "small.toml", "--jobs", "1")


@WHATEVER
@given(text=altered_lines(SYNAPSE))
def test_cells_in_written_netlists(bench: Bench, files: Files, text: str) -> None:
    clear(bench)
    (bench.folder / "cell.spice").write_bytes(text.encode("utf-8", "surrogatepass"))
    (bench.folder / "w.safetensors").write_bytes(files["weights"])
    (bench.folder / "m.json").write_bytes(files["model_of_any_cell"])
    experiment(bench, EXPERIMENT | {"circuit": {"cells": {"synapse": "cell.spice"}}})
    bench.run(
        "netlist", "-e", "small.toml", "--weights", "w.safetensors", "--model", "m.json", "--out", "out.spice", "--clip",
        may_write=("runs", *WRITTEN),
    )  # fmt: skip
    for path in bench.folder.glob("out*"):
        assert "pwned" not in path.read_text(), path.read_text()


@WHATEVER
@given(data=st.data(), which=st.sampled_from(["weights", "model"]))
def test_weights_and_models(bench: Bench, files: Files, data: st.DataObject, which: str) -> None:
    clear(bench)
    content = dict(files)
    if which == "model" and data.draw(st.booleans()):
        content["model"] = json.dumps(data.draw(altered(json.loads(files["model"])))).encode(
            "utf-8", "replace"
        )
    else:
        content[which] = data.draw(damaged(files[which]))
    (bench.folder / "w.safetensors").write_bytes(content["weights"])
    (bench.folder / "m.json").write_bytes(content["model"])
    experiment(bench, EXPERIMENT)
    answer = bench.run(
        "netlist", "-e", "small.toml", "--weights", "w.safetensors", "--model", "m.json", "--out", "out.spice", "--clip",
        may_write=("runs", *WRITTEN),
    )  # fmt: skip
    if which == "weights" and content["weights"] != files["weights"]:
        assert answer.code != 0, "weights that are not what was written were taken"


@WHATEVER
@given(data=st.data(), kind=st.sampled_from(["csv", "parquet", "npz"]))
def test_data_files(bench: Bench, files: Files, data: st.DataObject, kind: str) -> None:
    clear(bench)
    changed = data.draw(damaged(files[kind]))
    if kind == "csv" and data.draw(st.booleans()):
        changed = data.draw(altered_lines(files[kind].decode())).encode("utf-8", "surrogatepass")
    (bench.folder / f"d.{kind}").write_bytes(changed)
    experiment(bench, TRAINS | {"data": {"file": f"d.{kind}", "test_samples": 6}})
    bench.run("train", "-e", "small.toml")


@pytest.fixture(scope="module")
def trained(bench: Bench, files: Files) -> Path:
    """The run directory of a training and its netlist."""
    clear(bench)
    experiment(bench, EXPERIMENT)
    model = bench.folder / "runs/small/characterization/model.json"
    model.parent.mkdir(parents=True)
    model.write_bytes(files["model"])
    for command in (["train"], ["netlist", "--clip"]):
        assert bench.run(*command, "-e", "small.toml").code == 0
    return Path(shutil.copytree(bench.folder / "runs", bench.folder.parent / "trained"))


def option_names() -> dict[str, list[str]]:
    """The options of every command, without what opens a window and what asks for a traceback."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return {
        name: [one for parameter in command.params for one in parameter.opts if one.startswith("-") and one not in ("--open", "--debug")]
        for name, command in group.commands.items()
    }  # fmt: skip


OPTIONS = option_names()
RIGHT: dict[str, list[str | None]] = {
    "-e": ["small.toml"], "--experiment": ["small.toml"], "--run-dir": ["runs/other"], "--jobs": ["1", "2"], "-j": ["1"],
    "--corner": ["tt", "ss,ff"], "--scheduler": ["tcp://127.0.0.1:9"], "--characterize-on": ["schematic"], "--weights": ["w.safetensors"],
    "--model": ["m.json", "sky130_tt"], "--out": ["out.spice", "out"], "--layers": ["1,1", "5,3"], "--data": ["d.csv", "iris"],
    "--accelerator": ["cpu", "auto"], "--devices": ["1"], "--samples": ["2"], "--compare": ["layout", "paper"], "--netlist": ["schematic"],
    "--extractor": ["nonideal", "magic"], "--vary": ["timing.hold_s=2e-9"], "--temperature": ["-40,125"], "--spice": ["0", "1"], "--chips": ["10"],
    "--first-chip": ["0", "3"], "--spice-chips": ["0"], "--hidden": ["3"], "--chip": ["0", "1"], "--sample": ["0", "1"], "--mapping": ["pnn"],
    "--folder": [".", "experiments"],
}  # fmt: skip
"""Values that are right, of options that take one."""
ANY = st.none() | NAMES | VALUES.map(str)


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command with some of its options: as they are meant, one of them otherwise, or all and others' too."""
    command = draw(st.sampled_from([*OPTIONS, "x"]))
    own = OPTIONS.get(command, ["-e"])
    every = sorted({name for names in OPTIONS.values() for name in names} | {"--zzz", "--version"})
    hostile = draw(st.sampled_from(["none", "one", "all"]))
    names = draw(st.lists(st.sampled_from(own), max_size=4, unique=True))
    meant = [(name, draw(st.sampled_from(RIGHT.get(name, [None])))) for name in names]
    if hostile == "one" and meant:
        meant[0] = (meant[0][0], draw(ANY))
    if hostile == "all":
        others = draw(st.lists(st.sampled_from(every), max_size=2))
        meant = [(name, draw(ANY)) for name in (*names, *others)]
    loose = draw(st.lists(NAMES, max_size=2)) if hostile == "all" else ["mine"] if command == "new" else []
    return [
        command,
        *loose,
        *(word for name, value in meant for word in ((name,) if value is None else (name, value))),
    ]


@WHATEVER
@given(words=command_lines(), after=st.booleans())
def test_command_lines(bench: Bench, files: Files, trained: Path, words: list[str], after: bool) -> None:
    """Anything typed, in an empty folder or ``after`` a training."""
    clear(bench)
    if after:
        shutil.copytree(trained, bench.folder / "runs")
    # One other design, and no extraction unless asked for: what is right takes no minutes either.
    experiment(
        bench, EXPERIMENT | {"explore": {"vary": {"neuron.mim_w_um": [7.5]}}, "chips": {"mapping": "pnn"}}
    )
    for name, content in {"w.safetensors": "weights", "m.json": "model", "d.csv": "csv"}.items():
        (bench.folder / name).write_bytes(files[content])
    if words[0] != "new" and "-e" not in words and "--experiment" not in words:
        words = [*words, "-e", "small.toml"]
    if words[0] == "reproduce" and "--netlist" not in words:
        words = [*words, "--netlist", "schematic"]
    spelt = {*words, *(os.path.normpath(word) for word in words if word)}
    places = {Path(word).parts[0] for word in spelt if not word.startswith("/") and Path(word).parts}
    stems = {f"{Path(word).stem}{ending}" for word in words for ending in (*BESIDE, ".toml")}
    here = ["."] if "." in spelt else []
    bench.run(*words, may_write=("runs", "experiments", *here, *places, *stems))


def spoil(data: st.DataObject, victim: Path) -> None:
    """A file is damaged, or its values are others; half of the time the manifest beside it tells the new content's hash."""
    content = victim.read_bytes()
    tree = json_of(victim) if data.draw(st.booleans()) else None
    changed = (
        data.draw(damaged(content or b"x"))
        if tree is None
        else json.dumps(data.draw(altered(tree))).encode("utf-8", "replace")
    )
    victim.write_bytes(changed)
    folder = next(one for one in victim.parents if (one / "manifest.json").exists() or one.name == "runs")
    made = load_manifest(folder)
    if victim.name != "manifest.json" and made is not None and data.draw(st.booleans()):
        told = {str(victim.relative_to(folder)): hashlib.sha256(changed).hexdigest()}
        made.model_copy(update={"outputs": made.outputs | told}).save(folder)


def json_of(path: Path) -> Any:
    """What a file says, or None where it is no JSON."""
    if path.suffix == ".json" and path.is_file():
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(path.read_bytes())
    return None


@WHATEVER
@given(data=st.data())
def test_run_directories(bench: Bench, trained: Path, data: st.DataObject) -> None:
    """The files of a finished training and netlist, one or two of them spoilt; then what reads them."""
    clear(bench)
    experiment(bench, EXPERIMENT)
    shutil.copytree(trained, bench.folder / "runs")
    found = sorted(path for path in (bench.folder / "runs/small").rglob("*") if path.is_file())
    for _ in range(data.draw(st.integers(1, 2))):
        spoil(data, data.draw(st.sampled_from(found)))
    commands = ["train", "netlist", "report", "show", "simulate"]
    for command in data.draw(st.lists(st.sampled_from(commands), min_size=1, max_size=4, unique=True)):
        bench.run(command, "-e", "small.toml")


@pytest.fixture(scope="module")
def validated(bench: Bench) -> Path:
    """A run directory with results of a characterisation, a training, a layout and a validation, none of them simulated."""
    folder = bench.folder.parent / "validated"
    builder = Builder(folder / "small").characterization(curves=True).training().validation()
    builder.write_json("layout/drc.json", {"violations": 0, "rules_checked": 145})
    builder.write_json("layout/lvs.json", {"matched": True, "nets": 347})
    drawn = {
        "layers": [5, 2, 3],
        "area_um2": 1e4,
        "devices": 200,
        "drc_violations": 0,
        "drc_rules": 145,
        "lvs_matched": True,
        "override": False,
    }
    builder.manifest("layout", {}, drawn)
    clear(bench)
    experiment(bench, EXPERIMENT)
    shutil.copytree(folder, bench.folder / "runs")
    for command in ("report", "show"):
        assert bench.run(command, "-e", "small.toml").code in (0, 1)
    return folder


@WHATEVER
@given(data=st.data())
def test_reports(bench: Bench, validated: Path, data: st.DataObject) -> None:
    """The files of a validated run, some of them spoilt; then what shows them."""
    clear(bench)
    experiment(bench, EXPERIMENT)
    shutil.copytree(validated, bench.folder / "runs")
    found = sorted(path for path in (bench.folder / "runs/small").rglob("*") if path.is_file())
    for _ in range(data.draw(st.integers(1, 3))):
        spoil(data, data.draw(st.sampled_from(found)))
    for command in data.draw(st.permutations(["report", "show"])):
        bench.run(command, "-e", "small.toml", *data.draw(st.sampled_from([[], ["--json"]])))


def test_the_shipped_experiment_is_valid(bench: Bench) -> None:
    """What is altered above is right before."""
    clear(bench)
    assert load_experiment(str(experiment(bench, EXPERIMENT))).name == "small"
