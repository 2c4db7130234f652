"""The program that `run_native` starts: `python -m nonideal.circuits.extraction.parasitics DATABASE MODE SIDEWALL OUT`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

from nonideal.circuits.extraction.kpex import ExtractorMissing, Mode
from nonideal.circuits.extraction.parasitics import extract_parasitics
from nonideal.circuits.extraction.parasitics.exchange import write_arrays
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.circuits.sidewall import Sidewall


def main() -> int:
    """Extract; what went wrong is one line on the log."""
    database, asked_mode, asked_sidewall, out = sys.argv[1:]
    modes: dict[str, Mode] = {mode: mode for mode in get_args(Mode)}
    conventions: dict[str, Sidewall] = {sidewall: sidewall for sidewall in get_args(Sidewall)}
    try:
        netlist = extract_parasitics(
            Path(database), mode=modes[asked_mode], sidewall=conventions[asked_sidewall]
        )
    except (ExtractionFailed, ExtractorMissing) as error:
        print(error)
        return 1
    write_arrays(Path(out), netlist)
    return 0


if __name__ == "__main__":
    sys.exit(main())
