"""What a command imports before it knows that it has something to do: no trainer, no simulator, no tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAVY = ("PySpice", "joblib", "klayout", "matplotlib", "pandas", "scipy", "sklearn", "torch")
"""From 0.2 to 2.5 CPU s each."""
RUN = """
import contextlib
import sys
from nonideal.cli.main import main

for line in {lines!r}:
    with contextlib.suppress(SystemExit):
        main(line)
"""
ON_DATA = (
    "train",
    "characterize",
    "reproduce",
    "layout",
    "explore",
    "conditions",
    "noise",
    "yield",
    "calibrate --chip 1",
)


def imported(code: str) -> tuple[set[str], str]:
    """Which of ``HEAVY`` a program has imported at its end, and what it told."""
    tell = f"\nimport sys; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    run = subprocess.run(
        [sys.executable, "-c", code + tell], capture_output=True, text=True, check=True, timeout=120
    )
    return set(run.stdout.splitlines()[-1].split()), run.stdout + run.stderr


def test_packages_cost_nothing_until_a_name_is_asked_for() -> None:
    assert imported("import nonideal, nonideal.pnn, nonideal.report, nonideal.spice")[0] == set()


def test_experiments_are_read_without() -> None:
    names = sorted(path.stem for path in Path(__file__).parents[1].glob("experiments/*.toml"))
    assert {"iris", "mnist_cnn"} <= set(names)
    code = f"from nonideal.experiment.experiment import load_experiment as load\nprint(*[load(name).name for name in {names!r}])"
    found, told = imported(code)
    assert found == set()
    assert " ".join(names) in told


def test_commands_that_only_look_do_without(tmp_path: Path) -> None:
    nothing = str(tmp_path / "nothing")
    lines = [["--help"], ["train", "--help"], ["new", "--help"], ["show", "iris", "--run-dir", nothing]]
    found, told = imported(RUN.format(lines=lines))
    assert found == set()
    assert "143 terminated" in told
    assert f"{nothing} does not exist" in told


def test_layers_that_do_not_fit_their_data_are_refused_by_every_command_without(tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "experiments/iris.toml").read_text()
    bad = tmp_path / "bad.toml"
    bad.write_text(
        text.replace('name = "iris"', 'name = "bad"').replace("layers = [5, 5, 5]", "layers = [32, 32, 10]")
    )
    shared = ["--experiment", str(bad), "--run-dir", str(tmp_path / "run")]
    found, told = imported(RUN.format(lines=[[*name.split(), *shared] for name in ON_DATA]))
    assert found == set()
    assert told.count("make them [5, 32, 10]") == len(ON_DATA), told
