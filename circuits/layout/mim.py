"""The membrane capacitor: its bottom plate on vss, its top plate reached from the metal above, which is the membrane's.

It lies between metals 4 and 5 or between metals 3 and 4. Both are drawn alike, to the rules of their own levels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import MET3_PAD
from nonideal.circuits.layout.dimensions import VIA3, VIA4, limit, snap, up

RIM = 0.5  # of the bottom plate where it is contacted from below: those vias keep clear of the capacitor (cap2m.8, capm.8)
MAX_VIAS = 2


@dataclass(frozen=True, slots=True)
class Mim:
    """The levels of a capacitor and what their rules ask, in um.

    ``bottom`` is the metal of its bottom plate, ``plate`` the layer of its top plate, which ``via`` joins to the metal ``top``. ``width``: least
    one of that metal, ``past_via`` how far it reaches past a via, ``bottom_past_via`` how far the bottom plate does. ``plate_side``: the bottom plate
    round the top one, ``via_in_plate``: the top plate round a via, ``via_off_plate``: from a plate to a via beside it, ``plate_space``: between
    top plates, ``bottom_space``: from bottom plates to other metal. ``landing``: the side of the membrane's pad on the metal ``bottom``.
    """

    bottom: str
    plate: str
    via: str
    top: str
    via_size: float
    via_space: float
    width: float
    past_via: float
    bottom_past_via: float
    plate_side: float
    via_in_plate: float
    via_off_plate: float
    plate_space: float
    bottom_space: float
    landing: float

    @property
    def half(self) -> float:
        """Half the width of the bar that leads to the top plate: no wider than the rules ask."""
        return up(max(self.width, self.via_size + 2 * self.past_via) / 2)

    @property
    def shield_side(self) -> float:
        """How far the bottom plate reaches past a cell, under the shield's vias."""
        return up(self.via_size / 2 + self.bottom_past_via) + 0.01

    @property
    def passes_lines(self) -> bool:
        """Whether control lines, on metal 3, run below the bottom plate."""
        return self.bottom != "met3"

    def height(self, l_um: float) -> float:
        """Height of the bottom plate with its rim."""
        return RIM + l_um + self.plate_side

    def least_pitch(self, w_um: float) -> float:
        """Least distance between capacitors side by side, with the shield's vias between them."""
        return up(w_um + max(self.plate_space, self.via_size + 2 * self.via_off_plate) + 0.01)

    def via_rows(self, l_um: float) -> list[float]:
        """Heights above the capacitor's lower edge of the vias on its top plate."""
        inside = max(self.via_in_plate, self.past_via)
        room = l_um - 2 * inside
        count = min(MAX_VIAS, math.floor((room + self.via_space) / (self.via_size + self.via_space) + 1e-6))
        return [l_um * (index + 0.5) / count for index in range(count)]


MET4_MET5 = Mim(
    bottom="met4",
    plate="capm2",
    via="via4",
    top="met5",
    via_size=VIA4,
    via_space=limit("via4.2"),
    width=limit("m5.1"),
    past_via=limit("m5.3"),
    bottom_past_via=limit("via4.4"),
    plate_side=up(limit("cap2m.3")) + 0.01,
    via_in_plate=limit("cap2m.4"),
    via_off_plate=limit("cap2m.5"),
    plate_space=limit("cap2m.2a"),
    bottom_space=limit("cap2m.2b"),
    landing=up(VIA4 + 2 * limit("via4.4")) + 0.02,
)
MET3_MET4 = Mim(
    bottom="met3",
    plate="capm",
    via="via3",
    top="met4",
    via_size=VIA3,
    via_space=limit("via3.2"),
    width=limit("m4.1"),
    past_via=limit("m4.3"),
    bottom_past_via=limit("via3.5"),
    plate_side=up(limit("capm.3")) + 0.01,
    via_in_plate=limit("capm.4"),
    via_off_plate=limit("capm.5"),
    plate_space=limit("capm.2a"),
    bottom_space=limit("capm.2b"),
    landing=MET3_PAD[0],
)


def draw_mim(
    block: Block, mim: Mim, w_um: float, l_um: float, bottom: float, landing: tuple[float, float]
) -> Box:
    """Draw the capacitor centred in the block's width, its bottom plate from y = bottom, along the whole width.

    The plates of neighbours are one. The membrane comes up to the bottom plate's metal at `landing` and reaches the top plate
    through the metal above, a bar no wider than the rules ask: metal as wide as the capacitor would couple 0.6 fF to each
    neighbour's membrane (of metal 5), and load the outer columns less than the inner ones. Returns the bottom plate.
    """
    x0 = snap((block.width - w_um) / 2)
    y0 = snap(bottom + RIM)
    plate = block.rect(
        mim.bottom,
        -mim.shield_side,
        bottom,
        block.width + mim.shield_side,
        snap(bottom + mim.height(l_um)),
    )
    block.rect(mim.plate, x0, y0, snap(x0 + w_um), snap(y0 + l_um))

    x, y = landing
    block.square(mim.bottom, x, y, mim.landing)
    via = block.square(mim.via, x, y, mim.via_size)
    inside = max(mim.via_in_plate, mim.past_via) + mim.via_size / 2
    bar_x = snap(min(max(x, x0 + inside), x0 + w_um - inside))
    half, top, end = mim.half, snap(y0 + l_um), snap(via.y1 + mim.past_via)
    block.rect(mim.top, snap(bar_x - half), y0, snap(bar_x + half), top)
    block.rect(mim.top, snap(min(x, bar_x) - half), snap(top - 2 * half), snap(max(x, bar_x) + half), end)
    rows = [y0 + row for row in mim.via_rows(l_um)]
    for row in rows:
        block.square(mim.via, bar_x, row, mim.via_size)
    for edge in (0.0, block.width):
        _draw_shield(block, mim, edge, (y0, end), rows)
    return plate


def _draw_shield(block: Block, mim: Mim, x: float, span: tuple[float, float], vias: list[float]) -> None:
    """A line on vss along a cell's edge: membranes neither see their neighbours nor, in an outer column, miss one."""
    half = snap(max(mim.width, mim.via_size + 2 * mim.past_via) / 2)
    block.rect(mim.top, snap(x - half), span[0], snap(x + half), span[1])
    for y in vias:
        block.square(mim.via, x, y, mim.via_size)
