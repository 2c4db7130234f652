"""A child process that leaves nothing behind.

Each child leads a session (and so a process group) of its own. Whatever happens, the whole group is ended:
on a time-out, on an exception or Ctrl-C in the parent, and, through a guard in the group that holds the
reading end of a pipe, when the parent itself is killed with -9 (the pipe's writing end closes with it, and
the guard kills the group). No `preexec_fn`: that is unsafe with threads, and runs go in parallel from
threads. The kernel limits the child's CPU time (to the time limit and a margin), its memory and its files,
and it leaves no core dump; the size of its log is watched here. Its environment is made from scratch: no key,
init file or locale of the caller's reaches it.

Time that a child waits for a processor does not count against its limit, where the system tells it (Linux): what a deck
gives must not depend on what else the machine does.
"""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from nonideal.spice.errors import BadLimit, Interrupted

_GUARD: Final = """\
ulimit -t "$1" && ulimit -c 0 || exit 126
ulimit -v "$2" 2>/dev/null
ulimit -f "$3" || exit 126
shift 3
exec 3<&0
{ read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 &
"$@" </dev/null 3<&- &
wait $!
"""
MEMORY_VARIABLE: Final = "NONIDEAL_MEMORY_GB"
FILE_VARIABLE: Final = "NONIDEAL_FILE_GB"
MOST_LOG_BYTES: Final = 256 * 1024**2
"""Simulators and extractors write a line a net at most; 512-512 on a schematic has a million."""
_PASSED_ON: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Without these a program in a place of its own does not start."""
_OUT_OF_MEMORY: Final = re.compile(
    r"out of memory|malloc(?:ation)? failed|bad_alloc|MemoryError|can.t (?:re)?allocate|insufficient memory|memory allocation"
    r"|failed to map segment",
    re.IGNORECASE,
)
_GRACE_S: Final = 0.3
"""Between SIGTERM and SIGKILL."""
_CPU_MARGIN_S: Final = 10
_LONGEST_NAP_S: Final = 0.01
_LEAST_QUEUED_S: Final = 0.05
"""A child that waited no longer than this since it was last asked has had its time."""


class Stop(Protocol):
    """Says whether a run is still wanted; `threading.Event` is one."""

    def is_set(self) -> bool:
        """True once the run is to be ended."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use: address space of each of its processes, size of each file, size of its log, in bytes."""

    memory_bytes: int = 8 * 1024**3
    file_bytes: int = 4 * 1024**3
    log_bytes: int = MOST_LOG_BYTES

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Limits:
        """The defaults, or what the user has set in GB; raises `SpiceError` for what is no positive number."""
        return cls(
            _gigabytes(environ, MEMORY_VARIABLE, cls().memory_bytes),
            _gigabytes(environ, FILE_VARIABLE, cls().file_bytes),
        )


def _gigabytes(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.01 <= value <= 1e6:
        raise BadLimit(f"{name} = {text!r}: give gigabytes as a number, 0.01 to 1000000")
    return int(value * 1024**3)


@dataclass(frozen=True, slots=True)
class Ended:
    """How the child ended: exit code (128 + signal where a signal did), cost in s, whether by time-out.

    ``limit`` says which limit of memory, file or log it ran into, and how to raise that; None: into none.
    """

    code: int
    seconds_cpu: float
    seconds_wall: float
    timed_out: bool
    limit: str | None = None

    @property
    def by_signal(self) -> int | None:
        """The signal that ended the child, or None."""
        return self.code - 128 if self.code > 128 else None


def supervise(
    command: Sequence[str],
    folder: Path,
    log: Path,
    timeout_s: float,
    *,
    environ: Mapping[str, str],
    stop: Stop | None = None,
    limits: Limits | None = None,
) -> Ended:
    """Run `command` in `folder`, its output into `log`, for at most `timeout_s` s, and end its whole group.

    Time in which it was ready and had no processor does not count.

    `environ` is all of its environment, see `clean_environment`; `limits` are those of `Limits.of` unless given.
    Raises `Interrupted` when `stop` is set meanwhile; `ValueError` for a time limit that is not positive and
    finite.
    """
    if not (math.isfinite(timeout_s) and timeout_s > 0):
        raise ValueError(f"timeout_s = {timeout_s!r}: must be positive and finite")
    limits = Limits.of(os.environ) if limits is None else limits
    # Time in s, memory in KiB, files in blocks of 512 bytes.
    most = (math.ceil(timeout_s) + _CPU_MARGIN_S, limits.memory_bytes // 1024, limits.file_bytes // 512)
    reading, writing = os.pipe()
    started = time.monotonic()
    try:
        with log.open("wb") as output:
            child = subprocess.Popen(
                ["/bin/sh", "-c", _GUARD, "guard", *map(str, most), *command],
                cwd=folder,
                env=dict(environ),
                stdin=reading,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except BaseException:
        os.close(writing)
        raise
    finally:
        os.close(reading)
    why = None
    try:
        why = _wait(child.pid, started + timeout_s, stop, log, limits.log_bytes)
    finally:
        try:
            usage = _end_group(child)
        finally:
            os.close(writing)
    seconds_cpu, seconds_wall = usage.ru_utime + usage.ru_stime, time.monotonic() - started
    by_cpu = child.returncode - 128 == signal.SIGXCPU
    limit = _limit(child.returncode, log, limits, why)
    return Ended(child.returncode, seconds_cpu, seconds_wall, why == "time" or by_cpu, limit)


def _limit(code: int, log: Path, limits: Limits, why: str | None) -> str | None:
    """Which limit of memory, file or log ended the child, for people."""
    if why == "log":
        return f"its log grew beyond {limits.log_bytes / 1024**2:g} MiB and it was ended: nothing that nonideal runs writes so much"
    tail = log_tail(log) if code != 0 and why is None else ""
    if code - 128 == signal.SIGXFSZ or "File too large" in tail:
        return f"a file grew beyond {limits.file_bytes / 1024**3:g} GB; set {FILE_VARIABLE} to allow more"
    if _OUT_OF_MEMORY.search(tail):
        return f"it needs more memory than {limits.memory_bytes / 1024**3:g} GB; set {MEMORY_VARIABLE} to allow more"
    return None


def log_tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log that are not empty."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        text = file.read().decode(errors="replace")
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])


def clean_environment(home: Path, **own: str) -> dict[str, str]:
    """An environment from scratch: system programs, plain text, one thread, and `home` for all that a program keeps.

    ``own`` is added. Of the caller's only the search paths of shared libraries are passed on.
    """
    system = os.pathsep.join(("/usr/local/bin", "/usr/bin", "/bin"))
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {
        "PATH": system, "HOME": str(home), "TMPDIR": str(home), "LANG": "C", "LC_ALL": "C", "TERM": "dumb", "OMP_NUM_THREADS": "1",
        **passed, **own,
    }  # fmt: skip


def _wait(pid: int, deadline: float, stop: Stop | None, log: Path, log_bytes: int) -> str | None:
    """Wait for the child without reaping it, so that its group's number stays ours; what it ran into, `time` or `log`."""
    nap, waited_s = 0.0005, 0.0
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        left = deadline + waited_s - time.monotonic()
        if left <= 0:
            before_s, waited_s = waited_s, _queued_s(pid)
            if waited_s <= before_s + _LEAST_QUEUED_S:
                return "time"
            continue
        if log.stat().st_size > log_bytes:
            return "log"
        if stop is not None and stop.is_set():
            raise Interrupted("the run was ended on request")
        time.sleep(min(nap, left))
        nap = min(nap * 1.5, _LONGEST_NAP_S)
    return "log" if log.stat().st_size > log_bytes else None


def _queued_s(group: int) -> float:
    """How long the process of a group that waited longest was ready to run and had no processor, in s; 0 where the system does not tell."""
    longest_ns = 0
    for folder in Path("/proc").glob("[0-9]*"):
        # A process may end meanwhile; without Linux' statistics there is nothing to read.
        with suppress(OSError, ValueError, IndexError):
            if os.getpgid(int(folder.name)) == group:
                longest_ns = max(longest_ns, int((folder / "schedstat").read_text().split()[1]))
    return longest_ns / 1e9


def _end_group(child: subprocess.Popen[bytes]) -> os.struct_rusage:  # type: ignore[name-defined]
    """End every process of the child's group, then reap the child; the usage of this child alone."""
    if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        os.killpg(child.pid, signal.SIGTERM)
        end = time.monotonic() + _GRACE_S
        while time.monotonic() < end:
            if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                break
            time.sleep(_LONGEST_NAP_S)
    os.killpg(child.pid, signal.SIGKILL)
    _, status, usage = os.wait4(child.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    child.returncode = code if code >= 0 else 128 - code
    return usage
