"""A unit's threshold shift is a shift of its gate line the other way, in ngspice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nonideal.characterize.code_spread import measured_lines
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.cells.fet import NFET, PFET
from nonideal.experiment.experiment import load_experiment
from nonideal.sky130_models import Corner, find_pdk, lean_library
from nonideal.spice import Deck, Result, SimulatorOptions, run_many

SHIFTS_V = (-0.02, 0.0, 0.02)


@pytest.mark.spice
def test_a_shifted_unit_carries_what_its_line_moved_back_does(tmp_path: Path) -> None:
    units, vectors = [], []
    for model, rail, gate_V in ((NFET, "vss", 0.47), (PFET, "vdd", 0.99)):
        for k, shift in enumerate(SHIFTS_V):
            for told, level_V, dvt in (("own", gate_V, shift), ("line", gate_V - shift, 0.0)):
                name = f"{told}_{rail}_{k}"
                units += [
                    f"Vd_{name} d_{name} 0 1.2",
                    f"Vg_{name} g_{name} 0 {level_V}",
                    f"X{name} d_{name} g_{name} {rail} {rail} {model} w=0.42 l=1 m=8 dvt={dvt}",
                ]
                vectors.append(f"i(vd_{name})")
    library = lean_library(find_pdk(), "tt", "\n".join(units) + "\n")
    text = "\n".join(
        [
            "* units",
            ".include models.spice",
            "Vdd vdd 0 1.8",
            "Vss vss 0 0",
            *units,
            f".save {' '.join(vectors)}",
            SimulatorOptions().lines() + ".op",
            ".end",
        ]
    )
    (found,) = run_many(
        [Deck("units", text + "\n", {"models.spice": library}, tuple(vectors))],
        jobs=1,
        folder=tmp_path,
        timeout_s=60,
    )
    assert isinstance(found, Result), found
    current = np.abs([float(np.real(found[vector][0])) for vector in vectors]).reshape(2, len(SHIFTS_V), 2)
    np.testing.assert_allclose(current[..., 0], current[..., 1], rtol=0.01)
    assert np.all(np.abs(np.diff(np.log(current[..., 0]), axis=1)) > 0.2)  # it moves by a quarter and more


@pytest.mark.slow
@pytest.mark.spice
def test_lines_spread_as_the_generator_is_drawn(tmp_path: Path) -> None:
    design = load_experiment("iris_mask").circuit
    assert design.generator is not None
    found = measured_lines(Workbench(find_pdk(), Corner.tt, SimulatorOptions(), 1, 60.0), design, 8, tmp_path)
    for one, line in found.items():
        assert 0.01 < line.sigma_ln < 0.1  # eight generators say no more
        step = design.generator.trim_step / design.generator.units(one)
        assert line.half_step_ln == pytest.approx(step / 2)
        assert line.half_step_ln < line.sigma_ln
