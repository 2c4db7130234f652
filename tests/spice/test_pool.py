"""Many decks: order, resumption, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nonideal.spice import BadDeck, Cache, Deck, Failure, Ngspice, Result, run_many

from .conftest import DeckMaker, gone, pids


def test_a_batch_keeps_order_and_failures(fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path) -> None:
    modes = ["slow", "good", "nan", "crash", "good"]
    decks = [fake_deck(mode, f"d{i}") for i, mode in enumerate(modes)]
    seen: list[int] = []
    steps: list[tuple[int, int]] = []
    cache = Cache(tmp_path / "cache")
    outcomes = run_many(
        decks,
        jobs=3,
        folder=tmp_path / "decks",
        timeout_s=20,
        cache=cache,
        progress=lambda done, total: steps.append((done, total)),
        on_done=lambda index, _: seen.append(index),
    )
    assert [outcome.name for outcome in outcomes] == ["d0", "d1", "d2", "d3", "d4"]
    assert [isinstance(outcome, Failure) for outcome in outcomes] == [False, False, True, True, False]
    assert sorted(seen) == [0, 1, 2, 3, 4]
    assert steps == [(i, 5) for i in range(1, 6)]
    assert isinstance(outcomes[3], Failure)
    assert [attempt.rung for attempt in outcomes[3].attempts] == ["as_given", "again", "gear", "robust"]
    assert [cache.get(deck.key("99.1")) is not None for deck in decks] == [True, True, False, False, True]

    again = run_many(decks, jobs=3, folder=tmp_path / "decks", timeout_s=20, cache=cache)
    assert [isinstance(one, Result) and one.from_cache for one in again] == [True, True, False, False, True]
    assert (tmp_path / "decks/d0.starts").read_text().splitlines() == ["d0.cir"]


def test_a_cached_answer_of_a_rung_comes_with_its_deck(
    fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path
) -> None:
    cache = Cache(tmp_path / "cache")
    deck = fake_deck("needs_gear")
    run_many([deck], jobs=1, folder=tmp_path / "one", timeout_s=20, cache=cache)
    (known,) = run_many([deck], jobs=1, folder=tmp_path / "two", timeout_s=20, cache=cache)
    assert isinstance(known, Result)
    assert known.from_cache
    assert "method=gear" in (tmp_path / "two/case+gear.cir").read_text()
    (refused,) = run_many([deck], jobs=1, folder=tmp_path / "three", timeout_s=20, cache=cache, ladder=())
    assert isinstance(refused, Failure)


def test_an_exception_in_the_caller_ends_all_runs(
    fake: Ngspice, fake_deck: DeckMaker, tmp_path: Path
) -> None:
    decks = [fake_deck("hang", "stuck"), fake_deck("slow", "fine")]

    def refuse(index: int, outcome: Result | Failure) -> None:
        pids(tmp_path / "pids", 1)
        raise RuntimeError(f"{index} {outcome.name}")

    started = time.monotonic()
    with pytest.raises(RuntimeError, match="1 fine"):
        run_many(decks, jobs=2, folder=tmp_path, timeout_s=60, on_done=refuse)
    assert time.monotonic() - started < 30
    assert all(gone(pid) for pid in pids(tmp_path / "pids", 1))


def test_two_decks_of_one_name_are_refused(fake_deck: DeckMaker, fake: Ngspice, tmp_path: Path) -> None:
    with pytest.raises(BadDeck, match="two decks are called 'case'"):
        run_many([fake_deck("good"), fake_deck("good")], jobs=1, folder=tmp_path, timeout_s=1)
    first = Deck("a", "* t\n.include m.lib\n.op\n", {"m.lib": "* 1\n"}, ("v(a)",))
    second = Deck("b", "* t\n.include m.lib\n.op\n", {"m.lib": "* 2\n"}, ("v(a)",))
    with pytest.raises(BadDeck, match="different contents"):
        run_many([first, second], jobs=1, folder=tmp_path, timeout_s=1)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_batch_that_is_ended_leaves_no_process_and_goes_on_where_it_was(
    how: signal.Signals, fake: Ngspice, tmp_path: Path
) -> None:
    """Two decks are done, two hang; the batch is interrupted or killed with -9, then run again."""
    program = tmp_path / "batch.py"
    program.write_text(
        f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
sys.path[:0] = {[str(Path(__file__).parents[2])]!r}
from pathlib import Path
from nonideal.spice import Cache, Deck, run_many
def deck(name, mode):
    text = f"* fake: {{mode}}\\n.save v(out) i(v1)\\n.tran 100n 1u 0 100n\\n.end\\n"
    return Deck(name, text, vectors=("v(out)", "i(v1)"), t_stop_s=1e-6)
decks = [deck("a", "good"), deck("b", "good"), deck("c", sys.argv[1]), deck("d", sys.argv[1])]
out = run_many(decks, jobs=2, folder=Path("decks"), timeout_s=60, cache=Cache(Path("cache")))
print([getattr(one, "from_cache", None) for one in out])
"""
    )
    environ = dict(os.environ)
    first = subprocess.Popen(
        [sys.executable, program, "hang"], cwd=tmp_path, env=environ, stderr=subprocess.PIPE
    )
    numbers = pids(tmp_path / "pids", 2)
    started = time.monotonic()
    first.send_signal(how)
    _, errors = first.communicate(timeout=60)
    assert time.monotonic() - started < 30
    assert first.returncode != 0
    if how == signal.SIGINT:
        assert b"KeyboardInterrupt" in errors
    assert all(gone(pid) for pid in numbers)

    second = subprocess.run(
        [sys.executable, program, "fine"], cwd=tmp_path, env=environ, stdout=subprocess.PIPE, check=True
    )
    assert second.stdout.strip() == b"[True, True, False, False]"
