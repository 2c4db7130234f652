"""Numbers as people write them: engineering prefixes, standard errors, shares."""

from __future__ import annotations

import math

PREFIXES = ((1e-15, "f"), (1e-12, "p"), (1e-9, "n"), (1e-6, "µ"), (1e-3, "m"), (1.0, ""), (1e3, "k"))
NONE = "none"
"""What stands where nothing was measured."""


def _prefix(value: float, unit: str) -> tuple[float, str]:
    """Factor and prefix that bring ``value`` to 1..1000; pure numbers, shares and inverse units have none."""
    if unit in ("", "1", "%") or "/" in unit or value == 0 or not math.isfinite(value):
        return 1.0, ""
    size = abs(value) * (1 + 1e-12)
    if unit == "s" and size < 1e-9:
        return 1e-9, "n"  # spike times and their errors are compared with each other: all in ns
    if unit == "C" and size < 1e-15:
        return 1e-18, "a"  # what a spike's arrival costs
    return next(((f, p) for f, p in reversed(PREFIXES) if size >= f), PREFIXES[0])


def _unit(prefix: str, unit: str) -> str:
    shown = "" if unit == "1" else unit.removeprefix("1") if unit.startswith("1/") else unit
    return f" {prefix}{shown}" if prefix + shown else ""


def quantity(value: float | None, unit: str, digits: int = 4) -> str:
    """1.97e-9, "s" -> "1.97 ns"; 0.96, "%" -> "96 %" (a share is stored as a fraction)."""
    if value is None or not math.isfinite(value):
        return NONE
    if unit == "%":
        return f"{100 * value:.{digits}g} %"
    factor, prefix = _prefix(value, unit)
    scaled = value / factor
    # All digits of a whole number: 1235 counts are not 1.235e+03.
    text = f"{scaled:.0f}" if digits <= math.log10(max(abs(scaled), 1.0)) < 15 else f"{scaled:.{digits}g}"
    return text + _unit(prefix, unit)


MOST_DIGITS = 6
"""Of a value beside its standard error: a fit can be far finer than what it says of the circuit."""


def with_error(value: float, stderr: float, unit: str) -> str:
    """Value and standard error to the error's second digit: "0.4093 ± 0.0016 /V", or apart: "1.3001 V ± 3.1 µV"."""
    if not (stderr > 0 and math.isfinite(stderr)):
        return quantity(value, unit, 5)
    factor, prefix = _prefix(value, unit)
    decimals = max(0, 1 - math.floor(math.log10(stderr / factor)))
    if decimals + len(f"{abs(value) / factor:.0f}") > MOST_DIGITS:
        return f"{quantity(value, unit, 5)} ± {quantity(stderr, unit, 2)}"
    return f"{value / factor:.{decimals}f} ± {stderr / factor:.{decimals}f}{_unit(prefix, unit)}"


def duration(seconds: float) -> str:
    """How long something took: "32.9 s", "4 min 10 s"."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
