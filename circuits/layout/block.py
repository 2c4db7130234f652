"""A drawn cell: its geometry and where its nets can be reached."""

from __future__ import annotations

from dataclasses import dataclass, field

import gdstk

from nonideal.circuits.box import MIRROR, Box
from nonideal.circuits.layout.dimensions import GRID, snap
from nonideal.circuits.layout.errors import LayoutError
from nonideal.sky130_models.layers import LAYERS

__all__ = ["MIRROR", "Block", "Box"]


@dataclass(slots=True)
class Block:
    """A cell under construction or finished: origin at the centre of its lower left rail, sizes in um.

    `pins` gives, for every net, the box where the net is labelled when this block is written as a top cell; `regions` the
    boxes (x0, y0, x1, y1) of its named parts, for pictures. `cuts` are where a mask ties a net to its line, and where to its rail:
    in the former case the first boxes are drawn, in the latter the second. A network has them under "synapse_1_0_2 net".
    The cell itself carries no labels: only the top of a layout does, or the labels of all copies would collide.
    """

    cell: gdstk.Cell
    width: float
    height: float
    pins: dict[str, Box] = field(default_factory=dict)
    regions: dict[str, tuple[float, float, float, float]] = field(default_factory=dict)
    cuts: dict[str, tuple[tuple[Box, ...], tuple[Box, ...]]] = field(default_factory=dict)

    @classmethod
    def named(cls, name: str, width: float = 0.0, height: float = 0.0) -> Block:
        return cls(gdstk.Cell(name), width, height)

    def rect(self, layer: str, x0: float, y0: float, x1: float, y1: float) -> Box:
        """Draw a rectangle on a layer's drawing purpose; corners must lie on the 10 nm grid."""
        x0, y0, x1, y1 = corners = (round(x0, 4), round(y0, 4), round(x1, 4), round(y1, 4))
        if any(abs(value - snap(value)) > 1e-6 for value in corners):
            raise LayoutError(
                f"{self.cell.name}: rectangle {corners} um on {layer} is off the {GRID} um drawing grid"
            )
        if not (x0 < x1 and y0 < y1):
            raise LayoutError(f"{self.cell.name}: rectangle {corners} um on {layer} is empty or turned round")
        number = LAYERS[layer]
        self.cell.add(gdstk.rectangle((x0, y0), (x1, y1), layer=number.gds_layer, datatype=number.drawing))
        return Box(layer, x0, y0, x1, y1)

    def square(self, layer: str, x: float, y: float, width: float, height: float | None = None) -> Box:
        """Draw a rectangle of that size, its centre as near to (x, y) as the grid allows."""
        height = width if height is None else height
        x0, y0 = snap(x - width / 2), snap(y - height / 2)
        return self.rect(layer, x0, y0, x0 + width, y0 + height)

    def place(
        self,
        child: Block,
        x: float,
        y: float,
        *,
        mirrored: bool = False,
        columns: int = 1,
        pitch: float | None = None,
    ) -> None:
        """Place another block with its origin at (x, y), upside down if mirrored, or a row of them."""
        self.cell.add(
            gdstk.Reference(
                child.cell,
                (round(x, 4), round(y + (MIRROR if mirrored else 0.0), 4)),
                x_reflection=mirrored,
                columns=columns,
                rows=1,
                spacing=(child.width if pitch is None else pitch, 0.0),
            )
        )
