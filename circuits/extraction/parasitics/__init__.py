"""Parasitics of a layout in seconds: kpex's rules and constants for sky130A, in code of our own.

    netlist = extract_parasitics(Path("network.lvsdb.gz"), mode="RC", sidewall="full")     # raises ExtractorMissing, ExtractionFailed

Capacitances come from one native sweep over all shapes (`capacitance.py`), resistances from KLayout's counting of squares
(`resistance.py`); capacitances are spread over the nodes of the resistors, each piece of an area or an edge to the nearest node; and so
are those of wells to the substrate (`wells.py`), which kpex leaves out. `run.py` does it all in a process of its own. kpex is the witness:
see `tests/circuits/layout/test_parasitics.py`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nonideal.circuits.extraction.kpex import Mode
from nonideal.circuits.extraction.netlist import Device, Element, Netlist
from nonideal.circuits.extraction.parasitics.capacitance import capacitances
from nonideal.circuits.extraction.parasitics.drawn import FET_TERMINALS, MIM_TERMINALS, Drawn, read_drawn
from nonideal.circuits.extraction.parasitics.library import Native, find_native, loaded
from nonideal.circuits.extraction.parasitics.nodes import Numbered, numbered
from nonideal.circuits.extraction.parasitics.resistance import Wires, resistances
from nonideal.circuits.extraction.parasitics.sweep import Swept
from nonideal.circuits.extraction.parasitics.technology import Technology, find_technology, read_technology
from nonideal.circuits.extraction.parasitics.wells import well_capacitors
from nonideal.circuits.sidewall import DEFAULT, Sidewall

__all__ = [
    "Native",
    "Technology",
    "extract_drawn",
    "extract_parasitics",
    "find_native",
    "find_technology",
    "read_technology",
]


def extract_parasitics(
    database: Path,
    *,
    mode: Mode,
    sidewall: Sidewall = DEFAULT,
    native: Native | None = None,
    technology: Technology | None = None,
) -> Netlist:
    """Extract the layout in an LVS database: its devices, capacitances and, with mode RC, resistances; by another ``technology`` where one is given.

    Raises ExtractorMissing without the technology or a compiler, ExtractionFailed (with the net's or the layer's name) where the
    database is not whole, the technology lacks what is drawn, or what was extracted is not all that is drawn.
    """
    native = find_native() if native is None else native
    technology = read_technology(native.technology) if technology is None else technology
    return extract_drawn(
        read_drawn(database, technology),
        technology,
        mode=mode,
        sidewall=sidewall,
        kernel=loaded(native.library),
    )


def extract_drawn(
    drawn: Drawn,
    technology: Technology,
    *,
    mode: Mode,
    sidewall: Sidewall,
    kernel: ctypes.CDLL,
    tell: Callable[[str], object] = lambda stage: None,
) -> Netlist:
    """The same of a layout and a technology that were read; ``tell`` is given each stage as it begins."""
    if mode == "RC":
        tell("resistances")
    wires = resistances(drawn, technology) if mode == "RC" else Wires((), {}, {})
    tell("capacitances")
    nodes = numbered(drawn, technology, wires)
    found = capacitances(drawn, technology, sidewall, nodes.sites, kernel)
    return Netlist(
        drawn.cell,
        drawn.ports,
        tuple(_placed(device, index, wires) for index, device in drawn.devices.items()),
        wires.resistors,
        (*_capacitors(nodes, found), *well_capacitors(drawn, technology, wires)),
    )


def _placed(device: Device, number: int, wires: Wires) -> Device:
    """A device on the nodes of its terminals."""
    if not wires.terminals:
        return device
    ends = MIM_TERMINALS if len(device.nodes) == len(MIM_TERMINALS) else FET_TERMINALS
    nodes = tuple(
        wires.terminals.get((number, end), net) for end, net in zip(ends, device.nodes, strict=True)
    )
    return replace(device, nodes=nodes)


def _capacitors(nodes: Numbered, found: Swept) -> list[Element]:
    names = nodes.names
    made = (
        (names[a], names[b], farad)
        for (a, b), farad in zip(found.nodes.tolist(), found.farad.tolist(), strict=True)
    )
    return [Element(a, b, farad) for a, b, farad in made if a != b]
