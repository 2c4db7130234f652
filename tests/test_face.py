"""The face: every name has a docstring with an example, and the examples run, in one session, in the order of the loop."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import nonideal
from nonideal.pnn import DataError
from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.characterization import characterization_summary
from nonideal.stages.table import STAGES

ROOT = Path(__file__).resolve().parents[1]
RUNS = (
    "preset",
    "load_dataset",
    "variant_options",
    "TrainingOptions",
    "train",
    "RCSpikeLinear",
    "RCSpikeNetwork",
    "load_experiment",
    "write_netlist",
)
READ = ("PhysicalModel", "load_results")
"""Of a run directory."""


def example(name: str) -> str:
    """The indented block of a docstring."""
    lines = textwrap.dedent("    " + (getattr(nonideal, name).__doc__ or "")).splitlines()
    code = [line for line in lines if line.startswith("    ")]
    return textwrap.dedent("\n".join(code))


def test_every_name_has_an_example_that_names_it() -> None:
    for name in nonideal.__all__:
        code = example(name)
        assert f"nonideal.{name}" in code, name
        compile(code, name, "exec")


def test_the_examples_of_the_trainer_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"nonideal": nonideal, "torch": torch, "Path": Path}
    for name in RUNS:
        exec(example(name).replace("epochs=100", "epochs=3"), names)
    assert (tmp_path / "trained/iris/weights.safetensors").is_file()


def test_the_examples_that_simulate_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a stage in the place of characterisation that takes its result from the package."""

    def stand_in(work: Work) -> Done:
        model = nonideal.preset()
        model.save(work.rundir.model)
        return Done((work.rundir.model,), characterization_summary(model))

    made = replace(STAGES["characterization"], run=stand_in, tools=dict)
    monkeypatch.setitem(STAGES, "characterization", made)
    monkeypatch.chdir(tmp_path)
    exec(example("measure"), {"nonideal": nonideal})
    slope, reversal = map(float, capsys.readouterr().out.split())
    assert (round(slope, 2), round(reversal, 1)) == (0.41, 2.8)
    exec(example("session"), {"nonideal": nonideal})
    assert (tmp_path / "runs/iris/characterization/manifest.json").is_file()


def test_importing_it_imports_nothing_heavy() -> None:
    heavy = ("torch", "numpy", "pandas", "scipy", "sklearn", "pydantic", "rich", "typer")
    code = f"import sys, nonideal; print(sorted(set({heavy}) & set(sys.modules)), nonideal.__version__ != 'unknown')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[] ")
    assert subprocess.run(
        [sys.executable, "-m", "nonideal", "--version"], capture_output=True, text=True, check=True
    ).stdout.startswith("nonideal ")


def test_names_are_there_for_people_and_type_checkers() -> None:
    assert set(nonideal.__all__) <= set(dir(nonideal))
    rooms = {place.name for place in (ROOT / "nonideal").iterdir() if place.is_dir()}
    assert not rooms & set(nonideal.__all__), "a room hides a name as soon as it is imported"
    with pytest.raises(AttributeError, match=r"it has .*measure"):
        nonideal.nothing  # noqa: B018


def test_the_examples_that_read_a_run_directory_run() -> None:
    place = str(ROOT / "docs/notebooks/example")
    for name in READ:
        exec(example(name).replace("runs/iris", place), {"nonideal": nonideal, "Path": Path})


def test_a_path_may_be_a_string(tmp_path: Path) -> None:
    """As everything on the face takes it; results, experiments and run directories were not among those."""
    place = ROOT / "docs/notebooks/example"
    assert nonideal.load_results(str(place)).training == nonideal.load_results(place).training
    (tmp_path / "mine.toml").write_text('name = "mine"')
    for mine in (tmp_path / "mine.toml", str(tmp_path / "mine.toml")):
        assert nonideal.load_experiment(mine).name == "mine"
        for run_dir in (tmp_path / "run", str(tmp_path / "run")):
            with nonideal.session(mine, run_dir=run_dir) as session:
                assert session.rundir.path == tmp_path / "run"
    with pytest.raises(DataError, match="train-images"):
        nonideal.load_dataset("mnist", folder=str(tmp_path))
