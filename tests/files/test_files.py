from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from nonideal.files import (
    read_json,
    remove_leftovers,
    sha256_of,
    write_csv,
    write_json,
    write_parquet,
    write_text,
    written_whole,
)

WRITER = """
import sys
from pathlib import Path
from nonideal.files import write_json
path, n = Path(sys.argv[1]), 0
while True:
    n += 1
    write_json(path, {"n": n, "body": [n] * 20000})
    if n == 1:
        print("ready", flush=True)
"""


def test_round_trips(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [1, 2], "b": [0.5, None]})
    write_parquet(tmp_path / "deep" / "t.parquet", table)
    write_csv(tmp_path / "t.csv", table)
    write_json(tmp_path / "t.json", {"µ": [1, None]})
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "deep" / "t.parquet"), table)
    assert (tmp_path / "t.csv").read_text() == "a,b\n1,0.5\n2,\n"
    assert read_json(tmp_path / "t.json") == {"µ": [1, None]}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "t.csv", "t.json"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    write_text(path, "old")

    def fail_half_way() -> None:
        with written_whole(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, float("nan"))
    assert [p.name for p in tmp_path.iterdir()] == ["x.txt"]
    assert path.read_text() == "old"


def test_a_file_that_grows_too_large_is_named(tmp_path: Path) -> None:
    program = (
        "import resource, signal; from pathlib import Path; from nonideal.files import write_bytes\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))\n"
        "try: write_bytes(Path('table.csv'), bytes(4096))\n"
        "except OSError as error: print(error)\n"
    )
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", program]
    said = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    ).stdout
    assert said == "[Errno 27] File too large: 'table.csv'\n"
    assert list(tmp_path.iterdir()) == []


def test_a_killed_writer_never_leaves_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for delay_s in (0.05, 0.11, 0.17, 0.23):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(delay_s)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        value = json.loads(path.read_text())
        assert value["body"] == [value["n"]] * 20000
    remove_leftovers(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_broken_json_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(ValueError, match=r"x\.json is not valid JSON"):
        read_json(tmp_path / "x.json")


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_of(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_who_may_read_a_file_is_for_the_umask_to_say(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_text(tmp_path / "mine.txt", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "mine.txt").stat().st_mode & 0o777 == 0o600
