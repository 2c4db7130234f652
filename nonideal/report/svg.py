"""A matplotlib figure as SVG inside a page: no outside references, its own ids, the page's colours."""

from __future__ import annotations

import re
from io import StringIO

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

from nonideal.characterize.plots import style
from nonideal.report.colours import PALETTE


def inline_svg(figure: Figure, name: str, alt: str) -> Markup:
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
    for variable, (light, _) in PALETTE.items():
        if variable != "paper":  # white in a figure is white
            text = text.replace(light, f"var(--{variable})")
    head, body = text.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    view = box.group(0) if box else ""
    opening = Markup('<svg class="plot" role="img" {} aria-label="{}"><title>{}</title>')
    return opening.format(Markup(view), alt, alt) + Markup(body.strip())
