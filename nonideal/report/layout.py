"""The layout stage's results, where there are any: picture, DRC, LVS, extracted parasitics."""

from __future__ import annotations

from nonideal.report.blocks import Block, Details, Picture, Text
from nonideal.report.layout_picture import annotated
from nonideal.report.layout_tables import capacitance_table, drc_table, lvs_table, pex_table
from nonideal.runs.results import Results
from nonideal.runs.summaries.layout import LayoutSummary


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
    if results.drc is not None:
        blocks.append(drc_table(results.drc))
    if results.lvs is not None:
        blocks.append(lvs_table(results.lvs))
        if results.lvs.messages:
            blocks.append(Details("What differs", "\n".join(results.lvs.messages)))
    if results.pex is not None:
        blocks.append(pex_table(results.pex))
        if results.pex.net_capacitance_F:
            blocks.append(capacitance_table(results.pex.net_capacitance_F))
    return tuple(blocks)


def _picture(png: bytes, drawn: LayoutSummary | None) -> Picture:
    alt = "Layout of the network: crossbars of synapse pairs and rows of neurons."
    caption = "The drawn network, from `layout/network.gds`; its colours are those of `layout/network.lyp`."
    if drawn is not None and drawn.width_um is not None and drawn.height_um is not None:
        caption += f" {drawn.width_um:.1f} µm × {drawn.height_um:.1f} µm, {drawn.area_um2:.0f} µm²."
    return Picture("layout-picture", "The drawn network", annotated(png, alt, drawn), alt, caption)
