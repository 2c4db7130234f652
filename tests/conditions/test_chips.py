"""Drawn chips in other conditions: failures are counted, and real chips are simulated where they stand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nonideal.characterize.condition import Condition
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.conditions.chips import DrawnChips
from nonideal.conditions.network import Task
from nonideal.conditions.survey import Reference
from nonideal.sky130_models import Corner

HOME, COLD = Condition(Corner.tt, 27.0), Condition(Corner.tt, -40.0)
TASK = Task(
    (np.full((4, 3), 0.4), np.array([[0.3, 0.3, 0.3, 0.3], [0.1, 0.2, 0.1, 0.2]])),
    np.array([[0.1, 0.4, 0.2], [0.7, 0.2, 0.1]]),
    np.array([0, 0]),
    classes=2,
)


@pytest.fixture
def drawn(make_workbench: Callable[..., Workbench], chip_model: PhysicalModel, tmp_path: Path) -> DrawnChips:
    return DrawnChips(
        make_workbench(), Design(), chip_model, Reference(HOME, 0.95, 0.55, 1e-7), TASK, tmp_path / "decks"
    )


@pytest.mark.spice
def test_a_simulation_that_fails_is_not_right(
    drawn: DrawnChips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "ngspice"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "** ngspice-99.1 :" && exit 0\nexit 1\n')
    broken.chmod(0o755)
    monkeypatch.setenv("NONIDEAL_NGSPICE", str(broken))
    (one,) = drawn.at(HOME, [3], 2)
    assert (one.chip, one.samples, one.failed, one.right, one.silent) == (3, 2, 2, 0, 0)
    assert "there_0000" in one.problem


@pytest.mark.slow
@pytest.mark.spice
def test_real_chips_stand_where_they_are_asked_for(drawn: DrawnChips) -> None:
    """At home a drawn chip fires; at -40 °C, on the same biases, it is silent. The first deck of each says so."""
    at_home, in_the_cold = (drawn.at(condition, [0], 1) for condition in (HOME, COLD))
    assert [one.failed for one in (*at_home, *in_the_cold)] == [0] * 2
    assert [one.silent for one in at_home] == [0]
    assert [one.silent for one in in_the_cold] == [1]
    for name, temperature in (("tt_27", ".temp 27"), ("tt_-40", ".temp -40")):
        assert temperature in (drawn.folder / name / "chip_0" / "there_0000.cir").read_text()
