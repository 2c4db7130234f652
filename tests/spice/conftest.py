"""The fake simulator and decks for it; the real simulator where there is one."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nonideal.spice import Deck, Ngspice, SimulatorMissing, find_ngspice

DeckMaker = Callable[..., Deck]


def gone(pid: int, within_s: float = 3.0) -> bool:
    """Whether the process is no more (a zombie counts as gone) within so many seconds."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state in "ZX":
            return True
        time.sleep(0.02)
    return False


def pids(file: Path, count: int, within_s: float = 10.0) -> list[int]:
    """The process numbers that `count` hanging fakes have left."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        numbers = [int(word) for word in file.read_text().split()] if file.exists() else []
        if len(numbers) == 2 * count:
            return numbers
        time.sleep(0.02)
    raise AssertionError(f"no {count} hanging simulators within {within_s} s")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ngspice:
    """The fake, found as a user's own ngspice is found."""
    script = tmp_path / "fake-ngspice"
    here = Path(__file__).parent / "fake_ngspice.py"
    # The environment of a run is made from scratch, so the fake is told by its own script.
    told = f"export FAKE_PIDS={shlex.quote(str(tmp_path / 'pids'))}"
    script.write_text(
        f'#!/bin/sh\n{told}\nexec {shlex.quote(sys.executable)} -I -S {shlex.quote(str(here))} "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("NONIDEAL_NGSPICE", str(script))
    return find_ngspice()


@pytest.fixture(scope="session")
def real() -> Ngspice:
    try:
        return find_ngspice({"PATH": "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin"})
    except SimulatorMissing as error:
        pytest.skip(str(error))


@pytest.fixture
def fake_deck() -> DeckMaker:
    """A deck that tells the fake how to behave."""

    def make(mode: str, name: str = "case") -> Deck:
        text = f"* fake: {mode}\nV1 in 0 1\nR1 in out 1k\n.save v(out) i(v1)\n.tran 100n 1u 0 100n\n.end\n"
        return Deck(name, text, vectors=("v(out)", "i(v1)"), t_stop_s=1e-6)

    return make
