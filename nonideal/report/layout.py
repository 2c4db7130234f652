"""The layout stage's results, where there are any: picture, DRC, LVS, extracted parasitics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nonideal.files import read_json
from nonideal.report.blocks import Block, Details, Picture, Table, Text
from nonideal.report.layout_picture import annotated
from nonideal.report.layout_tables import capacitance_table, drc_table, lvs_table, pex_table
from nonideal.runs.errors import ResultUnreadable
from nonideal.runs.results import Results
from nonideal.runs.summaries.layout import LayoutSummary

TABLES: dict[str, Callable[[dict[str, Any]], Table]] = {
    "drc.json": drc_table,
    "lvs.json": lvs_table,
    "pex.json": pex_table,
}


def layout_blocks(results: Results) -> tuple[Block, ...]:
    """What ``layout/`` holds; empty where it holds nothing that can be shown."""
    folder = results.path / "layout"
    blocks: list[Block] = []
    manifest = results.manifests.get("layout")
    if manifest is not None and manifest.inputs.settings.get("--override"):
        told = "Errors of DRC or LVS would not have stopped this run: it was started with `--override`."
        blocks.append(Text(told, "warning"))
    picture = folder / "layout.png"
    if picture.is_file():
        blocks.append(_picture(picture.read_bytes(), results.layout))
    for name, table in TABLES.items():
        found = _read(results, name)
        if found is None:
            continue
        blocks.append(table(found))
        if found.get("messages"):
            blocks.append(Details("What differs", "\n".join(map(str, found["messages"]))))
        nets = found.get("net_capacitance_F")
        if isinstance(nets, dict) and nets:
            blocks.append(capacitance_table({str(net): float(farad) for net, farad in nets.items()}))
    return tuple(blocks)


def _picture(png: bytes, drawn: LayoutSummary | None) -> Picture:
    alt = "Layout of the network: crossbars of synapse pairs and rows of neurons."
    caption = "The drawn network, from `layout/network.gds`; its colours are those of `layout/network.lyp`."
    if drawn is not None and drawn.width_um is not None and drawn.height_um is not None:
        caption += f" {drawn.width_um:.1f} µm × {drawn.height_um:.1f} µm, {drawn.area_um2:.0f} µm²."
    return Picture("layout-picture", "The drawn network", annotated(png, alt, drawn), alt, caption)


def _read(results: Results, name: str) -> dict[str, Any] | None:
    file = results.path / "layout" / name
    if not file.is_file():
        return None
    try:
        found = read_json(file)
    except ValueError as error:
        raise ResultUnreadable(str(error)) from error
    if not isinstance(found, dict):
        raise ResultUnreadable(f"{file} holds no JSON object: remove it and run its stage again")
    return found
