"""The demo board's side of the bring-up, beside a stand-in for the shuttle's package: which pins it drives."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from nonideal.tapeout import bringup

BOTH = (*(f"ui_in[{k}]" for k in range(5)), "uio_in[0]", "uio_in[1]", "uio_in[2]")


@pytest.mark.parametrize(("pins", "driven"), [(BOTH[:5], 0), (BOTH, 0b111)])
def test_bidirectional_pins_are_driven_where_they_are_inputs(
    monkeypatch: pytest.MonkeyPatch, pins: tuple[str, ...], driven: int
) -> None:
    there: Any = SimpleNamespace(
        shuttle=SimpleNamespace(tt_um_one=SimpleNamespace(enable=lambda: None)),
        uio_oe_pico=SimpleNamespace(value=None),
        clock_project_PWM=lambda hertz: None,
        ui_in=[0] * 8,
        uio_in=[0] * 8,
    )
    package: Any = ModuleType("ttboard.demoboard")
    package.DemoBoard = SimpleNamespace(get=lambda: there)
    monkeypatch.setitem(sys.modules, "ttboard", ModuleType("ttboard"))
    monkeypatch.setitem(sys.modules, "ttboard.demoboard", package)
    pins_of = runpy.run_path(str(Path(bringup.__file__).with_name("board.py")))["Pins"]
    made = pins_of({"top": "tt_um_one", "clock_ns": 20.0, "input_pins": list(pins)})
    assert there.uio_oe_pico.value == driven
    made.set("uio_in[2]", 1)
    assert there.uio_in == [0, 0, 1, 0, 0, 0, 0, 0]
