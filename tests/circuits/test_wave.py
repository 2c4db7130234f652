"""Waves as few points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonideal.circuits.network.wave import GRID_S, Wave, mean, steps

NS = 1e-9


@given(st.lists(st.floats(-2, 2), min_size=2, max_size=60), st.floats(1e-3, 0.5))
def test_a_thinned_wave_stays_within_its_tolerance(values: list[float], tolerance: float) -> None:
    wave = Wave(np.arange(len(values)) * NS, np.array(values))
    thin = wave.within(tolerance)
    assert np.abs(thin.at(wave.time_s) - wave.value).max() <= tolerance + 1e-12
    assert set(thin.time_s) <= set(wave.time_s)


def test_a_straight_line_is_two_points() -> None:
    wave = Wave(np.linspace(0, 1e-6, 500), np.linspace(1.3, 0.4, 500))
    assert wave.within(1e-6).time_s.tolist() == [0.0, 1e-6]


def test_a_quick_edge_is_two_points_on_the_line_through_its_middle() -> None:
    time_s = np.linspace(0, 10, 1001) * NS
    value = np.clip((time_s - 4 * NS) / (0.3 * NS), 0, 1) * 1.8 + 0.01 * np.sin(time_s * 1e10)
    edges = Wave(time_s, value).edges(0.0, 1.8, 2 * NS, 0.03)
    assert edges is not None
    assert edges.value.tolist() == [0.0, 1.8]
    assert edges.time_s.mean() == pytest.approx(4.15 * NS, abs=0.02 * NS)
    begin, end = edges.first_edge_s
    assert end - begin == pytest.approx(0.3 * NS, rel=0.2)


def test_a_slow_edge_is_followed_and_a_wave_in_between_is_no_edge() -> None:
    time_s = np.linspace(0, 200, 2001) * NS
    slow = 1.8 / (1 + np.exp((time_s - 100 * NS) / (5 * NS)))
    edges = Wave(time_s, slow).edges(0.0, 1.8, 2 * NS, 0.03)
    assert edges is not None
    assert 4 < len(edges.time_s) < 20
    # What is near a level is that level.
    assert np.abs(edges.at(time_s) - slow).max() < 0.04
    assert Wave(time_s, slow / 2).edges(0.0, 1.8, 2 * NS, 0.03) is None
    assert Wave.constant(1.8).edges(0.0, 1.8, 2 * NS, 0.03) is not None
    assert Wave.constant(0.0).first_edge_s == (np.inf, np.inf)


def test_steps_add_up_and_a_mean_is_weighted() -> None:
    wave = steps([(1 * NS, 2 * NS), (3 * NS, 4 * NS)], np.array([2.0, -2.0]))
    assert wave.at(np.array([0.0, 1.5, 2.5, 3.5, 5.0]) * NS).tolist() == pytest.approx([0, 1, 2, 1, 0])
    both = mean([wave, Wave.constant(4.0)], [3.0, 1.0])
    assert both.at(np.array([0.0, 2.5]) * NS).tolist() == pytest.approx([1.0, 2.5])


def test_a_source_begins_at_zero_and_its_points_lie_on_a_grid() -> None:
    wave = Wave(np.array([-1.0, 1.0, 1.0 + 1e-7, 2.0]) * NS, np.array([0.0, 1.0, 1.0, 3.0]))
    words = wave.source().removeprefix("PWL(").removesuffix(")").split()
    times = np.array(words[::2], float)
    assert times[0] == 0.0
    assert float(words[1]) == pytest.approx(0.5)
    assert np.diff(times).min() > GRID_S / 2
    assert Wave.constant(0.7).source() == "0.7"
    assert wave.shifted(-5 * NS).source() == "3"


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=20), st.floats(-5, 25))
def test_a_function_of_time_has_the_values_of_the_source(values: list[float], shift: float) -> None:
    """From 0 s to the end, and beyond: what lies before is one value, the last one stays."""
    wave = Wave(np.arange(1.0, len(values) + 1) * NS, np.array(values)).shifted(shift * NS)
    stop_s = 40 * NS
    text = wave.function(stop_s)
    time_s = np.linspace(0, stop_s, 161)
    if text.startswith("pwl(time,"):
        points = np.array(text.removeprefix("pwl(time,").removesuffix(")").split(","), float)
        told = np.interp(time_s, points[::2], points[1::2])
        assert points[0] == 0.0
        assert points[-2] >= stop_s
        assert np.diff(points[::2]).min() > 0
    else:
        told = np.full(161, float(text))
    # Times lie on a grid of a picosecond: values off by what the steepest edge does in it.
    assert told == pytest.approx(wave.at(time_s), abs=4 / 1000 + 1e-6)


def test_the_edges_of_a_pulse_and_of_none() -> None:
    pulse = Wave(np.array([1, 2, 5, 6, 9.0]) * NS, np.array([0, 1.8, 1.8, 0, 0]))
    assert pulse.first_edge_s == (1 * NS, 2 * NS)
    assert pulse.last_edge_s == (5 * NS, 6 * NS)
    assert Wave.constant(1.0).last_edge_s == (np.inf, np.inf)
