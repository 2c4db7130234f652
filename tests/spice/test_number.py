"""Numbers with engineering suffixes, as decks, libraries and extracted netlists have them."""

from __future__ import annotations

import pytest

from nonideal.spice.number import number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5u", 1.5e-6),
        ("3MEG", 3e6),
        ("2m", 2e-3),
        ("1mil", 25.4e-6),
        ("0.15um", 0.15e-6),
        ("10F", 1e-14),
        ("5V", 5.0),
        ("-2.5n", -2.5e-9),
        ("4.148E-09", 4.148e-9),
        (".5", 0.5),
        ("7.", 7.0),
    ],
)
def test_number(text: str, value: float) -> None:
    assert number(text) == pytest.approx(value, rel=1e-15, abs=0)


@pytest.mark.parametrize(
    "text", ["", "u", "1.2.3", "0x10", "--1", "1 2", "w", "1e999", "nan", "inf", "1_000", "\u0661"]
)
def test_no_number(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a number|is too large"):
        number(text)
