"""A command that is told to end, and output that nobody reads: the right code, words, and no process left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nonideal.cli.exit_code import ExitCode, exit_code_of

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os, signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under `nohup` it is ignored, in the background this one:
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from joblib import delayed
from nonideal.cli.main import app, main
from nonideal.spice.workers import in_order
def work(number):
    Path("pid", str(os.getpid())).touch()
    while True:
        Path("written").write_text(str(time.time()))
def wait():
    list(in_order(2, (delayed(work)(number) for number in range(4))))
def say(text: str, times: int = 1):
    from nonideal.cli.output import console
    for _ in range(times):
        console().print(text, markup=False)
app.command()(wait)
app.command()(say)
if __name__ == "__main__":
    main()
"""


def started(
    folder: Path, *arguments: str, stdout: int = subprocess.PIPE, **environ: str
) -> subprocess.Popen[bytes]:
    program = folder / "program.py"
    program.write_text(PROGRAM)
    return subprocess.Popen(
        [sys.executable, str(program), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        stdout=stdout,
        stderr=subprocess.PIPE,
    )


def gone(number: int, within_s: float = 30.0) -> bool:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("how", "code", "told"),
    [
        (signal.SIGTERM, 143, b"terminated; what is finished is kept"),
        (signal.SIGHUP, 129, b"its terminal hung up; what is finished is kept"),
        (signal.SIGINT, 130, b"interrupted; what is finished is kept"),
        (signal.SIGKILL, -9, b""),
    ],
)
def test_a_command_that_is_told_to_end(how: signal.Signals, code: int, told: bytes, tmp_path: Path) -> None:
    (tmp_path / "pid").mkdir()
    with started(tmp_path, "wait") as command:
        end = time.monotonic() + 60
        while len(list((tmp_path / "pid").iterdir())) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        numbers = [int(path.name) for path in (tmp_path / "pid").iterdir()]
        assert len(numbers) == 2
        command.send_signal(how)
        _, errors = command.communicate(timeout=60)
    assert command.returncode == code
    assert told in errors
    assert b"Traceback" not in errors
    assert all(gone(number) for number in numbers)
    (tmp_path / "written").unlink(missing_ok=True)
    time.sleep(0.3)
    assert not (tmp_path / "written").exists()


def test_characters_that_the_output_lacks_are_written_in_ascii(tmp_path: Path) -> None:
    with started(tmp_path, "say", "1 ± 0.5 µs → λ 漢", PYTHONIOENCODING="ascii") as command:
        output, errors = command.communicate(timeout=60)
    assert (command.returncode, errors) == (0, b"")
    assert output.strip() == b"1 +- 0.5 us -> lambda ?"


def test_output_that_nobody_reads_is_141_without_a_word(tmp_path: Path) -> None:
    with started(tmp_path, "say", "x" * 200, "--times", "5000") as command:
        assert command.stdout is not None
        command.stdout.read(100)
        command.stdout.close()
        assert command.stderr is not None
        errors = command.stderr.read()
        command.wait(timeout=60)
    assert (command.returncode, errors) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_device_is_4_and_said_once(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full, started(tmp_path, "say", "x", stdout=full.fileno()) as command:
        _, errors = command.communicate(timeout=60)
    assert command.returncode == 4
    assert errors.decode().strip() == "error: the output cannot be written: No space left on device"


def test_without_a_stream_at_all(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        line = f"{sys.executable} program.py say x {closed}"
        assert subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, env=environ, check=False).returncode == 0


def test_a_full_disk_is_not_the_input_s_fault() -> None:
    assert exit_code_of(OSError(28, "No space left on device")) is ExitCode.tool_failed
    assert exit_code_of(FileNotFoundError(2, "No such file")) is ExitCode.bad_input
