"""A netlist that was extracted before a mask was put on it, with the mask of some weights: what that wires are pins, each tied to its net."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from nonideal.circuits.extraction.netlist import Element, Netlist, parse_netlist
from nonideal.circuits.extraction.units import joined_units
from nonideal.circuits.network.netlist import Topology


@lru_cache(maxsize=4)
def _parsed(netlist: str) -> Netlist:
    """A bench puts some sixty masks on one netlist."""
    return parse_netlist(netlist, "the netlist drawn without a mask")


def with_mask(netlist: str, topology: Topology) -> str:
    """The cell ``network`` with ``topology``'s mask put on; units that are alike by then are one device."""
    return joined_units(tied(_parsed(netlist), topology)).text()


def tied(opened: Netlist, topology: Topology) -> Netlist:
    """With the pins of the mask's ports gone, each of their nodes on the net that ``topology`` ties it to."""
    by_name = {port.name: port for port in topology.pinout.synapse}
    nets = {
        f"{name}_{layer}_{axon}_{neuron}": topology.net(by_name[name], layer, axon, neuron)
        for layer, axon, neuron in topology.synapses()
        for name, _ in topology.pinout.ties
    }

    def at(node: str) -> str:
        """A node of a pin, or of its net behind resistors, as one of the net that the pin is tied to."""
        net, dot, rest = node.partition(".")
        if net not in nets:
            return node
        return f"{nets[net]}.{net}_{rest}" if dot else nets[net]

    def moved(elements: tuple[Element, ...]) -> tuple[Element, ...]:
        ends = ((at(e.a), at(e.b), e.value) for e in elements)
        return tuple(Element(a, b, value) for a, b, value in ends if a != b)

    return replace(
        opened,
        ports=tuple(port for port in opened.ports if port not in nets),
        devices=tuple(replace(d, nodes=tuple(map(at, d.nodes))) for d in opened.devices),
        resistors=moved(opened.resistors),
        capacitors=moved(opened.capacitors),
    )
