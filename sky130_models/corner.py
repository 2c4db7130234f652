"""The corners that a sky130 library knows."""

from difflib import get_close_matches
from enum import StrEnum


class Corner(StrEnum):
    """A section of the device library.

    The first five vary the FETs (NMOS, then PMOS: typical, fast, slow) with typical wiring; the last four
    keep typical FETs and vary resistance, then capacitance (low, high).
    """

    tt = "tt"
    ff = "ff"
    ss = "ss"
    sf = "sf"
    fs = "fs"
    ll = "ll"
    hl = "hl"
    lh = "lh"
    hh = "hh"

    @property
    def mismatch_section(self) -> str:
        """The library section of the same corner in which every device draws its own mismatch."""
        return f"{self.value}_mm"


def parse_corner(text: str) -> Corner:
    """The corner of that name, in any case; raises ValueError with the nearest name that exists."""
    name = text.strip().lower()
    try:
        return Corner(name)
    except ValueError:
        names = [corner.value for corner in Corner]
        near = get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise ValueError(f"no corner {text!r}{hint} Corners: {', '.join(names)}") from None
