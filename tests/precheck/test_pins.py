"""Rules of the analog pins and of the digital outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.precheck.tiles import TEMPLATE, TIE_Y, USED, draft, info, judge


def test_a_pin_that_is_wired_but_not_declared_is_found(tmp_path: Path) -> None:
    tile = draft()
    second = TEMPLATE.analog[1]
    tile.rect("met4", second.x0_um, 0.0, second.x1_um, 5.0)
    found = judge(tile, tmp_path, "analog pins")
    assert found.state == "fail"
    assert (
        found.places[0].what == "ua[1]: metal touches it, analog_pins is 1, the pinout does not describe it"
    )
    tile.info = info(2)
    assert judge(tile, tmp_path, "analog pins").found == "2 of 8 connected, declared and described"


def test_a_via_over_a_pin_connects_it(tmp_path: Path) -> None:
    tile = draft()
    third = TEMPLATE.analog[2]
    tile.rect("via3", third.x0_um + 0.2, 0.4, third.x0_um + 0.4, 0.6)
    assert "ua[2]: metal touches it" in judge(tile, tmp_path, "analog pins").found


def test_a_pin_that_is_declared_but_open_is_found(tmp_path: Path) -> None:
    tile = draft()
    tile.info = info(2)
    assert "ua[1]: metal does not touch it, analog_pins is 2" in judge(tile, tmp_path, "analog pins").found


def test_a_pin_that_is_not_described_is_found(tmp_path: Path) -> None:
    tile = draft()
    tile.info = tile.info.replace("an open wire, ESD by the pad alone", "")
    assert "the pinout does not describe it" in judge(tile, tmp_path, "analog pins").found


def test_more_than_six_are_refused(tmp_path: Path) -> None:
    tile = draft()
    for pin in TEMPLATE.analog[USED:7]:
        tile.rect("met4", pin.x0_um, 0.0, pin.x1_um, 5.0)
    tile.info = info(7)
    found = judge(tile, tmp_path, "analog pins")
    assert (found.state, found.found) == ("fail", "analog_pins is 7, at most 6")


@pytest.mark.parametrize(
    "line", ["ua[0]: ESD by the pad", "ua[0..2]: esd in the pad", "| `ua[0]` | ESD: none |"]
)
def test_a_word_on_esd_may_stand_in_the_documents(tmp_path: Path, line: str) -> None:
    tile = draft()
    tile.info = tile.info.replace("ESD by the pad alone", "analog")
    found = judge(tile, tmp_path, "ESD")
    assert (found.state, found.found) == ("fail", "nothing on ESD of ua[0] in info.yaml")
    tile.others["info.md"] = line
    assert judge(tile, tmp_path, "ESD").state == "pass"


def test_an_output_that_no_wire_leaves_is_found(tmp_path: Path) -> None:
    tile = draft()
    pin = TEMPLATE.pin("uio_oe[3]")
    centre = (pin.x0_um + pin.x1_um) / 2
    tile.drop(71, 20, (centre, TIE_Y + 2.0))
    found = judge(tile, tmp_path, "outputs")
    assert (found.state, found.count) == ("fail", 1)
    assert found.places[0].what == "uio_oe[3]: no wire leaves it"
    assert found.places[0].x_um == pytest.approx(centre)
    tile.drop(71, 20, (centre, 225.5))
    assert judge(tile, tmp_path, "outputs").places[0].what == "uio_oe[3]: no metal on it"


def test_an_output_whose_wire_leads_nowhere_is_found(tmp_path: Path) -> None:
    tile = draft()
    pin = TEMPLATE.pin("uo_out[0]")
    tile.drop(70, 44, ((pin.x0_um + pin.x1_um) / 2, TIE_Y))
    assert judge(tile, tmp_path, "outputs").places[0].what == "uo_out[0]: its wire ends without a via"


def test_an_output_on_a_supply_stripe_is_tied(tmp_path: Path) -> None:
    tile = draft()
    pin = TEMPLATE.pin("uio_oe[7]")
    centre = (pin.x0_um + pin.x1_um) / 2
    tile.drop(70, 44, (centre, TIE_Y))
    tile.rect("met4", 2.0, 221.0, pin.x1_um, 221.4)
    tile.rect("met4", 2.0, 215.0, 2.4, 221.4)
    assert judge(tile, tmp_path, "outputs").state == "pass"
