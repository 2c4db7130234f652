"""The commands that are told to people make what they stand beside."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nonideal.cli import main as cli
from nonideal.experiment.experiment import Experiment
from nonideal.runs.commands import CommandLine, option_text
from nonideal.runs.rundir import RunDir
from nonideal.stages.table import LOOP


def test_options_as_they_stand_on_a_line() -> None:
    options = {"netlist": "pex-rc", "override": False, "clip": True, "samples": None, "magic": "8.3.700"}
    assert option_text(options) == " --netlist pex-rc --clip"
    assert option_text({"data": "my images"}) == " --data 'my images'"


@pytest.mark.parametrize(
    ("line", "stage", "rundir", "options", "command"),
    [
        (CommandLine(), "training", "runs/iris", {}, "nonideal train --experiment iris"),
        (
            CommandLine("my own/iris.toml", 5),
            "validation",
            "runs/iris-5",
            {"netlist": "pex-c"},
            "nonideal validate-post-layout --experiment 'my own/iris.toml' --run-dir runs/iris-5 --netlist pex-c --samples 5",
        ),
        (
            CommandLine("iris", 5),
            "layout",
            "runs/iris-5/corners/ff",
            {"netlist": "pex-c", "override": True},
            "nonideal layout --experiment iris --run-dir runs/iris-5 --corner ff --netlist pex-c --override",
        ),
        (
            CommandLine(
                "iris", changes={"data": {"folder": "x"}, "training": {"devices": 2, "accelerator": None}}
            ),
            "training",
            "runs/iris",
            {},
            "nonideal train --experiment iris --data x --devices 2",
        ),
        (
            CommandLine("iris", changes={"training": {"preset": "sky130_tt"}}),
            "training",
            "runs/iris",
            {},
            "nonideal train --experiment iris --preset sky130_tt",
        ),
        (
            CommandLine("iris"),
            "columns",
            "runs/iris",
            {"override": True},
            "nonideal characterize --experiment iris --characterize-on pex-c --override",
        ),
        (
            CommandLine("iris"),
            "characterization",
            "runs/iris",
            {},
            "nonideal characterize --experiment iris --characterize-on pex-c",
        ),
    ],
)
def test_command(
    line: CommandLine, stage: str, rundir: str, options: Mapping[str, Any], command: str
) -> None:
    iris = Experiment(name="iris").changed({"characterize": {"on": "pex-c"}})
    assert line.command(stage, iris, RunDir.at(Path(rundir)), options) == command


def test_every_option_that_is_told_exists(tmp_path: Path) -> None:
    """Each command is accepted by the command line: an option that does not exist would be an error of usage."""
    extraction = {"override": True, "extractor": "magic", "magic": "8.3"}
    options: dict[str, dict[str, Any]] = {
        "columns": extraction,
        "characterization": extraction,
        "netlist": {"clip": True},
        "layout": extraction | {"netlist": "pex-rc"},
        "validation": {"netlist": "pex-rc"},
    }
    line = CommandLine(
        "nowhere",
        3,
        {"data": {"folder": "x"}, "training": {"devices": 2, "accelerator": "cpu", "preset": "sky130_tt"}},
    )
    for stage in LOOP:
        rundir = RunDir(tmp_path, "ff")
        command = line.command(stage, Experiment(name="iris"), rundir, options.get(stage, {}))
        result = CliRunner().invoke(cli.app, [*shlex.split(command)[1:], "--help"])
        assert result.exit_code == 0, command
        shown = CliRunner().invoke(cli.app, shlex.split(command)[1:])
        assert "No such option" not in shown.output, command
