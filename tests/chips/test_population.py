"""Many chips: a chip is its seed, however many processes draw it; trimmed ones do better."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from joblib import parallel_config
from torch import Tensor

from nonideal.characterize.errors import NoSpread
from nonideal.characterize.jitter import network_noise
from nonideal.characterize.model import PhysicalModel
from nonideal.chips.options import CalibrationOptions
from nonideal.chips.population import Noisy, Population, population, without
from nonideal.chips.silicon import NoiseDraw, Silicon
from nonideal.chips.written import WrittenBiases
from nonideal.postlayout.prediction import decide
from nonideal.stages.population import population_summary

SEEDS = range(40, 70)


@pytest.fixture(scope="module")
def task(silicon: Silicon, written: WrittenBiases) -> tuple[Tensor, np.ndarray]:
    """Samples that the nominal chip decides, each with its decision as label."""
    times = torch.from_numpy(np.random.default_rng(11).uniform(0.0, 1.0, (200, 3)))
    label = decide(silicon.spike_times(written, None, times)[-1], 2)
    return times[label >= 0], label[label >= 0]


@pytest.fixture(scope="module")
def as_written(
    chip_model: PhysicalModel, written: WrittenBiases, task: tuple[Tensor, np.ndarray]
) -> Population:
    return population(chip_model, written, *task, 2, SEEDS)


def test_a_chip_is_its_seed(
    chip_model: PhysicalModel, written: WrittenBiases, task: tuple[Tensor, np.ndarray], as_written: Population
) -> None:
    assert as_written.seeds == tuple(SEEDS)
    assert as_written.samples == len(task[1])
    some = population(chip_model, written, *task, 2, [55, 41])
    assert list(some.accuracy) == [as_written.accuracy[15], as_written.accuracy[1]]


def test_processes_change_nothing(
    chip_model: PhysicalModel, written: WrittenBiases, task: tuple[Tensor, np.ndarray], as_written: Population
) -> None:
    done: list[int] = []
    with parallel_config(backend="threading"):
        found = population(chip_model, written, *task, 2, SEEDS, jobs=3, advance=done.append)
    assert np.array_equal(found.accuracy, as_written.accuracy)
    assert done[-1] == len(SEEDS)
    assert done == sorted(done)


def test_mismatch_costs_accuracy_and_trimming_gives_it_back(
    chip_model: PhysicalModel, written: WrittenBiases, task: tuple[Tensor, np.ndarray], as_written: Population
) -> None:
    trimmed = population(
        chip_model, written, *task, 2, SEEDS[:10], calibration=CalibrationOptions(bias_dac_bits=10)
    )
    # Single precision may decide a tie the other way.
    assert as_written.nominal == trimmed.nominal > 0.99
    assert as_written.accuracy.mean() < 0.97
    assert trimmed.accuracy.mean() > as_written.accuracy[:10].mean()
    assert trimmed.accuracy.min() > 0.95


def test_noise_is_drawn_by_the_chips_own_seed_and_moves_close_decisions(
    chip_model: PhysicalModel,
    noisy_model: PhysicalModel,
    written: WrittenBiases,
    task: tuple[Tensor, np.ndarray],
    as_written: Population,
) -> None:
    model = chip_model.model_copy(update={"noise": noisy_model.noise})
    layers = network_noise(model, written.topology.layers)
    noise = Noisy(layers, 4)
    found = population(model, written, *task, 2, SEEDS[:6], noise=noise)
    again = population(model, written, *task, 2, SEEDS[2:6], noise=noise)
    assert list(again.accuracy) == list(found.accuracy[2:])
    quiet = as_written.accuracy[:6]
    assert not np.array_equal(found.accuracy, quiet)
    assert np.abs(found.accuracy - quiet).max() < 0.05
    # What mismatch does to spikes is told without noise.
    assert as_written.off_nominal_s is not None
    assert 1e-9 < as_written.off_nominal_s < 5e-7
    assert found.off_nominal_s == population(model, written, *task, 2, SEEDS[:6]).off_nominal_s


def test_spikes_of_a_chip_jitter_as_the_closed_form_says(
    chip_model: PhysicalModel, noisy_model: PhysicalModel, silicon: Silicon, written: WrittenBiases
) -> None:
    noise = network_noise(chip_model.model_copy(update={"noise": noisy_model.noise}), written.topology.layers)
    times = torch.tensor([[0.2, 0.4, 0.6]]).repeat(4000, 1)
    drawn = silicon.spike_times(
        written, None, times, torch.float32, NoiseDraw(noise, torch.Generator().manual_seed(1))
    )[0]
    quiet = silicon.spike_times(written, None, times[:1], torch.float32)[0][0]
    for k in np.flatnonzero((quiet > 0.05) & (quiet < 0.95)):
        assert drawn[:, k].mean() == pytest.approx(quiet[k], abs=5e-4)
        assert 1e-3 < drawn[:, k].std() < 8e-3


def test_a_model_without_mismatch_is_refused_before_any_chip(
    chip_model: PhysicalModel, written: WrittenBiases, task: tuple[Tensor, np.ndarray]
) -> None:
    bare = chip_model.model_copy(update={"spread": None})
    with pytest.raises(NoSpread, match=r"characterize\.draws"):
        population(bare, written, *task, 2, [0])


def test_a_chip_whose_simulation_failed_counts_and_does_not_pass() -> None:
    found = Population((7, 8, 9, 10), np.array([0.9, 0.9, 0.9, 0.5]), 0.9, 10)
    row = population_summary(without(found, [8]), 0.02)
    assert (row.passed, row.chips, row.accuracy_min, row.accuracy_max) == (2, 4, 0.5, 0.9)
    none = population_summary(without(found, [7, 8, 9, 10]), 0.02)
    assert (none.share, none.accuracy_mean) == (0.0, None)
