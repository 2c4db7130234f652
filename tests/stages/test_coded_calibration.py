"""The check of a calibrated chip of codes: what failed in SPICE is counted, and no number stands for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from nonideal.characterize.model import PhysicalModel
from nonideal.chips.codes import CodedSilicon
from nonideal.circuits.cells.codes import coded_weights
from nonideal.circuits.design import Design
from nonideal.spice import Failure
from nonideal.spice.errors import FailureKind
from nonideal.stages.coded_calibration import checked
from tests.chips.test_codes import label_of, silicon

SEED = 3


@pytest.fixture(scope="module")
def drawn(chip_model: PhysicalModel) -> CodedSilicon:
    design = Design.model_validate({"synapse": {"kind": "coded", "bits": 4, "storage": "mask"}})
    return silicon(chip_model, coded_weights(design.contracts.synapse.storage), 0.01, (0.06, 0.017))


@pytest.mark.parametrize("failing", [(), (1,), (0, 1, 2, 3)])
def test_failed_samples_of_a_chip_are_counted(drawn: CodedSilicon, failing: tuple[int, ...]) -> None:
    x = torch.from_numpy(np.random.default_rng(1).uniform(0.0, 0.5, (4, 3)))
    settings = drawn.settings(SEED, trimmed=True)
    its_own = drawn.made(drawn.chip(SEED), settings)

    def run(codes: list[Any], inputs: Any, name: str) -> list[Any]:
        times = drawn.spike_times(its_own, drawn.codes, torch.from_numpy(inputs))
        return [
            Failure(name, FailureKind.crashed, "no result", (), Path())
            if k in failing
            else [layer[k] * drawn.model.t_circ_s for layer in times]
            for k in range(len(codes))
        ]

    chip: Any = SimpleNamespace(silicon=drawn, chip=SimpleNamespace(seed=SEED), settings=settings, run=run)
    label = torch.from_numpy(label_of(drawn.spike_times(its_own, drawn.codes, x)))
    dataset: Any = SimpleNamespace(test_x=x, test_y=label, classes=2)
    work: Any = SimpleNamespace(
        experiment=SimpleNamespace(chips=SimpleNamespace(spice_samples=4)),
        context=SimpleNamespace(console=SimpleNamespace(print=lambda text: None)),
    )
    found = checked(work, chip, drawn.codes, dataset, "trimmed")
    assert found.failed == len(failing)
    assert found.right <= 4 - len(failing)
    if len(failing) == 4:
        assert (found.right, found.off_nominal_rms_s, found.fast_model_rmse_s) == (0, None, None)
    else:
        assert found.fast_model_rmse_s == pytest.approx(0.0, abs=1e-15)
        assert found.off_nominal_rms_s is not None
