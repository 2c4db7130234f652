"""Files of a layout: GDS, and layer properties with which KLayout shows it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

import gdstk

from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.pins import label_pins
from nonideal.files import write_text, written_whole
from nonideal.sky130_models.layers import LAYERS

TIMESTAMP = datetime(2020, 1, 1)  # fixed, so that the same layout is the same file
COLOURS = {
    "nwell": "#00cc66", "diff": "#00ff00", "tap": "#268c6b", "lvtn": "#ffffff", "hvtp": "#ffd9e6", "poly": "#ff0000",
    "npc": "#c33b1f", "nsdm": "#e61f0d", "psdm": "#9900e6", "licon1": "#ffffcc", "li1": "#ffe6bf", "mcon": "#ccccd9",
    "met1": "#0000ff", "via": "#3b3bff", "met2": "#ff00ff", "via2": "#ff8000", "met3": "#00ffff", "via3": "#268c6b",
    "met4": "#5e00e6", "via4": "#ffff00", "met5": "#ffe600", "capm": "#fff464", "capm2": "#fff464", "dnwell": "#333399",
    "prBoundary": "#9900e6",
}  # fmt: skip
CUTS = frozenset({"licon1", "mcon", "via", "via2", "via3", "via4"})


def write_gds(block: Block, path: Path) -> Path:
    """Write a block as the top cell of a GDS file, its pins labelled; whole or not at all."""
    top = block.cell.copy(block.cell.name, deep_copy=True)
    label_pins(Block(top, block.width, block.height, block.pins))
    library = gdstk.Library(name=top.name, unit=1e-6, precision=1e-9)
    library.add(top, *top.dependencies(True))
    with written_whole(path) as part:
        library.write_gds(part, timestamp=TIMESTAMP)
    return path


def write_layer_properties(path: Path) -> Path:
    """Write a KLayout `.lyp` with the names and colours of all layers, pins and labels."""
    rows = ['<?xml version="1.0" encoding="utf-8"?>', "<layer-properties>"]
    for layer in LAYERS.values():
        colour = COLOURS.get(layer.name, "#808080")
        pattern = "I0" if layer.name in CUTS else "I9"
        purposes = [("drawing", layer.drawing), ("pin", layer.pin), ("label", layer.label)]
        for purpose, datatype in purposes:
            if datatype is None:
                continue
            fields = {
                "frame-color": colour,
                "fill-color": colour,
                "frame-brightness": "0",
                "fill-brightness": "0",
                "dither-pattern": pattern if purpose == "drawing" else "I1",
                "visible": "true",
                "transparent": "true",
                "width": "1",
                "name": f"{layer.name}.{purpose}",
                "source": f"{layer.gds_layer}/{datatype}@1",
            }
            body = "".join(f"  <{key}>{escape(value)}</{key}>\n" for key, value in fields.items())
            rows.append(f" <properties>\n{body} </properties>")
    rows.append("</layer-properties>")
    write_text(path, "\n".join(rows) + "\n")
    return path
