"""Every command that is told runs: taken from messages, manifests and reports of a loop of stand-ins, and read by the command line."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer.main

from nonideal.cli import main as cli
from nonideal.experiment.experiment import load_experiment
from nonideal.files.record import Document
from nonideal.pnn.presets import preset
from nonideal.runs.commands import number
from nonideal.runs.rundir import RunDir
from nonideal.runs.sources import BASE, package_files
from nonideal.runs.stage import Done, Work
from nonideal.runs.summaries.explore import ExploreSummary
from nonideal.runs.summaries.layout import ColumnsSummary, LayoutSummary
from nonideal.stages.conditions import section_from_options
from nonideal.stages.explore import vary_from_options
from nonideal.stages.table import STAGES

GIVEN = "sub dir/small.toml"
RUN = "runs of 'mine'/lr[high]"
TOML = """
name = "small"
[training]
layers = [5, 3, 3]
variants = ["ann", "pnn"]
[netlist]
clip = true
[validation]
samples = 5
mappings = ["ann", "pnn"]
[chips]
mapping = "pnn"
"""
GROUP: Any = typer.main.get_command(cli.app)

TOLD: dict[str, Document] = {
    "layout": LayoutSummary(
        layers=(5, 3),
        area_um2=1.0,
        devices=1,
        drc_violations=0,
        drc_rules=1,
        lvs_matched=True,
        override=False,
    ),
    "columns": ColumnsSummary(columns=()),
    "explore": ExploreSummary(corner="tt", netlist="schematic", axons=5, choices=()),
}
"""What the report reads of manifests."""


def stand_in(work: Work) -> Done:
    """Files that other stages look for, and no numbers."""
    made = {
        "characterization": [work.rundir.model],
        "training": [work.rundir.weights(name) for name in work.experiment.training.variants],
        "mismatch": [work.folder / "model.json"],
    }.get(work.folder.name, [work.folder / "made.txt"])
    for file in made:
        file.parent.mkdir(parents=True, exist_ok=True)
        preset("sky130_tt").save(file) if file.name == "model.json" else file.write_text(file.name)
    return Done(tuple(made), TOLD.get(work.folder.name, Document()))


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands are given: an experiment in a folder of its own, and stages that only leave their files."""
    for name, stage in STAGES.items():
        monkeypatch.setitem(STAGES, name, replace(stage, run=stand_in, tools=dict, summary=Document))
    monkeypatch.chdir(tmp_path)
    Path(GIVEN).parent.mkdir()
    Path(GIVEN).write_text(TOML)
    return tmp_path


@pytest.fixture
def run(place: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code of a command on that experiment and run directory, and all it says."""

    def run(*arguments: str, run_dir: bool = True) -> tuple[int, str]:
        where = ["--run-dir", RUN] if run_dir else []
        with pytest.raises(SystemExit) as caught:
            cli.main([*arguments, "--experiment", GIVEN, *where])
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out + err

    return run


def told_in(text: str) -> list[str]:
    return re.findall(r"`(nonideal [^`]*)`", text)


def parsed(command: str) -> tuple[str, dict[str, Any]]:
    """A told command as the command line reads it; an option that is not there would be an error of usage."""
    program, name, *arguments = shlex.split(command)
    assert program == "nonideal"
    with GROUP.commands[name].make_context(name, arguments) as context:
        return name, dict(context.params)


def check(command: str, run_dir: str | None = RUN) -> tuple[str, dict[str, Any]]:
    """It is on the same experiment and run directory, from where it was told."""
    name, found = parsed(command)
    assert load_experiment(found["experiment"]) == load_experiment(GIVEN), command
    assert found["run_dir"] == (None if run_dir is None else Path(run_dir)), command
    return name, found


def manifests() -> Iterator[tuple[Path, dict[str, Any]]]:
    for file in sorted(Path(RUN).rglob("manifest.json")):
        yield file.parent, json.loads(file.read_text())


def test_before_anything_ran(run: Run, place: Path) -> None:
    wanted = {
        ("report",): "reproduce",
        ("validate-post-layout",): "characterize",
        ("netlist", "--corner", "ff"): "characterize",
        ("netlist", "--weights", GIVEN, "--out", "n.spice"): "characterize",
        ("conditions",): "train",
        ("calibrate", "--chip", "7"): "train",
    }
    for arguments, command in wanted.items():
        for run_dir in (True, False):
            code, text = run(*arguments, run_dir=run_dir)
            assert code == 2, text
            (told,) = told_in(text)
            name, found = check(told, RUN if run_dir else None)
            assert name == command
            assert found.get("corner") == ("ff" if "ff" in arguments else None)


def test_a_loop_and_all_that_follows(run: Run, place: Path) -> None:
    code, text = run("reproduce", "--netlist", "schematic", "--corner", "tt,ff", "--json")
    assert code == 0, text
    code, text = run("characterize", "--corner", "tt,ff", "--characterize-on", "schematic", "--force", "--json")  # fmt: skip
    assert code == 0, text
    told = told_in(text)
    assert [(name, found["corner"]) for name, found in map(check, told)] == [
        ("characterize", None),
        ("characterize", "ff"),
        ("report", None),
        ("report", "ff"),
    ]
    model = Path(RUN) / "corners/ff/characterization/model.json"
    model.write_bytes(model.read_bytes() + b" ")
    code, text = run("train", "--corner", "ff")
    assert code == 2
    told = told_in(text)
    assert {(name, found["corner"]) for name, found in map(check, told)} == {
        ("characterize", "ff"),
        ("report", None),
        ("report", "ff"),
    }
    code, text = run("report", "--corner", "tt")
    assert code == 2, "it shows a file that is not what its stage made"
    assert [(name, found["corner"]) for name, found in map(check, told_in(text))] == [("characterize", "ff")]
    (model.parent / "manifest.json").write_text("{")
    code, text = run("report", "--corner", "tt")
    assert [(name, found["corner"]) for name, found in map(check, told_in(text))] == [("characterize", "ff")]
    page = (Path(RUN) / "report.md").read_text()
    names = [check(command)[0] for command in told_in(page)]
    assert {"report", "characterize", "train", "netlist", "layout", "validate-post-layout"} <= set(names)


def test_manifests(run: Run, place: Path) -> None:
    vary = "timing.hold_s=2.3456789012e-09,5e-09"
    for arguments in (
        ("reproduce", "--netlist", "schematic", "--corner", "tt,ss"),
        ("validate-post-layout", "--samples", "3"),
        ("layout", "--override"),
        ("explore", "--vary", vary),
        ("conditions", "--corner", "tt,ss", "--temperature", "-40,27.123456789", "--spice", "0"),
        ("yield", "--chips", "50", "--hidden", "3,4", "--spice-chips", "0"),
        ("calibrate", "--chip", "7", "--chip", "8"),
        ("train", "--data", "my data"),
    ):
        code, text = run(*arguments, "--json")
        assert code == 0, (arguments, text)
    made = {folder.relative_to(RUN).as_posix(): check(found["command"]) for folder, found in manifests()}
    assert made["validation"][1]["samples"] == 3
    assert made["layout"][1]["override"]
    assert vary_from_options(made["explore"][1]["vary"]) == vary_from_options([vary])
    assert section_from_options(None, made["conditions"][1]["temperature"], {}, None, None)["temperatures_C"] == (-40.0, 27.123456789)  # fmt: skip
    assert made["conditions"][1]["corner"] == "tt,ss"
    for stage in ("mismatch", "yield"):
        assert (made[stage][1]["chips"], made[stage][1]["hidden"]) == (50, "3,4")
    assert [made[f"calibration/chip_{seed}"][1]["chip"] for seed in (7, 8)] == [[7], [8]]
    assert made["training"][1]["data"] == Path("my data")
    assert made["corners/ss/training"][1]["corner"] == "ss"
    for _, found in manifests():
        check(f"nonideal report{found['shared']}")


def test_a_run_directory_that_is_called_as_a_corners(place: Path) -> None:
    """Where a path that a user gave looks like one of a corner, it is still the user's."""
    run = RunDir(Path("corners/ff"))
    assert run.options("small") == " --experiment small --run-dir corners/ff"
    assert run.cache == Path("corners/ff/cache")
    assert run.corner("ss").options("small") == " --experiment small --run-dir corners/ff --corner ss"
    assert RunDir.at(Path("corners/mine")).path == RunDir.at(Path("corners/mine")).cache.parent
    assert RunDir.at(run.corner("ss").path).options("x") == run.corner("ss").options("x")


@pytest.mark.parametrize("value", [5.0, -40.0, 0.25, 2e-9, 2.3456789012e-9, 27.123456789, 1e22, 0.1 + 0.2])
def test_numbers_are_told_with_all_their_digits(value: float) -> None:
    assert float(number(value)) == value
    assert not number(value).endswith(".0")


def test_commands_are_built_in_one_place() -> None:
    """A command spelt out in a message would leave out experiment and run directory: only what takes none may be."""
    spelt = re.compile(r"(?<!`)`nonideal (?!doctor\b|\{)[a-z]")
    found = []
    for file in (file for file in package_files() if file.suffix == ".py"):
        for line, text in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            rest = re.split(r"options\(|shared_options\}", text)
            if spelt.search(text) and len(rest) == 1 and not text.lstrip().startswith('"""'):
                found.append(f"{file.relative_to(BASE)}:{line}: {text.strip()}")
    assert found == []
