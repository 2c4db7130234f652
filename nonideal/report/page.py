"""A report as one HTML page that needs nothing but itself: style, program, data and plotly.js are inside.

Its policy (Content-Security-Policy) lets the browser run two scripts, known by their hashes, and fetch nothing.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import asdict
from functools import cache
from typing import Any

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from nonideal.report.blocks import Details, Panel, Picture, Report, Strips, Text
from nonideal.report.colours import PALETTE
from nonideal.report.table import Table
from nonideal.report.template import render, source

KINDS: dict[type, str] = {
    Text: "text",
    Table: "table",
    Picture: "picture",
    Panel: "panel",
    Details: "details",
    Strips: "strips",
}
BADGES = {"pass": "pass", "fail": "fail", "not run": "idle", "no limit": "idle"}
STATES = {"pass": "Pass", "fail": "Out of spec", "idle": "Not complete"}


def html_page(report: Report) -> str:
    """The whole page. Everything that came from files is escaped by the templates."""
    panels = [block for section in report.sections for block in section.blocks if isinstance(block, Panel)]
    program = source("page.js")
    library, packed = _plotly() if panels else ("", "")
    hashes = [_hash(script) for script in (program, library) if script]
    policy = (
        "default-src 'none'",
        "img-src data: blob:",
        "style-src 'unsafe-inline'",
        f"script-src {' '.join(hashes)}",
    )
    return render(
        "page.html.j2",
        report=report,
        data={panel.name: _data(panel) for panel in panels},
        kind=lambda block: KINDS[type(block)],
        badges=BADGES,
        states_first=_states_first,
        states=STATES,
        palette=PALETTE,
        style=source("page.css"),
        program=program,
        packed=packed,
        policy="; ".join(policy),
    )


def _states_first(table: Table) -> list[int]:
    """The order of a table's columns: on a phone the rest of a wide table has to be scrolled to."""
    return sorted(range(len(table.columns)), key=lambda k: table.columns[k].holds != "states")


def _data(panel: Panel) -> Markup:
    """A panel as JSON that may stand in a page: no character of it can end its element."""

    def dumps(value: Any, **_: Any) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    return htmlsafe_json_dumps(asdict(panel), dumps=dumps)


@cache
def _plotly() -> tuple[str, str]:
    """The text of plotly.js, and the same packed: a third of its size."""
    from plotly.offline import get_plotlyjs

    text: str = get_plotlyjs()
    return text, base64.b64encode(gzip.compress(text.encode("utf-8"), 9, mtime=0)).decode("ascii")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode('utf-8')).digest()).decode('ascii')}'"
