"""Worker processes: order, and none left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from joblib import delayed

from nonideal.spice.workers import in_order

from .conftest import gone

PROGRAM = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
from pathlib import Path
from joblib import delayed
from nonideal.spice.workers import in_order
def work(number):
    Path("pid", str(os.getpid())).touch()
    while True:
        Path("written").write_text(str(time.time()))
if __name__ == "__main__":
    list(in_order(2, (delayed(work)(number) for number in range(4))))
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_order(jobs: int) -> None:
    assert list(in_order(jobs, (delayed(abs)(-number) for number in range(9)))) == list(range(9))


def test_an_exception_of_a_call_is_raised_here() -> None:
    with pytest.raises(ValueError, match=r"math domain|nonnegative"):
        list(in_order(2, (delayed(__import__("math").sqrt)(-number) for number in range(3))))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_worker_outlives_its_parent_or_writes_afterwards(how: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "pid").mkdir()
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "program.py"], cwd=tmp_path, env=environ, stderr=subprocess.DEVNULL
    ) as parent:
        end = time.monotonic() + 60
        while len(list((tmp_path / "pid").iterdir())) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        numbers = [int(path.name) for path in (tmp_path / "pid").iterdir()]
        assert len(numbers) == 2
        parent.send_signal(how)
        parent.wait(timeout=60)
    assert all(gone(number, within_s=30) for number in numbers)
    (tmp_path / "written").unlink(missing_ok=True)
    time.sleep(0.5)
    assert not (tmp_path / "written").exists()
