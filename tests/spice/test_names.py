"""What may reach a deck."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonideal.spice import BadDeck, Deck, SimulatorOptions, UnsafeName, check_name, check_net

ALLOWED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"


@given(st.text(alphabet=ALLOWED, min_size=1, max_size=64))
def test_plain_names_pass_unless_they_start_or_end_badly(name: str) -> None:
    fine = name[0].isalpha() or name[0] == "_"
    fine = fine and ".." not in name and not name.endswith(".")
    if fine:
        assert check_name(name) == name
    else:
        with pytest.raises(UnsafeName):
            check_name(name)


@given(
    st.text(alphabet=ALLOWED, max_size=20), st.characters(exclude_characters=ALLOWED), st.text(max_size=20)
)
def test_any_other_character_anywhere_is_refused(before: str, odd: str, after: str) -> None:
    for check in (check_name, check_net):
        with pytest.raises(UnsafeName):
            check(before + odd + after)


@given(st.text())
def test_what_passes_is_one_word_of_a_card_and_one_file_in_its_folder(name: str) -> None:
    try:
        check_name(name)
    except UnsafeName:
        return
    assert re.fullmatch(r"[A-Za-z_][\w.-]{0,63}", name, re.ASCII)
    assert name.split() == [name]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("a" * 65, "65 characters; at most 64"),
        ("a\n.control\nshell rm -rf x\n.endc", r"'\\n' is not allowed"),
        ("../x", "'/' is not allowed"),
        ("a..b", "`..`"),
        ("1st", "must start with a letter"),
        ("-rf", "must start with a letter"),
        (".spiceinit", "must start with a letter"),
        ("weiß", "'ß' is not allowed"),
    ],
)
def test_the_error_says_why(name: str, why: str) -> None:
    with pytest.raises(UnsafeName, match=why):
        check_name(name)


def test_nets() -> None:
    assert [check_net(name) for name in ("0", "vss", "x1.n3", "12")] == ["0", "vss", "x1.n3", "12"]
    for name in ("gnd", "GND", "Gnd"):
        with pytest.raises(UnsafeName, match="call the ground net `vss`"):
            check_net(name)


@pytest.mark.parametrize(
    ("text", "t_stop_s", "why"),
    [
        ("* t\n.tran 1n 1u\n", None, "t_stop_s"),
        ("* t\n.op\n", 1e-6, "t_stop_s"),
        ("* t\n.tran 1n 1u\n", 2e-6, "ends at 1e-06 s"),
        ("* t\n.tran 1n 1u\n.tran 1n 1u\n", 1e-6, "more than one .tran"),
        ("* t\n.tran 1n {stop}\n", 1e-6, "is not a number"),
        ("* t\n.dc V1 0 1 -0.1\n", None, "does not lead"),
        ("* t\n.dc V1 0 1\n", None, "needs source"),
        ("* t\n.noise v(a) V1 dec 10 1 1k\n", None, "1 for the parts of each device"),
        ("* t\n.noise v(a) V1 log 10 1 1k 1\n", None, "lin, dec or oct"),
        ("* t\n.sens v(a)\n", None, "no line of a deck"),
        ("* t\nV1 a 0 1\n", None, "no analysis"),
        (".include m.lib\n.op\n", None, "first line is the title"),
        ("* t\n.include other.lib\n.op\n", None, "'other.lib', which is not among"),
    ],
)
def test_a_deck_that_could_not_be_judged_is_refused(text: str, t_stop_s: float | None, why: str) -> None:
    with pytest.raises(BadDeck, match=why):
        Deck("a", text, vectors=("v(a)",), t_stop_s=t_stop_s)


def test_a_deck_needs_vectors_and_a_safe_name_and_safe_files() -> None:
    with pytest.raises(BadDeck, match="no vectors"):
        Deck("a", "* t\n.op\n")
    with pytest.raises(UnsafeName):
        Deck("a/b", "* t\n.op\n", vectors=("v(a)",))
    with pytest.raises(UnsafeName):
        Deck("a", "* t\n.op\n", {".spiceinit": "shell touch hacked"}, ("v(a)",))
    with pytest.raises(BadDeck, match="runs write and read files of other endings"):
        Deck("a", "* t\n.op\n", {"a.cir": "* x"}, ("v(a)",))


def test_the_key_is_of_the_content_not_of_the_name() -> None:
    text = "* t\n.include m.lib\n.op\n"
    deck = Deck("a", text, {"m.lib": "* 1"}, ("v(a)",))
    others = [
        Deck("a", text + "* more\n", {"m.lib": "* 1"}, ("v(a)",)),
        Deck("a", text, {"m.lib": "* 2"}, ("v(a)",)),
        Deck("a", text, {"m.lib": "* 1"}, ("v(b)",)),
    ]
    assert deck.key("39") == Deck("b", text, {"m.lib": "* 1"}, ("v(a)",)).key("39")
    assert len({deck.key("39"), deck.key("45"), *(other.key("39") for other in others)}) == 5


def test_options() -> None:
    options = SimulatorOptions()
    assert options.lines() == (
        ".options method=trap reltol=0.00015 abstol=1e-14 vntol=1e-06 chgtol=1e-15 gmin=1e-15 bypass=0\n"
        ".temp 27\n"
    )
    assert options.tran(2e-6, uic=True) == ".tran 1e-08 2e-06 0 1e-08 uic\n"
    tight = options.tightened(4)
    assert (tight.reltol, tight.max_step_s, tight.chgtol_C) == (3.75e-5, 2.5e-9, 2.5e-16)
    assert (tight.gmin_S, tight.temperature_C) == (options.gmin_S, options.temperature_C)
    for wrong in (
        {"reltol": 0.5},
        {"chgtol_C": float("nan")},
        {"max_step_s": 10.0},
        {"temperature_C": 400.0},
    ):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} = .*must lie between"):
            SimulatorOptions(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must be above 1"):
        options.tightened(1)
