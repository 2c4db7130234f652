"""Injected faults: each is refused by name or made good, none ends in a traceback, and the tables afterwards are those from before.

    .venv/bin/python bench/faults.py RUN [--only PATTERN]

RUN holds kill.toml and a finished run as `bench/kills.py` leaves it in `undisturbed` (`bench/kills.py WORK --kills 0` makes no more than
that); it is copied for every fault. As root on Linux, for a disk that fills up. Ends with 1 where a fault was answered otherwise than is right.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.kills import results  # noqa: E402 - found by the path above
from nonideal.cli.main import main as nonideal  # noqa: E402

LONGEST_S = 120.0
VALIDATE = ("validate-post-layout", "--netlist", "schematic")
SIMULATOR = """#!{python} -I
import os, pathlib, signal, sys, time
if "--version" in sys.argv:
    print("ngspice-39 : Circuit level simulation program")
    sys.exit(0)
out = pathlib.Path(sys.argv[sys.argv.index("-r") + 1])
head = b"Title: x\\nDate: x\\nPlotname: Transient Analysis\\nFlags: real\\nNo. Variables: 1\\n"
head += b"No. Points: 2\\nVariables:\\n\\t0\\ttime\\ttime\\nBinary:\\n"
{body}
"""
BODIES = {
    "crashes": "os.kill(os.getpid(), signal.SIGSEGV)",
    "writes half a raw file": "out.write_bytes(head + bytes(9))",
    "writes NaN": "out.write_bytes(head + b'\\x00' * 6 + b'\\xf8\\x7f' * 5)",
    "writes garbage": "out.write_bytes(bytes(range(256)) * 9)",
    "ends with 3 and no results": "sys.exit(3)",
    "fills its log": "while True: print('x' * 2**20)",
}
"""What a simulator does."""


@dataclass(slots=True)
class Case:
    """A copy of the run, and what a fault changes for the command."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    limits: list[tuple[int, int]] = field(default_factory=list)
    command: tuple[str, ...] = ("netlist",)
    stdout: Path | None = None
    heal: Callable[[], Any] | None = None
    after: Callable[[], Any] | None = None

    @property
    def run(self) -> Path:
        """The run directory."""
        return self.folder / "runs/kill"


def call(case: Case, *words: str) -> tuple[int, str]:
    """Run a command line in a forked process: exit code and all that it said."""
    said = case.folder / "said"
    child = os.fork()
    if child == 0:
        os.chdir(case.folder)
        os.environ.update(case.environ)
        for name in [name for name, value in case.environ.items() if value == ""]:
            del os.environ[name]
        tempfile.tempdir = None
        with said.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        if case.stdout is not None:
            os.dup2(os.open(case.stdout, os.O_WRONLY), 1)
        for what, most in case.limits:
            resource.setrlimit(what, (most, most))
        code = 0
        try:
            nonideal([*words, "-e", "kill.toml", "--jobs", "1"])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        finally:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError):
                    stream.flush()
            os._exit(code)
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), said.read_text(errors="replace")
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return -1, f"not done after {LONGEST_S:g} s\n{said.read_text(errors='replace')}"


def flip(path: Path) -> None:
    """One bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def cut(path: Path) -> None:
    """The first half stays."""
    os.truncate(path, path.stat().st_size // 2)


def damage(how: Callable[[Path], None], inside: str, *command: str) -> Callable[[Case], None]:
    """A file of the run is damaged, then a command that reads it."""

    def prepare(case: Case) -> None:
        how(case.run / inside)
        case.command = command

    return prepare


def unlink(path: Path) -> None:
    """Gone."""
    path.unlink()


def simulator(body: str) -> Callable[[Case], None]:
    """Every simulation ends as the body says."""

    def prepare(case: Case) -> None:
        program = case.folder / "ngspice"
        program.write_text(SIMULATOR.format(python=sys.executable, body=BODIES[body]))
        program.chmod(0o755)
        case.environ["NONIDEAL_NGSPICE"] = str(program)
        without(case, "validation", "cache")
        case.command = VALIDATE
        case.heal = case.environ.clear

    return prepare


def without(case: Case, *names: str) -> None:
    """Without the results of stages."""
    for name in names:
        shutil.rmtree(case.run / name, ignore_errors=True)


def without_simulator(case: Case) -> None:
    """It was there for the stages before."""
    case.environ["NONIDEAL_NGSPICE"] = "/nowhere/ngspice"
    without(case, "validation", "cache")
    case.command, case.heal = VALIDATE, case.environ.clear


def without_pdk(case: Case) -> None:
    """It was there for the stages before."""
    (case.folder / "empty").mkdir()
    case.environ["PDK_ROOT"] = str(case.folder / "empty")
    without(case, "validation", "cache")
    case.command, case.heal = VALIDATE, case.environ.clear


def damaged_cache(case: Case) -> None:
    """Every entry has a flipped bit, and the stage is run again."""
    for path in (case.run / "cache").rglob("*.npz"):
        flip(path)
    without(case, "netlist")


def full_disk(case: Case) -> None:
    """The run directory's disk has room for nothing more."""
    without(case, "netlist", "cache")
    kept = case.run.rename(case.folder / "kept")
    case.run.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(case.run)], check=True)
    shutil.copytree(kept, case.run, dirs_exist_ok=True)
    filler = case.run / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    os.truncate(filler, filler.stat().st_size - 4 * 4096)
    case.heal = filler.unlink
    case.after = lambda: subprocess.run(["umount", "-l", str(case.run)], check=True)


def read_only(case: Case) -> None:
    """The run directory cannot be written."""
    subprocess.run(["mount", "--bind", str(case.run), str(case.run)], check=True)
    without(case, "netlist")
    subprocess.run(["mount", "-o", "remount,ro,bind", str(case.run)], check=True)
    case.heal = lambda: subprocess.run(["umount", str(case.run)], check=True)


def locked(case: Case) -> None:
    """Another process holds the run directory."""
    from filelock import FileLock

    lock = FileLock(case.run / ".lock")
    lock.acquire()
    without(case, "netlist")
    case.heal = lock.release


def home(value: str, variable: str = "HOME", *stages: str) -> Callable[[Case], None]:
    """A variable of the environment is set to a place that is not good, or taken away."""

    def prepare(case: Case) -> None:
        case.environ[variable] = value
        without(case, "netlist", *stages)
        case.command = ("train",) if "training" in stages else ("netlist",)

    return prepare


def read_only_home(case: Case) -> None:
    """A home that nothing can be written to."""
    place = case.folder / "home"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(place)], check=True)
    home(str(place))(case)
    case.heal = lambda: subprocess.run(["umount", str(place)], check=True)


def hostile_init(case: Case) -> None:
    """ngspice is told of an init file that would run a shell."""
    place = case.folder / "init"
    place.mkdir()
    (place / ".spiceinit").write_text(f"shell touch {case.folder}/pwned\nset temp=400\n")
    case.environ["SPICE_USERINIT_DIR"] = str(place)
    case.environ["SPICE_SCRIPTS"] = str(place)
    without(case, "validation", "cache")
    case.command = VALIDATE


def few_files(case: Case) -> None:
    """Hardly any file may be open."""
    case.limits.append((resource.RLIMIT_NOFILE, 8))
    without(case, "netlist")
    case.heal = case.limits.clear


def small_files(case: Case) -> None:
    """No file may grow beyond 2 kB."""
    case.limits.append((resource.RLIMIT_FSIZE, 2048))
    without(case, "netlist")
    case.heal = case.limits.clear


def little_memory(case: Case) -> None:
    """No memory beyond what the process has already."""
    case.limits.append((resource.RLIMIT_AS, 64 * 2**20))
    without(case, "netlist")
    case.heal = case.limits.clear


def full_output(case: Case) -> None:
    """Standard output is a full device."""
    case.stdout = Path("/dev/full")
    without(case, "netlist")
    case.heal = lambda: setattr(case, "stdout", None)


W, T, C, N, V = "training/pnn/", "training/", "characterization/", "netlist/pnn/", "validation/"
REFUSED, TOOL, FAILED, GOOD = 2, 3, 4, 0
FAULTS: dict[str, tuple[Callable[[Case], None], tuple[int, ...], str]] = {
    "a flipped bit in weights": (damage(flip, W + "weights.safetensors", "netlist", "--force"), (REFUSED,), "weights.safetensors"),
    "half of the weights": (damage(cut, W + "weights.safetensors", "netlist", "--force"), (REFUSED,), "weights.safetensors"),
    "a flipped bit in the model": (damage(flip, C + "model.json", "train", "--force"), (REFUSED,), "model.json"),
    "half of the model": (damage(cut, C + "model.json", "train", "--force"), (REFUSED,), "model.json"),
    "a flipped bit in the model's manifest": (damage(flip, C + "manifest.json", "train", "--force"), (REFUSED,), "manifest.json"),
    "a flipped bit in metrics": (damage(flip, W + "metrics.csv", "report"), (REFUSED,), "metrics.csv"),
    "a flipped bit in curves": (damage(flip, C + "curves.parquet", "report"), (REFUSED,), "curves.parquet"),
    "half of the spikes": (damage(cut, V + "spikes.parquet", "report"), (REFUSED,), "spikes.parquet"),
    "half of the summary": (damage(cut, V + "summary.json", "report"), (REFUSED,), "summary.json"),
    "half of a mapping": (damage(cut, N + "mapping.csv", "report"), (REFUSED,), "mapping.csv"),
    "a flipped bit in a netlist, its stage run": (damage(flip, N + "network.spice", "netlist"), (GOOD,), ""),
    "a flipped bit in a mapping, its stage run": (damage(flip, N + "mapping.csv", "netlist"), (GOOD,), ""),
    "no manifest of the netlist": (damage(unlink, "netlist/manifest.json", "netlist"), (GOOD,), ""),
    "no manifest of the training": (damage(unlink, T + "manifest.json", "train"), (GOOD,), ""),
    "half of a checkpoint, its stage run": (damage(cut, W + "checkpoint.safetensors", "train"), (GOOD,), ""),
    "every entry of the cache damaged": (damaged_cache, (GOOD,), ""),
    "the disk is full": (full_disk, (FAILED,), "space"),
    "the run directory is read-only": (read_only, (REFUSED, FAILED), "ead-only"),
    "the run directory is in use": (locked, (REFUSED,), "in use"),
    "no HOME": (home("", "HOME", "training"), (GOOD,), ""),
    "HOME is read-only": (read_only_home, (GOOD,), ""),
    "HOME is nowhere": (home("/nowhere/at/all"), (GOOD,), ""),
    "TMPDIR is nowhere": (home("/nowhere/at/all", "TMPDIR"), (GOOD,), ""),
    "8 open files": (few_files, (GOOD, FAILED), ""),
    "files of 2 kB at most": (small_files, (FAILED,), "network.spice"),
    "64 MB of memory": (little_memory, (GOOD, FAILED), ""),
    "a full device for output": (full_output, (FAILED,), ""),
    "no ngspice any more": (without_simulator, (TOOL,), "ngspice"),
    "no PDK any more": (without_pdk, (TOOL,), "PDK"),
    **{f"the simulator {body}": (simulator(body), (FAILED,), "") for body in BODIES},
    "a hostile init file": (hostile_init, (GOOD, 1), ""),
}  # fmt: skip
"""Name -> what is done, the exit codes that are right, and a word that the message must have."""
IMPORTED = (
    "nonideal.report.page", "nonideal.stages.table", "nonideal.stages.training_job", "nonideal.stages.validation",
    "nonideal.stages.netlist", "pandas", "nonideal.pnn.trainer",
    "nonideal.postlayout.stage", "pyarrow.parquet", "sklearn.datasets", "torch",
)  # fmt: skip
STAGE_OF = {"netlist": "netlist", "train": "train", VALIDATE[0]: "validate"}


@contextmanager
def copied(whole: Path, work: Path) -> Any:
    """A copy of the run, removed afterwards."""
    folder = work / "case"
    shutil.copytree(whole, folder)
    try:
        case = Case(folder)
        yield case
        if case.after is not None:
            case.after()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def assess(name: str, case: Case, whole: Path) -> list[str]:
    """Inject, call, heal, call again, compare: what is wrong."""
    prepare, right, word = FAULTS[name]
    prepare(case)
    code, said = call(case, *case.command)
    wrong = []
    if code not in right:
        wrong.append(f"exit {code}, not one of {right}")
    if word not in said:
        wrong.append(f"does not name {word}")
    if "Traceback" in said or "defect of nonideal" in said:
        wrong.append("a traceback")
    if case.heal is not None:
        case.heal()
    if (case.folder / "pwned").exists():
        wrong.append("reached a shell")
    last = next((line for line in said.strip().splitlines()[::-1] if line.strip()), "")
    told = f"{name}: exit {code}: {last[:150]}"
    stage = STAGE_OF.get(case.command[0])
    if stage is not None and REFUSED not in right and not (stage == "validate" and "simulator" in name):
        again, said_again = call(case, *case.command)
        if again not in (0, 1):
            wrong.append(f"the rerun ended with {again}: {said_again[-500:]}")
        expected, found = results(whole, stage), results(case.folder, stage)
        differ = [file for file in sorted({*expected, *found}) if expected.get(file) != found.get(file)]
        if differ or not expected:
            wrong.append(f"other than before: {differ}")
        told += f"; {len(expected)} files as before" if not differ else ""
    print(told + "".join(f"\n    WRONG: {one}" for one in wrong), flush=True)
    return [*wrong, said[-1500:]] if wrong else []


def main() -> int:
    """Inject all, tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    names = [name for name in FAULTS if re.search(options.only, name)]
    # What the commands import when they need it is there before the processes part.
    for module in IMPORTED:
        importlib.import_module(module)
    failed = {}
    with tempfile.TemporaryDirectory(prefix="faults-") as work:
        for name in names:
            with copied(options.run.resolve(), Path(work)) as case:
                problems = assess(name, case, options.run.resolve())
            if problems:
                failed[name] = problems
                print("    " + problems[-1].replace("\n", "\n    "))
    print(f"{len(names)} faults, {len(failed)} answered otherwise than is right: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
