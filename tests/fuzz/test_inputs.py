"""Inputs that nobody meant well with: none reaches a shell, a traceback, a hang, or a file outside of the run directory.

    NONIDEAL_FUZZ=1250 .venv/bin/python -m pytest -m fuzz -s tests/fuzz/test_inputs.py       # 10,000 and more

Without ``NONIDEAL_FUZZ`` a fiftieth of that. CI leaves them out.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from nonideal.experiment.experiment import load_experiment
from nonideal.pnn import preset, variant_options
from nonideal.pnn.checkpoint import Provenance, WeightsHeader, save_network
from nonideal.pnn.data import Encoding
from tests.fuzz.conftest import Bench
from tests.fuzz.hostile import NAMES, VALUES, altered, altered_lines, damaged, toml

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
SUBCOMMANDS = (
    "characterize", "explore", "conditions", "yield", "calibrate", "train", "netlist", "layout", "validate-post-layout", "report", "reproduce",
    "doctor",
)  # fmt: skip
EXPERIMENT = {
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


@pytest.fixture(scope="module")
def files(bench: Bench) -> dict[str, bytes]:
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
    return {name: (folder / file).read_bytes() for name, file in names.items()}


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
    for path in sorted(bench.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


@WHATEVER
@given(tree=altered(EXPERIMENT))
def test_experiments(bench: Bench, tree: object) -> None:
    clear(bench)
    experiment(bench, tree)
    bench.run("train", "-e", "small.toml", may_write=("runs", "small.toml"))


@WHATEVER
@given(text=altered_lines("\n".join(f"{key} = {toml(value)}" for key, value in EXPERIMENT.items())))
def test_experiments_as_text(bench: Bench, text: str) -> None:
    clear(bench)
    (bench.folder / "small.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    bench.run("train", "-e", "small.toml")


@WHATEVER
@given(text=altered_lines(SYNAPSE))
def test_cells(bench: Bench, text: str) -> None:
    clear(bench)
    (bench.folder / "cell.spice").write_bytes(text.encode("utf-8", "surrogatepass"))
    experiment(bench, EXPERIMENT | {"circuit": {"cells": {"synapse": "cell.spice"}}})
    bench.run("characterize", "-e", "small.toml", "--jobs", "1")


@WHATEVER
@given(text=altered_lines(SYNAPSE))
def test_cells_in_written_netlists(bench: Bench, files: dict[str, bytes], text: str) -> None:
    clear(bench)
    (bench.folder / "cell.spice").write_bytes(text.encode("utf-8", "surrogatepass"))
    (bench.folder / "w.safetensors").write_bytes(files["weights"])
    (bench.folder / "m.json").write_bytes(files["model_of_any_cell"])
    experiment(bench, EXPERIMENT | {"circuit": {"cells": {"synapse": "cell.spice"}}})
    bench.run(
        "netlist", "-e", "small.toml", "--weights", "w.safetensors", "--model", "m.json", "--out", "out.spice", "--clip",
        may_write=("runs", "out.spice", "out.csv", "pins.csv", "out.pins.csv", "out.cir", "out.pins", "out.deck.cir"),
    )  # fmt: skip
    for path in bench.folder.glob("out*"):
        assert "pwned" not in path.read_text(), path.read_text()


@WHATEVER
@given(data=st.data(), which=st.sampled_from(["weights", "model"]))
def test_weights_and_models(bench: Bench, files: dict[str, bytes], data: st.DataObject, which: str) -> None:
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
        may_write=("runs", "out.spice", "out.csv", "pins.csv", "out.pins.csv", "out.cir"),
    )  # fmt: skip
    if which == "weights" and content["weights"] != files["weights"]:
        assert answer.code != 0, "weights that are not what was written were taken"


@WHATEVER
@given(data=st.data(), kind=st.sampled_from(["csv", "parquet", "npz"]))
def test_data_files(bench: Bench, files: dict[str, bytes], data: st.DataObject, kind: str) -> None:
    clear(bench)
    changed = data.draw(damaged(files[kind]))
    if kind == "csv" and data.draw(st.booleans()):
        changed = data.draw(altered_lines(files[kind].decode())).encode("utf-8", "surrogatepass")
    (bench.folder / f"d.{kind}").write_bytes(changed)
    section = {"file": f"d.{kind}", "test_samples": 6}
    training = EXPERIMENT["training"] | {"preset": "sky130_tt"}
    experiment(bench, EXPERIMENT | {"data": section, "training": training})
    bench.run("train", "-e", "small.toml")


@WHATEVER
@given(
    command=st.sampled_from([*SUBCOMMANDS, "x"]),
    options=st.lists(
        st.tuples(
            st.sampled_from(
                ["-e", "--experiment", "--run-dir", "--jobs", "--corner", "--scheduler", "--weights", "--out", "--model", "--netlist", "--samples",
                 "--layers", "--chip", "--chips", "--vary", "--temperature", "--data", "--force", "--json", "--clip", "--characterize-on", "--zzz"]
            ),
            st.none() | NAMES | VALUES.map(str),
        ),
        max_size=5,
    ),
)  # fmt: skip
def test_command_lines(bench: Bench, command: str, options: list[tuple[str, str | None]]) -> None:
    clear(bench)
    # One other design, and no extraction unless asked for: what is right takes no minutes either.
    experiment(bench, EXPERIMENT | {"explore": {"vary": {"neuron.mim_w_um": [7.5]}}})
    words = [word for name, value in options for word in ((name,) if value is None else (name, value))]
    if "-e" not in words and "--experiment" not in words:
        words += ["-e", "small.toml"]
    if command == "reproduce" and "--netlist" not in words:
        words += ["--netlist", "schematic"]
    places = {Path(word).parts[0] for word in words if word and not word.startswith("/") and Path(word).parts}
    stems = {f"{Path(word).stem}{ending}" for word in places for ending in (".csv", ".pins.csv")}
    bench.run(command, *words, may_write=("runs", *places, *stems))


@WHATEVER
@given(data=st.data())
def test_run_directories(bench: Bench, files: dict[str, bytes], data: st.DataObject) -> None:
    """A finished training's files, each damaged; then netlist and report."""
    clear(bench)
    experiment(bench, EXPERIMENT)
    model = bench.folder / "runs/small/characterization/model.json"
    model.parent.mkdir(parents=True)
    model.write_bytes(files["model"])
    bench.run("train", "-e", "small.toml")
    found = sorted(path for path in (bench.folder / "runs/small").rglob("*") if path.is_file())
    victim = data.draw(st.sampled_from(found))
    victim.write_bytes(data.draw(damaged(victim.read_bytes() or b"x")))
    for command in data.draw(st.permutations(["train", "netlist", "report"])):
        bench.run(command, "-e", "small.toml")


def test_the_shipped_experiment_is_valid(bench: Bench) -> None:
    """What is altered above is right before."""
    clear(bench)
    assert load_experiment(str(experiment(bench, EXPERIMENT))).name == "small"
