"""Parasitics of a layout in seconds: kpex's rules and constants for sky130A, in code of our own.

    netlist = extract_parasitics(Path("network.lvsdb.gz"), mode="RC", sidewall="full")     # raises ExtractorMissing, ExtractionFailed

Capacitances come from one native sweep over all shapes (`capacitance.py`), resistances from KLayout's counting of squares
(`resistance.py`); capacitances are spread over the nodes of the resistors, each piece of an area or an edge to the nearest node.
kpex is the witness: see `tests/circuits/layout/test_parasitics.py`.
"""

from __future__ import annotations

import ctypes
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
from nonideal.circuits.extraction.parasitics.technology import Technology, read_technology
from nonideal.circuits.sidewall import DEFAULT, Sidewall

__all__ = ["Native", "Technology", "extract_drawn", "extract_parasitics", "find_native"]


def extract_parasitics(
    database: Path, *, mode: Mode, sidewall: Sidewall = DEFAULT, native: Native | None = None
) -> Netlist:
    """Extract the layout in an LVS database: its devices, capacitances and, with mode RC, resistances.

    Raises ExtractorMissing without the technology or a compiler, ExtractionFailed (with the net's or the layer's name) where the
    database is not whole, the technology lacks what is drawn, or what was extracted is not all that is drawn.
    """
    native = find_native() if native is None else native
    technology = read_technology(native.technology)
    return extract_drawn(
        read_drawn(database, technology),
        technology,
        mode=mode,
        sidewall=sidewall,
        kernel=loaded(native.library),
    )


def extract_drawn(
    drawn: Drawn, technology: Technology, *, mode: Mode, sidewall: Sidewall, kernel: ctypes.CDLL
) -> Netlist:
    """The same of a layout and a technology that were read."""
    wires = resistances(drawn, technology) if mode == "RC" else Wires((), {}, {})
    nodes = numbered(drawn, technology, wires)
    found = capacitances(drawn, technology, sidewall, nodes.sites, kernel)
    return Netlist(
        drawn.cell,
        drawn.ports,
        tuple(_placed(device, index, wires) for index, device in drawn.devices.items()),
        wires.resistors,
        tuple(_capacitors(nodes, found)),
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
