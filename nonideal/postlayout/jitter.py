"""Jitter of a network's spikes: the closed form with what is inherited from layer to layer, and noisy simulations that it is held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nonideal.characterize.jitter import LayerNoise, noise_of
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.noise_witness import Witness, witness_of
from nonideal.characterize.physics import BottomUp, column_for, network_physics
from nonideal.characterize.workbench import Workbench, succeeded
from nonideal.circuits.columns.inference import infer_columns
from nonideal.circuits.design import Design
from nonideal.circuits.network.flat import flat_network
from nonideal.circuits.network.inference import Case
from nonideal.circuits.network.mapping import map_weights
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.testbench import Circuit
from nonideal.pnn.discharger import Discharger
from nonideal.pnn.exact import Exact
from nonideal.pnn.jitter import spike_variance
from nonideal.pnn.network import NetworkOptions, RCSpikeNetwork
from nonideal.pnn.reversal import Reversal
from nonideal.sky130_models import lean_library

Array = NDArray[np.float64]
INHERITED = "inherited"
"""The part of a spike's variance that comes with the spikes it was made from."""


@dataclass(frozen=True, slots=True)
class LayerJitter:
    """A layer's spike times (T_circ, 1: silent) and the variance of each by part, T_circ^2: [samples, neurons]."""

    time: Array
    parts: Mapping[str, Array]

    @property
    def fires(self) -> NDArray[np.bool_]:
        """Where there is a spike to jitter."""
        return np.asarray((self.time > 0.0) & (self.time < 1.0))

    @property
    def sigma(self) -> Array:
        """Standard deviation, T_circ."""
        return np.asarray(np.sqrt(sum(self.parts.values())))


def blind_network(model: PhysicalModel, weights: Sequence[Array]) -> RCSpikeNetwork:
    """The network as the columns of ``model`` predict it, float64; ``weights`` per layer [neurons, axons]."""
    layers = (weights[0].shape[1], *(len(one) for one in weights))
    physics = network_physics(model, layers)
    options = NetworkOptions(
        layer_sizes=layers, reversal=Reversal.of(physics[0]), discharger=Discharger(), physics=physics
    )
    network = options.build().double()
    with torch.no_grad():
        for layer, weight in zip(network.linear_layers, weights, strict=True):
            layer.weight.copy_(torch.as_tensor(np.asarray(weight)))
    return network


def network_jitter(network: RCSpikeNetwork, inputs: Array, noises: Sequence[LayerNoise]) -> list[LayerJitter]:
    """Jitter of every layer for inputs [samples, axons] in T_circ that have none.

    What a layer inherits goes through its derivatives by its inputs' spike times; jitters of two neurons are independent in it, which those of one
    layer's neurons with inputs of their own are.
    """
    times = torch.as_tensor(inputs, dtype=torch.float64)
    arriving = torch.zeros_like(times)
    found = []
    for layer, noise in zip(network.linear_layers, noises, strict=True):
        weight = layer.weight.detach()
        t = times.clone().requires_grad_()
        fired = layer.evaluate(t, weight, Exact())
        unclipped, membrane = fired.unclipped, fired.membrane
        slopes = [
            torch.autograd.grad(unclipped[:, k].sum(), t, retain_graph=True)[0] for k in range(len(weight))
        ]
        inherited = torch.stack([(slope**2 * arriving).sum(1) for slope in slopes], 1)
        clipped = unclipped.detach().clamp(0.0, 1.0)
        own = spike_variance(
            times, weight, layer.reversal.conductance(weight), (membrane.detach(), clipped), noise
        )
        parts = {name: value.numpy() for name, value in own.items()} | {INHERITED: inherited.numpy()}
        one = LayerJitter(clipped.numpy(), parts)
        found.append(one)
        # A silent neuron gives nothing on.
        arriving = torch.as_tensor(np.where(one.fires, one.sigma**2, 0.0))
        times = clipped
    return found


@dataclass(frozen=True, slots=True)
class Watched:
    """What is simulated with noise: a circuit with its weights and one sample, run after run from one seed."""

    witness: Witness
    quiet_s: list[Array]

    def runs(
        self, bench: Workbench, numbers: Sequence[int], seed: int, low_Hz: float, folder: Path
    ) -> list[Array]:
        """Spike times of every layer in the runs of these numbers, [runs, neurons] in s. Raises ``CharacterizationFailed``."""
        found = []
        for run in numbers:
            # Each in a folder of its own: what is in a run is its waves, and they are all called alike.
            deck = self.witness.deck(f"noisy_{run}", seed, run, low_Hz)
            (result,) = bench.run_decks([deck], folder / f"run_{run}")
            found.append(self.witness.spikes_s(result))
        return [np.array(rows) for rows in zip(*found, strict=True)]

    def by_columns(
        self, bench: Workbench, numbers: Sequence[int], seed: int, low_Hz: float, folder: Path
    ) -> list[Array]:
        """The same of an extracted network, neuron by neuron: the spikes of a run's neurons drive the columns of its next layer.

        Raises ``CharacterizationFailed``.
        """
        one = self.witness
        cases = [Case(f"noisy_{run}", one.circuit, one.biases, one.inputs) for run in numbers]
        currents = {
            case.name: tuple(one.currents(seed, run, low_Hz))
            for run, case in zip(numbers, cases, strict=True)
        }
        outcomes = infer_columns(
            cases, one.simulator, lambda decks: bench.attempt(decks, folder), currents=currents
        )
        found = [inference.times_s for inference in succeeded(outcomes)]
        return [np.array(rows) for rows in zip(*found, strict=True)]


def watch(
    bench: Workbench,
    design: Design,
    model: PhysicalModel,
    weights: Sequence[Array],
    inputs: Array,
    folder: Path,
    extracted: str | None = None,
) -> Watched:
    """A network with these weights [neurons, axons], one sample of inputs [axons], every device's noise beside it.

    Its schematic, or the ``extracted`` netlist of it.
    """
    topology = Topology.of((weights[0].shape[1], *(len(one) for one in weights)), design)
    netlist = flat_network(topology, design) if extracted is None else extracted
    whole = BottomUp(model)
    circuit = Circuit(topology, design, netlist, lean_library(bench.pdk, bench.corner, netlist), whole.vdis_V)
    biases = map_weights(weights, whole, design=design).biases("noise")
    membrane_F = [
        column_for(model, topology.layers[layer - 1]).membrane_F.value for layer, _ in topology.neurons()
    ]
    behind_F = topology.layers[0] * model.membrane_per_axon_F.value
    return Watched(
        *witness_of(bench, circuit, biases, inputs, membrane_F, behind_F, noise_of(model).kt_J, folder)
    )


def copies(watched: Watched, count: int, model: PhysicalModel, weight: Array) -> Watched:
    """The same column ``count`` times side by side, each with noise of its own; ``weight`` [axons] of the one that was watched."""
    one = watched.witness
    design = one.circuit.design
    topology = Topology.of((len(weight), count), design)
    netlist = flat_network(topology, design)
    circuit = replace(one.circuit, topology=topology, netlist=netlist)
    biases = map_weights([np.tile(weight, (count, 1))], BottomUp(model), design=design).biases("noise")
    sources = []
    for source in one.sources:
        cell, *where = source.name.split("_")
        at = 2 if cell == "synapse" else 1
        for k in range(count):
            where[at] = str(k)
            sources.append(replace(source, name="_".join((cell, *where))))
    membrane_F = np.full(count, one.membrane_F[0])
    return replace(
        watched,
        witness=replace(one, circuit=circuit, biases=biases, sources=tuple(sources), membrane_F=membrane_F),
    )
