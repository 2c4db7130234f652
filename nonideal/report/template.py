"""Templates of the page and its drawings: what is put into one is escaped, unless it is markup of our own."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

FOLDER = Path(__file__).with_name("templates")


def render(name: str, **values: Any) -> Markup:
    """A template with its values put in."""
    return Markup(_environment().get_template(name).render(**values))


def source(name: str) -> Markup:
    """A file beside the templates as it is: the page's style and its program."""
    return Markup((FOLDER / name).read_text(encoding="utf-8"))


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["inline"] = _inline
    return found


def _inline(text: str) -> Markup:
    """Text in which `` `code` `` is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))
