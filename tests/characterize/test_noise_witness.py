"""Noise over time: the waves' own spectra, and one noisy column in SPICE beside the closed form."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nonideal.characterize.flicker import window_s2
from nonideal.characterize.jitter import network_noise
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.noise_wave import Grid, flicker_wave, generator_of, thinned, white_wave
from nonideal.circuits.design import Design
from nonideal.postlayout.jitter import blind_network, copies, network_jitter, watch

GRID = Grid(0.0, 10e-9, 201)


def charges(draw: Any, runs: int = 1500) -> Any:
    """Integrals over 1 us of so many waves."""
    return np.array(
        [np.trapezoid(draw(generator_of(5, run, "x"))[:101]) * GRID.step_s for run in range(runs)]
    )


def test_white_waves_have_their_density() -> None:
    found = np.var(charges(lambda generator: white_wave(GRID, generator)))
    assert found == pytest.approx(1e-6 / 2, rel=4 * np.sqrt(2 / 1500))


@pytest.mark.parametrize("exponent", [0.84, 1.0, 1.2])
@pytest.mark.parametrize("low_Hz", [1.0, 1e5])
def test_flicker_waves_have_the_closed_form_s_charge(exponent: float, low_Hz: float) -> None:
    found = np.var(charges(lambda generator: flicker_wave(GRID, exponent, low_Hz, generator)))
    assert found == pytest.approx(float(window_s2(exponent, 1e-6, low_Hz)), rel=4 * np.sqrt(2 / 1500))


def test_a_wave_falls_with_its_exponent() -> None:
    """Mean power of many waves by frequency, a straight line of slope -a."""
    waves = np.array([flicker_wave(GRID, 0.84, 1.0, generator_of(1, run, "y")) for run in range(400)])
    taper = np.hanning(GRID.count)
    power = np.mean(np.abs(np.fft.rfft(waves * taper, axis=1)) ** 2, axis=0)
    frequency = np.fft.rfftfreq(GRID.count, GRID.step_s)
    inside = (frequency > 3e6) & (frequency < 2e7)
    slope, _ = np.polyfit(np.log(frequency[inside]), np.log(power[inside]), 1)
    assert slope == pytest.approx(-0.84, abs=0.05)


def test_a_source_s_draws_are_its_own() -> None:
    one, other = (generator_of(1, 0, name).standard_normal(3) for name in ("a", "b"))
    assert not np.allclose(one, other)
    assert np.array_equal(one, generator_of(1, 0, "a").standard_normal(3))


def test_a_wave_of_fewer_points_carries_the_same_charge() -> None:
    """It is what it was where all points stay."""
    wave = white_wave(GRID, generator_of(3, 0, "z"))
    wave[:21] = wave[190:] = 0.0
    kept = np.array([0, 4, 8, 20, 21, 24, *range(40, 60), 100, 190, 200])
    few = np.interp(np.arange(GRID.count), kept, thinned(wave, kept))
    assert np.trapezoid(few) == pytest.approx(np.trapezoid(wave), rel=1e-9)
    assert np.array_equal(thinned(wave, np.arange(GRID.count)), wave)


@pytest.mark.slow
@pytest.mark.spice
def test_a_noisy_column_spikes_as_the_closed_form_says(
    noisy_model: PhysicalModel, make_workbench: Any, tmp_path: Path
) -> None:
    """32 spikes of one column; a standard deviation of so many is known to 13 %."""
    weight, inputs = np.array([0.8, -0.4, 0.5, 0.3, -0.2]), np.array([0.1, 0.3, 0.45, 0.6, 0.0])
    bench = make_workbench(timeout_s=600.0)
    watched = watch(bench, Design(), noisy_model, [weight[None]], inputs, tmp_path)
    assert {"synapse_1_0_0_MNM", "synapse_1_1_0_MPM", "neuron_1_0_MDI", "neuron_1_0_MSN"} <= {
        source.name for source in watched.witness.sources
    }
    side_by_side = copies(watched, 8, noisy_model, weight)
    (times,) = side_by_side.runs(bench, range(4), 11, 1.0, tmp_path)
    blind = blind_network(noisy_model, [weight[None]])
    (jitter,) = network_jitter(blind, inputs[None], network_noise(noisy_model, (5, 1)))
    found = times.ravel()
    assert found.mean() == pytest.approx(float(watched.quiet_s[0][0]), abs=1.5e-9)
    assert found.std(ddof=1) == pytest.approx(1e-6 * float(jitter.sigma[0, 0]), rel=0.4)
    # Waves of fewer points move every spike as those of all points do.
    fine = replace(side_by_side, witness=replace(side_by_side.witness, wide=False))
    (again,) = fine.runs(bench, [0], 11, 1.0, tmp_path / "fine")
    assert again[0] == pytest.approx(times[0], abs=0.3e-9)
    # What switches leave is drawn even where no device makes noise.
    silent = replace(side_by_side, witness=replace(side_by_side.witness, sources=()))
    (times,) = silent.runs(bench, [0], 11, 1.0, tmp_path)
    assert 0.03e-9 < times.std() < 0.6e-9
