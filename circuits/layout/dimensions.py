"""Drawing dimensions in um, derived from the design rules and rounded up to the 10 nm drawing grid."""

from __future__ import annotations

import math

from nonideal.circuits.layout.errors import LayoutError
from nonideal.sky130_models.rules import rule

GRID = 0.01


def limit(name: str) -> float:
    """The value of a design rule in um (um2 for an area)."""
    value = rule(name).value_um
    if value is None:
        raise LayoutError(f"design rule {name} carries no number to draw with")
    return value


def up(length: float) -> float:
    """The length rounded up to the drawing grid."""
    return round(math.ceil(length / GRID - 1e-6) * GRID, 3)


def snap(position: float) -> float:
    """The position rounded to the drawing grid."""
    return round(math.floor(position / GRID + 0.5 + 1e-6) * GRID, 3)


LICON = limit("licon.1")
LICON_SPACE = limit("licon.2")
MCON = limit("ct.1")
VIA = limit("via.1a")
VIA2 = limit("via2.1a")
VIA3 = limit("via3.1")
VIA4 = limit("via4.1")
LI = limit("li.1")

DIFF_CONTACT_SIDE = limit("licon.5a")  # diffusion round a contact, all sides
DIFF_CONTACT_END = limit("licon.5c")  # and in one direction
CONTACT_TO_GATE = up(limit("licon.11"))
SOURCE_DRAIN = 2 * CONTACT_TO_GATE + LICON  # of a contacted source or drain, from gate to diffusion edge
END_CAP = limit("poly.8")
GATE_SPACE = limit("poly.2")
POLY_TO_DIFF = up(limit("poly.4"))
IMPLANT = up(limit("nsd.5a"))  # implant round its diffusion
PAD_TO_DIFF = up(IMPLANT + limit("licon.9"))  # gate contact to diffusion: licon.14 and, next to p+, licon.9
PAD_SIDE = limit("licon.8")
PAD_END = limit("licon.8a")
NPC = limit("licon.15")

TAP_HALF = 0.15  # half height of the tap under a rail
TAP_TO_DIFF = 2 * up(max(limit("difftap.3") / 2, limit("nsd.7")))
DIFF_TO_RAIL = TAP_HALF + TAP_TO_DIFF  # rail centre to the first diffusion
IMPLANT_TO_RAIL = TAP_HALF + TAP_TO_DIFF / 2  # where the tap's implant ends and the FETs' begins
RAIL_HALF = 0.42  # half width of a supply rail on metal 1
WELL_PAST_RAIL = TAP_HALF + limit("difftap.10")
WELL_TO_N_DIFF = limit("difftap.9")
WELL_PAST_P_DIFF = limit("difftap.8")

MIN_LENGTH = limit("poly.1a")
MIN_WIDTH = limit("difftap.2")

OVERLAP = 0.1  # how far a line that goes on in the neighbouring row reaches into it
