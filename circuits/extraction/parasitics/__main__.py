"""The program that `run_native` starts: one layout extracted, in a process that can be limited and ended.

    python -m nonideal.circuits.extraction.parasitics settings.json

`settings.json` is in the working folder, where `progress` is kept up to date. What the extraction refuses is printed, alone, and the exit code is
REFUSED; anything else that goes wrong ends with Python's own message.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nonideal.circuits.extraction.parasitics import extract_drawn, read_technology
from nonideal.circuits.extraction.parasitics.drawn import read_drawn
from nonideal.circuits.extraction.parasitics.exchange import write_arrays
from nonideal.circuits.extraction.parasitics.library import loaded
from nonideal.circuits.extraction.parasitics.run import ARRAYS, REFUSED
from nonideal.circuits.extraction.progress import tell
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.files import read_json


def main() -> int:
    """Extract what the settings' file names."""
    settings = read_json(Path(sys.argv[1]))
    try:
        tell("reading")
        technology = read_technology(Path(settings["technology"]))
        drawn = read_drawn(Path(settings["database"]), technology)
        netlist = extract_drawn(
            drawn,
            technology,
            mode=settings["mode"],
            sidewall=settings["sidewall"],
            kernel=loaded(Path(settings["library"])),
            tell=tell,
        )
    except ExtractionFailed as error:
        print(error)
        return REFUSED
    tell("netlist")
    write_arrays(Path(ARRAYS), netlist)
    return 0


if __name__ == "__main__":
    sys.exit(main())
