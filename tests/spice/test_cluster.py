"""The same batch on a Dask cluster."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nonideal.spice import Cache, Failure, Ngspice, Result, SchedulerUnavailable, run_many

from .conftest import DeckMaker, gone, pids

distributed = pytest.importorskip("distributed")


@pytest.fixture
def cluster(fake: Ngspice, tmp_path: Path) -> Iterator[str]:
    """Two workers, in processes of their own, which find the fake as this machine does."""
    root = str(Path(__file__).parents[2])
    environ = {
        "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]),
        "FAKE_PIDS": str(tmp_path / "pids"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        with distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            local_directory=str(tmp_path),
        ) as running:
            yield running.scheduler_address


def test_a_batch_is_the_same_on_a_cluster(
    cluster: str, fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path
) -> None:
    modes = ["good", "nan", "needs_gear", "good", "good", "slow"]
    decks = [fake_deck(mode, f"d{i}") for i, mode in enumerate(modes)]
    cache = Cache(tmp_path / "cache")
    far = run_many(decks, jobs=2, scheduler=cluster, folder=tmp_path / "far", timeout_s=20, cache=cache)
    near = run_many(decks, jobs=2, folder=tmp_path / "near", timeout_s=20)
    for one, other in zip(far, near, strict=True):
        assert type(one) is type(other)
        assert [attempt.rung for attempt in one.attempts] == [attempt.rung for attempt in other.attempts]
        if isinstance(one, Result) and isinstance(other, Result):
            np.testing.assert_array_equal(one["v(out)"], other["v(out)"])
    assert isinstance(far[1], Failure)
    assert far[1].folder == tmp_path / "far"

    def texts(folder: str) -> dict[str, str]:
        return {path.name: path.read_text() for path in sorted((tmp_path / folder).glob("*.cir"))}

    assert texts("far") == texts("near")
    assert "mode nan" in (tmp_path / "far/d1.log").read_text()
    again = run_many(decks, jobs=2, scheduler=cluster, folder=tmp_path / "far", timeout_s=20, cache=cache)
    assert [isinstance(one, Result) and one.from_cache for one in again] == [
        True,
        False,
        True,
        True,
        True,
        True,
    ]


def test_an_interrupted_batch_ends_its_simulators_on_the_workers(cluster: str, tmp_path: Path) -> None:
    program = tmp_path / "batch.py"
    program.write_text(
        f"""
from pathlib import Path
from nonideal.spice import Deck, run_many
text = "* fake: hang\\n.save v(out)\\n.tran 100n 1u\\n.end\\n"
decks = [Deck(name, text, vectors=("v(out)",), t_stop_s=1e-6) for name in "ab"]
run_many(decks, jobs=2, scheduler={cluster!r}, folder=Path("far"), timeout_s=60)
"""
    )
    batch = subprocess.Popen([sys.executable, program], cwd=tmp_path)
    numbers = pids(tmp_path / "pids", 2, within_s=20)
    batch.kill()
    batch.wait(timeout=10)
    assert all(gone(pid, within_s=5) for pid in numbers)


def test_a_dead_address_is_said_within_seconds(fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(SchedulerUnavailable, match="no answer within"):
        run_many(
            [fake_deck("good")], jobs=1, scheduler=f"tcp://127.0.0.1:{port}", folder=tmp_path, timeout_s=5
        )
    assert time.monotonic() - started < 60


def test_without_dask(
    fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SchedulerUnavailable, match=r"pip install 'nonideal\[cluster\]'"):
        run_many([fake_deck("good")], jobs=1, scheduler="tcp://127.0.0.1:1", folder=tmp_path, timeout_s=5)
