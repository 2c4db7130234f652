"""What all charts have in common: numbers and names as plotly.js takes them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape
from typing import Any

DIGITS = 6
HIDDEN = "skip"


def numbers(values: Iterable[float], digits: int = DIGITS) -> list[float | None]:
    """Values to ``digits`` significant digits; None, a gap, for what is no number."""
    return [float(f"{v:.{digits}g}") if math.isfinite(v) else None for v in map(float, values)]


def label(text: object) -> str:
    """Text of a user as it stands: plotly.js would take ``<b>`` in a name for bold."""
    return escape(str(text), quote=False)


def line(x: Iterable[float], y: Iterable[float], colour: str, **more: Any) -> dict[str, Any]:
    """A line; ``more`` are further attributes of the trace, ``width`` and ``dash`` those of the line."""
    look = {"color": colour, "width": more.pop("width", 1.6)}
    if "dash" in more:
        look["dash"] = more.pop("dash")
    return {
        "type": "scatter",
        "mode": "lines",
        "x": numbers(x),
        "y": numbers(y),
        "line": look,
        **more,
    }


def axes(x: str, y: str, **more: Any) -> dict[str, Any]:
    """A layout with titles of its axes; ``more`` are further keys, those of ``xaxis`` and ``yaxis`` beside the titles."""
    xaxis, yaxis = more.pop("xaxis", {}), more.pop("yaxis", {})
    return {
        "xaxis": {"title": {"text": x}, **xaxis},
        "yaxis": {"title": {"text": y}, **yaxis},
        **more,
    }
