"""What a command imports before it knows that it has something to do: no trainer, no simulator, no tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("PySpice", "joblib", "klayout", "matplotlib", "pandas", "scipy", "sklearn", "torch")
"""From 0.2 to 2.5 CPU s each."""
TELL = f"; import sys; print(*sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)"


def imported(code: str) -> set[str]:
    """Which of ``HEAVY`` a program has imported at its end."""
    run = subprocess.run(
        [sys.executable, "-c", code + TELL], capture_output=True, text=True, check=True, timeout=60
    )
    return set(run.stderr.splitlines()[-1].split())


def command(*arguments: str) -> str:
    """A program that runs a command line of ours and goes on where that exits."""
    return (
        "import contextlib\nfrom nonideal.cli.main import main\n"
        f"with contextlib.suppress(SystemExit): main({list(arguments)!r})\npass"
    )


def test_the_face_imports_nothing() -> None:
    assert imported("import nonideal, nonideal.pnn, nonideal.spice") == set()


@pytest.mark.parametrize("name", ["iris", "iris_robust", "mnist_cnn"])
def test_an_experiment_is_read_without(name: str) -> None:
    code = (
        f"from nonideal.experiment.experiment import load_experiment; print(load_experiment({name!r}).name)"
    )
    assert imported(code) == set()


@pytest.mark.parametrize(
    "arguments", [("--help",), ("show",), ("train", "--help"), ("new", "mine", "--help")]
)
def test_commands_that_only_look_do_without(arguments: tuple[str, ...]) -> None:
    assert imported(command(*arguments)) == set()


@pytest.mark.parametrize(
    "name", ["train", "characterize", "reproduce", "layout", "explore", "conditions", "yield", "calibrate"]
)
def test_layers_that_do_not_fit_are_refused_without(name: str, tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "experiments/iris.toml").read_text()
    bad = tmp_path / "bad.toml"
    bad.write_text(
        text.replace('name = "iris"', 'name = "bad"').replace("layers = [5, 5, 5]", "layers = [32, 32, 10]")
    )
    arguments = (name, "--experiment", str(bad), "--run-dir", str(tmp_path / "run"))
    assert imported(command(*arguments)) == set()
