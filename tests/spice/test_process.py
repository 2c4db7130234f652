"""A child's time limit: what it waits for a processor does not count, what it sleeps does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nonideal.spice.process import _queued_s, clean_environment, supervise

LOOP = "import time\nend = time.process_time() + {seconds}\nwhile time.process_time() < end: pass"


def run(folder: Path, program: str, timeout_s: float) -> tuple[bool, int]:
    command = [sys.executable, "-I", "-S", "-c", program]
    ended = supervise(command, folder, folder / "log", timeout_s, environ=clean_environment(folder))
    return ended.timed_out, ended.code


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="needs Linux' scheduler statistics")
def test_a_child_that_waits_for_a_processor_gets_its_time(tmp_path: Path) -> None:
    """Six busy processes share one core with it: 0.7 s of work takes some 5 s, and is done within a limit of 3 s."""
    core = {min(os.sched_getaffinity(0))}
    busy = [
        subprocess.Popen(
            [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {core})\nwhile True: pass"]
        )
        for _ in range(6)
    ]
    try:
        pinned = f"import os; os.sched_setaffinity(0, {core})\n" + LOOP.format(seconds=0.7)
        assert run(tmp_path, pinned, 3.0) == (False, 0)
    finally:
        for one in busy:
            one.kill()
            one.wait()


@pytest.mark.parametrize("program", ["import time; time.sleep(60)", LOOP.format(seconds=60)])
def test_a_child_that_sleeps_or_works_too_long_is_ended(tmp_path: Path, program: str) -> None:
    assert run(tmp_path, program, 0.5)[0]


def test_nothing_waits_in_a_group_that_is_not() -> None:
    assert _queued_s(2**22 + 1) == 0.0
