"""Rules of the analog pins: connected if and only if declared, and what protects them."""

from __future__ import annotations

import re
from itertools import product

import klayout.db as kdb

from nonideal.files import UnreadableFile, read_text
from nonideal.precheck.result import Finding, Place, fails, passes
from nonideal.precheck.rules.outline import without, without_template
from nonideal.precheck.tile import Tile
from nonideal.sky130_models.tile import MOST_ANALOG, TilePin

RING_UM = (0.1, 0.5)
"""A pin is connected where metal 4 lies this far round it, or a via3 over it: the shuttle's own test."""
DOCS = ("info.md", "docs.md", "datasheet.md", "README.md", "pins.csv")
DOC_FOLDERS = ("", "docs")  # beside the GDS and info.yaml, or in the folder that the shuttle's template has
SPAN = re.compile(r"\bua\[\s*(\d{1,3})\s*(?:\.\.|:|-)\s*(\d{1,3})\s*\]")


def analog_pins(tile: Tile) -> Finding:
    """Metal or a via touches ua[n] if and only if info.yaml declares and describes it; the first ones, six at most."""
    if tile.info is None or tile.template is None:
        return without("info.yaml") if tile.info is None else without_template()
    declared = tile.info.analog_pins
    wrong = []
    if declared > MOST_ANALOG:
        wrong.append(Place(x_um=0.0, y_um=0.0, what=f"analog_pins is {declared}, at most {MOST_ANALOG}"))
    for number, pin in enumerate(tile.template.analog):
        connected = is_connected(tile, pin)
        described = bool(tile.info.pinout.get(pin.name))
        if connected == (number < declared) == described:
            continue
        said = [
            f"metal {'touches' if connected else 'does not touch'} it",
            f"analog_pins is {declared}",
            f"the pinout {'describes' if described else 'does not describe'} it",
        ]
        wrong.append(
            Place(x_um=(pin.x0_um + pin.x1_um) / 2, y_um=pin.y1_um, what=f"{pin.name}: {', '.join(said)}")
        )
    if wrong:
        return fails(
            wrong[0].what,
            "wire the pin on metal 4 or with a via3, declare it in analog_pins and describe it in pinout: all three or none, ua[0] first",
            wrong,
        )
    return passes(f"{declared} of {len(tile.template.analog)} connected, declared and described")


def is_connected(tile: Tile, pin: TilePin) -> bool:
    """Whether something is wired to a pin of the template, as the shuttle tests it."""
    box = kdb.DBox(pin.x0_um, pin.y0_um, pin.x1_um, pin.y1_um)
    near, far = (kdb.Region(box.enlarged(by, by).to_itype(tile.layout.dbu)) for by in RING_UM)
    over = kdb.Region(box.to_itype(tile.layout.dbu))
    return not ((tile.regions["met4"] & (far - near)).is_empty() and (tile.regions["via3"] & over).is_empty())


def esd(tile: Tile) -> Finding:
    """For every analog pin that is used, a line of info.yaml or of the documents beside says what protects it (ESD)."""
    if tile.info is None or tile.template is None:
        return without("info.yaml") if tile.info is None else without_template()
    used = [pin.name for pin in tile.template.analog[: tile.info.analog_pins]]
    lines = [f"{pin}: {said}" for pin, said in tile.info.pinout.items()]
    read = [tile.info.path.name]
    beside = dict.fromkeys((tile.files.gds.parent, tile.info.path.parent))
    for folder, name in product((one / inner for one in beside for inner in DOC_FOLDERS), DOCS):
        if (folder / name).is_file():
            try:
                lines += read_text(folder / name).split("\n")
                read.append(name)
            except UnreadableFile:
                read.append(f"{name} (which is no text)")
    spoken = {pin for line in lines if re.search(r"\bESD\b", line, re.IGNORECASE) for pin in _named(line)}
    silent = [pin for pin in used if pin not in spoken]
    if silent:
        return fails(
            f"nothing on ESD of {', '.join(silent)} in {', '.join(dict.fromkeys(read))}",
            "say in a line that names the pin what protects it: for instance 'ua[0]: ESD by the pad's diodes, 100 ohm in series'",
        )
    return passes(f"{len(used)} pins" if used else "no analog pin is used")


def _named(line: str) -> set[str]:
    """The pins that a line names, spans as `ua[0..5]` too."""
    found = set(re.findall(r"\bua\[\d+\]", line))
    for first, last in SPAN.findall(line):
        found |= {f"ua[{number}]" for number in range(int(first), int(last) + 1)}
    return found
