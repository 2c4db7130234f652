"""The layout stage's results, where there are any: picture, DRC, LVS, extracted parasitics."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from flow.files import read_json
from flow.report.blocks import Block, Picture, Table
from flow.report.errors import ResultUnreadable
from flow.report.results import Results

PARTS = {
    "drc.json": "Design rules (DRC)",
    "lvs.json": "Layout against schematic (LVS)",
    "pex.json": "Extracted parasitics (PEX)",
}
MOST_ROWS = 40


def layout_blocks(results: Results) -> tuple[Block, ...]:
    """What ``layout/`` holds; empty where it holds nothing that can be shown."""
    folder = results.path / "layout"
    blocks: list[Block] = []
    picture = folder / "layout.png"
    if picture.is_file():
        data = b64encode(picture.read_bytes()).decode("ascii")
        alt = "Layout of the network: crossbars of synapse pairs and rows of neurons."
        markup = f'<img class="plot" alt="{alt}" src="data:image/png;base64,{data}">'
        blocks.append(
            Picture("layout-picture", "Layout", markup, alt, "The drawn network, from `layout/network.gds`.")
        )
    for name, title in PARTS.items():
        file = folder / name
        if file.is_file():
            try:
                rows = _rows(read_json(file))
            except ValueError as error:
                raise ResultUnreadable(str(error)) from error
            note = f"From `layout/{name}`."
            if len(rows) > MOST_ROWS:
                note += f" The first {MOST_ROWS} of {len(rows)} entries."
            blocks.append(
                Table(title, ("Entry", "Value"), tuple(rows[:MOST_ROWS]), frozenset({0}), note=note)
            )
    return tuple(blocks)


def _rows(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Nested JSON as dotted names; lists by their length, and their entries where these are plain."""
    if isinstance(value, dict):
        return [
            row for key, part in value.items() for row in _rows(part, f"{name}.{key}" if name else str(key))
        ]
    if isinstance(value, list):
        plain = all(not isinstance(part, dict | list) for part in value)
        short = plain and len(value) <= 8
        return [(name, ", ".join(map(_word, value)) if short and value else f"{len(value)} entries")]
    return [(name, _word(value))]


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
