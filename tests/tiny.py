"""An experiment small enough for tests, and models of round numbers: for the rooms experiment, runs, stages, report and cli."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nonideal.characterize.model import Branch, Estimate, PhysicalModel
from nonideal.experiment.experiment import Experiment, parse_experiment

TINY = {
    "name": "tiny",
    "training": {
        "layers": [5, 3, 3],
        "variants": ["ann", "pnn"],
        "seeds": [1, 2],
        "epochs": 3,
        "tensorboard": False,
    },
    "netlist": {"clip": True},
    "validation": {"samples": 5, "mappings": ["ann", "pnn"]},
}


def _estimate(value: float, unit: str) -> Estimate:
    return Estimate(value=value, stderr=abs(value) * 1e-3, unit=unit)


def _branch(lambda_per_V: float, bias_V: tuple[float, ...], off_bias_V: float) -> Branch:
    currents = np.geomspace(1e-12, 5e-7, len(bias_V))
    return Branch(
        lambda_per_V=_estimate(lambda_per_V, "1/V"),
        lambda_polynomial_per_V=(lambda_per_V,),
        lambda_polynomial_rms_per_V=0.0,
        ln_current=tuple(np.log(currents)),
        bias_V=bias_V,
        off_bias_V=off_bias_V,
        linearity_rms=1e-3,
        current_min_A=currents[0],
        current_max_A=currents[-1],
    )


@pytest.fixture
def paper_model() -> PhysicalModel:
    """The paper's table (section 6), as a model."""
    return PhysicalModel(
        corner="tt",
        temperature_C=27.0,
        vdd_V=1.8,
        t_circ_s=1e-6,
        v_0_V=_estimate(1.3, "V"),
        v_switch_V=_estimate(0.428, "V"),
        sensing_delay_s=_estimate(1e-9, "s"),
        membrane_F=_estimate(140e-15, "F"),
        membrane_per_axon_F=_estimate(2e-15, "F"),
        axons=5,
        lambda_dis_per_V=_estimate(0.177, "1/V"),
        discharge_norm=_estimate(0.872 * 0.177, "1"),
        vdis_V=0.554,
        vsense_V=0.95,
        positive=_branch(0.41, tuple(np.linspace(0.2, 0.8, 13)), 0.0),
        negative=_branch(0.75, tuple(np.linspace(1.6, 0.9, 13)), 1.8),
        valid_V=(0.43, 1.36),
        additivity_error=1e-9,
        provenance={},
    )


@pytest.fixture
def tiny() -> Experiment:
    """An experiment that trains in a moment."""
    return parse_experiment(TINY, "tiny.toml")


@pytest.fixture
def write_toml(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write an experiment file and give its path."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
