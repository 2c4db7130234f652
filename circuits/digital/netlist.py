"""A netlist of standard cells, and its texts: Verilog, SPICE."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from nonideal.circuits.cells.port import VDD, VSS
from nonideal.circuits.digital.cells import DIODE, POWER, PREFIX, StandardCell, cell
from nonideal.circuits.digital.errors import DigitalError

SUPPLIES = {"VPWR": VDD, "VGND": VSS}
"""The block's net for each supply of a cell."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A placed or unplaced standard cell, its nets by pin (supplies are not among them)."""

    name: str
    cell: str
    nets: Mapping[str, str]

    @property
    def standard(self) -> StandardCell:
        return cell(self.cell)


@dataclass(frozen=True)
class Netlist:
    """Cells and ports of a module; a port of a bus is ``name[index]``, and the net on it is called as it is."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    instances: tuple[Instance, ...]

    @cached_property
    def sinks(self) -> Mapping[str, tuple[tuple[int, str], ...]]:
        """(index of an instance, its pin) of every input on a net."""
        found = defaultdict(list)
        for index, one in enumerate(self.instances):
            for pin in one.standard.inputs:
                found[one.nets[pin]].append((index, pin))
        return {net: tuple(ends) for net, ends in found.items()}

    @cached_property
    def drivers(self) -> Mapping[str, int]:
        """Index of the instance that drives a net. Raises ``DigitalError`` for a net of two drivers."""
        found: dict[str, int] = {}
        for index, one in enumerate(self.instances):
            out = one.standard.output
            if out is None:
                continue
            net = one.nets[out]
            if net in found or net in self.inputs:
                raise DigitalError(f"net {net} has two drivers, one of them {one.name}")
            found[net] = index
        return found

    @property
    def nets(self) -> tuple[str, ...]:
        """Every net, ports first."""
        inner = (net for one in self.instances for net in one.nets.values())
        return tuple(dict.fromkeys((*self.inputs, *self.outputs, *inner)))

    @property
    def area_um2(self) -> float:
        return sum(one.standard.area_um2 for one in self.instances)

    def counts(self) -> dict[str, int]:
        """How many there are of each cell."""
        names = [one.cell.removeprefix(PREFIX) for one in self.instances]
        return {name: names.count(name) for name in sorted(set(names))}

    def moved(
        self, net: str, ends: Iterable[tuple[int, str]], name: str, cell_name: str, into: str
    ) -> Netlist:
        """With a buffer ``name`` from ``net`` to a net ``into`` that these inputs are moved to."""
        instances = list(self.instances)
        for index, pin in ends:
            one = instances[index]
            instances[index] = replace(one, nets={**one.nets, pin: into})
        made = cell(cell_name)
        instances.append(Instance(name, made.name, {made.inputs[0]: net, str(made.output): into}))
        return Netlist(self.name, self.inputs, self.outputs, tuple(instances))

    def protected(self, net: str, name: str) -> Netlist:
        """With an antenna diode on a net."""
        made = cell(DIODE)
        return replace(self, instances=(*self.instances, Instance(name, made.name, {made.inputs[0]: net})))

    def verilog(self) -> str:
        """Structural Verilog of all that is logic, with buses as the module has them."""
        lines = [f"module {self.name} (", ",\n".join(_port_lines(self.inputs, self.outputs)), ");"]
        ports = {*self.inputs, *self.outputs}
        lines += [f"    wire {net};" for net in self.nets if net not in ports]
        for one in self.instances:
            if one.standard.output is None:
                continue  # neither decoupling nor diodes are logic
            bound = ", ".join(f".{pin}({net})" for pin, net in one.nets.items())
            lines.append(f"    {one.cell} {one.name} ({bound});")
        return "\n".join([*lines, "endmodule"]) + "\n"

    def spice(self) -> str:
        """Its cells and the subcircuit of the module, supplies last."""
        ports = (*self.inputs, *self.outputs, *SUPPLIES.values())
        used = sorted({one.cell for one in self.instances})
        texts = [cell(name).spice() for name in used]
        orders = {name: _order(text) for name, text in zip(used, texts, strict=True)}
        lines = [f".subckt {self.name} {' '.join(ports)}"]
        for one in self.instances:
            nets = {**one.nets, **{pin: SUPPLIES[rail] for pin, rail in POWER.items()}}
            lines.append(f"X{one.name} {' '.join(nets[pin] for pin in orders[one.cell])} {one.cell}")
        return "\n".join([*texts, *lines, f".ends {self.name}"]) + "\n"


def _order(subcircuit: str) -> list[str]:
    return subcircuit.splitlines()[0].split()[2:]


def _port_lines(inputs: Sequence[str], outputs: Sequence[str]) -> list[str]:
    lines = []
    for kind, ports in (("input", inputs), ("output", outputs)):
        widths: dict[str, int] = {}
        for port in ports:
            name, _, index = port.partition("[")
            widths[name] = max(widths.get(name, 0), int(index[:-1]) + 1 if index else 0)
        lines += [
            f"    {kind} wire {f'[{width - 1}:0] ' if width else ''}{name}" for name, width in widths.items()
        ]
    return lines


def from_yosys(found: Mapping[str, Any], name: str) -> tuple[Netlist, dict[str, str]]:
    """The netlist that yosys wrote as JSON, and for every output port the net that is on it, which may be one of another name.

    Raises ``DigitalError`` for cells that are not of the library and for constants.
    """
    module = found["modules"][name]
    names: dict[int, str] = {}
    ports: dict[str, list[tuple[str, int]]] = {"input": [], "output": []}
    for port, what in module["ports"].items():
        bus = len(what["bits"]) > 1
        for index, bit in enumerate(what["bits"]):
            ports[what["direction"]].append((f"{port}[{index}]" if bus else port, bit))
    for port, bit in ports["input"]:
        names[bit] = port
    for given, what in sorted(module["netnames"].items()):
        for index, bit in enumerate(what["bits"]):
            if not what["hide_name"] and bit not in names and given not in module["ports"]:
                names[bit] = re.sub(r"\W", "_", given) + (f"_{index}" if len(what["bits"]) > 1 else "")
    taken = {net.lower() for net in names.values()}
    if len(taken) != len(set(names.values())):
        raise DigitalError(f"module {name}: nets differ in case alone")
    instances = []
    for index, one in enumerate(module["cells"].values()):
        if not one["type"].startswith(PREFIX):
            raise DigitalError(f"module {name}: {one['type']} is left, no cell of the library does it")
        nets = {pin: _net(bits, names, taken, name) for pin, bits in one["connections"].items()}
        instances.append(Instance(f"u{index}", one["type"], nets))
    outputs = {port: _net([bit], names, taken, name) for port, bit in ports["output"]}
    return Netlist(name, tuple(port for port, _ in ports["input"]), tuple(outputs), tuple(instances)), outputs


def _net(bits: Sequence[int | str], names: dict[int, str], taken: set[str], module: str) -> str:
    (bit,) = bits
    if isinstance(bit, str):
        raise DigitalError(
            f"module {module}: a pin is tied to {bit}; the library's tie cells are not used here"
        )
    if bit not in names:
        made = f"n{bit}"
        while made in taken:
            made += "_"
        names[bit] = made
        taken.add(made)
    return names[bit]


def with_outputs(netlist: Netlist, nets: Mapping[str, str], buffers: Mapping[str, str]) -> Netlist:
    """With every output port on a net of its name: behind the buffer that ``buffers`` names, else the driver's own net.

    Raises ``DigitalError`` for a port without a buffer whose net is another port's.
    """
    renamed: dict[str, str] = {}
    more = []
    for port, net in nets.items():
        if port in buffers:
            continue
        if net in netlist.inputs or net in renamed:
            raise DigitalError(f"output {port} is on the net of {renamed.get(net, net)}: give it a buffer")
        renamed[net] = port
    for index, (port, made) in enumerate(buffers.items()):
        standard = cell(made)
        net = renamed.get(nets[port], nets[port])
        more.append(
            Instance(f"out{index}", standard.name, {standard.inputs[0]: net, str(standard.output): port})
        )
    instances = tuple(
        replace(one, nets={pin: renamed.get(net, net) for pin, net in one.nets.items()})
        for one in netlist.instances
    )
    return Netlist(netlist.name, netlist.inputs, netlist.outputs, (*instances, *more))
