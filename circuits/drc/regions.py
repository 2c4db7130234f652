"""The layers of a layout as flat regions, drawn and derived, each computed once."""

from __future__ import annotations

from collections.abc import Callable

import klayout.db as kdb

from nonideal.sky130_models.layers import LAYERS

Derivation = Callable[["Regions"], kdb.Region]


class Regions:
    """Regions by name: a mask layer of the process, one of MARKS, or one of DERIVED."""

    def __init__(self, layout: kdb.Layout, top: kdb.Cell) -> None:
        self._layout = layout
        self._top = top
        self._known: dict[str, kdb.Region] = {}

    @property
    def dbu_um(self) -> float:
        return float(self._layout.dbu)

    def length(self, um: float) -> int:
        """A length in um as database units."""
        return round(um / self._layout.dbu)

    def drawn(self) -> list[str]:
        """The mask layers that hold shapes."""
        return [name for name in LAYERS if not self[name].is_empty()]

    def __getitem__(self, name: str) -> kdb.Region:
        if name not in self._known:
            if name in LAYERS or name in MARKS:
                index = self._layout.find_layer(*place(name))
                region = kdb.Region() if index is None else kdb.Region(self._top.begin_shapes_rec(index))
            else:
                region = DERIVED[name](self)
            self._known[name] = region.merged()
        return self._known[name]


MARKS: dict[str, tuple[int, int]] = {
    "standard cell": (81, 4),
    "hvi": (75, 20),
    "hvtr": (18, 20),
    "rpm": (86, 20),
    "urpm": (79, 20),
}
"""Layers that no layout of ours has, but others do: GDS layer and datatype. A standard cell says that it is one (areaid.standardc)."""


def place(name: str) -> tuple[int, int]:
    """GDS layer and datatype of a layer of the process, or of a mark."""
    if name in MARKS:
        return MARKS[name]
    return LAYERS[name].gds_layer, LAYERS[name].drawing


DERIVED: dict[str, Derivation] = {
    "difftap": lambda r: r["diff"] + r["tap"],
    "gate": lambda r: r["poly"] & r["diff"],
    "n+diff": lambda r: r["diff"] & r["nsdm"],
    "p+diff": lambda r: r["diff"] & r["psdm"],
    "n+tap": lambda r: r["tap"] & r["nsdm"],
    "p+tap": lambda r: r["tap"] & r["psdm"],
    "n+": lambda r: r["difftap"] & r["nsdm"],
    "p+": lambda r: r["difftap"] & r["psdm"],
    "bare difftap": lambda r: r["difftap"] - r["nsdm"] - r["psdm"],
    "antenna short": lambda r: r["tap"] - r["poly"] - r["nwell"],
    "antenna diode": lambda r: r["difftap"] - r["poly"] - r["antenna short"],
    "well tap": lambda r: r["n+tap"].interacting(r["licon1"]),
    "n+diff outside": lambda r: r["n+diff"] - r["nwell"],
    "nwell hole": lambda r: r["nwell"].holes(),
    "resistor implant": lambda r: r["rpm"] + r["urpm"],
    "licon1 off resistors": lambda r: r["licon1"].not_interacting(r["resistor implant"]),
    "licon_poly off resistors": lambda r: r["licon_poly"].not_interacting(r["resistor implant"]),
    "licon_difftap": lambda r: r["licon1"].interacting(r["difftap"]),
    "licon_poly": lambda r: r["licon1"].interacting(r["poly"]),
    "licon_diff": lambda r: r["licon1"].interacting(r["diff"]),
    "licon_tap": lambda r: r["licon1"].interacting(r["tap"]),
    "lvt gate": lambda r: r["gate"].interacting(r["lvtn"]),
    "lvt p gate": lambda r: r["lvt gate"] & r["nwell"],
    "other than lvt gate": lambda r: r["gate"].not_interacting(r["lvtn"]),
    "hvt gate": lambda r: r["gate"].interacting(r["hvtp"]),
    "other than hvt gate": lambda r: r["gate"].not_interacting(r["hvtp"]),
    "met3_plate": lambda r: r["met3"].interacting(r["capm"]),
    "met4_plate": lambda r: r["met4"].interacting(r["capm2"]),
    "other met3": lambda r: r["met3"].not_interacting(r["capm"]),
    "other met4": lambda r: r["met4"].not_interacting(r["capm2"]),
    "via3 on capm": lambda r: r["via3"].interacting(r["capm"]),
    "via3 off capm": lambda r: r["via3"].not_interacting(r["capm"]),
    "via4 on capm2": lambda r: r["via4"].interacting(r["capm2"]),
    "via4 off capm2": lambda r: r["via4"].not_interacting(r["capm2"]),
}
