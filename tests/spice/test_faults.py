"""A simulator that crashes, hangs or lies: always a failure of the right kind, never a value."""

from __future__ import annotations

import pickle
import time
from pathlib import Path

import pytest

from spice import (
    FailureKind,
    Ngspice,
    SimulationFailed,
    SimulatorMissing,
    climb,
    find_ngspice,
    run,
)

from .conftest import DeckMaker, gone, pids


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("crash", FailureKind.crashed),
        ("short", FailureKind.short),
        ("truncated", FailureKind.short),
        ("no_points", FailureKind.short),
        ("nan", FailureKind.not_finite),
        ("inf", FailureKind.not_finite),
        ("missing", FailureKind.missing_vector),
        ("nothing", FailureKind.no_output),
        ("empty", FailureKind.no_output),
    ],
)
def test_one_run_fails_for_its_own_reason(
    mode: str, kind: FailureKind, fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path
) -> None:
    with pytest.raises(SimulationFailed) as caught:
        run(fake_deck(mode), fake, tmp_path / "decks", 20)
    assert caught.value.kind == kind
    assert f"mode {mode}" in caught.value.tail
    assert str(tmp_path / "decks") in str(caught.value)
    assert (tmp_path / "decks/case.cir").read_text() == fake_deck(mode).text


def test_a_good_result_is_good_whatever_the_exit_code(
    fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path
) -> None:
    result = run(fake_deck("exit1"), fake, tmp_path, 20)
    assert result["V(OUT)"].tolist() == list(range(11))
    assert result["v1#branch"] is result["i(v1)"]
    assert result.axis[-1] == pytest.approx(1e-6)
    assert result.rung == "as_given"
    assert result.simulator == "99.1"
    assert not (tmp_path / "case.raw").exists()


def test_a_raw_file_left_from_before_is_not_taken_for_the_answer(
    fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path
) -> None:
    run(fake_deck("good"), fake, tmp_path, 20, keep_raw=True)
    assert (tmp_path / "case.raw").exists()
    with pytest.raises(SimulationFailed):
        run(fake_deck("nothing"), fake, tmp_path, 20)


def test_a_time_out_ends_the_whole_group(fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(SimulationFailed) as caught:
        run(fake_deck("hang"), fake, tmp_path, 1.0)
    assert caught.value.kind == FailureKind.timed_out
    assert time.monotonic() - started < 3
    assert all(gone(pid) for pid in pids(tmp_path / "pids", 1))


def test_a_time_out_is_retried_once_only(fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path) -> None:
    with pytest.raises(SimulationFailed) as caught:
        climb(fake_deck("hang"), fake, tmp_path, 0.4)
    assert [attempt.rung for attempt in caught.value.attempts] == ["as_given", "gear"]
    assert [attempt.kind for attempt in caught.value.attempts] == [FailureKind.timed_out] * 2


@pytest.mark.parametrize(("mode", "rung"), [("flaky", "again"), ("needs_gear", "gear")])
def test_the_ladder_records_which_rung_answered(
    mode: str, rung: str, fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path
) -> None:
    result = climb(fake_deck(mode), fake, tmp_path, 20)
    assert result.rung == rung
    assert len(result.attempts) == 2
    assert result.attempts[0].kind is not None
    assert result.seconds_wall == sum(attempt.seconds_wall for attempt in result.attempts)
    assert (tmp_path / f"case+{rung}.cir").exists()
    assert (tmp_path / "case.starts").read_text().splitlines() == ["case.cir", f"case+{rung}.cir"]


def test_a_missing_vector_is_not_retried(fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path) -> None:
    with pytest.raises(SimulationFailed) as caught:
        climb(fake_deck("missing"), fake, tmp_path, 20)
    assert len(caught.value.attempts) == 1
    assert "i(v1) not in 'Transient Analysis', which has v(out)" in str(caught.value)


def test_a_failure_travels_between_processes_whole(
    fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path
) -> None:
    with pytest.raises(SimulationFailed) as caught:
        climb(fake_deck("nan"), fake, tmp_path, 20)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)
    assert copy.attempts == caught.value.attempts


def test_no_simulator(tmp_path: Path) -> None:
    with pytest.raises(SimulatorMissing, match="apt-get install ngspice"):
        find_ngspice({"PATH": str(tmp_path)})
    with pytest.raises(SimulatorMissing, match="NONIDEAL_NGSPICE=/nowhere/ngspice is not an executable"):
        find_ngspice({"PATH": "/usr/bin", "NONIDEAL_NGSPICE": "/nowhere/ngspice"})
    with pytest.raises(SimulatorMissing, match="names no ngspice version"):
        find_ngspice({"PATH": "/usr/bin:/bin", "NONIDEAL_NGSPICE": "true"})
