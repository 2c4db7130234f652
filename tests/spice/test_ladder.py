"""How a rung changes a deck."""

from __future__ import annotations

import pytest

from nonideal.spice import LADDER, Deck, FailureKind

AGAIN, GEAR, ROBUST = LADDER


@pytest.mark.parametrize(
    ("card", "scaled"),
    [
        (".tran 10n 1u 0 10n uic", ".tran 10n 1u 0 5e-09 uic"),
        (".TRAN 10n 1u", ".TRAN 10n 1u 0 5e-09"),
        (".tran 100n 1u", ".tran 100n 1u 0 1e-08"),
        (".tran 10n 1u\n+ 200n 4n $ from 200 ns\n+ uic", ".tran 10n 1u 2e-07 2e-09 uic"),
    ],
)
def test_the_step_is_halved_in_the_text(card: str, scaled: str) -> None:
    deck = Deck("a", f"* t\nV1 a 0 1\n{card}\n.save v(a)\n.end\n", vectors=("v(a)",), t_stop_s=1e-6)
    assert GEAR.apply(deck).text == (
        f"* t\nV1 a 0 1\n{scaled}\n.save v(a)\n* retry: gear\n.options method=gear maxord=2\n.end\n"
    )


def test_a_deck_without_end_gets_one() -> None:
    deck = Deck("a", "* t\nV1 a 0 1\n.op", vectors=("v(a)",))
    assert ROBUST.apply(deck).text.startswith("* t\nV1 a 0 1\n.op\n* retry: robust\n.options method=gear")
    assert ROBUST.apply(deck).text.endswith("\n.end\n")
    assert AGAIN.apply(deck) == deck


def test_which_rung_is_for_which_failure() -> None:
    static = Deck("a", "* t\nV1 a 0 1\n.op", vectors=("v(a)",))
    moving = Deck("a", "* t\nV1 a 0 1\n.tran 1n 1u", vectors=("v(a)",), t_stop_s=1e-6)
    kinds = FailureKind
    assert [rung.name for rung in LADDER if rung.fits(moving, kinds.short)] == ["gear", "robust"]
    assert [rung.name for rung in LADDER if rung.fits(static, kinds.short)] == ["robust"]
    assert [rung.name for rung in LADDER if rung.fits(moving, kinds.crashed)] == ["again", "gear", "robust"]
    assert [rung.name for rung in LADDER if rung.fits(moving, kinds.no_output)] == ["again"]
    assert [rung.name for rung in LADDER if rung.fits(moving, kinds.missing_vector)] == []
