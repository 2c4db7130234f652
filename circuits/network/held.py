"""A netlist without cells of synapses whose latches are held: what they tie stays as its switches make it, the latches themselves are rails.

A static cell stays where it was written: within 0.08 mV of its rail in every place that was tried (docs/explanation/codes.md). So its two nodes are
the rails that they stand at, and FETs that this leaves without a channel are gone: the cell's own, the ways to its bit lines, and switches that
are off. A synapse of four bits keeps its banks and the switches that are on. What wires of the nodes have to others stays, to the rail. What is
written into latches, and how they take it, is simulated with all of them (``nonideal.circuits.network.programming``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from nonideal.circuits.cells.port import VDD, VSS, Per, Role
from nonideal.circuits.cells.storage import Latch
from nonideal.circuits.extraction.netlist import Device, Element, Netlist, net_of, parse_netlist
from nonideal.circuits.extraction.units import joined_units
from nonideal.circuits.network.biases import latched_in
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.testbench import Biases, Circuit
from nonideal.sky130_models.device import find_device

STATES = ".ic "
DRAIN, GATE, SOURCE = range(3)


@lru_cache(maxsize=4)
def _parsed(netlist: str) -> Netlist:
    """A bench holds some sixty weights in one netlist."""
    return parse_netlist(netlist, "the netlist with latches")


def settled(circuit: Circuit, biases: Biases) -> tuple[Circuit, Biases]:
    """The circuit with its latches held as ``biases`` sets them, units that are alike as one device, and biases that set none.

    Both as they are where nothing is latched, where synapses are cells of their own, and where something is written. Raises ``MappingError``.
    """
    latches = circuit.design.contracts.synapse.storage.latches
    if not latches or STATES not in biases.text or circuit.has_cells or circuit.driven:
        return circuit, biases
    netlist = held(
        _parsed(circuit.netlist), rails_of(biases.text, circuit.topology, latches), circuit.topology
    )
    lines = [line for line in biases.text.splitlines(keepends=True) if not line.startswith(STATES)]
    return replace(circuit, netlist=joined_units(netlist).text()), replace(
        biases, text="".join(lines), alone=True
    )


def rails_of(biases: str, topology: Topology, latches: Mapping[str, Latch]) -> dict[str, str]:
    """By net of a latch's node the rail that it stands at, of what a cell ``biases`` sets."""
    states, found = latched_in(biases, latches), {}
    for layer, axon, neuron in topology.synapses():
        for name, latch in latches.items():
            high = states[layer - 1][name][neuron, axon] > 0
            for node, rail in ((latch.q, VDD if high else VSS), (latch.q_b, VSS if high else VDD)):
                found[f"synapse_{layer}_{axon}_{neuron}_{node}"] = rail
    return found


def held(opened: Netlist, rails: Mapping[str, str], topology: Topology) -> Netlist:
    """With these nets on their rails, and without what has no channel by that or lies between rails."""
    lines = [port for port in topology.pinout.synapse if port.role is Role.LINE and port.per is Per.AXON]
    words = {topology.net(port, *place) for port in lines for place in topology.places(Per.AXON)}

    def at(node: str) -> str:
        return rails.get(net_of(node), node)

    def kept(device: Device) -> bool:
        if find_device(device.model).kind == "mim":
            return True
        gate = net_of(device.nodes[GATE])
        if gate in rails or gate in words:
            low = rails.get(gate, VSS) == VSS
            if low == (find_device(device.model).kind == "nmos"):
                return False
        ends = {net_of(at(device.nodes[DRAIN])), net_of(at(device.nodes[SOURCE]))}
        return not ends <= {VDD, VSS} or gate not in rails

    def moved(elements: tuple[Element, ...]) -> tuple[Element, ...]:
        ends = ((at(e.a), at(e.b), e.value) for e in elements)
        return tuple(Element(a, b, value) for a, b, value in ends if a != b)

    return replace(
        opened,
        devices=tuple(replace(d, nodes=tuple(map(at, d.nodes))) for d in opened.devices if kept(d)),
        resistors=moved(opened.resistors),
        capacitors=moved(opened.capacitors),
    )
