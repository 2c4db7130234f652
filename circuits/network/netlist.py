"""A pipelined network of crossbars and neurons as one subcircuit, for any layer sizes; its weights come from outside as bias voltages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nonideal.circuits.cells.leaf_cells import cells_text
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError

MAX_NEURONS = 4096
"""Inputs or neurons of a layer, in training as in a netlist: two such layers have 17 million synapses between them."""


@dataclass(frozen=True, slots=True)
class Topology:
    """Layer sizes (inputs first) and the names of the network's nets.

    Layers count from 1; "layer 0" are the input drivers. ``spike(l, j)`` is axon ``j`` of the crossbar in front of layer ``l + 1``.
    """

    layers: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.layers) < 2 or any(not 1 <= n <= MAX_NEURONS for n in self.layers):
            raise CircuitError(
                f"layers = {list(self.layers)}: give at least two sizes (inputs, neurons ...), each between 1 and {MAX_NEURONS}; "
                "two layers of that size have 17 million synapses between them, each with two lines in the netlist"
            )

    @property
    def depth(self) -> int:
        """Number of neuron layers."""
        return len(self.layers) - 1

    @staticmethod
    def spike(layer: int, index: int) -> str:
        """Net of a spike (layer 0: driven input axon)."""
        return f"axon_0_{index}" if layer == 0 else f"spike_{layer}_{index}"

    @staticmethod
    def spike_b(layer: int, index: int) -> str:
        """Net of the complement of a spike."""
        return f"axon_b_0_{index}" if layer == 0 else f"spike_b_{layer}_{index}"

    @staticmethod
    def bias(polarity: str, layer: int, axon: int, neuron: int) -> str:
        """Net of a memory FET's gate; ``polarity`` is ``n`` (positive weight) or ``p``."""
        return f"bias_{polarity}_{layer}_{axon}_{neuron}"

    @staticmethod
    def vdis(layer: int, index: int) -> str:
        """Net of the gate of a neuron's discharger."""
        return f"vdis_{layer}_{index}"

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

    @property
    def bias_ports(self) -> tuple[str, ...]:
        """Bias pins: for each synapse the NMOS gate, then the PMOS gate."""
        return tuple(self.bias(p, *where) for where in self.synapses() for p in "np")

    @property
    def vdis_ports(self) -> tuple[str, ...]:
        """Pins of the dischargers' gates, one for each neuron: what calibrates a fabricated neuron."""
        return tuple(self.vdis(*where) for where in self.neurons())

    @property
    def control_ports(self) -> tuple[str, ...]:
        """Phase, reset and isolation lines of every layer."""
        return ("phase_0",) + tuple(
            f"{line}_{layer}"
            for layer in range(1, self.depth + 1)
            for line in ("phase", "reset", "reset_b", "iso", "iso_b")
        )

    @property
    def spike_ports(self) -> tuple[str, ...]:
        """Every neuron's spike, hidden ones too: they are what validation reads."""
        return tuple(self.spike(*where) for where in self.neurons())

    @property
    def ports(self) -> tuple[str, ...]:
        """Pins of the network in order."""
        inputs = tuple(f"in_{j}" for j in range(self.layers[0]))
        return (
            inputs
            + self.control_ports
            + self.spike_ports
            + ("v0", "vsense", "vdd", "vss")
            + self.vdis_ports
            + self.bias_ports
        )


def instances(topology: Topology) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(instance, leaf cell, its nets in port order) of every cell of the network: input drivers, then per layer synapse pairs and neurons."""
    for j in range(topology.layers[0]):
        spikes = (topology.spike(0, j), topology.spike_b(0, j))
        yield f"driver_{j}", "driver", (f"in_{j}", "phase_0", *spikes, "vdd", "vss")
    for layer in range(1, topology.depth + 1):
        neurons = range(topology.layers[layer])
        for axon in range(topology.layers[layer - 1]):
            spikes = (topology.spike(layer - 1, axon), topology.spike_b(layer - 1, axon))
            for k in neurons:
                where = f"{layer}_{axon}_{k}"
                yield (
                    f"synapse_{where}", "synapse",
                    (*spikes, f"dendrite_{layer}_{k}", f"bias_n_{where}", f"bias_p_{where}", "vdd", "vss"),
                )  # fmt: skip
        controls = tuple(f"{line}_{layer}" for line in ("phase", "reset", "reset_b", "iso", "iso_b"))
        for k in neurons:
            own = (f"dendrite_{layer}_{k}", topology.spike(layer, k), topology.spike_b(layer, k))
            nets = (*own, *controls, "v0", topology.vdis(layer, k), "vsense", "vdd", "vss")
            yield f"neuron_{layer}_{k}", "neuron", nets


def network(topology: Topology) -> str:
    """Cell ``network`` as SPICE text."""
    lines = [f".subckt network {' '.join(topology.ports)}"]
    lines += [f"X{name} {' '.join(nets)} {cell}" for name, cell, nets in instances(topology)]
    return "\n".join([*lines, ".ends network"]) + "\n"


def schematic(topology: Topology, design: Design) -> str:
    """The whole schematic netlist: leaf cells and the cell ``network``. This is what layout is compared with."""
    return cells_text(design) + "\n" + network(topology) + "\n"
