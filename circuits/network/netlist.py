"""A pipelined network of crossbars and neurons as one subcircuit, for any layer sizes; its weights come from outside as bias voltages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise

from nonideal.circuits.cells.kinds import Contracts, default_contracts
from nonideal.circuits.cells.leaf_cells import cells_text
from nonideal.circuits.cells.port import Per, Port, Role
from nonideal.circuits.cells.storage import Tie
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError

MAX_NEURONS = 4096
"""Inputs or neurons of a layer, in training as in a netlist: two such layers have 17 million synapses between them."""


@dataclass(frozen=True, slots=True)
class Pinout:
    """The ports of the leaf cells, in their order: all that a network's wiring depends on."""

    synapse: tuple[Port, ...]
    driver: tuple[Port, ...]
    neuron: tuple[Port, ...]
    ties: tuple[tuple[str, Tie], ...] = ()
    """The synapse's ports that a mask wires, in their order."""

    @classmethod
    def of(cls, design: Design) -> Pinout:
        """Of the design's kinds of cells."""
        return cls.between(design.contracts)

    @classmethod
    def between(cls, contracts: Contracts) -> Pinout:
        """Of these cells."""
        synapse, driver, neuron = contracts
        return cls(synapse.ports, driver.ports, neuron.ports, tuple(contracts.synapse.storage.ties.items()))

    @property
    def weight_ports(self) -> tuple[str, ...]:
        """The names of the synapse's ports that hold its weight as a level on a pin."""
        tied = {port for port, _ in self.ties}
        return tuple(port.name for port in self.synapse if port.role is Role.WEIGHT and port.name not in tied)

    @property
    def scale_ports(self) -> tuple[Port, ...]:
        """The synapse's lines whose level is the step of a layer's weights."""
        return tuple(port for port in self.synapse if port.role is Role.SCALE)


DEFAULT = Pinout.between(default_contracts())
"""Of the default kinds."""

Mask = tuple[tuple[tuple[frozenset[str], ...], ...], ...]
"""What is wired into a network: the ports that are on in each synapse, by layer, neuron and axon."""


@dataclass(frozen=True, slots=True)
class Topology:
    """Layer sizes (inputs first), the ports of its cells, and the names of the network's nets.

    Layers count from 1; "layer 0" are the input drivers. ``spike(l, j)`` is axon ``j`` of the crossbar in front of layer ``l + 1``.
    ``mask``: the weights that are wired into it, where its synapses hold them so; None is the blank network, in which all are off.
    """

    layers: tuple[int, ...]
    pinout: Pinout = field(default=DEFAULT, repr=False)
    mask: Mask | None = field(default=None, repr=False)

    @classmethod
    def of(cls, layers: tuple[int, ...], design: Design) -> Topology:
        """A network of the design's kinds of cells."""
        return cls(tuple(layers), Pinout.of(design))

    @property
    def opened(self) -> Topology:
        """The network before a mask is put on it: what the mask wires are pins, one for each synapse."""
        return replace(self, pinout=replace(self.pinout, ties=()), mask=None)

    def check(self, design: Design) -> None:
        """Raises ``CircuitError`` where the network's cells have other ports than those of the design."""
        of_design = Topology.of(self.layers, design)
        if self.pinout not in (of_design.pinout, of_design.opened.pinout):
            raise CircuitError(
                "the network was laid out for cells with other ports than those of this circuit (circuit.synapse.kind, circuit.neuron.kind)"
            )

    def __post_init__(self) -> None:
        if len(self.layers) < 2 or any(not 1 <= n <= MAX_NEURONS for n in self.layers):
            raise CircuitError(
                f"layers = {list(self.layers)}: give at least two sizes (inputs, neurons ...), each between 1 and {MAX_NEURONS}; "
                "two layers of that size have 17 million synapses between them, each with two lines in the netlist"
            )

        if self.mask is not None:
            if not self.pinout.ties:
                raise CircuitError("a mask for synapses that hold their weights on pins")
            shape = [(len(rows), {len(row) for row in rows}) for rows in self.mask]
            if shape != [(n, {m}) for m, n in pairwise(self.layers)]:
                raise CircuitError(f"the mask is not one of layers {list(self.layers)}")

    @property
    def depth(self) -> int:
        """Number of neuron layers."""
        return len(self.layers) - 1

    @staticmethod
    def spike(layer: int, index: int) -> str:
        """Net of a spike (layer 0: driven input axon)."""
        return _spike("", layer, index)

    @staticmethod
    def spike_b(layer: int, index: int) -> str:
        """Net of the complement of a spike."""
        return _spike("_b", layer, index)

    @staticmethod
    def dendrite(layer: int, neuron: int | None) -> str:
        """Net of a dendrite."""
        return f"dendrite_{layer}_{neuron}"

    def net(self, port: Port, layer: int, axon: int | None = None, neuron: int | None = None) -> str:
        """The net that a port is on, of the cell at this place."""
        complement = "_b" if port.role in (Role.AXON_B, Role.SPIKE_B) else ""
        if port.role in (Role.AXON, Role.AXON_B):
            return _spike(complement, layer - 1, axon)
        if port.role in (Role.SPIKE, Role.SPIKE_B):
            return _spike(complement, layer, neuron)
        if port.role is Role.INPUT:
            return f"in_{axon}"
        if port.role is Role.WEIGHT and axon is not None and neuron is not None:
            for tied, tie in self.pinout.ties:
                if tied == port.name:
                    on = self.mask is not None and port.name in self.mask[layer - 1][neuron][axon]
                    (wired,) = (one for one in self.pinout.synapse if one.name == (tie.on if on else tie.off))
                    return self.net(wired, layer, axon, neuron)
        return self.dendrite(layer, neuron) if port.role is Role.DENDRITE else port.net(layer, axon, neuron)

    def bias(self, port: str, layer: int, axon: int, neuron: int) -> str:
        """Net of a synapse's weight port."""
        return f"{port}_{layer}_{axon}_{neuron}"

    def vdis(self, layer: int, index: int) -> str:
        """Net of the neuron's bias that is calibrated."""
        (port,) = (port for port in self.pinout.neuron if port.role is Role.TRIM)
        return self.net(port, layer, neuron=index)

    def neurons(self) -> list[tuple[int, int]]:
        """(layer, neuron) of every neuron, in netlist order."""
        return [(layer, k) for layer in range(1, self.depth + 1) for k in range(self.layers[layer])]

    def synapses(self) -> list[tuple[int, int, int]]:
        """(layer, axon, neuron) of every synapse pair, in netlist order."""
        return [
            (layer, axon, neuron)
            for layer in range(1, self.depth + 1)
            for axon in range(self.layers[layer - 1])
            for neuron in range(self.layers[layer])
        ]

    def places(self, per: Per) -> list[tuple[int, int | None, int | None]]:
        """(layer, axon, neuron) of everything that there is one of ``per`` each, in the order of pins; None for what does not apply."""
        depth = range(1, self.depth + 1)
        match per:
            case Per.NETWORK:
                return [(0, None, None)]
            case Per.LAYER:
                return [(layer, None, None) for layer in depth]
            case Per.AXON:
                return [(layer, axon, None) for layer in depth for axon in range(self.layers[layer - 1])]
            case Per.NEURON:
                return [(layer, None, neuron) for layer, neuron in self.neurons()]
        return [(layer, axon, neuron) for layer, axon, neuron in self.synapses()]

    @property
    def weight_ports(self) -> tuple[str, ...]:
        """The names of the synapse's ports that hold its weight."""
        return self.pinout.weight_ports

    @property
    def bias_ports(self) -> tuple[str, ...]:
        """Pins that hold the weights: for each synapse all of its weight ports, of a pair the NMOS gate, then the PMOS gate."""
        return _bias_ports(self.layers, self.weight_ports)

    @property
    def scale_ports(self) -> tuple[str, ...]:
        """Lines of each layer whose level is the step of its weights."""
        return tuple(
            self.net(port, layer) for layer in range(1, self.depth + 1) for port in self.pinout.scale_ports
        )

    @property
    def vdis_ports(self) -> tuple[str, ...]:
        """Pins of the dischargers' gates, one for each neuron: what calibrates a fabricated neuron."""
        return tuple(self.vdis(*where) for where in self.neurons())

    @property
    def control_ports(self) -> tuple[str, ...]:
        """Phase, reset and isolation lines of every layer; the drivers of the inputs are layer 0."""
        drivers = (self.net(port, 0) for port in self.pinout.driver if port.role is Role.CONTROL)
        lines = [port for port in self.pinout.neuron if port.role is Role.CONTROL]
        return (
            *drivers,
            *(self.net(port, layer) for layer in range(1, self.depth + 1) for port in lines),
        )

    @property
    def spike_ports(self) -> tuple[str, ...]:
        """Every neuron's spike, hidden ones too: they are what validation reads."""
        return tuple(self.spike(*where) for where in self.neurons())

    @property
    def held_ports(self) -> tuple[Port, ...]:
        """The ports of cells that are held at a level, each name once: the neuron's, then those that only synapses have."""
        held = [port for port in (*self.pinout.neuron, *self.pinout.synapse) if port.level is not None]
        return tuple(
            {port.name: port for port in reversed(held)}[name]
            for name in dict.fromkeys(port.name for port in held)
        )

    def lines(self) -> Iterator[tuple[str, Port, tuple[int, int | None, int | None]]]:
        """(net, port, place) of every line that is held at a level: those of the whole network first."""
        for per in Per:
            for port in self.held_ports:
                if port.per is per:
                    yield from ((self.net(port, *where), port, where) for where in self.places(per))

    @property
    def ports(self) -> tuple[str, ...]:
        """Pins of the network in order."""
        return (
            *(f"in_{j}" for j in range(self.layers[0])),
            *self.control_ports,
            *self.spike_ports,
            *(net for net, _, _ in self.lines()),
            *self.vdis_ports,
            *self.scale_ports,
            *self.bias_ports,
        )


def _spike(complement: str, layer: int, index: int | None) -> str:
    return f"axon{complement}_0_{index}" if layer == 0 else f"spike{complement}_{layer}_{index}"


@lru_cache(maxsize=4)
def _bias_ports(layers: tuple[int, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """See ``Topology.bias_ports``. Kept, for a large network's half a million names are asked for by all that writes it."""
    return tuple(
        f"{name}_{layer}_{axon}_{neuron}"
        for layer in range(1, len(layers))
        for axon in range(layers[layer - 1])
        for neuron in range(layers[layer])
        for name in names
    )


def instances(topology: Topology) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(instance, leaf cell, its nets by port) of every cell of the network: input drivers, then per layer synapses and neurons."""
    pins, net = topology.pinout, topology.net
    for j in range(topology.layers[0]):
        # A driver's outputs are the axons of the first crossbar; its lines are layer 0's.
        yield (
            f"driver_{j}", "driver",
            {port.name: net(port, 1 if port.role in (Role.AXON, Role.AXON_B) else 0, axon=j) for port in pins.driver},
        )  # fmt: skip
    names = tuple(port.name for port in pins.synapse)
    for layer in range(1, topology.depth + 1):
        neurons = range(topology.layers[layer])
        for axon in range(topology.layers[layer - 1]):
            row = _row(topology, layer, axon)
            for k, nets in zip(neurons, zip(*row, strict=True), strict=True):
                yield f"synapse_{layer}_{axon}_{k}", "synapse", dict(zip(names, nets, strict=True))
        for k in neurons:
            yield (
                f"neuron_{layer}_{k}",
                "neuron",
                {port.name: net(port, layer, None, k) for port in pins.neuron},
            )


def _row(topology: Topology, layer: int, axon: int) -> list[list[str]]:
    """The nets of each of the synapse's ports along an axon; one that all of them share is named once."""
    row, neurons = [], range(topology.layers[layer])
    tied = {port for port, _ in topology.pinout.ties}
    for port in topology.pinout.synapse:
        if port.per in (Per.NETWORK, Per.LAYER, Per.AXON):
            row.append([topology.net(port, layer, axon)] * len(neurons))
        elif port.per is Per.SYNAPSE and port.name not in tied:
            row.append([f"{port.name}_{layer}_{axon}_{k}" for k in neurons])
        else:
            row.append([topology.net(port, layer, axon, k) for k in neurons])
    return row


def network(topology: Topology) -> str:
    """Cell ``network`` as SPICE text."""
    lines = [f".subckt network {' '.join(topology.ports)}"]
    lines += [f"X{name} {' '.join(nets.values())} {cell}" for name, cell, nets in instances(topology)]
    return "\n".join([*lines, ".ends network"]) + "\n"


def schematic(topology: Topology, design: Design) -> str:
    """The whole schematic netlist: leaf cells and the cell ``network``. This is what layout is compared with."""
    topology.check(design)
    return cells_text(design) + "\n" + network(topology) + "\n"
