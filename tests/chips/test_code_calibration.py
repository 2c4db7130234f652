"""A chip of codes that is measured by inferences alone and trimmed; the bench is the fast model of a drawn chip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from nonideal.characterize.model import PhysicalModel
from nonideal.chips.code_calibration import CodeCalibration, calibrate_codes
from nonideal.chips.codes import CodedLayer, CodedSilicon, Settings
from nonideal.circuits.cells.codes import CodedWeights
from tests.chips.test_codes import label_of, silicon

Array = NDArray[np.float64]
SEED = 2
TRIMS = dict.fromkeys("np", np.exp(0.034 * np.arange(-7, 8)))


@dataclass
class FastBench:
    """A drawn chip in the fast model."""

    silicon: CodedSilicon
    chip: Sequence[CodedLayer]

    def spike_times_norm(self, codes: Sequence[Sequence[NDArray[np.int64]]], inputs: Array) -> list[Array]:
        rows = [
            self.silicon.spike_times(self.chip, mine, torch.from_numpy(row[None]))
            for mine, row in zip(codes, inputs, strict=True)
        ]
        return [np.concatenate(layer) for layer in zip(*rows, strict=True)]


@pytest.fixture(scope="module")
def drawn(chip_model: PhysicalModel, storage: CodedWeights) -> CodedSilicon:
    return silicon(chip_model, storage, 0.01, (0.06, 0.017))


@pytest.fixture(scope="module")
def settings(drawn: CodedSilicon) -> Settings:
    return drawn.settings(SEED, trimmed=False)


def calibrated(
    one: CodedSilicon, settings: Settings, samples: Tensor, *, other_codes: bool, inferences: int
) -> CodeCalibration:
    wanted = one.spike_times(one.nominal(), one.codes, samples)
    bench = FastBench(one, one.made(one.chip(SEED), settings))
    known = samples.double().numpy(), label_of(wanted), 2
    return calibrate_codes(
        one, settings, bench, known, inferences=inferences, seed=1, line_trims=TRIMS, other_codes=other_codes
    )


@pytest.fixture(scope="module")
def trimmed(drawn: CodedSilicon, settings: Settings, samples: Tensor) -> CodeCalibration:
    return calibrated(drawn, settings, samples, other_codes=True, inferences=32)


def test_inferences_tell_what_a_chip_weighs(
    drawn: CodedSilicon, settings: Settings, trimmed: CodeCalibration
) -> None:
    truth, nominal = drawn.made(drawn.chip(SEED), settings), drawn.nominal()
    assert trimmed.spikes > 0.7 * 32 * 5
    assert trimmed.residual_norm < 1e-3
    for measured, there, start in zip(trimmed.measured, truth, nominal, strict=True):
        before, after = (np.log(one.positive / there.positive) for one in (start, measured))
        assert np.sqrt(np.mean(after**2)) < 0.5 * np.sqrt(np.mean(before**2))
        np.testing.assert_allclose(measured.neurons.ramp, there.neurons.ramp, rtol=0.04)


def test_a_trimmed_chip_spikes_as_the_nominal_one(
    drawn: CodedSilicon, settings: Settings, trimmed: CodeCalibration, samples: Tensor
) -> None:
    wanted = drawn.spike_times(drawn.nominal(), drawn.codes, samples)
    before, after = (drawn.made(drawn.chip(SEED), one) for one in (settings, trimmed.settings))
    errors = []
    for chip, codes in ((before, drawn.codes), (after, trimmed.codes)):
        times = drawn.spike_times(chip, codes, samples)
        errors.append(np.sqrt(np.mean((np.clip(times[0], 0, 1) - np.clip(wanted[0], 0, 1)) ** 2)))
    assert trimmed.changed > 0
    assert errors[1] < 0.5 * errors[0]


def test_a_mask_keeps_its_codes_and_has_its_lines_trimmed(
    drawn: CodedSilicon, settings: Settings, samples: Tensor
) -> None:
    found = calibrated(drawn, settings, samples, other_codes=False, inferences=4)
    assert found.changed == 0
    for mine, its in zip(found.codes, drawn.codes, strict=True):
        np.testing.assert_array_equal(mine, its)
    wanted = drawn.spike_times(drawn.nominal(), drawn.codes, samples)
    errors = []
    for one in (settings, found.settings):
        times = drawn.spike_times(drawn.made(drawn.chip(SEED), one), drawn.codes, samples)
        errors.append(np.sqrt(np.mean((np.clip(times[0], 0, 1) - np.clip(wanted[0], 0, 1)) ** 2)))
    assert errors[1] < 0.5 * errors[0]


def test_a_mask_is_measured_by_its_own_codes(
    drawn: CodedSilicon, settings: Settings, samples: Tensor
) -> None:
    chip = drawn.made(drawn.chip(SEED), settings)

    class OfAMask(FastBench):
        def spike_times_norm(
            self, codes: Sequence[Sequence[NDArray[np.int64]]], inputs: Array
        ) -> list[Array]:
            assert len(codes) == 4
            assert all(mine is drawn.codes for mine in codes)
            return super().spike_times_norm(codes, inputs)

    known = samples.double().numpy(), np.zeros(len(samples), np.int64), 2
    calibrate_codes(
        drawn, settings, OfAMask(drawn, chip), known, inferences=4, seed=1, line_trims=TRIMS, other_codes=False
    )  # fmt: skip
