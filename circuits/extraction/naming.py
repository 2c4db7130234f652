"""Names for a netlist that an extractor wrote with names of its own: those of the LVS database, by comparing the two circuits.

The layout in the database has the schematic's names (see `nonideal.circuits.lvs`). A netlist that is not that circuit is no extraction
of it: this is a second LVS on the way.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import klayout.db as kdb

from nonideal.circuits.extraction.netlist import Device, Element, Netlist, net_of
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.circuits.lvs.connectivity import mim_class
from nonideal.circuits.lvs.devices import FETS, MIMS
from nonideal.spice.number import number

TOLERANCE = 0.01
"""Relative, on widths, lengths, areas and perimeters."""
GOOD = (kdb.NetlistCrossReference.Match, kdb.NetlistCrossReference.MatchWithWarning)


def named_after(netlist: Netlist, database: Path) -> Netlist:
    """The netlist with the device and net names of the layout in an LVS database, and its drains' and sources' areas and perimeters.

    Raises ExtractionFailed where they are not one circuit.
    """
    lvs = kdb.LayoutVsSchematic()
    lvs.read(str(database))
    drawn = next(iter(lvs.netlist().each_circuit()))
    if sorted(pin.name() for pin in drawn.each_pin()) != sorted(netlist.ports):
        # The ports anchor the comparison: an array without them is so symmetric that it would take minutes.
        raise ExtractionFailed(f"{netlist.cell}: the ports are not those of the layout in {database}")
    extracted = kdb.Netlist()
    circuit = _circuit(netlist, extracted)
    comparer = kdb.NetlistComparer()
    comparer.same_circuits(drawn, circuit)
    for side in (lvs.netlist(), extracted):
        for made in side.each_device_class():
            made.equal_parameters = _tolerances(made)
    for port in netlist.ports:
        one, other = drawn.net_by_name(port), circuit.net_by_name(port)
        if one is not None and other is not None:
            comparer.same_nets(one, other, True)
    lvs.reference = extracted
    lvs.compare(comparer)
    nets, devices, differences = _matched(lvs, netlist)
    differences += [
        f"port {port} is the layout's {nets[port]}" for port in netlist.ports if nets.get(port, port) != port
    ]
    if differences:
        raise ExtractionFailed(
            f"{netlist.cell}: what was extracted is not the circuit of the LVS, {len(differences)} differences: "
            f"{'; '.join(differences[:5])}"
        )
    return _renamed(
        netlist, nets, devices, {device.expanded_name(): device for device in drawn.each_device()}
    )


def _matched(
    lvs: kdb.LayoutVsSchematic, netlist: Netlist
) -> tuple[dict[str, str], dict[int, str], list[str]]:
    """Layout names by net name and by device number, and what has no counterpart."""
    nets: dict[str, str] = {}
    devices: dict[int, str] = {}
    differences: list[str] = []
    xref = lvs.xref()
    for pair in xref.each_circuit_pair():
        for found in xref.each_net_pair(pair):
            a, b = found.first(), found.second()
            if found.status() in GOOD and a is not None and b is not None:
                nets[b.name] = a.expanded_name()
            else:
                differences.append(f"net {_name(a)} of the layout against {_name(b)}")
        for matched in xref.each_device_pair(pair):
            first, second = matched.first(), matched.second()
            if matched.status() in GOOD and first is not None and second is not None:
                devices[int(second.name)] = first.expanded_name()
            else:
                index = "nothing" if second is None else netlist.devices[int(second.name)].name
                differences.append(f"device {_name(first)} of the layout against {index}")
    return nets, devices, differences


def _name(thing: kdb.Net | kdb.Device | None) -> str:
    return "nothing" if thing is None else thing.expanded_name()


def _tolerances(made: kdb.DeviceClass) -> kdb.EqualDeviceParameters:
    primary = [p.id() for p in made.parameter_definitions() if p.is_primary]
    compared = kdb.EqualDeviceParameters(primary[0], 0.0, TOLERANCE)
    for parameter in primary[1:]:
        compared = compared + kdb.EqualDeviceParameters(parameter, 0.0, TOLERANCE)
    return compared


def _circuit(netlist: Netlist, into: kdb.Netlist) -> kdb.Circuit:
    """The netlist's devices, named by their numbers, between nets."""
    circuit = kdb.Circuit()
    circuit.name = netlist.cell
    into.add(circuit)
    classes: dict[str, kdb.DeviceClass] = {}
    nets: dict[str, kdb.Net] = {}

    def net(name: str) -> kdb.Net:
        if name not in nets:
            nets[name] = circuit.create_net(name)
        return nets[name]

    for port in netlist.ports:
        circuit.connect_pin(circuit.create_pin(port), net(port))
    for index, device in enumerate(netlist.devices):
        model = MIMS.get(device.model, device.model)
        if device.model not in MIMS and device.model not in FETS:
            raise ExtractionFailed(f"{netlist.cell}: device {device.name} is a {device.model}")
        if model not in classes:
            made = mim_class() if device.model in MIMS else kdb.DeviceClassMOS4Transistor()
            made.name = model
            into.add(made)
            classes[model] = made
        terminals = ("A", "B") if device.model in MIMS else ("D", "G", "S", "B")
        if len(device.nodes) != len(terminals):
            raise ExtractionFailed(f"{netlist.cell}: device {device.name} has {len(device.nodes)} nodes")
        placed = circuit.create_device(classes[model], str(index))
        for terminal, node in zip(terminals, device.nodes, strict=True):
            placed.connect_terminal(terminal, net(net_of(node)))
        for parameter, value in _sizes(netlist, device).items():
            placed.set_parameter(parameter, value)
    return circuit


def _sizes(netlist: Netlist, device: Device) -> dict[str, float]:
    given = dict(assignment.split("=", 1) for assignment in device.parameters.split())
    if not {"w", "l"} <= set(given):
        raise ExtractionFailed(f"{netlist.cell}: device {device.name} has no width or length")
    width, length = number(given["w"]), number(given["l"])
    if device.model in MIMS:
        return {"A": width * length, "P": 2 * (width + length)}
    return {"W": width, "L": length}


def _junctions(device: Device, drawn: kdb.Device) -> str:
    """A FET's parameters with the areas and perimeters that are drawn; drain and source are exchanged where the extractor did so."""
    if device.model not in FETS:
        return device.parameters
    exchanged = net_of(device.nodes[0]) != drawn.net_for_terminal("D").expanded_name()
    ends = "SD" if exchanged else "DS"
    sizes = dict(assignment.split("=", 1) for assignment in device.parameters.split())
    for ours, end in zip("ds", ends, strict=True):
        for kind in "ap":
            sizes[f"{kind}{ours}"] = f"{drawn.parameter(f'{kind.upper()}{end}'):.6g}"
    return " ".join(f"{name}={value}" for name, value in sizes.items())


def _renamed(
    netlist: Netlist, nets: dict[str, str], devices: dict[int, str], drawn: dict[str, kdb.Device]
) -> Netlist:
    def node(name: str) -> str:
        net = net_of(name)
        return nets.get(net, net) + name[len(net) :]

    def moved(elements: tuple[Element, ...]) -> tuple[Element, ...]:
        return tuple(Element(node(e.a), node(e.b), e.value) for e in elements)

    named = [
        replace(d, name=devices[i], nodes=tuple(map(node, d.nodes))) for i, d in enumerate(netlist.devices)
    ]
    return replace(
        netlist,
        devices=tuple(replace(d, parameters=_junctions(d, drawn[d.name])) for d in named),
        resistors=moved(netlist.resistors),
        capacitors=moved(netlist.capacitors),
    )
