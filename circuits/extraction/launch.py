"""The program that `run_kpex` starts: klayout-pex with a sidewall convention, and telling how far it is.

    python -m nonideal.circuits.extraction.launch settings.json extract --pdk sky130A ...

`settings.json` is in the working folder, where `progress` is kept up to date: one line, a stage and its percentage. Of kpex's
installation nothing is changed: the technology's sidewall coefficients are scaled once it has been read.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from klayout_pex.__main__ import main as kpex_main
from klayout_pex.rcx25.c.sidewall_and_fringe_extractor import SidewallAndFringeExtractor
from klayout_pex.rcx25.extractor import RCX25Extractor
from klayout_pex.rcx25.r.r_extractor import RExtractor
from klayout_pex.tech_info import TechInfo

from nonideal.circuits.extraction.progress import tell
from nonideal.files import read_json


def scale_sidewalls(factor: float) -> None:
    """Multiply the sidewall coefficients of every technology that this process reads from now on."""
    read = TechInfo.parse_tech_def

    def scaled(jsonpb_path: str) -> Any:
        technology = read(jsonpb_path)
        for sidewall in technology.process_parasitics.capacitance.sidewalls:
            sidewall.capacitance *= factor
        return technology

    TechInfo.parse_tech_def = staticmethod(scaled)


def watch() -> None:
    """Tell the stages, and of the edges whose surroundings kpex looks at, which is nearly all of its work, how many are done."""
    visitor = SidewallAndFringeExtractor.PEXEdgeNeighborhoodVisitor
    on_edge, of_fringe = visitor.on_edge, SidewallAndFringeExtractor.extract
    of_resistances, of_all = RExtractor.extract, RCX25Extractor.extract
    done, total, last = 0, 1, -1

    def counted(self: Any, *given: Any) -> None:
        nonlocal done, last
        on_edge(self, *given)
        done += 1
        percent = min(99, 100 * done // total)
        if percent > last:
            last = percent
            tell("capacitances", percent)

    def fringe(self: Any) -> None:
        nonlocal total
        total = max(1, sum(region.merged().edges().count() for region in self.layer_regions_by_name.values()))
        of_fringe(self)

    def resistances(self: Any, *given: Any, **named: Any) -> Any:
        tell("resistances")
        return of_resistances(self, *given, **named)

    def everything(self: Any) -> Any:
        tell("capacitances")
        found = of_all(self)
        tell("netlist")
        return found

    visitor.on_edge, SidewallAndFringeExtractor.extract = counted, fringe
    RExtractor.extract, RCX25Extractor.extract = resistances, everything


def main() -> None:
    """Run kpex: the settings' file, then kpex's own arguments."""
    settings = read_json(Path(sys.argv[1]))
    scale_sidewalls(float(settings["sidewall_factor"]))
    watch()
    sys.argv = ["kpex", *sys.argv[2:]]
    kpex_main()


if __name__ == "__main__":
    main()
