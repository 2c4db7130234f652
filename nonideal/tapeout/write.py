"""The files of a tile that a shuttle takes, and those that show it."""

from __future__ import annotations

from pathlib import Path

from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.picture import write_picture
from nonideal.circuits.layout.write import write_gds, write_layer_properties
from nonideal.files import write_csv, write_text
from nonideal.tapeout.info import info_text
from nonideal.tapeout.lef import lef_text
from nonideal.tapeout.options import TapeoutOptions
from nonideal.tapeout.pins import Pinning
from nonideal.tapeout.verilog import stub_text

SCHEMATIC = "schematic.spice"
PICTURE = "tile.png"
INFO, PINS = "info.yaml", "pins.csv"


def write_tile(
    block: Block, options: TapeoutOptions, pinning: Pinning, netlist: str, folder: Path
) -> tuple[Path, ...]:
    """Write GDS, LEF, Verilog stub, ``info.yaml``, table of pins, netlist, layer properties and picture; the GDS is the first of what comes back."""
    top = options.top
    gds = write_gds(block, folder / f"{top}.gds")
    texts = {
        f"{top}.lef": lef_text(block, pinning),
        f"{top}.v": stub_text(top, pinning.template),
        INFO: info_text(options, pinning),
        SCHEMATIC: netlist,
    }
    for name, text in texts.items():
        write_text(folder / name, text)
    write_csv(folder / PINS, pinning.table())
    properties = write_layer_properties(folder / f"{top}.lyp")
    picture = write_picture(gds, properties, folder / PICTURE)
    return (gds, *(folder / name for name in texts), folder / PINS, properties, picture)
