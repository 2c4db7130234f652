"""A picture of a layout, for people who would rather look."""

from __future__ import annotations

import os
from pathlib import Path

import klayout.db as kdb
import klayout.lay as lay

from .write import write_layer_properties


def write_picture(gds: Path, path: Path, *, width: int = 1600) -> Path:
    """Render a GDS file's top cell, all levels, as PNG of this width in pixels; whole or not at all."""
    layout = kdb.Layout()
    layout.read(str(gds))
    box = layout.top_cell().dbbox()
    height = max(200, round(width * box.height() / box.width()))
    properties = path.with_suffix(".lyp.part")
    write_layer_properties(properties)
    view = lay.LayoutView()
    view.load_layout(str(gds), True)
    view.load_layer_props(str(properties))
    view.max_hier()
    view.set_config("background-color", "#ffffff")
    view.set_config("grid-visible", "false")
    view.zoom_box(box)
    part = path.with_name(path.stem + ".part.png")
    view.save_image(str(part), width, min(height, 4 * width))
    os.replace(part, path)
    properties.unlink()
    return path
