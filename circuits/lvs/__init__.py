"""Layout versus schematic: the drawn devices and nets against a reference netlist, and a database for the extraction.

report = compare(Path("network.gds"), schematic_text, "network", database=Path("network.lvsdb.gz"))
report.require_match()          # raises LvsFailed
report.write(Path("lvs.json"))
"""

from __future__ import annotations

import gzip
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import klayout.db as kdb

from nonideal.circuits.layout.errors import LayoutError, LvsFailed
from nonideal.circuits.lvs.connectivity import build
from nonideal.circuits.lvs.reference import read_reference
from nonideal.circuits.lvs_summary import LvsSummary
from nonideal.files import write_bytes

MAX_MESSAGES = 50

__all__ = ["LvsReport", "compare", "write_database"]


@dataclass(frozen=True, slots=True)
class LvsReport:
    """What a comparison found: device counts by class on both sides, and a message for every difference."""

    cell: str
    devices_layout: dict[str, int]
    devices_netlist: dict[str, int]
    nets: int
    ports: tuple[str, ...]
    differences: tuple[str, ...]
    difference_count: int
    seconds: float

    @property
    def matched(self) -> bool:
        return self.difference_count == 0

    @property
    def device_count(self) -> int:
        return sum(self.devices_layout.values())

    def with_differences(self, more: Sequence[str]) -> LvsReport:
        """With further differences that something else than the comparison found, in front of its own."""
        told = (*more, *self.differences)[:MAX_MESSAGES]
        return replace(self, differences=told, difference_count=self.difference_count + len(more))

    def require_match(self) -> None:
        """Raise LvsFailed unless layout and netlist are the same circuit."""
        if not self.matched:
            shown = "; ".join(self.differences[:5])
            raise LvsFailed(
                f"{self.cell}: {self.difference_count} differences between layout and netlist: {shown}"
            )

    def summary(self) -> LvsSummary:
        """What is told of it."""
        return LvsSummary(
            cell=self.cell,
            matched=self.matched,
            devices=self.device_count,
            devices_layout=self.devices_layout,
            devices_netlist=self.devices_netlist,
            nets=self.nets,
            ports=len(self.ports),
            differences=self.difference_count,
            messages=self.differences,
            seconds=round(self.seconds, 3),
        )

    def write(self, path: Path) -> None:
        """Write the report as JSON, whole or not at all."""
        self.summary().save(path)


def compare(
    gds: Path,
    netlist_text: str,
    cell: str = "network",
    database: Path | None = None,
    tied: Mapping[str, str] | None = None,
) -> LvsReport:
    """Compare a GDS file's cell with the subcircuit of that name.

    Ports must not only fit the circuit but carry the same names: two synapses whose bias labels are exchanged are a
    perfect match by topology. `tied`: labels of the layout that are no ports of the netlist, and the port whose net each is on.
    With `database` the KLayout LVS database is written, for the extraction and for a look at it.
    """
    started = time.perf_counter()
    layout = kdb.Layout()
    layout.read(str(gds))
    top = layout.cell(cell)
    if top is None:
        raise LayoutError(
            f"{gds} has no cell {cell!r} (it has {', '.join(c.name for c in layout.each_cell())})"
        )
    top.flatten(True)
    made = build(layout, top)
    lvs = made.lvs
    drawn = lvs.netlist()
    loose = _take_ties(drawn, tied or {})
    _make_pins(drawn)
    circuit, reference, differences = _compared(lvs, netlist_text, cell, anchored=True)
    if differences:
        # Without anchors they are told better: two exchanged labels as such, not as devices between wrong nets.
        circuit, reference, differences = _compared(lvs, netlist_text, cell, anchored=False)
    differences = loose + differences
    report = LvsReport(
        cell=cell,
        devices_layout=_devices(circuit),
        devices_netlist=_devices(reference),
        nets=sum(1 for _ in circuit.each_net()),
        ports=tuple(pin.name() for pin in circuit.each_pin()),
        differences=tuple(differences[:MAX_MESSAGES]),
        difference_count=len(differences),
        seconds=time.perf_counter() - started,
    )
    if database is not None:
        _name_after_reference(lvs)
        _write_database(lvs, database)
    return report


def _take_ties(drawn: kdb.Netlist, tied: Mapping[str, str]) -> list[str]:
    """Take the labels that are tied to a port's net off that net; those that are on another, or nowhere, come back as differences."""
    open_ties = dict(tied)
    for circuit in drawn.each_circuit():
        for net in circuit.each_net():
            names = net.name.split(",")
            held = [name for name in names if open_ties.get(name) in names]
            if held:
                net.name = ",".join(name for name in names if name not in held)
                open_ties = {label: port for label, port in open_ties.items() if label not in held}
    return [f"{label} is not on the net of {port}" for label, port in open_ties.items()]


def _make_pins(drawn: kdb.Netlist) -> None:
    """A pin for every labelled net: KLayout's own leaves out those that no device is on, as a gate line that no unit is tied to."""
    drawn.make_top_level_pins()
    for circuit in drawn.each_circuit():
        for net in list(circuit.each_net()):
            if net.name and not net.pin_count() and not net.terminal_count():
                circuit.connect_pin(circuit.create_pin(net.name), net)


def _compared(
    lvs: kdb.LayoutVsSchematic, netlist_text: str, cell: str, *, anchored: bool
) -> tuple[kdb.Circuit, kdb.Circuit, list[str]]:
    """Both circuits and all differences.

    ``anchored`` begins at ports of the same name: an array is so symmetric that 65-32-10 takes seven times as long without them.
    """
    lvs.reference = read_reference(netlist_text, cell)
    circuit = next(iter(lvs.netlist().each_circuit()), None)
    reference = next(iter(lvs.reference.each_circuit()), None)
    if circuit is None or reference is None:
        raise LvsFailed(f"{cell}: nothing was extracted from the layout")
    comparer = kdb.NetlistComparer()
    comparer.same_circuits(circuit, reference)
    if anchored:
        wanted = {pin.name().lower(): reference.net_for_pin(pin.id()) for pin in reference.each_pin()}
        for pin in circuit.each_pin():
            other = wanted.get(pin.name().lower())
            if other is not None:
                comparer.same_nets(circuit.net_for_pin(pin.id()), other, False)
    lvs.compare(comparer)
    differences = (
        _port_differences(circuit, reference) + _size_differences(circuit, reference) + _differences(lvs)
    )
    return circuit, reference, differences


def write_database(gds: Path, cell: str, database: Path) -> tuple[str, ...]:
    """Extract devices and nets of a cell without comparing them, for test structures; returns its ports."""
    layout = kdb.Layout()
    layout.read(str(gds))
    top = layout.cell(cell)
    if top is None:
        raise LayoutError(f"{gds} has no cell {cell!r}")
    top.flatten(True)
    made = build(layout, top)
    _make_pins(made.lvs.netlist())
    made.lvs.reference = kdb.Netlist()
    _write_database(made.lvs, database)
    circuit = next(iter(made.lvs.netlist().each_circuit()))
    return tuple(pin.name() for pin in circuit.each_pin())


def _name_after_reference(lvs: kdb.LayoutVsSchematic) -> None:
    """Give devices and internal nets of the layout the names of their counterparts, so that an extraction keeps them."""
    xref = lvs.xref()
    circuit = next(iter(lvs.netlist().each_circuit()))
    for pair in xref.each_circuit_pair():
        if pair.first() is None or pair.second() is None:
            continue
        for nets in xref.each_net_pair(pair):
            drawn, wanted = nets.first(), nets.second()
            if drawn is not None and wanted is not None and not drawn.name:
                circuit.net_by_cluster_id(drawn.cluster_id).name = internal_name(wanted.expanded_name())
        for devices in xref.each_device_pair(pair):
            one, other = devices.first(), devices.second()
            if one is not None and other is not None:
                circuit.device_by_id(one.id()).name = internal_name(other.expanded_name())


def internal_name(name: str) -> str:
    """The flat name of what the schematic calls `NEURON_1_0.MEMBRANE`: `neuron_1_0_membrane`."""
    return name.lower().replace(".", "_")


def _devices(circuit: kdb.Circuit) -> dict[str, int]:
    return dict(sorted(Counter(device.device_class().name for device in circuit.each_device()).items()))


def _port_differences(circuit: kdb.Circuit, reference: kdb.Circuit) -> list[str]:
    drawn = Counter(pin.name().lower() for pin in circuit.each_pin())
    wanted = Counter(pin.name().lower() for pin in reference.each_pin())
    found = [f"port {name} is not in the layout" for name in sorted(wanted - drawn)]
    return found + [f"port {name} of the layout is not in the netlist" for name in sorted(drawn - wanted)]


def _differences(lvs: kdb.LayoutVsSchematic) -> list[str]:
    """Everything of the cross reference that is no match, and matched ports of different names."""
    xref = lvs.xref()
    good = (kdb.NetlistCrossReference.Match, kdb.NetlistCrossReference.MatchWithWarning)
    found: list[str] = []
    for pair in xref.each_circuit_pair():
        drawn, wanted = pair.first(), pair.second()
        if drawn is None or wanted is None:
            found.append(f"cell {(drawn or wanted).name} is on one side only")
            continue
        for nets in xref.each_net_pair(pair):
            if nets.status() not in good:
                found.append(
                    f"net {_describe(nets.first())} of the layout against {_describe(nets.second())}"
                )
        for devices in xref.each_device_pair(pair):
            if devices.status() not in good:
                found.append(
                    f"device {_describe(devices.first())} of the layout against {_describe(devices.second())}"
                )
        for pins in xref.each_pin_pair(pair):
            first, second = pins.first(), pins.second()
            if first is None or second is None:
                found.append(f"port {(first or second).name()} has no counterpart")
            elif first.name().lower() != second.name().lower():
                found.append(f"port {first.name()} of the layout is where {second.name()} should be")
        if not found and pair.status() not in good:
            found.append(f"cell {drawn.name} does not match")
    return found


def _size_differences(circuit: kdb.Circuit, reference: kdb.Circuit) -> list[str]:
    """Devices whose class and size only one side has: the first thing to look at when the nets do not fit."""
    drawn, wanted = (
        Counter(_sized(device) for device in side.each_device()) for side in (circuit, reference)
    )
    found = [f"{count} x {sized} in the layout only" for sized, count in sorted((drawn - wanted).items())]
    return found + [
        f"{count} x {sized} in the netlist only" for sized, count in sorted((wanted - drawn).items())
    ]


def _sized(device: kdb.Device) -> str:
    made = device.device_class()
    primary = [p for p in made.parameter_definitions() if p.is_primary]
    return f"{made.name} " + ", ".join(f"{p.name} = {device.parameter(p.id()):.6g}" for p in primary)


def _describe(thing: kdb.Device | kdb.Net | None) -> str:
    if thing is None:
        return "nothing"
    if isinstance(thing, kdb.Device):
        return f"{thing.expanded_name()} ({_sized(thing)})"
    return thing.expanded_name()


def _write_database(lvs: kdb.LayoutVsSchematic, path: Path) -> None:
    """Write the database, gzipped if the name says so, after a look at its layer names."""
    part = path.with_name(path.name + ".part.lvsdb")
    lvs.write(str(part))
    text = part.read_bytes()
    part.unlink()
    if b"layer(L" in text:
        raise LvsFailed(
            f"{path}: a layer of the database lost its name, and the extraction would leave it out"
        )
    write_bytes(path, gzip.compress(text, 6, mtime=0) if path.suffix == ".gz" else text)
