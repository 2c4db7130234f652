"""Commands that are killed at any moment: no process is left, and the rerun ends with the tables of an undisturbed run.

    NONIDEAL_KILLS=15 .venv/bin/python -m pytest -m fuzz -s tests/fuzz/test_kills.py

Real ngspice, kpex and training on a network of 5-3; half an hour on two busy cores. CI leaves it out.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.fuzz,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(
        shutil.which(os.environ.get("NONIDEAL_NGSPICE", "ngspice")) is None, reason="no ngspice"
    ),
]
TOML = """
name = "kill"
[data]
test_samples = 6
[training]
layers = [5, 3]
variants = ["bottom_up", "pnn"]
seeds = [1, 2]
epochs = 200
tensorboard = false
[netlist]
clip = true
[validation]
samples = 2
calibration_samples = 2
mappings = ["pnn", "bottom_up"]
[chips]
chips = 20
draws = 50
spice_chips = 1
spice_samples = 1
"""
STAGES = {
    "characterize": ["characterize"],
    "train": ["train"],
    "netlist": ["netlist"],
    "validate": ["validate-post-layout", "--netlist", "schematic"],
    "yield": ["yield"],
    "calibrate": ["calibrate", "--chip", "0"],
    "layout": ["layout", "--netlist", "pex-c"],
}
"""In the order in which they need each other."""
FOLDERS = {
    "characterize": ["characterization"],
    "train": ["training"],
    "netlist": ["netlist"],
    "validate": ["validation"],
    "yield": ["mismatch", "yield"],
    "calibrate": ["calibration"],
    "layout": ["layout"],
}
CODES = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130}
KILLS = int(os.environ.get("NONIDEAL_KILLS", "15"))
SEED = int(os.environ.get("NONIDEAL_KILL_SEED", "0"))
PASSED_S = 2.0
"""After so long nothing of a command is left."""
TAKEN = ("seconds", "utc", "when", "began", "ended", "attempts", "versions", "command")
"""Parts of the names of what differs between any two runs."""


def plan() -> list[tuple[str, signal.Signals, float]]:
    """Stage, signal and moment (a fraction of what the stage takes) of every kill; every stage and signal comes up."""
    drawn = random.Random(SEED)
    stages = [name for _ in range(KILLS) for name in STAGES][:KILLS]
    signals = [how for _ in range(KILLS) for how in CODES][:KILLS]
    return [
        (stage, how, round(drawn.uniform(0.1, 0.95), 2)) for stage, how in zip(stages, signals, strict=True)
    ]


def start(folder: Path, stage: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "flow.cli", *STAGES[stage], "-e", "kill.toml", "--jobs", "2"]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )  # fmt: skip


def processes_of(folder: Path) -> list[str]:
    """Every process that works in a folder, or is told of it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            cwd, words = os.readlink(process / "cwd"), (process / "cmdline").read_bytes()
        except OSError:
            continue
        if Path(cwd.removesuffix(" (deleted)")).is_relative_to(folder) or str(folder).encode() in words:
            found.append(f"{process.name} in {cwd}: {words.replace(bytes(1), b' ').decode(errors='replace')}")
    return found


def bare(value: Any) -> Any:
    """A tree of JSON without what takes time."""
    if isinstance(value, dict):
        return {key: bare(one) for key, one in value.items() if not any(word in key for word in TAKEN)}
    return [bare(one) for one in value] if isinstance(value, list) else value


def tables(folder: Path, stages: list[str]) -> dict[str, Any]:
    """What the stages found, file by file: tables, weights, netlists, summaries."""
    found: dict[str, Any] = {}
    for stage in stages:
        for name in FOLDERS[stage]:
            for path in sorted((folder / "runs/kill" / name).rglob("*")):
                inside = str(path.relative_to(folder))
                if (
                    not path.is_file()
                    or "decks" in path.parts
                    or "kpex" in path.parts
                    or path.name == "manifest.json"
                ):
                    continue
                if path.suffix == ".json":
                    found[inside] = bare(json.loads(path.read_text()))
                elif path.suffix == ".csv":
                    found[inside] = without_times(pd.read_csv(path)).to_csv()
                elif path.suffix == ".parquet":
                    found[inside] = without_times(pd.read_parquet(path)).to_csv()
                elif path.suffix in (".spice", ".safetensors") and path.name != "checkpoint.safetensors":
                    found[inside] = path.read_bytes()
    return found


def without_times(table: pd.DataFrame) -> pd.DataFrame:
    return table[[column for column in table if not any(word in str(column) for word in TAKEN)]]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    """A folder in which every stage has ended, and how long each took in s."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "kill.toml").write_text(TOML)
    took = {}
    for stage in STAGES:
        began = time.monotonic()
        assert start(folder, stage).wait(timeout=1200) == 0, (folder / "log").read_text()
        took[stage] = time.monotonic() - began
        print(f"\n  {stage}: {took[stage]:.0f} s", end="", flush=True)
    return folder, took


@pytest.mark.parametrize(("stage", "how", "moment"), plan())
def test_a_kill(
    stage: str, how: signal.Signals, moment: float, undisturbed: tuple[Path, dict[str, float]], tmp_path: Path
) -> None:
    whole, took = undisturbed
    folder = tmp_path / "killed"
    shutil.copytree(whole, folder)
    run = folder / "runs/kill"
    for name in [*FOLDERS[stage], "cache"]:
        shutil.rmtree(run / name, ignore_errors=True)
    command = start(folder, stage)
    time.sleep(moment * took[stage])
    finished = command.poll() is not None
    command.send_signal(how)
    code = command.wait(timeout=60)
    assert finished or code in (CODES[how], 0), (code, (folder / "log").read_text())
    time.sleep(PASSED_S)
    assert processes_of(folder) == []
    cut_off = code != 0
    assert start(folder, stage).wait(timeout=1200) == 0, (folder / "log").read_text()
    time.sleep(PASSED_S)
    assert processes_of(folder) == []
    expected, found = tables(whole, [stage]), tables(folder, [stage])
    assert expected
    assert [name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name)] == []
    left = [path for path in run.rglob("*") if ".part" in path.name or path.name.startswith(".run-")]
    assert left == []
    print(
        f"\n  {stage} {how.name} at {moment * took[stage]:.1f} s: {'cut off' if cut_off else 'was done'}, exit {code}",
        end="",
    )
    shutil.rmtree(folder)
