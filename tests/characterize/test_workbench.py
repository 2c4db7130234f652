"""What is told of simulations that gave nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from nonideal.characterize.errors import CharacterizationFailed
from nonideal.characterize.workbench import Workbench
from nonideal.sky130_models import Corner
from nonideal.spice import Attempt, Deck, Failure, FailureKind, Result, SimulatorOptions

DEAD, SLOW = FailureKind.no_output, FailureKind.timed_out


@pytest.mark.parametrize(
    ("kinds", "nothing_ran"),
    [
        ((DEAD, DEAD), True),
        ((FailureKind.crashed,), True),
        ((DEAD, FailureKind.crashed), False),
        ((DEAD, None), False),
        ((SLOW, SLOW), False),  # another design may be faster
    ],
)
def test_a_simulator_that_runs_nothing_is_told_from_a_circuit_that_fails(
    kinds: tuple[FailureKind | None, ...], nothing_ran: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    decks = [Deck(f"bench_{k}", "* nothing\n.op\n.end\n", {}, ("v(a)",), None) for k in range(len(kinds))]

    def attempt(bench: Workbench, decks: list[Deck], folder: Path) -> list[Result | Failure]:
        return [
            Result(deck.name, (), (), "")
            if kind is None
            else Failure(
                deck.name, kind, "it says", (Attempt("as_given", kind, 0.1, 0.1, "it says"),), folder, ""
            )
            for deck, kind in zip(decks, kinds, strict=True)
        ]

    monkeypatch.setattr(Workbench, "attempt", attempt)
    bench = Workbench(None, Corner.tt, SimulatorOptions(), 1, 1.0)  # type: ignore[arg-type]
    with pytest.raises(CharacterizationFailed, match=rf"of {len(kinds)} benches gave no result") as caught:
        bench.run_decks(decks, tmp_path)
    assert caught.value.nothing_ran is nothing_ran
