"""`nonideal show`: what a run directory holds, and whether it stands, told without running anything."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from nonideal.cli.main import main
from nonideal.cli.numbers import TELL
from nonideal.pnn import preset
from nonideal.runs.rundir import RunDir
from nonideal.stages.table import STAGES

TOML = """
name = "tiny"
[training]
layers = [5, 3, 3]
variants = ["ann", "pnn"]
seeds = [1]
epochs = 2
tensorboard = false
[netlist]
clip = true
[validation]
samples = 5
mappings = ["ann", "pnn"]
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, Any]]:
    """Stages by name, as JSON tells them."""
    code, out, err = run(capsys, "show", *arguments, "--json")
    assert code == 0, err
    return {one["stage"]: one for one in json.loads(out)["stages"]}


def test_a_run_directory_from_its_first_stage_to_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(TOML)
    code, _, err = run(capsys, "show", "tiny.toml")
    assert (code, "does not exist" in err) == (2, True)
    assert not Path("runs").exists(), "it only looks"
    model = RunDir(Path("runs/tiny")).model
    model.parent.mkdir(parents=True)
    preset().save(model)
    assert shown(capsys, "tiny.toml")["characterization"]["state"] == "handed in"

    assert run(capsys, "train", "tiny.toml", "-j", "1")[0] == 0
    assert run(capsys, "netlist", "tiny.toml")[0] == 0
    before = {file: file.stat().st_mtime_ns for file in Path("runs").rglob("*") if file.is_file()}
    found = shown(capsys, "tiny.toml")
    assert list(found) == ["characterization", "training", "netlist"]
    training = found["training"]
    assert (training["state"], training["passed"], training["why"]) == ("current", True, "")
    assert [one.split()[0] for one in training["numbers"]] == ["ann", "pnn"]
    assert "runs/tiny/training/pnn/weights.safetensors" in training["files"]
    assert training["command"] == "nonideal train --experiment tiny.toml"
    assert found["netlist"]["numbers"][0].startswith("ann 5-3-3, ")
    code, out, _ = run(capsys, "show", "tiny.toml")
    assert code == 0
    assert "current" in out
    assert {file: file.stat().st_mtime_ns for file in Path("runs").rglob("*") if file.is_file()} == before

    assert shown(capsys, "--run-dir", "runs/tiny")["training"]["state"] == "current", (
        "manifests name the experiment"
    )
    copied = shutil.copytree("runs/tiny", "runs/copied [b]")
    there = shown(capsys, "--run-dir", str(copied))["training"]
    assert there["command"] == "nonideal train --experiment tiny.toml --run-dir 'runs/copied [b]'", (
        "what is told works on the directory that is looked at"
    )
    Path("tiny.toml").write_text(TOML.replace("epochs = 2", "epochs = 3"))
    found = shown(capsys, "tiny.toml")
    assert found["training"]["state"] == "stale"
    assert "training" in found["training"]["why"]
    assert found["netlist"]["state"] == "stale"
    code, out, _ = run(capsys, "show", "tiny.toml")
    assert "nonideal train --experiment tiny.toml" in out
    Path("tiny.toml").write_text(TOML)
    mapping = Path("runs/tiny/netlist/ann/mapping.csv")
    whole = mapping.read_text()
    mapping.write_text("other\n")
    found = shown(capsys, "tiny.toml")
    assert (found["training"]["state"], found["netlist"]["state"]) == ("current", "altered")
    assert "mapping.csv" in found["netlist"]["why"]
    mapping.write_text(whole + whole.splitlines()[-1] + "\n")
    found = shown(capsys, "tiny.toml")
    assert (found["training"]["state"], found["netlist"]["state"]) == ("current", "altered")
    Path("tiny.toml").unlink()
    assert shown(capsys, "--run-dir", "runs/tiny")["training"]["state"] == "unknown"
    (Path("runs/tiny/training/manifest.json")).unlink()
    Path("runs/tiny/training/started.json").write_text("{}")
    assert shown(capsys, "--run-dir", "runs/tiny")["training"]["state"] == "unfinished"


def test_what_the_command_line_changed_is_no_reason_to_be_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(TOML)
    model = RunDir(Path("runs/tiny")).model
    model.parent.mkdir(parents=True)
    preset().save(model)
    assert run(capsys, "train", "tiny.toml", "-j", "1", "--accelerator", "auto")[0] == 0
    assert shown(capsys, "tiny.toml")["training"]["state"] == "current"


def test_every_stage_has_main_numbers() -> None:
    assert {stage.summary for stage in STAGES.values()} <= set(TELL)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--jobs", "0"], "--jobs 0"),
        (["--corner", "tt,ff"], "one corner"),
        (["nothing"], "no such experiment"),
        (["--run-dir", "nowhere"], "does not exist"),
    ],
)
def test_refusals(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "show", *arguments)
    assert (code, out) == (2, "")
    assert told in " ".join(err.split())
