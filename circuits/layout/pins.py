"""Pins: a label and a pin shape for every port, on the top cell only. Extraction attaches a port where both stand."""

from __future__ import annotations

import gdstk

from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.errors import LayoutError
from nonideal.sky130_models.layers import LAYERS


def label_pins(block: Block) -> None:
    """Give every pin of a block that becomes a top cell its label and shape.

    A net with several pins has them under "net", "net low" and so on: the label is the first word.
    """
    for key, box in block.pins.items():
        net = key.split(" ")[0]
        layer = LAYERS[box.layer]
        if layer.pin is None or layer.label is None:
            raise LayoutError(
                f"{block.cell.name}: pin {net} lies on {box.layer}, which has no pin or label purpose"
            )
        corners = (box.x0, box.y0), (box.x1, box.y1)
        block.cell.add(gdstk.rectangle(*corners, layer=layer.gds_layer, datatype=layer.pin))
        centre = (round(box.x, 3), round(box.y, 3))
        block.cell.add(gdstk.Label(net, centre, layer=layer.gds_layer, texttype=layer.label))
