"""The picture of a layout with a scale bar and the names of its parts."""

from __future__ import annotations

import math
from base64 import b64encode

from markupsafe import Markup

from nonideal.report.template import render
from nonideal.runs.summaries.layout import LayoutSummary

WIDTH = 620.0
"""Of the drawing, in its own units; text is 13 of them high."""
MARGIN, LINE, FOOT = 170.0, 15.0, 34.0


def annotated(png: bytes, alt: str, drawn: LayoutSummary | None) -> Markup:
    """The picture as markup; with the layout's size in um as an SVG with a scale bar, and a name beside every known part.

    ``drawn`` is what the layout stage told of it.
    """
    data = f"data:image/png;base64,{b64encode(png).decode('ascii')}"
    width_um, height_um = (None, None) if drawn is None else (drawn.width_um, drawn.height_um)
    if drawn is None or not width_um or not height_um:
        return Markup('<img class="plot" alt="{}" src="{}">').format(alt, data)
    scale = WIDTH / width_um
    height = height_um * scale
    regions = drawn.regions_um or {}
    parts, lowest = [], 0.0
    for name, box in sorted(regions.items(), key=lambda item: (-item[1][3], item[1][0])):
        x0, y0, x1, y1 = (side * scale for side in box)
        lowest = max(height - y1, lowest) + LINE  # names stand below each other, never one over another
        parts.append(
            {"name": name, "x": x0, "y": height - y1, "width": x1 - x0, "height": y1 - y0, "line": lowest}
        )
    bar_um = round_length(width_um / 4)
    return render(
        "layout.svg.j2",
        alt=alt,
        image=data,
        parts=parts,
        width=WIDTH,
        height=height,
        total=WIDTH + (MARGIN if regions else 0.0),
        foot=FOOT,
        bar=bar_um * scale,
        bar_um=bar_um,
    )


def round_length(length: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not longer."""
    power = 10.0 ** math.floor(math.log10(length))
    return max(step * power for step in (1, 2, 5) if step * power <= length * (1 + 1e-9))
