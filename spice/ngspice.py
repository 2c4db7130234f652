"""The simulator: finding it, and running one deck once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .deck import Deck
from .errors import FailureKind, SimulationFailed, SimulatorMissing
from .process import Ended, Stop, supervise
from .raw import IncompleteRaw, read_raw
from .result import AS_GIVEN, Attempt, Plot, Result
from .verdict import judge

VARIABLE: Final = "NONIDEAL_NGSPICE"
_INSTALL: Final = (
    "install it (Debian, Ubuntu: sudo apt-get install ngspice) or set NONIDEAL_NGSPICE to its path"
)
_TAIL_LINES: Final = 20


@dataclass(frozen=True, slots=True)
class Ngspice:
    """An installed ngspice."""

    path: Path
    version: str


def find_ngspice(environ: Mapping[str, str] | None = None) -> Ngspice:
    """The ngspice that `NONIDEAL_NGSPICE` in `environ` (default: `os.environ`) names, else that on `PATH`.

    Raises `SimulatorMissing`, which says how to get one.
    """
    environ = os.environ if environ is None else environ
    named = environ.get(VARIABLE)
    found = shutil.which(named or "ngspice", path=environ.get("PATH"))
    if found is None:
        where = f"{VARIABLE}={named} is not an executable" if named else "no ngspice on PATH"
        raise SimulatorMissing(f"{where}; {_INSTALL}")
    path = Path(found).resolve() if named is None else Path(found).absolute()
    try:
        answer = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SimulatorMissing(f"{path} --version: {error}; {_INSTALL}") from error
    version = re.search(r"ngspice-([\w.+-]+)", answer.stdout + answer.stderr)
    if version is None:
        raise SimulatorMissing(f"{path} --version names no ngspice version; {_INSTALL}")
    return Ngspice(path, version[1])


def run(
    deck: Deck,
    ngspice: Ngspice,
    folder: Path,
    timeout_s: float,
    *,
    rung: str = AS_GIVEN,
    keep_raw: bool = False,
    stop: Stop | None = None,
) -> Result:
    """Run `deck` once in `folder` for at most `timeout_s` s and judge it by its results.

    `folder` then holds `<name>.cir`, its includes, `.spiceinit` and `<name>.log`; the raw file as well with
    `keep_raw`, and always after a failure. On a `rung` of the ladder the files are called `<name>+<rung>`.

    Raises `SimulationFailed`; `Interrupted` when `stop` is set. On any exception, Ctrl-C among them, the
    simulator and all it started are ended first.
    """
    stem = deck.name if rung == AS_GIVEN else f"{deck.name}+{rung}"
    path = deck.write(folder, stem)
    raw, log = folder / f"{stem}.raw", folder / f"{stem}.log"
    raw.unlink(missing_ok=True)
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "LC_ALL": "C"}
    command = [str(ngspice.path), "-b", "-r", raw.name, path.name]
    ended = supervise(command, folder, log, timeout_s, environ=environ, stop=stop)
    outcome = _read(deck, raw, ended, timeout_s)
    if isinstance(outcome, tuple) and isinstance(outcome[0], FailureKind):
        kind, message = outcome[0], str(outcome[1])
        attempt = Attempt(rung, kind, ended.seconds_cpu, ended.seconds_wall, message)
        raise SimulationFailed(kind, deck.name, folder, message, tail=_tail(log), attempts=(attempt,))
    if not keep_raw:
        raw.unlink()
    attempt = Attempt(rung, None, ended.seconds_cpu, ended.seconds_wall)
    return Result(deck.name, outcome, (attempt,), ngspice.version)


def _read(
    deck: Deck, raw: Path, ended: Ended, timeout_s: float
) -> tuple[Plot, ...] | tuple[FailureKind, str]:
    """The plots, or what is wrong with the run."""
    if ended.timed_out:
        return FailureKind.timed_out, f"not done after {timeout_s:g} s"
    died = f"ended by signal {ended.by_signal}" if ended.by_signal else ""
    try:
        plots = read_raw(raw)
    except FileNotFoundError:
        return (
            (FailureKind.crashed, died)
            if died
            else (FailureKind.no_output, f"no results (exit {ended.code})")
        )
    except IncompleteRaw as error:
        if died:
            return FailureKind.crashed, died
        return (FailureKind.short if raw.stat().st_size else FailureKind.no_output), str(error)
    wrong = judge(deck, plots)
    if wrong is None:
        return plots
    return (FailureKind.crashed, f"{died}; {wrong[1]}") if died else wrong


def _tail(log: Path) -> str:
    """The last lines of the log."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join([line for line in lines if line.strip()][-_TAIL_LINES:])
