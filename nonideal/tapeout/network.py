"""The network of an extracted tile by itself, as one of its own would be extracted: what ``circuits.columns`` takes.

Its generator is left out: gate lines, V_dis and V_sense are held, or go as they went where both were simulated together. The digital side is
left out but for the gates that hear spikes. Couplings to nets of both end at ground.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from nonideal.circuits.cells.port import VDD, VSS
from nonideal.circuits.columns.cut import instance_of
from nonideal.circuits.extraction.netlist import Device, Element, Netlist, net_of
from nonideal.circuits.extraction.reduction import Reduction, reduce
from nonideal.circuits.generator.joined import VDIS
from nonideal.circuits.network.netlist import Topology
from nonideal.sky130_models.tile import GROUND, SUPPLY
from nonideal.tapeout.assembly import Chip
from nonideal.tapeout.errors import TapeoutError
from nonideal.tapeout.halves import BULK, GATE, modelled
from nonideal.tapeout.sides import GENERATOR

NETWORK = "network_"
"""How names of the network begin in the tile."""


def network_of(chip: Chip, extracted: Netlist) -> Netlist:
    """Devices, wires and supplies of the network, with its own ports, each neuron's V_dis apart: what flows in such lines drops nothing there.

    Raises ``TapeoutError`` for a netlist that is no tile.
    """
    topology, called = chip.topology, {SUPPLY: VDD, GROUND: VSS}
    called |= {pin: use.name for pin, use in chip.pinning.uses.items() if pin.startswith("ua")}

    def inner(node: str) -> str:
        net, dot, rest = node.partition(".")
        return called.get(net, net.removeprefix(NETWORK)) + dot + rest

    devices = [
        modelled(replace(one, name=inner(one.name), nodes=tuple(map(inner, one.nodes))))
        for one in _own(extracted)
    ]
    if not devices:
        raise TapeoutError(
            f"{extracted.cell}: no device is called {NETWORK}..., as those of a network are: is it a tile?"
        )
    devices = [_apart(one) for one in devices]
    kept = {net_of(node) for one in devices for node in one.nodes}
    if missing := sorted({*topology.ports} - kept - {VSS, VDD}):
        raise TapeoutError(f"{extracted.cell}: no device of its network is on {', '.join(missing[:5])}")
    heard = {topology.spike(*where): where for where in topology.neurons()}
    devices += _loads(extracted, inner, heard)
    resistors = [
        Element(inner(r.a), inner(r.b), r.value) for r in extracted.resistors if net_of(inner(r.a)) in kept
    ]
    made = Netlist(
        "network",
        topology.ports,
        tuple(devices),
        tuple(resistors),
        tuple(_capacitors(extracted, inner, kept, topology)),
    )
    return reduce(made, Reduction(), VSS)


def _own(extracted: Netlist) -> Iterator[Device]:
    for one in extracted.devices:
        if one.name.startswith(NETWORK) and not one.name.startswith(GENERATOR):
            yield one


def _apart(device: Device) -> Device:
    """With the neuron's own V_dis in place of the one net of all."""
    _, *where = instance_of(device.name).split("_")
    own = VDIS + "_" + "_".join(where)
    return replace(device, nodes=tuple(own if net_of(n) == VDIS else n for n in device.nodes))


def _loads(
    extracted: Netlist, inner: Callable[[str], str], heard: Mapping[str, tuple[int, int]]
) -> Iterator[Device]:
    """The gates of the digital side that are on spikes, without a current; each goes with the neuron whose spike it hears."""
    own = {one.name for one in _own(extracted)}
    for number, one in enumerate(extracted.devices):
        net = net_of(inner(one.nodes[GATE])) if len(one.nodes) > BULK else ""
        if one.name in own or net not in heard:
            continue
        rail, (layer, k) = net_of(inner(one.nodes[BULK])), heard[net]
        nodes = (rail, inner(one.nodes[GATE]), rail, rail)
        yield modelled(replace(one, name=f"neuron_{layer}_{k}_heard_{number}", nodes=nodes))


def _capacitors(
    extracted: Netlist, inner: Callable[[str], str], kept: set[str], topology: Topology
) -> Iterator[Element]:
    """Between what is kept, to ground where the other end is not; a coupling to V_dis is one to that of the same neuron."""
    of_net = {topology.dendrite(*where): where for where in topology.neurons()}
    of_net |= {topology.spike(*where): where for where in topology.neurons()}
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for one in extracted.capacitors:
        ends = [inner(one.a), inner(one.b)]
        for at in (0, 1):
            net, other = net_of(ends[at]), net_of(ends[1 - at])
            if net == VDIS:
                layer, k = of_net.get(other) or _neuron(other) or (0, 0)
                ends[at] = f"{VDIS}_{layer}_{k}" if layer else VSS
            elif net not in kept:
                ends[at] = VSS
        a, b = sorted(ends)
        if a != b:
            sums[a, b] += one.value
    return (Element(a, b, farad) for (a, b), farad in sums.items())


def _neuron(net: str) -> tuple[int, int] | None:
    """The neuron inside of which a net lies."""
    kind, *numbers = instance_of(net).split("_")
    return (int(numbers[0]), int(numbers[1])) if kind == "neuron" else None
