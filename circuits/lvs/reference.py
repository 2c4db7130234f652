"""The reference netlist: SPICE text with the PDK's subcircuit calls, read as devices and flattened."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import klayout.db as kdb

from nonideal.circuits.layout.errors import LvsFailed
from nonideal.circuits.lvs.connectivity import mim_class
from nonideal.circuits.lvs.devices import FETS, MIMS
from nonideal.circuits.units import unit_names

SUBCKT = re.compile(r"^\s*\.subckt\s+(\S+)", re.IGNORECASE | re.MULTILINE)
INCLUDE = re.compile(r"^\s*\.(?:include|inc|lib)\b.*", re.IGNORECASE | re.MULTILINE)
UNITS = "M"
"""So many devices in parallel, each of which is drawn."""
MOST_UNITS = 10_000
MOST_DEVICES = 10_000_000
"""A netlist of more is a mistake: some few lines, calls of calls, can ask for more than there is memory."""
MULTIPLIERS = ("MULT", "NF")


class _PdkReader(kdb.NetlistSpiceReaderDelegate):
    """Reads calls of the PDK's subcircuits as devices; knows its classes itself, for KLayout looks names up in upper case."""

    def __init__(self) -> None:
        super().__init__()
        self.classes: dict[str, kdb.DeviceClass] = {}
        self.problems: list[str] = []

    def wants_subcircuit(self, name: str) -> bool:
        return name.lower() in MIMS or name.lower() in FETS

    def _class(self, circuit: kdb.Circuit, name: str, made: kdb.DeviceClass) -> kdb.DeviceClass:
        if name not in self.classes:
            made.name = name
            circuit.netlist().add(made)
            self.classes[name] = made
        return self.classes[name]

    def element(
        self,
        circuit: kdb.Circuit,
        kind: str,
        name: str,
        model: str,
        value: float,
        nets: Sequence[kdb.Net],
        params: dict[str, float],
    ) -> bool:
        known = model.lower()
        if known not in MIMS and known not in FETS:
            self.problems.append(f"{name} is a {kind} element of {model!r}")
            return True
        for multiplier in MULTIPLIERS:
            if params.get(multiplier, 1.0) != 1.0:
                self.problems.append(f"{name}: {multiplier.lower()} = {params[multiplier]}")
        units = params.get(UNITS, 1.0)
        if not (1 <= units <= MOST_UNITS and units == round(units)):
            self.problems.append(f"{name}: {UNITS.lower()} = {units} is no number of devices")
            return True
        width, length = params.get("W"), params.get("L")
        if not (isinstance(width, float) and isinstance(length, float)):
            self.problems.append(f"{name}: w = {width}, l = {length}: give numbers for both")
            return True
        fet = known in FETS
        terminals = ("D", "G", "S", "B") if fet else ("A", "B")
        sizes = {"W": width, "L": length} if fet else {"A": width * length, "P": 2 * (width + length)}
        if len(nets) != len(terminals):
            self.problems.append(f"{name}: {len(nets)} nets instead of {len(terminals)}")
            return True
        for unit in unit_names(name, round(units)):
            made = (
                self._class(circuit, known, kdb.DeviceClassMOS4Transistor())
                if fet
                else self._class(circuit, MIMS[known], mim_class())
            )
            device = circuit.create_device(made, unit)
            for parameter, size in sizes.items():
                device.set_parameter(parameter, size)
            for terminal, net in zip(terminals, nets, strict=True):
                device.connect_terminal(terminal, net)
        return True


def read_reference(text: str, cell: str) -> kdb.Netlist:
    """Read a netlist and flatten its cell; every other circuit is dropped.

    Raises ``LvsFailed`` for text that is no such netlist, that includes other files, or that is of more devices than ``MOST_DEVICES``.
    """
    if include := INCLUDE.search(text):
        raise LvsFailed(
            f"the reference netlist includes another file ({include[0].strip()}): write all of it into one"
        )
    delegate = _PdkReader()
    reader = kdb.NetlistSpiceReader(delegate)
    netlist = kdb.Netlist()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reference.spice"
        path.write_text(f"* reference\n{text}\n.end\n", encoding="utf-8")
        try:
            netlist.read(str(path), reader)
        except RuntimeError as error:
            told = str(error).replace(str(path), "it").removesuffix(" in Netlist.read")
            raise LvsFailed(f"the reference netlist cannot be read: {told}") from error
    if delegate.problems:
        shown = "; ".join(delegate.problems[:5])
        raise LvsFailed(f"the reference netlist holds what no layout here can be: {shown}")
    circuit = netlist.circuit_by_name(cell)
    if circuit is None:
        names = ", ".join(c.name for c in netlist.each_circuit())
        raise LvsFailed(f"the reference netlist has no subcircuit {cell!r} (it has {names})")
    # KLayout takes a call of what is not there for one of an empty circuit, and a device for none.
    defined = {name.lower() for name in SUBCKT.findall(text)}
    strange = [c.name for c in netlist.each_circuit() if c.has_refs() and c.name.lower() not in defined]
    if strange:
        raise LvsFailed(
            f"the reference netlist calls {', '.join(sorted(strange))}, and defines no such subcircuit"
        )
    if (count := _device_count(netlist, circuit)) > MOST_DEVICES:
        raise LvsFailed(f"the reference netlist asks for {count} devices; {MOST_DEVICES} are the most")
    name = circuit.name
    netlist.flatten_circuits([c for c in netlist.each_circuit() if c.name != name and c.has_refs()])
    for other in [c for c in netlist.each_circuit() if c.name != name]:
        netlist.remove(other)
    return netlist


def _device_count(netlist: kdb.Netlist, top: kdb.Circuit) -> int:
    """Devices of a circuit once it is flat."""
    counts: dict[str, int] = {}
    for circuit in netlist.each_circuit_bottom_up():
        called = (counts.get(one.circuit_ref().name, 0) for one in circuit.each_subcircuit())
        counts[circuit.name] = sum(1 for _ in circuit.each_device()) + sum(called)
    return counts[top.name]
