"""A simulator that crashes, hangs or lies: always a failure of the right kind, never a value."""

from __future__ import annotations

import pickle
import time
from pathlib import Path

import pytest

from nonideal.spice import (
    BadLimit,
    Cache,
    FailureKind,
    Ngspice,
    Result,
    SimulationFailed,
    SimulatorMissing,
    climb,
    find_ngspice,
    run,
    run_many,
)
from nonideal.spice.process import Limits

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
        ("backwards", FailureKind.misread),
        ("stands", FailureKind.misread),
        ("negative", FailureKind.misread),
        ("late", FailureKind.misread),
        ("beyond", FailureKind.misread),
        ("twice", FailureKind.misread),
        ("unasked", FailureKind.misread),
        ("huge", FailureKind.short),
        ("endless", FailureKind.short),
        ("wide", FailureKind.short),
        ("none", FailureKind.short),
        ("garbage", FailureKind.short),
        ("tail", FailureKind.short),
        ("pipe", FailureKind.no_output),
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


@pytest.mark.parametrize(
    ("mode", "limits", "told"),
    [
        ("log", Limits(log_bytes=2**22), "its log grew beyond 4 MiB"),
        (
            "file",
            Limits(file_bytes=2**24),
            "a file grew beyond 0.015625 GB; set NONIDEAL_FILE_GB to allow more",
        ),
        (
            "memory",
            Limits(memory_bytes=2**29),
            "more memory than 0.5 GB; set NONIDEAL_MEMORY_GB to allow more",
        ),
    ],
)
def test_a_limit_is_named_with_the_way_to_raise_it(
    mode: str,
    limits: Limits,
    told: str,
    fake: Ngspice,
    fake_deck: DeckMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Limits, "of", lambda environ: limits)
    started = time.monotonic()
    with pytest.raises(SimulationFailed) as caught:
        climb(fake_deck(mode), fake, tmp_path, 20)
    assert caught.value.kind == FailureKind.limited
    assert told in caught.value.message
    assert len(caught.value.attempts) == 1, "no setting of the integrator helps"
    assert time.monotonic() - started < 19
    sizes = [path.stat().st_size for path in tmp_path.rglob("case*")]
    assert max(sizes) < 2**26, "cut off while it was small"
    assert not list(tmp_path.glob("core*"))


def test_limits_come_from_the_environment() -> None:
    assert Limits.of({}) == Limits()
    assert Limits.of({"NONIDEAL_MEMORY_GB": "0.5", "NONIDEAL_FILE_GB": "16"}) == Limits(2**29, 2**34)
    for wrong in ("much", "-1", "nan", "inf", "0"):
        with pytest.raises(BadLimit, match=r"NONIDEAL_FILE_GB = .*give gigabytes"):
            Limits.of({"NONIDEAL_FILE_GB": wrong})


def test_nothing_of_the_caller_s_environment_reaches_the_simulator(
    fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "AWS_SECRET_ACCESS_KEY",
        "SPICE_LIB_DIR",
        "SPICE_ASCIIRAWFILE",
        "NGSPICE_INPUT_DIR",
        "LC_NUMERIC",
    ):
        monkeypatch.setenv(name, "not for others")
    run(fake_deck("environment"), fake, tmp_path, 20)
    log = (tmp_path / "case.log").read_text()
    assert "not for others" not in log
    names = {line.partition("=")[0] for line in log.splitlines() if "=" in line}
    ours = {
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "LC_ALL",
        "TERM",
        "OMP_NUM_THREADS",
        "SPICE_USERINIT_DIR",
        "SPICE_SCRIPTS",
    }
    assert names - {"PWD", "OLDPWD", "SHLVL", "_", "FAKE_PIDS", "LD_LIBRARY_PATH"} == ours
    assert f"SPICE_USERINIT_DIR={tmp_path}\n" in log


def test_what_a_run_leaves_lying_about_goes_with_it(
    fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path
) -> None:
    folder = tmp_path / "decks"
    run(fake_deck("litter"), fake, folder, 20)
    assert sorted(path.name for path in folder.iterdir()) == [
        ".spiceinit",
        "case.cir",
        "case.log",
        "case.starts",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Warning: redefinition of .subckt s, ignored",
        "Warning: Model issue on line 4 :",
        "warning, can't find model 'zzz' from line",
        "Warning : voltage source v3 has non-increasing PWL time points.",
        "Warning : IC on non-existent node - nonode, ignored",
    ],
)
def test_a_run_that_took_the_deck_for_another_fails(
    line: str, fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path
) -> None:
    with pytest.raises(SimulationFailed, match="took the deck for another circuit") as caught:
        climb(fake_deck(f"says:{line.replace(' ', '_')}"), fake, tmp_path, 20)
    assert caught.value.kind == FailureKind.misread
    assert line in caught.value.message
    assert len(caught.value.attempts) == 1


def test_other_warnings_are_shown_once_a_batch_and_counted(
    fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    decks = [fake_deck(f"says:Warning:_singular_matrix,_pivot_{i}", f"d{i}") for i in range(3)]
    decks.append(fake_deck("says:Note:_Starting_dynamic_gmin_stepping", "fine"))
    cache = Cache(tmp_path / "cache")
    for _ in range(2):
        caplog.clear()
        outcomes = run_many(decks, jobs=2, folder=tmp_path, timeout_s=20, cache=cache)
        assert [len(one.messages) for one in outcomes if isinstance(one, Result)] == [1, 1, 1, 0]
        (told,) = [record.getMessage() for record in caplog.records]
        assert told.startswith("ngspice in 3 of 4 runs: Warning: singular matrix, pivot N (")


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
    assert time.monotonic() - started < 30
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
