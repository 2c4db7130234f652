"""The picture of a layout with a scale bar and the names of its parts."""

from __future__ import annotations

import math
from base64 import b64encode

from markupsafe import Markup, escape

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
        return Markup(f'<img class="plot" alt="{escape(alt)}" src="{data}">')
    scale = WIDTH / width_um
    height = height_um * scale
    parts = [f'<image href="{data}" x="0" y="0" width="{WIDTH:g}" height="{height:.1f}"/>']
    lowest = 0.0  # names stand below each other, never one over another
    regions = drawn.regions_um or {}
    for name, box in sorted(regions.items(), key=lambda item: (-item[1][3], item[1][0])):
        x0, y0, x1, y1 = (side * scale for side in box)
        top = height - y1
        lowest = at = max(top + LINE, lowest + LINE)
        parts.append(
            f'<rect class="part" x="{x0:.1f}" y="{top:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}"/>'
            f'<path class="lead" d="M{x1:.1f} {at:.1f}H{WIDTH + 8:g}"/>'
            f'<text x="{WIDTH + 12:g}" y="{at + 4:.1f}">{escape(str(name))}</text>'
        )
    bar_um = round_length(width_um / 4)
    bar, y = bar_um * scale, height + 12
    parts.append(
        f'<path class="bar" d="M1 {y:.1f}v8M1 {y + 4:.1f}h{bar:.1f}m0 -4v8"/>'
        f'<text x="{bar + 10:.1f}" y="{y + 9:.1f}">{bar_um:g} µm</text>'
    )
    total = WIDTH + (MARGIN if regions else 0.0)
    return Markup(
        f'<svg class="layout" role="img" viewBox="0 0 {total:g} {height + FOOT:.1f}" aria-label="{escape(alt)}">'
        f"<title>{escape(alt)}</title>{''.join(parts)}</svg>"
    )


def round_length(length: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not longer."""
    power = 10.0 ** math.floor(math.log10(length))
    return max(step * power for step in (1, 2, 5) if step * power <= length * (1 + 1e-9))
