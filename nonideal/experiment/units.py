"""Unit suffixes of keys: is ``t_circ_us`` a known quantity in another unit, and what is its value in ours?"""

from __future__ import annotations

_PREFIXES = {"": 1.0, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6}
_BASES = {
    "s": "time",
    "V": "voltage",
    "A": "current",
    "F": "capacitance",
    "m": "length",
    "Hz": "frequency",
    "J": "energy",
}


def _table() -> dict[str, tuple[str, float]]:
    """Every unit suffix: its dimension and its value in the SI unit."""
    return {
        prefix + base: (dimension, factor)
        for base, dimension in _BASES.items()
        for prefix, factor in _PREFIXES.items()
    }


UNITS = _table()


def split(key: str) -> tuple[str, str]:
    """``t_circ_us`` -> (``t_circ``, ``us``); no unit: (key, "")."""
    stem, _, suffix = key.rpartition("_")
    return (stem, suffix) if stem and suffix in UNITS else (key, "")


def same_quantity(key: str, known: str) -> bool:
    """Do two keys name the same quantity, one in another unit or without a unit?"""
    (stem, unit), (known_stem, known_unit) = split(key), split(known)
    if not known_unit or stem.lower() != known_stem.lower() or key == known:
        return False
    return not unit or UNITS[unit][0] == UNITS[known_unit][0]


def convert(value: float, unit: str, to: str) -> float:
    """A value from one unit to another of the same dimension."""
    return float(f"{value * UNITS[unit][1] / UNITS[to][1]:.12g}")
