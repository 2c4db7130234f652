"""What is held against a drawn tile: rules, netlist, the shuttle's precheck; and what is extracted of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nonideal.circuits.drc import DrcReport, check
from nonideal.circuits.extraction import Extraction, ExtractionOptions, extract
from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import LvsReport, compare
from nonideal.circuits.sidewall import Sidewall
from nonideal.precheck import PrecheckSummary, TileFiles, precheck
from nonideal.sky130_models.tile import GROUND
from nonideal.tapeout.pins import Pinning

DATABASE = "tile.lvsdb.gz"
BARE = "bare.gds"
"""The layout without fill: what is extracted. Fill hangs on nothing, so it is on no net that a netlist could have."""


@dataclass(frozen=True, slots=True)
class Checks:
    """What was found."""

    drc: DrcReport
    lvs: LvsReport
    precheck: PrecheckSummary

    @property
    def passed(self) -> bool:
        return self.drc.clean and self.lvs.matched and self.precheck.passed


def check_tile(gds: Path, netlist: Path, text: str, pinning: Pinning, current_mA: float) -> Checks:
    """Hold a tile's layout, whose other files lie beside it, against rules, netlist and precheck; reports are written beside it."""
    folder, top = gds.parent, gds.stem
    drc = check(gds, top)
    drc.write(folder / "drc.json")
    drc.write_markers(folder / "drc.lyrdb")
    lvs = compare(gds, text, top, tied={pin.name: GROUND for pin in pinning.tied})
    lvs.write(folder / "lvs.json")
    found = precheck(TileFiles.beside(gds, netlist=None if pinning.tied else netlist), current_mA=current_mA)
    found.save(folder / "precheck.json")
    return Checks(drc, lvs, found)


def extract_tile(
    bare: Block, text: str, pinning: Pinning, folder: Path, cache: Path, sidewall: Sidewall
) -> Extraction:
    """Extract a tile's layout without its fill: resistance and capacitance of every net. Raises ``LvsFailed``, ``ExtractionFailed``."""
    top = bare.cell.name
    gds = write_gds(bare, folder / BARE)
    lvs = compare(gds, text, top, folder / DATABASE, tied={pin.name: GROUND for pin in pinning.tied})
    lvs.require_match()
    return extract(
        folder / DATABASE,
        pinning.ports,
        lvs.device_count,
        folder=folder / "extraction",
        cache=cache,
        options=ExtractionOptions(mode="RC", sidewall=sidewall),
        ground=GROUND,
    )
