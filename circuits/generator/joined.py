"""A network and its bias generator as one cell: what the generator makes are nets inside of it, but for the gate lines."""

from __future__ import annotations

from nonideal.circuits.cells.leaf_cells import cells_text
from nonideal.circuits.cells.port import Role
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.generator.generator import Generator
from nonideal.circuits.generator.timing import LAYER
from nonideal.circuits.network.netlist import Topology, instances

VDIS, VSENSE = "vdis", "vsense"
"""The one net of all dischargers, and that of all sensing stages."""


def check_fits(topology: Topology, generator: Generator) -> None:
    """Raises ``CircuitError`` for a generator of other layers."""
    neurons = topology.layers[1:]
    if generator.neurons != neurons:
        raise CircuitError(
            f"a generator for layers of {list(generator.neurons)} neurons and a network of {list(neurons)}: make it for the network"
        )


def inner_nets(topology: Topology) -> dict[str, str]:
    """The net of every line of a network that its generator makes, where all neurons share it."""
    shared = {topology.vdis(*where): VDIS for where in topology.neurons()}
    return shared | {net: VSENSE for net, port, _ in topology.lines() if port.role is Role.SENSE}


def generator_nets(topology: Topology, generator: Generator) -> dict[str, str]:
    """The network's net of every port of its generator: the replica goes with the first layer."""
    first = {
        port.name: port.net(LAYER, None, None) for port in topology.pinout.neuron if port.role is Role.CONTROL
    }
    return {name: first.get(name, name) for name in generator.contract.names}


def joined_ports(topology: Topology, generator: Generator) -> tuple[str, ...]:
    """Ports of both as one cell: the network's, then those that only the generator has."""
    made = inner_nets(topology)
    kept = [port for port in topology.ports if port not in made]
    more = [net for net in generator_nets(topology, generator).values() if net not in {*kept, *made.values()}]
    return (*kept, *dict.fromkeys(more))


def joined_schematic(topology: Topology, design: Design, generator: Generator) -> str:
    """The whole schematic netlist, its cell ``network`` with the generator in it. This is what layout is compared with."""
    topology.check(design)
    check_fits(topology, generator)
    made = inner_nets(topology)
    lines = [f".subckt network {' '.join(joined_ports(topology, generator))}"]
    for name, cell, nets in instances(topology):
        lines.append(f"X{name} {' '.join(made.get(net, net) for net in nets.values())} {cell}")
    lines.append(f"Xgenerator {' '.join(generator_nets(topology, generator).values())} generator")
    return "\n".join([cells_text(design), generator.text(), *lines, ".ends network"]) + "\n"
