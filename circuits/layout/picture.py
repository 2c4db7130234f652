"""A picture of a layout, for the report."""

from __future__ import annotations

from pathlib import Path

import klayout.db as kdb
from klayout import lay

PIXELS = 1600


def write_picture(
    gds: Path, layer_properties: Path, png: Path, *, box_um: tuple[float, ...] | None = None
) -> Path:
    """Draw a GDS file with all its levels in the colours of a `.lyp`, the whole of it or the part inside a box."""
    view = lay.LayoutView()
    view.set_config("text-visible", "false")
    view.set_config("grid-visible", "false")
    view.load_layout(str(gds), True)
    view.load_layer_props(str(layer_properties))
    view.max_hier()
    box = view.active_cellview().cell.dbbox() if box_um is None else kdb.DBox(*box_um)
    view.zoom_box(box)
    scale = PIXELS / max(box.width(), box.height())
    view.save_image(str(png), max(1, round(box.width() * scale)), max(1, round(box.height() * scale)))
    return png
