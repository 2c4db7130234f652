"""Flicker noise over a window, against integrals of the spectrum itself."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from nonideal.characterize.flicker import window_s2
from nonideal.characterize.jitter import Window


def by_quadrature(exponent: float, duration_s: float, low_Hz: float) -> float:
    """The spectrum times T^2 sinc^2(f T), integrated piece by piece; the far end by its mean."""
    y = 2 * np.pi * low_Hz * duration_s
    decades = 10.0 ** np.arange(np.floor(np.log10(y)) + 1, 0.1)
    points = [y, *decades[decades > y], *(k * np.pi for k in range(1, 200) if k * np.pi > y)]
    whole = sum(
        quad(lambda u: 2 * (1 - np.cos(u)) * u ** (-exponent - 2), a, b)[0] for a, b in pairwise(points)
    )
    rest = 2 * points[-1] ** (-exponent - 1) / (exponent + 1)
    return float(duration_s**2 * (2 * np.pi * duration_s) ** (exponent - 1) * (whole + rest))


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
@pytest.mark.parametrize("exponent", [0.5, 0.84, 1.0, 1.2])
@pytest.mark.parametrize(("duration_s", "low_Hz"), [(1e-6, 1.0), (1e-7, 3e3), (1e-6, 4.5e5), (1e-6, 6e6)])
def test_a_window_s_variance_is_the_spectrum_s_integral(
    exponent: float, duration_s: float, low_Hz: float
) -> None:
    assert float(window_s2(exponent, duration_s, low_Hz)) == pytest.approx(
        by_quadrature(exponent, duration_s, low_Hz), rel=3e-4
    )


def test_a_window_of_pure_1_over_f_is_the_textbook_s() -> None:
    found = float(window_s2(1.0, 1e-6, 1.0))
    assert found == pytest.approx(1e-12 * (1.5 - np.euler_gamma - np.log(2e-6 * np.pi)), rel=1e-9)


def test_the_pole_at_exponent_1_is_no_pole() -> None:
    beside = [float(window_s2(1.0 + step, 1e-6, 1e3)) for step in (-2e-6, 2e-6)]
    assert float(window_s2(1.0, 1e-6, 1e3)) == pytest.approx(np.mean(beside), rel=1e-6)


@pytest.mark.parametrize("exponent", [0.84, 1.0, 1.2])
@pytest.mark.parametrize("low_Hz", [1.0, 3e3, 4.9e5])
def test_the_normalised_window_is_the_same(exponent: float, low_Hz: float) -> None:
    x = np.array([1e-3, 0.1, 0.5, 1.0])
    one = Window.of(exponent, 1e-6, low_Hz)
    found = one.lead * x**one.lead_power - one.log * x**2 * np.log(x)
    found = found - sum(c * x ** (2 * (k + 1)) for k, c in enumerate(one.terms))
    assert found == pytest.approx(window_s2(exponent, x * 1e-6, low_Hz) * 1e12, rel=1e-5)


def test_nothing_adds_up_in_no_time() -> None:
    assert window_s2(0.84, np.array([0.0, -1e-9]), 1.0).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("exponent", "low_Hz", "why"),
    [(0.0, 1.0, "between 0 and 2"), (2.0, 1.0, "between 0 and 2"), (1.0, 0.0, "above 0")],
)
def test_what_has_no_such_form_is_refused(exponent: float, low_Hz: float, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        window_s2(exponent, 1e-6, low_Hz)


@pytest.mark.parametrize("low_Hz", [0.0, 6e5, float("nan")])
def test_a_corner_out_of_range_is_refused(low_Hz: float) -> None:
    with pytest.raises(ValueError, match="low corner"):
        Window.of(0.84, 1e-6, low_Hz)
