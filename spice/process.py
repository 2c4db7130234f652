"""A child process that leaves nothing behind.

Each child leads a session (and so a process group) of its own. Whatever happens, the whole group is ended:
on a time-out, on an exception or Ctrl-C in the parent, and, through a guard in the group that holds the
reading end of a pipe, when the parent itself is killed with -9 (the pipe's writing end closes with it, and
the guard kills the group). No `preexec_fn`: that is unsafe with threads, and runs go in parallel from
threads. As a second line, the CPU time of the child is limited by the kernel to the time limit and a margin.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from .errors import Interrupted

_GUARD: Final = """\
ulimit -t "$1" || exit 126
shift
exec 3<&0
{ read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 &
"$@" </dev/null 3<&- &
wait $!
"""
_GRACE_S: Final = 0.3
"""Between SIGTERM and SIGKILL."""
_CPU_MARGIN_S: Final = 10
_LONGEST_NAP_S: Final = 0.01


class Stop(Protocol):
    """Says whether a run is still wanted; `threading.Event` is one."""

    def is_set(self) -> bool:
        """True once the run is to be ended."""
        ...


@dataclass(frozen=True, slots=True)
class Ended:
    """How the child ended: exit code (128 + signal where a signal did), cost in s, whether by time-out."""

    code: int
    seconds_cpu: float
    seconds_wall: float
    timed_out: bool

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
) -> Ended:
    """Run `command` in `folder`, its output into `log`, for at most `timeout_s` s, and end its whole group.

    Raises `Interrupted` when `stop` is set meanwhile; `ValueError` for a time limit that is not positive and
    finite.
    """
    if not (math.isfinite(timeout_s) and timeout_s > 0):
        raise ValueError(f"timeout_s = {timeout_s!r}: must be positive and finite")
    cpu_limit = str(math.ceil(timeout_s) + _CPU_MARGIN_S)
    reading, writing = os.pipe()
    started = time.monotonic()
    try:
        with log.open("wb") as output:
            child = subprocess.Popen(
                ["/bin/sh", "-c", _GUARD, "guard", cpu_limit, *command],
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
    timed_out = False
    try:
        timed_out = not _wait(child.pid, started + timeout_s, stop)
    finally:
        try:
            usage = _end_group(child)
        finally:
            os.close(writing)
    return Ended(child.returncode, usage.ru_utime + usage.ru_stime, time.monotonic() - started, timed_out)


def _wait(pid: int, deadline: float, stop: Stop | None) -> bool:
    """Wait for the child without reaping it, so that its group's number stays ours; False on time-out."""
    nap = 0.0005
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        if stop is not None and stop.is_set():
            raise Interrupted("the run was ended on request")
        time.sleep(min(nap, left))
        nap = min(nap * 1.5, _LONGEST_NAP_S)
    return True


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
