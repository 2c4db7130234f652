"""The simulator: finding it, and running one deck once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Final

from nonideal.files import UnreadableFile
from nonideal.files.compiled import compiled
from nonideal.spice import confine
from nonideal.spice.deck import Deck
from nonideal.spice.errors import FailureKind, SimulationFailed, SimulatorMissing
from nonideal.spice.messages import Messages, read_messages
from nonideal.spice.process import Ended, Stop, clean_environment, log_tail, supervise
from nonideal.spice.raw import IncompleteRaw, read_raw
from nonideal.spice.result import AS_GIVEN, Attempt, Plot, Result
from nonideal.spice.verdict import Verdict, judge

VARIABLE: Final = "NONIDEAL_NGSPICE"
_INSTALL: Final = (
    "install it (Debian, Ubuntu: sudo apt-get install ngspice) or set NONIDEAL_NGSPICE to its path"
)
VERSION_TIMEOUT_S: Final = 20.0
RUNNING: Final = ".run-"
"""How the folders begin that runs write in; each is removed when its run ends."""
_SYSTEM: Final = (
    *(
        "/usr",
        "/lib",
        "/lib64",
        "/lib32",
        "/opt",
        "/nix/store",
        "/gnu/store",
        "/etc/ld.so.cache",
        "/etc/localtime",
    ),
    *("/proc/meminfo", "/proc/self", "/sys/devices/system/cpu"),
)
_NO_RESULTS: Final = frozenset(
    {FailureKind.timed_out, FailureKind.limited, FailureKind.crashed, FailureKind.no_output}
)
_LOADERS: Final = ("/lib*/ld-linux*", "/lib*/ld-musl*", "/lib/*/ld-linux*")


@dataclass(frozen=True, slots=True)
class Ngspice:
    """An installed ngspice; whether its runs are confined to their folders (see `confine`)."""

    path: Path
    version: str
    confined: bool = False


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
    there = path.stat()
    return _asked(path, confine.known() > 0, (there.st_ino, there.st_size, there.st_mtime_ns))


@lru_cache(maxsize=8)
def _asked(path: Path, landlock: bool, content: tuple[int, ...]) -> Ngspice:
    """The program at ``path``, asked for its version; once as long as the file, told by ``content``, stays as it is."""
    with TemporaryDirectory(prefix="nonideal-") as home:
        version = _version(path, Path(home), confined=False)
        # A script starts other programs; where the kernel has no Landlock, or the program needs more, nothing is confined.
        confined = _is_program(path) and landlock and _confines(path, version, Path(home))
    return Ngspice(path, version, confined)


def _version(path: Path, home: Path, *, confined: bool) -> str:
    log = home / "version"
    command = [str(path), "--version"]
    if confined:
        command = _confined(path, home, home, ()) + command
    try:
        supervise(command, home, log, VERSION_TIMEOUT_S, environ=clean_environment(home))
        answer = log.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise SimulatorMissing(f"{path} --version: {error}; {_INSTALL}") from error
    version = re.search(r"ngspice-([\w.+-]+)", answer)
    if version is None:
        raise SimulatorMissing(f"{path} --version names no ngspice version; {_INSTALL}")
    return version[1]


def _confines(path: Path, version: str, home: Path) -> bool:
    try:
        return _version(path, home, confined=True) == version
    except SimulatorMissing:
        return False


def _is_program(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _confined(path: Path, folder: Path, own: Path, libraries: Sequence[Path]) -> list[str]:
    """The command that starts `path` able to read the system and `folder`, to write `own`, and to do nothing else."""
    program = path.resolve()
    # Where an installation lies beside its program; not a whole home folder or disk.
    prefix = program.parent.parent
    at_home = Path.home() if "HOME" in os.environ else Path("/root")
    readable = [*_SYSTEM, str(folder), *(str(library) for library in libraries)]
    readable += os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    readable += [str(program.parent)] if at_home.is_relative_to(prefix) else [str(prefix)]
    rules = [f"read:{place}" for place in readable if place]
    # The C library's tmpfile() wants a nameless file in /tmp, whatever TMPDIR says.
    rules += [
        "use:/dev/null",
        "use:/tmp",
        f"write:{own}",
        *(f"execute:{one}" for one in (program, *_loaders())),
    ]
    return [*_confiner(), *rules, "--"]


@cache
def _loaders() -> tuple[str, ...]:
    """What the kernel starts programs with. Found once: to look through the system's folders takes as long as a small deck."""
    return tuple(str(found) for pattern in _LOADERS for found in Path("/").glob(pattern.removeprefix("/")))


@cache
def _confiner() -> tuple[str, ...]:
    """What confines a run: a small program, compiled once; without a compiler, Python, which takes longer to start than many a deck to run."""
    script = Path(confine.__file__).resolve()
    try:
        return (str(compiled(script.parent / "native", ("confine.cpp",), "launcher", program=True)),)
    except (OSError, subprocess.SubprocessError):
        return sys.executable, "-I", "-S", str(script)


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
    Whatever the simulator writes goes to a folder of the run's own, which is removed with all else that is in it.
    The simulator reads our `.spiceinit` and no other init file, and loads no code models.

    Raises `SimulationFailed`; `Interrupted` when `stop` is set. On any exception, Ctrl-C among them, the
    simulator and all it started are ended first.
    """
    folder = folder.absolute()
    stem = deck.name if rung == AS_GIVEN else f"{deck.name}+{rung}"
    path = deck.write(folder, stem)
    kept, log = folder / f"{stem}.raw", folder / f"{stem}.log"
    kept.unlink(missing_ok=True)
    own = Path(mkdtemp(prefix=RUNNING, dir=folder))
    try:
        raw = own / kept.name
        environ = clean_environment(own, SPICE_USERINIT_DIR=str(folder), SPICE_SCRIPTS=str(own))
        command = [str(ngspice.path), "-b", "-r", f"{own.name}/{raw.name}", path.name]
        if ngspice.confined:
            command = _confined(ngspice.path, folder, own, deck.roots()) + command
        ended = supervise(command, folder, log, timeout_s, environ=environ, stop=stop)
        outcome = _read(deck, raw, ended, timeout_s)
        messages = read_messages(log) if ended.limit is None else Messages(None, ())
        whole = not (isinstance(outcome[0], FailureKind) and outcome[0] in _NO_RESULTS)
        if messages.misread is not None and whole:
            outcome = (FailureKind.misread, f"ngspice took the deck for another circuit: {messages.misread}")
        failed = isinstance(outcome[0], FailureKind)
        if (keep_raw or failed) and raw.is_file() and not raw.is_symlink():
            raw.replace(kept)
    finally:
        shutil.rmtree(own, ignore_errors=True)
    if isinstance(outcome[0], FailureKind):
        kind, message = outcome[0], str(outcome[1])
        attempt = Attempt(rung, kind, ended.seconds_cpu, ended.seconds_wall, message)
        raise SimulationFailed(kind, deck.name, folder, message, tail=log_tail(log), attempts=(attempt,))
    attempt = Attempt(rung, None, ended.seconds_cpu, ended.seconds_wall)
    return Result(deck.name, outcome, (attempt,), ngspice.version, messages.others)


def remove_left_runs(folder: Path) -> None:
    """Remove the folders of runs that were killed with their starter."""
    for left in folder.glob(f"{RUNNING}*"):
        shutil.rmtree(left, ignore_errors=True)


def _read(
    deck: Deck, raw: Path, ended: Ended, timeout_s: float
) -> tuple[Plot, ...] | tuple[FailureKind, str]:
    """The plots, or what is wrong with the run."""
    if ended.timed_out:
        return FailureKind.timed_out, f"not done after {timeout_s:g} s"
    if ended.limit is not None:
        return FailureKind.limited, ended.limit
    died = f"ended by signal {ended.by_signal}" if ended.by_signal else ""
    plots, wrong = _plots(deck, raw, ended)
    if wrong is None:
        return plots
    return (FailureKind.crashed, f"{died}; {wrong[1]}" if plots else died) if died else wrong


def _plots(deck: Deck, raw: Path, ended: Ended) -> tuple[tuple[Plot, ...], Verdict | None]:
    if not os.path.lexists(raw):
        return (), (FailureKind.no_output, f"no results (exit {ended.code})")
    try:
        plots = read_raw(raw)
    except UnreadableFile as error:
        return (), (FailureKind.no_output, f"the results cannot be read: {error}")
    except IncompleteRaw as error:
        return (), (FailureKind.short if raw.stat().st_size else FailureKind.no_output, str(error))
    return plots, judge(deck, plots)
