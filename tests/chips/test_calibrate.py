"""Trimming a chip in the fast model: how near it comes, what it counts, and that it never does harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from nonideal.characterize.model import PhysicalModel
from nonideal.chips.calibrate import SIGMAS, Calibration, FastBench, calibrate, converters
from nonideal.chips.options import CalibrationOptions
from nonideal.chips.silicon import Silicon
from nonideal.chips.written import WrittenBiases
from nonideal.circuits.network.chip import Chip, Sigmas, draw
from nonideal.circuits.network.netlist import Topology

Array = NDArray[np.float64]
Trim = Callable[..., Calibration]
SYNAPSES, NEURONS, DEPTH = 20, 6, 2


@dataclass
class Watched:
    """The bench of a chip, with its calls counted; ``dead`` neurons of the first layer are never seen."""

    inner: FastBench
    dead: tuple[int, ...] = ()
    currents: list[WrittenBiases] = field(default_factory=list)
    times: list[tuple[WrittenBiases, float]] = field(default_factory=list)

    def currents_A(self, written: WrittenBiases) -> list[Array]:
        self.currents.append(written)
        return self.inner.currents_A(written)

    def spike_times_norm(self, written: WrittenBiases, start: float) -> list[Array]:
        self.times.append((written, start))
        seen = self.inner.spike_times_norm(written, start)
        seen[0] = seen[0].copy()
        seen[0][list(self.dead)] = np.inf
        return seen


@pytest.fixture
def bench(silicon: Silicon, chip: Chip) -> Watched:
    return Watched(FastBench(silicon, chip))


@pytest.fixture
def trim(chip_model: PhysicalModel, written: WrittenBiases, bench: Watched) -> Trim:
    def trimmed(**options: object) -> Calibration:
        return calibrate(chip_model, written, bench, CalibrationOptions.model_validate(options))

    return trimmed


def rms_error(found: Calibration) -> float:
    errors = np.concatenate([layer.ravel() for layer in found.error_ln])
    return float(np.sqrt(np.nanmean(errors**2)))


def late(found: Calibration) -> float:
    return max(float(np.abs(np.log(layer)).max()) for layer in found.silent_norm)


@pytest.mark.parametrize("bits", [6, 8, 12])
def test_it_ends_within_tolerance_or_half_a_step(
    bits: int, chip_model: PhysicalModel, written: WrittenBiases, silicon: Silicon, sigmas: Sigmas
) -> None:
    options = CalibrationOptions(bias_dac_bits=bits, trim_dac_bits=bits)
    ramp_per_V = abs(silicon.spread.neuron.ln_ramp["MDI"].slope.value)
    for seed in range(5):
        found = calibrate(
            chip_model, written, FastBench(silicon, draw(seed, written.topology, sigmas)), options
        )
        made = found.converters
        half = 0.5 * ramp_per_V * made.trim.step_V
        assert late(found) <= max(options.time_tolerance_norm, 1.1 * half)
        for layer, error in zip(found.written.layers, found.error_ln, strict=True):
            for table, dac, mine in (
                (silicon.tables[0], made.bias_n, layer.on & layer.positive),
                (silicon.tables[1], made.bias_p, layer.on & ~layer.positive),
            ):
                at = layer.bias_V[mine]
                per_step = np.abs(
                    table.ln_current(at + dac.step_V / 2) - table.ln_current(at - dac.step_V / 2)
                )
                assert np.all(np.abs(error[mine]) <= np.maximum(options.current_tolerance, 0.6 * per_step))
                assert np.array_equal(dac.nearest(at), at)
            assert np.array_equal(made.trim.nearest(layer.trim_V), layer.trim_V)
            assert np.array_equal(np.isnan(error), ~layer.on)


def test_a_trimmed_chip_fires_when_the_nominal_one_does(
    trim: Trim, silicon: Silicon, written: WrittenBiases, chip: Chip, samples: object
) -> None:
    found = trim(bias_dac_bits=12, trim_dac_bits=12, smallest_weight=1e-3)
    nominal = silicon.spike_times(written, None, samples)[-1]  # type: ignore[arg-type]
    before = silicon.spike_times(written, chip, samples)[-1] - nominal  # type: ignore[arg-type]
    after = silicon.spike_times(found.written, chip, samples)[-1] - nominal  # type: ignore[arg-type]
    fires = nominal < 1.0
    assert np.sqrt(np.mean(after[fires] ** 2)) < 0.1 * np.sqrt(np.mean(before[fires] ** 2))


@pytest.mark.parametrize("bits", [2, 3, 5, 10])
def test_it_never_ends_worse_than_it_began(bits: int, trim: Trim) -> None:
    began = trim(bias_dac_bits=bits, trim_dac_bits=bits, steps=0)
    ended = trim(bias_dac_bits=bits, trim_dac_bits=bits)
    assert late(ended) <= late(began)
    # Where trims are the same, so are the currents that are wanted; then no synapse is further off.
    if all(np.array_equal(a, b, equal_nan=True) for a, b in zip(began.gain, ended.gain, strict=True)):
        for first, last in zip(began.error_ln, ended.error_ln, strict=True):
            on = ~np.isnan(first)
            assert np.all(np.abs(last[on]) <= np.abs(first[on]) + 1e-12)
    assert rms_error(ended) <= rms_error(began)


def test_no_steps_write_the_nearest_codes_and_measure_once(
    trim: Trim, bench: Watched, written: WrittenBiases
) -> None:
    found = trim(steps=0)
    for mine, given in zip(found.written.layers, written.layers, strict=True):
        assert np.all(np.abs(mine.trim_V) <= found.converters.trim.step_V / 2)
        near = np.where(
            given.positive,
            found.converters.bias_n.nearest(given.bias_V),
            found.converters.bias_p.nearest(given.bias_V),
        )
        assert np.array_equal(mine.bias_V[mine.on], near[mine.on])
    assert (len(bench.currents), len(bench.times)) == (1, 3)
    assert (found.current_measurements, found.time_measurements, found.writes) == (
        SYNAPSES - _off(found),
        3 * DEPTH,
        0,
    )


def _off(found: Calibration) -> int:
    return sum(int((~layer.on).sum()) for layer in found.written.layers)


def test_what_it_counts_is_what_the_bench_saw(trim: Trim, bench: Watched) -> None:
    found = trim(bias_dac_bits=9, current_s=2e-5, time_s=3e-6)
    on = SYNAPSES - _off(found)
    assert found.current_measurements == on * len(bench.currents)
    assert found.time_measurements == DEPTH * len(bench.times)
    assert found.seconds == pytest.approx(2e-5 * found.current_measurements + 3e-6 * found.time_measurements)
    assert found.bits == 9 * on + 8 * NEURONS
    path = [*(w for w, _ in bench.times), *bench.currents, found.written]
    changes = sum(
        int(np.sum(new.bias_V != old.bias_V) + np.sum(new.trim_V != old.trim_V))
        for before, after in pairwise(path)
        for old, new in zip(before.layers, after.layers, strict=True)
    )
    assert found.writes == changes > 0
    assert len(bench.currents) <= 7
    assert {start for _, start in bench.times[:-1]} == {0.0}
    assert bench.times[-1][1] == 0.6


def test_the_same_chip_is_trimmed_the_same(trim: Trim) -> None:
    one, two = trim(), trim()
    for mine, other in zip(one.written.layers, two.written.layers, strict=True):
        assert np.array_equal(mine.bias_V, other.bias_V)
        assert np.array_equal(mine.trim_V, other.trim_V)
    assert (one.writes, one.current_measurements) == (two.writes, two.current_measurements)


def test_a_neuron_that_is_never_seen_is_left_as_it_was(trim: Trim, bench: Watched) -> None:
    bench.dead = (2,)
    found = trim()
    assert np.isinf(found.silent_norm[0][2])
    assert np.isfinite(found.silent_norm[0][[0, 1, 3]]).all()
    assert np.isnan(found.gain[0][2])
    assert found.gains_not_measured >= 1
    assert abs(found.written.layers[0].trim_V[2]) <= found.converters.trim.step_V / 2
    # It was looked for at the fast end of its range.
    tried = {w.layers[0].trim_V[2] for w, _ in bench.times}
    assert found.converters.trim.high_V in tried
    assert np.isfinite(found.error_ln[0][2][found.written.layers[0].on[2]]).all()


def test_an_undisturbed_chip_stays_as_it_is(
    chip_model: PhysicalModel, written: WrittenBiases, silicon: Silicon, sigmas: Sigmas
) -> None:
    still = Sigmas({cell: dict.fromkeys(paths, 0.0) for cell, paths in sigmas.cells.items()})
    bench = FastBench(silicon, draw(0, Topology((3, 4, 2)), still))
    options = CalibrationOptions(bias_dac_bits=14, trim_dac_bits=14, smallest_weight=1e-3)
    found = calibrate(chip_model, written, bench, options)
    assert (found.open, found.writes) == (0, 0)
    for mine, given in zip(found.written.layers, written.layers, strict=True):
        np.testing.assert_allclose(mine.bias_V, given.bias_V, atol=1e-4)
    for gain in found.gain:
        np.testing.assert_allclose(gain, 1.0, atol=5e-3)


def test_weights_too_small_for_the_converters_share_the_least_or_are_off(
    chip_model: PhysicalModel, written: WrittenBiases, silicon: Silicon, chip: Chip
) -> None:
    options = CalibrationOptions(smallest_weight=0.4, bias_dac_bits=12)
    found = calibrate(chip_model, written, FastBench(silicon, chip), options)
    for layer in (1, 2):
        size = np.abs(silicon.weights(written, layer, None))
        assert np.array_equal(found.written.layers[layer - 1].on, size >= 0.2)
        got = silicon.current_A(found.written, layer, chip.layers[layer - 1]) / silicon.unit_A[layer - 1]
        wanted = np.where(size < 0.2, 0.0, np.maximum(size, 0.4)) * found.gain[layer - 1][:, None]
        np.testing.assert_allclose(got, wanted, rtol=0.02)


def test_converters_reach_four_standard_deviations_or_what_they_are_given(
    chip_model: PhysicalModel, written: WrittenBiases, silicon: Silicon
) -> None:
    made = converters(chip_model, written, CalibrationOptions())
    biases = np.concatenate([layer.bias_V[layer.on & layer.positive] for layer in written.layers])
    sigma = silicon.spread.sigmas["synapse"]["MNM"]
    assert made.bias_n.high_V == pytest.approx(biases.max() + SIGMAS * sigma)
    assert made.trim.high_V == -made.trim.low_V >= SIGMAS * silicon.spread.sigmas["neuron"]["MDI"]
    given = CalibrationOptions(
        bias_n_range_V=(0.2, 0.7), bias_p_range_V=(1.0, 1.6), trim_range_V=(-0.05, 0.04)
    )
    own = converters(chip_model, written, given)
    assert [(dac.low_V, dac.high_V) for dac in (own.bias_n, own.bias_p, own.trim)] == [
        (0.2, 0.7),
        (1.0, 1.6),
        (-0.05, 0.04),
    ]


def test_what_the_converters_do_not_reach_stays_open(trim: Trim) -> None:
    narrow = trim(bias_n_range_V=(0.5, 0.52), trim_range_V=(-1e-4, 1e-4))
    assert 0 < narrow.open <= SYNAPSES
    assert late(narrow) > 0.05
    assert rms_error(narrow) > rms_error(trim())
