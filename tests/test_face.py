"""The face: every name has a docstring with an example, and the examples run, in one session, in the order of the loop."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import torch

import nonideal

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


def test_the_examples_that_read_a_run_directory_run() -> None:
    place = str(ROOT / "docs/notebooks/example")
    for name in READ:
        exec(example(name).replace("runs/iris", place), {"nonideal": nonideal, "Path": Path})
