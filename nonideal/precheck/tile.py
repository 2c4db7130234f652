"""A tile under test: its layout, flat regions of it, and the files that belong to it, each read once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import klayout.db as kdb

from nonideal.circuits.drc import DrcReport, check_cell
from nonideal.circuits.drc.regions import Regions
from nonideal.files import UnreadableFile, read_bytes, read_text
from nonideal.precheck.errors import PrecheckError
from nonideal.precheck.info import Info, read_info
from nonideal.precheck.lef import LefMacro, read_lef
from nonideal.precheck.result import Place
from nonideal.precheck.stub import VerilogPort, read_ports
from nonideal.sky130_models.purposes import BOUNDARY
from nonideal.sky130_models.tile import TEMPLATES, TileTemplate

INFO = "info.yaml"
MOST_FOLDERS_UP = 3
"""So many folders above the layout `info.yaml` is looked for in, as the shuttle does."""
NEAR_UM = 0.0005


@dataclass(frozen=True, slots=True)
class TileFiles:
    """The files of a tile: those beside the layout, of the same name, where none are named. ``netlist`` is held against the layout if given."""

    gds: Path
    lef: Path
    verilog: Path
    info: Path
    netlist: Path | None = None

    @classmethod
    def beside(
        cls,
        gds: Path,
        *,
        lef: Path | None = None,
        verilog: Path | None = None,
        info: Path | None = None,
        netlist: Path | None = None,
    ) -> TileFiles:
        """The named ones, and for the others those beside the layout; `info.yaml` may lie in a folder above it."""
        found = gds.parent / INFO
        for folder in [gds.resolve().parent, *gds.resolve().parents][: MOST_FOLDERS_UP + 1]:
            if (folder / INFO).is_file():
                found = folder / INFO
                break
        return cls(
            gds,
            lef or gds.with_suffix(".lef"),
            verilog or gds.with_suffix(".v"),
            info or found,
            netlist,
        )

    def told(self) -> dict[str, str]:
        """By what they are."""
        files = {"gds": self.gds, "lef": self.lef, "verilog": self.verilog, "info": self.info}
        return {what: str(path) for what, path in files.items()} | (
            {} if self.netlist is None else {"netlist": str(self.netlist)}
        )


@dataclass
class Tile:
    """What rules ask. Of a file that cannot be read, ``problems`` says why, and its content is None."""

    files: TileFiles
    current_mA: float | None = None
    problems: dict[str, str] = field(default_factory=dict)

    @cached_property
    def layout(self) -> kdb.Layout:
        """The layout in memory. Raises ``PrecheckError`` for what is no GDS, ``UnreadableFile`` for the file."""
        read_bytes(self.files.gds)
        layout = kdb.Layout()
        try:
            layout.read(str(self.files.gds))
        except RuntimeError as error:
            raise PrecheckError(f"{self.files.gds} is no layout that KLayout reads: {error}") from error
        if not layout.top_cells():
            raise PrecheckError(f"{self.files.gds} holds no cell")
        return layout

    @property
    def name(self) -> str:
        """What the tile is called: as its file."""
        return self.files.gds.name.removesuffix(self.files.gds.suffix)

    @cached_property
    def top(self) -> kdb.Cell:
        """The cell that is checked: the one named as the file, else the first top cell."""
        named = self.layout.cell(self.name)
        return named if named is not None else self.layout.top_cells()[0]

    @cached_property
    def regions(self) -> Regions:
        """The layers of the process, flat."""
        return Regions(self.layout, self.top)

    @cached_property
    def drc(self) -> DrcReport:
        """The design rule check of the whole tile, antennas too."""
        return check_cell(self.layout, self.top)

    @cached_property
    def boundary(self) -> kdb.DBox:
        """The bounding box of prBoundary; empty where there is none."""
        index = self.layout.find_layer(*BOUNDARY)
        return kdb.DBox() if index is None else self.top.dbbox_per_layer(index)

    @cached_property
    def template(self) -> TileTemplate | None:
        """The template whose size the boundary, or without one the whole cell, has."""
        box = self.boundary if not self.boundary.empty() else self.top.dbbox()
        for one in TEMPLATES.values():
            if abs(box.width() - one.width_um) < NEAR_UM and abs(box.height() - one.height_um) < NEAR_UM:
                return one
        return None

    @cached_property
    def netlist(self) -> str | None:
        """The netlist that the layout is held against; None where none is given. Raises ``UnreadableFile``."""
        return None if self.files.netlist is None else read_text(self.files.netlist)

    @cached_property
    def lef(self) -> LefMacro | None:
        return self._read("lef", self.files.lef, lambda path: read_lef(path, self.name))

    @cached_property
    def ports(self) -> dict[str, VerilogPort] | None:
        """The ports of the Verilog module."""
        return self._read("verilog", self.files.verilog, lambda path: read_ports(path, self.name))

    @cached_property
    def info(self) -> Info | None:
        return self._read("info", self.files.info, read_info)

    def _read(self, what: str, path: Path, read: Any) -> Any:
        try:
            return read(path)
        except (PrecheckError, UnreadableFile) as error:
            self.problems[what] = str(error)
            return None

    def pieces(self, layer: int, datatype: int) -> Iterator[tuple[kdb.Shape, kdb.DBox]]:
        """Every shape of a layer in the tile, in whatever cell, with its box in um."""
        index = self.layout.find_layer(layer, datatype)
        if index is not None:
            iterator = self.top.begin_shapes_rec(index)
            while not iterator.at_end():
                shape = iterator.shape()
                yield shape, shape.bbox().transformed(iterator.trans()).to_dtype(self.layout.dbu)
                iterator.next()

    def box(self, x0_um: float, y0_um: float, x1_um: float, y1_um: float) -> kdb.Box:
        """A box in um as database units."""
        return kdb.DBox(x0_um, y0_um, x1_um, y1_um).to_itype(self.layout.dbu)

    def places(self, region: kdb.Region, what: str) -> list[Place]:
        """The middles of a region's polygons."""
        boxes = (polygon.bbox().to_dtype(self.layout.dbu) for polygon in region.each())
        return [place(box, what) for box in boxes]


def place(box: kdb.DBox, what: str) -> Place:
    """The middle of a box in um."""
    return Place(x_um=round(box.center().x, 3), y_um=round(box.center().y, 3), what=what)
