from __future__ import annotations

import pytest

from nonideal.report.units import duration, quantity, with_error


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.97e-9, "s", "1.97 ns"),
        (0.0625e-9, "s", "0.0625 ns"),
        (1e-6, "s", "1 µs"),
        (140e-15, "F", "140 fF"),
        (122e-9, "A", "122 nA"),
        (7.77e-12, "J", "7.77 pJ"),
        (-0.0004, "V", "-400 µV"),
        (0.177, "1/V", "0.177 /V"),
        (0.94, "%", "94 %"),
        (12345, "", "12345"),
        (0.0, "s", "0 s"),
        (6.126e-10, "s", "0.6126 ns"),
        (-0.4244, "V", "-424.4 mV"),
        (53.966, "", "53.97"),
        (1e-18, "J", "0.001 fJ"),
        (None, "s", "none"),
        (float("nan"), "s", "none"),
        (float("inf"), "F", "none"),
    ],
)
def test_quantity(value: float | None, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


@pytest.mark.parametrize(
    ("value", "stderr", "unit", "text"),
    [
        (0.40933, 0.00155668, "1/V", "0.4093 ± 0.0016 /V"),
        (1.173219e-13, 2.966e-17, "F", "117.322 ± 0.030 fF"),
        (0.554, 0.0, "V", "554 mV"),
        (-1.5123, 0.0146, "1", "-1.512 ± 0.015"),
        (120e-9, 30e-9, "s", "120 ± 30 ns"),
        (1.3001212, 3.1e-6, "V", "1.3001 V ± 3.1 µV"),
        (0.40933, 1.5e-7, "1/V", "0.40933 /V ± 1.5e-07 /V"),
    ],
)
def test_standard_error(value: float, stderr: float, unit: str, text: str) -> None:
    assert with_error(value, stderr, unit) == text


def test_duration() -> None:
    assert duration(32.87) == "32.9 s"
    assert duration(250.2) == "4 min 10 s"
