"""Numbers as SPICE writes them."""

from __future__ import annotations

import math
import re
from typing import Final

_SCALE: Final = {
    "t": 1e12, "g": 1e9, "meg": 1e6, "k": 1e3, "mil": 25.4e-6, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12,
    "f": 1e-15, "a": 1e-18,
}  # fmt: skip
_NUMBER: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([a-z]*)", re.IGNORECASE | re.ASCII)


def number(text: str) -> float:
    """``0.25``, ``10n``, ``3MEG`` or ``2.5us`` (letters after the scale are a unit) in SI units; ``ValueError`` for what is none."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a number")
    value = float(match[1])
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is too large")
    unit = match[2].lower()
    scale = next((name for name in ("meg", "mil") if unit.startswith(name)), unit[:1])
    return value * _SCALE.get(scale, 1.0)
