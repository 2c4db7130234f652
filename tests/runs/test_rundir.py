from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from nonideal.cli.exit_code import ExitCode, exit_code_of
from nonideal.runs.errors import RunDirBusy, RunDirError
from nonideal.runs.rundir import RunDir, default_run_dir

HOLDER = """
import sys, time
from pathlib import Path
from nonideal.runs.rundir import RunDir
with RunDir(Path(sys.argv[1])).lock():
    print("locked", flush=True)
    time.sleep(60)
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "locked\n"
    return child


def test_the_second_process_is_told_who_has_it(tmp_path: Path) -> None:
    child = hold(tmp_path)
    try:
        with pytest.raises(RunDirBusy) as caught, RunDir(tmp_path).lock():
            pass
        message = str(caught.value)
        assert f"process {child.pid} on {socket.gethostname()} since 20" in message
        assert "--run-dir" in message
        assert exit_code_of(caught.value) == ExitCode.bad_input
    finally:
        child.kill()
        child.wait()


def test_a_killed_holder_frees_the_directory(tmp_path: Path) -> None:
    child = hold(tmp_path)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    with RunDir(tmp_path).lock():
        assert str(os.getpid()) in (tmp_path / ".lock.json").read_text()
    assert not (tmp_path / ".lock.json").exists()


def test_the_lock_is_freed_by_an_exception(tmp_path: Path) -> None:
    with pytest.raises(KeyError), RunDir(tmp_path).lock():
        raise KeyError
    with RunDir(tmp_path).lock():
        pass


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunDirError, match="--run-dir"), RunDir(tmp_path / "file" / "run").lock():
        pass


def test_layout() -> None:
    run = RunDir(default_run_dir("iris"))
    assert run.model == Path("runs/iris/characterization/model.json")
    assert run.weights("pnn") == Path("runs/iris/training/pnn/weights.safetensors")
    assert run.mapping_folder("ann") == Path("runs/iris/netlist/ann")
    assert run.corner("ff").cache == run.cache == Path("runs/iris/cache")
    assert run.column(14) == Path("runs/iris/columns/14")
    assert run.corner("ff").model == Path("runs/iris/corners/ff/characterization/model.json")
