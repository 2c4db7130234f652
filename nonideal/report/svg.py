"""A matplotlib figure as SVG inside a page: no outside references, its own ids, the page's colours."""

from __future__ import annotations

import re
from html import escape
from io import StringIO

import matplotlib
from matplotlib.figure import Figure

from nonideal.characterize.plots import DISCHARGER, GRID, INK, MUTED, NMOS, PMOS, style
from nonideal.report.colours import MAPPING_COLOURS, NEURON_COLOURS

THEME = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    NMOS: "nmos",
    PMOS: "pmos",
    DISCHARGER: "discharger",
    MAPPING_COLOURS["ann"]: "ann",
    MAPPING_COLOURS["pnn"]: "pnn",
    MAPPING_COLOURS["bottom_up"]: "bottom-up",
    **{colour: f"neuron-{k}" for k, colour in enumerate(NEURON_COLOURS)},
}
"""Colours that become CSS variables, so that a dark page can lighten them."""


def inline_svg(figure: Figure, name: str, alt: str) -> str:
    """The figure as an ``<svg>``; ``name`` makes its ids unique on the page, ``alt`` is read aloud."""
    buffer = StringIO()
    with style(), matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'xlink:href="#', f'href="#{name}-', text)
    text = text.replace('xlink:href="data:', 'href="data:')
    text = text.replace("url(#", f"url(#{name}-")
    for colour, variable in THEME.items():
        text = text.replace(colour, f"var(--{variable})")
    head, body = text.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    view = box.group(0) if box else ""
    title = escape(alt)
    return f'<svg class="plot" role="img" {view} aria-label="{title}"><title>{title}</title>{body.strip()}'
