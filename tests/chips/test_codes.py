"""Chips of codes in the fast model: drawn by group of units, and trimmed by other codes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from nonideal.characterize.code_spread import CodeSpread, LineSpread
from nonideal.characterize.codes import CodedBank, Codes
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.variation import spread_of
from nonideal.chips.codes import CodedSilicon
from nonideal.circuits.cells.codes import CodedWeights

CODES = (np.array([[9, -4, 2], [3, 7, 0], [-2, 5, 6]]), np.array([[5, -7, 2], [4, 3, -1]]))
FULL_SCALES = (0.9, 1.2)
SIGMA_V = 0.01


def silicon(
    model: PhysicalModel, storage: CodedWeights, sigma_V: float, lines: tuple[float, float]
) -> CodedSilicon:
    """Of units whose lowest bit spreads so much, and of the shared model's neurons; no neuron spreads where units do not.

    ``lines``: their sigma, and half a step.
    """
    bank = CodedBank(
        lambda_ratio=(1.0,), current_ratio=(1.0,) * 15, lambda_spread=0.0, inl_lsb=0.0, off_A=0.0, rest_A=0.0
    )
    codes = Codes(bits=4, full_scale=0.8, lowest=0.1, highest=3.0, positive=bank, negative=bank)
    known = spread_of(model)
    units = {
        f"{bank}{bit}": sigma_V / np.sqrt(2.0**bit)
        for bank in ("MN", "MP")
        for bit in (3, 1, 0, 2)  # in no order
    }
    neuron = {path: one * (sigma_V > 0) for path, one in known.sigmas["neuron"].items()}
    sigmas = {"synapse": units | {"MNS": 0.1}, "neuron": neuron, "driver": {}}
    line = LineSpread(sigma_ln=lines[0], half_step_ln=lines[1])
    spread = CodeSpread(sigmas=sigmas, neuron=known.neuron, lines={"n": line, "p": line}, seed=1)
    return CodedSilicon(model.model_copy(update={"codes": codes}), spread, storage, CODES, FULL_SCALES)


def label_of(times: list[NDArray[np.float64]]) -> NDArray[np.int64]:
    """What the nominal chip decides."""
    return np.asarray(np.argmin(times[-1], axis=1), np.int64)


def test_a_chip_without_mismatch_is_the_nominal_one(
    chip_model: PhysicalModel, storage: CodedWeights, samples: Tensor
) -> None:
    still = silicon(chip_model, storage, 0.0, (0.0, 0.0))
    nominal = still.spike_times(still.nominal(), still.codes, samples)
    for trimmed in (False, True):
        drawn = still.spike_times(still.drawn(4, trimmed=trimmed), still.codes, samples)
        for one, other in zip(drawn, nominal, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-9)
    for layer, code, full in zip(still.nominal(), CODES, FULL_SCALES, strict=True):
        np.testing.assert_allclose(layer.weights(code), code * full / 15, rtol=1e-9)


def test_units_spread_as_their_number_says(chip_model: PhysicalModel, storage: CodedWeights) -> None:
    one = silicon(chip_model, storage, SIGMA_V, (0.0, 0.0))
    nominal = one.nominal()[0].positive
    ln = np.array([np.log(one.drawn(seed, trimmed=False)[0].positive / nominal) for seed in range(200)])
    # What moves all of a chip goes out of the difference of two groups.
    apart = [float((ln[..., bit] - ln[..., 3]).std()) for bit in (0, 1)]
    assert apart[0] / apart[1] == pytest.approx(np.sqrt((1 + 1 / 8) / (1 / 2 + 1 / 8)), rel=0.1)
    again = one.drawn(3, trimmed=False)[0].positive
    np.testing.assert_array_equal(again, one.drawn(3, trimmed=False)[0].positive)
    assert not np.allclose(again, one.drawn(4, trimmed=False)[0].positive)


def test_other_codes_bring_a_chip_nearer_to_the_nominal_one(
    chip_model: PhysicalModel, storage: CodedWeights, samples: Tensor
) -> None:
    one = silicon(chip_model, storage, SIGMA_V, (0.06, 0.017))
    wanted = one.spike_times(one.nominal(), one.codes, samples)
    errors = []
    for seed in range(3):
        chip = one.drawn(seed, trimmed=True)
        found = one.trimmed_codes(chip, samples, wanted, label_of(wanted), 2)
        assert all(np.abs(code).max() <= 15 for code in found)
        for codes in (one.codes, found):
            times = one.spike_times(chip, codes, samples)
            apart = [np.clip(a, 0, 1) - np.clip(b, 0, 1) for a, b in zip(times, wanted, strict=True)]
            errors.append(float(np.sqrt(np.mean(apart[0] ** 2))))
    assert np.mean(errors[1::2]) < 0.6 * np.mean(errors[::2])


def test_of_the_nominal_chip_no_code_changes(
    chip_model: PhysicalModel, storage: CodedWeights, samples: Tensor
) -> None:
    one = silicon(chip_model, storage, 0.0, (0.0, 0.0))
    inputs = torch.clamp(samples, max=0.9)
    wanted = one.spike_times(one.nominal(), one.codes, inputs)
    found = one.trimmed_codes(one.nominal(), inputs, wanted, label_of(wanted), 2)
    times = one.spike_times(one.nominal(), found, inputs)
    apart = np.clip(times[0], 0, 1) - np.clip(wanted[0], 0, 1)
    assert float(np.abs(apart).max()) < 5e-3
