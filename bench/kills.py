"""Kill commands at random moments: no process may be left, and the tables must end as those of an undisturbed run.

    .venv/bin/python bench/kills.py /tmp/kills [--stages train,netlist] [--kills 15] [--seed 0]

Real ngspice, extraction and training on a network of 5-3. Every stage is begun without its results and without the cache, killed several times
on its way (SIGKILL, SIGTERM, SIGHUP, SIGINT in turn), each time gone on with, then run to its end. What an undisturbed run made is kept in
the folder, so that a second call begins with the kills. Ends with 1 where anything differs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import pickle
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
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
COMMANDS = {
    "characterize": ["characterize"],
    "train": ["train"],
    "netlist": ["netlist"],
    "layout": ["layout", "--netlist", "pex-rc"],
    "extracted": ["validate-post-layout", "--netlist", "pex-rc"],
    "validate": ["validate-post-layout", "--netlist", "schematic"],
    "yield": ["yield"],
    "calibrate": ["calibrate", "--chip", "0"],
    "small": ["layout", "--layers", "1,1", "--netlist", "pex-c", "--out", "runs/kill/small", "--force"],
}
"""In the order in which they need each other."""
FOLDERS = {
    "characterize": ["characterization"],
    "train": ["training"],
    "netlist": ["netlist"],
    "layout": ["layout"],
    "extracted": ["validation"],
    "validate": ["validation"],
    "yield": ["mismatch", "yield"],
    "calibrate": ["calibration"],
    "small": ["small"],
}
CODES = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130}
PASSED_S = 10.0
"""After so long nothing of a command may be left; a worker that is still being started notices when it has been."""
ENDED_S = 60.0
"""A command that is told to end has ended by then."""
LONGEST_S = 1200.0
WORK = {"decks", "kpex", "nonideal"}
"""Folders of simulations and extractors: what they were told, not what was found."""
TAKEN = ("seconds", "utc", "since", "attempts", "versions", "command")
"""Parts of the names of what differs between any two runs."""


def start(folder: Path, stage: str) -> subprocess.Popen[bytes]:
    """The command of a stage, in a session of its own."""
    command = [sys.executable, "-m", "nonideal.cli.main", *COMMANDS[stage], "-e", "kill.toml", "--jobs", "2"]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def finish(folder: Path, stage: str) -> None:
    """Run a stage to its end; a result out of spec is one."""
    code = start(folder, stage).wait(timeout=LONGEST_S)
    if code not in (0, 1):
        raise SystemExit(f"{stage} ended with {code}:\n{(folder / 'log').read_text()[-3000:]}")


def processes_of(folder: Path) -> list[str]:
    """Every process that works in a folder, or is told of it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            cwd, words = (process / "cwd").readlink(), (process / "cmdline").read_bytes()
        except OSError:
            continue
        inside = Path(str(cwd).removesuffix(" (deleted)")).is_relative_to(folder)
        if (inside or str(folder).encode() in words) and process.name != str(os.getpid()):
            found.append(
                f"process {process.name} in {cwd}: {words.replace(bytes(1), b' ').decode(errors='replace')}"
            )
    return found


def left_of(folder: Path) -> list[str]:
    """What of a command is left when it had time to go; when the last one went is told."""
    began, left = time.monotonic(), processes_of(folder)
    while left and time.monotonic() < began + PASSED_S:
        time.sleep(0.1)
        left = processes_of(folder)
    print(f"    nothing left after {time.monotonic() - began:.1f} s" if not left else "    left", flush=True)
    return left


def bare(value: Any) -> Any:
    """A tree of JSON without what time does to it."""
    if isinstance(value, dict):
        return {key: bare(one) for key, one in value.items() if not any(word in key for word in TAKEN)}
    return [bare(one) for one in value] if isinstance(value, list) else value


def table(read: pd.DataFrame) -> str:
    """A table without what time does to it."""
    return read[[column for column in read if not any(word in str(column) for word in TAKEN)]].to_csv()


def results(folder: Path, stage: str) -> dict[str, Any]:
    """What a stage found, by file: tables, weights, netlists, summaries."""
    found: dict[str, Any] = {}
    places = [folder / "runs/kill" / name for name in FOLDERS[stage]]
    for path in sorted(path for place in places for path in place.rglob("*") if path.is_file()):
        inside = str(path.relative_to(folder))
        if WORK & set(Path(inside).parts) or path.name in ("manifest.json", "checkpoint.safetensors"):
            continue
        if path.suffix == ".json":
            found[inside] = bare(json.loads(path.read_text()))
        elif path.suffix == ".csv":
            found[inside] = table(pd.read_csv(path))
        elif path.suffix == ".parquet":
            found[inside] = table(pd.read_parquet(path))
        elif path.suffix in (".spice", ".safetensors"):
            found[inside] = path.read_bytes()
    return found


def expected(work: Path, stage: str) -> Path:
    """The file of what a stage found undisturbed."""
    return work / f"{stage}.pickle"


def undisturbed(work: Path, last: str) -> dict[str, float]:
    """Run the stages up to ``last`` in a folder of their own, where that was not done; how long each took in s."""
    folder, times = work / "undisturbed", work / "times.json"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kill.toml").write_text(TOML)
    took: dict[str, float] = json.loads(times.read_text()) if times.exists() else {}
    for stage in [*COMMANDS][: [*COMMANDS].index(last) + 1]:
        if stage not in took:
            began = time.monotonic()
            finish(folder, stage)
            took[stage] = time.monotonic() - began
            # Kept by itself: a later stage may write into the same folder.
            expected(work, stage).write_bytes(pickle.dumps(results(folder, stage)))
            times.write_text(json.dumps(took))
        print(f"undisturbed {stage}: {took[stage]:.0f} s", flush=True)
    return took


def told_done(folder: Path) -> bool:
    """Whether the last line of the log tells of results."""
    last = (folder / "log").read_text(errors="replace").rstrip().rpartition("\n")[2]
    return re.fullmatch(r"[\w/-]+: runs/\S+ \([\d.]+ s\)", last) is not None


def killed(
    stage: str, kills: list[tuple[signal.Signals, float]], work: Path, took_s: float
) -> tuple[int, list[str]]:
    """How many kills met a command at work, and what is wrong afterwards."""
    folder = work / "killed"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(work / "undisturbed", folder)
    for name in [*FOLDERS[stage], "cache"]:
        shutil.rmtree(folder / "runs/kill" / name, ignore_errors=True)
    met, wrong = 0, []
    for how, moment in kills:
        command = start(folder, stage)
        time.sleep(moment * took_s)
        at_work = command.poll() is None
        command.send_signal(how)
        try:
            code = command.wait(timeout=ENDED_S)
        except subprocess.TimeoutExpired:
            wrong.append(f"{stage} {how.name} after {moment * took_s:.1f} s: at work {ENDED_S:g} s later")
            command.kill()
            code = command.wait()
        # While the interpreter ends, what it loaded and started, a signal ends it at once: the results stand.
        done = code in (0, 1) or (code == -how and how != signal.SIGKILL and told_done(folder))
        cut_off = at_work and not done
        met += cut_off
        told = (
            f"{stage} {how.name} after {moment * took_s:.1f} s: exit {code}{'' if cut_off else ', was done'}"
        )
        print(f"  {told}", flush=True)
        if cut_off and code != CODES[how]:
            wrong.append(f"{told}, not {CODES[how]}: {(folder / 'log').read_text()[-2000:]}")
        wrong += [f"{told}: left {one}" for one in left_of(folder)]
    finish(folder, stage)
    wrong += [f"{stage}: left {one}" for one in left_of(folder)]
    before, found = pickle.loads(expected(work, stage).read_bytes()), results(folder, stage)
    differ = [name for name in sorted({*before, *found}) if before.get(name) != found.get(name)]
    wrong += [f"{stage}: {name} is not that of an undisturbed run" for name in differ]
    left = [
        path for path in (folder / "runs").rglob("*") if ".part" in path.name or path.name.startswith(".run-")
    ]
    wrong += [f"{stage}: {path} was left" for path in left]
    print(f"  {stage}: {len(found)} files of results, {len(differ)} differ", flush=True)
    if not before:
        wrong.append(f"{stage}: nothing was compared")
    return met, wrong


def moments(count: int, stages: list[str], seed: int) -> Iterator[tuple[str, signal.Signals, float]]:
    """Stage, signal and moment, as a fraction of what the stage takes, of every kill."""
    drawn, signals = random.Random(seed), itertools.islice(itertools.cycle(CODES), seed % len(CODES), None)
    for stage in itertools.islice(itertools.cycle(stages), count):
        yield stage, next(signals), drawn.uniform(0.15, 0.75)


def main() -> int:
    """Kill, compare, tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path)
    parser.add_argument("--stages", default=",".join(COMMANDS))
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    # Ignored by what started this, as nohup and a shell's background do, they would stay so in the commands.
    for how in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(how, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    work = options.work.resolve()
    stages = options.stages.split(",")
    took = undisturbed(work, max(stages, key=[*COMMANDS].index))
    plan = list(moments(options.kills, stages, options.seed))
    met, wrong = 0, []
    for stage in stages:
        kills = [(how, moment) for one, how, moment in plan if one == stage]
        if not kills:
            continue
        number, problems = killed(stage, kills, work, took[stage])
        met += number
        wrong += problems
        print("\n".join(problems), flush=True)
    print(f"{len(plan)} kills, {met} of them of a command at work; {len(wrong)} things wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
