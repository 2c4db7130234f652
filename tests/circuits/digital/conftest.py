"""The control of a 5-5-5 network at 50 MHz, as Verilog and as cells."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from nonideal.circuits.design import Design
from nonideal.circuits.digital.control import Control
from nonideal.circuits.digital.errors import ToolMissing
from nonideal.circuits.digital.netlist import Netlist
from nonideal.circuits.digital.synthesis import synthesised, yosys
from nonideal.circuits.generator.generator import Generator

TIMING = {"t_circ_s": 1e-6, "hold_s": 20e-9, "guard_s": 60e-9, "reset_s": 200e-9}
CLOCK_S = 20e-9
LAYERS = (5, 5, 5)


def made(
    layers: tuple[int, ...] = LAYERS, clock_s: float = CLOCK_S, *, bias: bool = False, **timing: float
) -> Control:
    design = Design.model_validate({"synapse": {"kind": "coded"}, "generator": {}, "timing": TIMING | timing})
    assert design.generator is not None
    return Control.of(
        layers, Generator.of(design.generator, design, layers), design.timing, clock_s, bias=bias
    )


@pytest.fixture(scope="session")
def control() -> Control:
    return made()


@pytest.fixture(scope="session")
def icarus() -> None:
    if shutil.which("iverilog") is None:
        pytest.skip("needs Icarus Verilog (apt-get install iverilog)")


@pytest.fixture(scope="session")
def netlist(control: Control, tmp_path_factory: pytest.TempPathFactory) -> Netlist:
    try:
        yosys()
    except ToolMissing as missing:
        pytest.skip(str(missing))
    return synthesised(control, Path(tmp_path_factory.mktemp("synthesis")))
