"""The reference netlist: SPICE text with the PDK's subcircuit calls, read as devices and flattened."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import klayout.db as kdb

from nonideal.circuits.layout.errors import LvsFailed
from nonideal.circuits.lvs.connectivity import mim_class

MIMS = {
    "sky130_fd_pr__cap_mim_m3_1": "sky130_fd_pr__model__cap_mim",
    "sky130_fd_pr__cap_mim_m3_2": "sky130_fd_pr__model__cap_mim_m4",
}
FETS = (
    "sky130_fd_pr__nfet_01v8",
    "sky130_fd_pr__nfet_01v8_lvt",
    "sky130_fd_pr__pfet_01v8",
    "sky130_fd_pr__pfet_01v8_hvt",
)
MULTIPLIERS = ("M", "MULT", "NF")


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
        if "W" not in params or "L" not in params:
            self.problems.append(f"{name}: w or l is not given")
            return True
        width, length = params["W"], params["L"]
        if known in FETS:
            device = circuit.create_device(self._class(circuit, known, kdb.DeviceClassMOS4Transistor()), name)
            terminals: tuple[str, ...] = ("D", "G", "S", "B")
            device.set_parameter("W", width)
            device.set_parameter("L", length)
        else:
            device = circuit.create_device(self._class(circuit, MIMS[known], mim_class()), name)
            terminals = ("A", "B")
            device.set_parameter("A", width * length)
            device.set_parameter("P", 2 * (width + length))
        if len(nets) != len(terminals):
            self.problems.append(f"{name}: {len(nets)} nets instead of {len(terminals)}")
            return True
        for terminal, net in zip(terminals, nets, strict=True):
            device.connect_terminal(terminal, net)
        return True


def read_reference(text: str, cell: str) -> kdb.Netlist:
    """Read a netlist and flatten its cell; every other circuit is dropped."""
    delegate = _PdkReader()
    reader = kdb.NetlistSpiceReader(delegate)
    netlist = kdb.Netlist()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reference.spice"
        path.write_text(f"* reference\n{text}\n.end\n", encoding="utf-8")
        netlist.read(str(path), reader)
    if delegate.problems:
        shown = "; ".join(delegate.problems[:5])
        raise LvsFailed(f"the reference netlist holds what no layout here can be: {shown}")
    circuit = netlist.circuit_by_name(cell)
    if circuit is None:
        names = ", ".join(c.name for c in netlist.each_circuit())
        raise LvsFailed(f"the reference netlist has no subcircuit {cell!r} (it has {names})")
    name = circuit.name
    netlist.flatten_circuits([c for c in netlist.each_circuit() if c.name != name and c.has_refs()])
    for other in [c for c in netlist.each_circuit() if c.name != name]:
        netlist.remove(other)
    return netlist
