"""One chip as the model knows it: what its synapses carry and when its neurons fire, given what is written on its bias pins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nonideal.characterize.circuit import neuron_of
from nonideal.characterize.jitter import LayerNoise
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp, network_physics
from nonideal.characterize.responses import total
from nonideal.characterize.spread import SynapseSpread
from nonideal.characterize.variation import spread_of
from nonideal.chips.written import CurrentTable, WrittenBiases
from nonideal.circuits.network.chip import Chip, LayerShifts
from nonideal.pnn import Discharger, Exact, Reversal
from nonideal.pnn.jitter import layer_sigma
from nonideal.pnn.noise import jittered
from nonideal.pnn.wiring import Wiring

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DrawnNeurons:
    """What mismatch makes of a layer's firing stage: a spike at t comes at ``(t - shift) / ramp``, both [neurons]."""

    ramp: Array
    shift: Array

    def times(self, undisturbed: Tensor) -> Tensor:
        """Spike times [samples, neurons] before the clip."""
        shift = torch.from_numpy(self.shift).to(undisturbed.dtype)
        ramp = torch.from_numpy(self.ramp).to(undisturbed.dtype)
        return (undisturbed - shift) / ramp


@dataclass(frozen=True, slots=True)
class NoiseDraw:
    """The circuit's own noise: of every layer, as ``nonideal.characterize.jitter.network_noise`` gives it, drawn from ``generator``."""

    layers: tuple[LayerNoise, ...]
    generator: torch.Generator


class Silicon:
    """The fast model of drawn chips of one design. ``model`` has columns and a spread; chips are evaluated exactly in time."""

    def __init__(self, model: PhysicalModel, layers: tuple[int, ...]) -> None:
        self.model, self.spread = model, spread_of(model)
        self.physics = network_physics(model, layers)
        realised = BottomUp(model)
        self.unit_A = tuple(realised.unit_current_A(axons) for axons in layers[:-1])
        self.discharger = discharger(model)
        self.tables = CurrentTable(model.positive), CurrentTable(model.negative)

    def current_A(self, written: WrittenBiases, layer: int, shifts: LayerShifts | None) -> Array:
        """Current of every synapse of a layer (from 1) at the reset level, [neurons, axons], not negative; None: nothing is shifted."""
        biases = written.layers[layer - 1]
        current = np.zeros(biases.bias_V.shape)
        for table, spread, mine in (
            (self.tables[0], self.spread.positive, biases.on & biases.positive),
            (self.tables[1], self.spread.negative, biases.on & ~biases.positive),
        ):
            volts = biases.bias_V[mine]
            if shifts is None:
                current[mine] = np.exp(table.ln_current(volts))
                continue
            volts = volts + spread.memory_gain.value * shifts.synapse[spread.memory][mine]
            ln = table.ln_current(volts)
            current[mine] = np.exp(ln + _selector(spread, ln, shifts.synapse[spread.select][mine]))
        return current

    def weights(self, written: WrittenBiases, layer: int, shifts: LayerShifts | None) -> Array:
        """The same as weights of that layer, [neurons, axons], with their signs."""
        sign = np.where(written.layers[layer - 1].positive, 1.0, -1.0)
        return np.asarray(sign * self.current_A(written, layer, shifts) / self.unit_A[layer - 1])

    def neurons(self, written: WrittenBiases, layer: int, shifts: LayerShifts | None) -> DrawnNeurons:
        """The firing stages of a layer (from 1). A neuron's own discharger bias acts as a shift of its discharger the other way."""
        neuron, trim = self.spread.neuron, written.layers[layer - 1].trim_V
        none = np.zeros(len(trim))
        moved = {} if shifts is None else dict(shifts.neuron)
        trimmed = self.discharger
        moved[trimmed] = moved.get(trimmed, none) - trim
        met = {
            path: moved.get(path, none)
            for path in {*neuron.ln_ramp, *neuron.threshold, *neuron.threshold_with_ramp, trimmed}
        }
        ln_ramp = total(neuron.ln_ramp, met)
        theta = 1.0 + total(neuron.threshold, met, neuron.threshold_with_ramp, ln_ramp)
        b = self.physics[layer - 1].discharge
        return DrawnNeurons(np.exp(ln_ramp), 1.0 - np.log1p(-b * theta) / np.log1p(-b))

    @torch.no_grad()
    def spike_times(
        self,
        written: WrittenBiases,
        chip: Chip | None,
        spike_time: Tensor,
        dtype: torch.dtype = torch.float64,
        noise: NoiseDraw | None = None,
    ) -> list[Array]:
        """Spike times of every layer before the clip at the phase's end, never below 0: [samples, neurons] in T_circ.

        ``spike_time`` [samples, inputs]; ``chip`` None is the nominal one. In float32 the native kernel does the work. With ``noise`` every spike
        jitters as the chip's weights let it, its devices being as noisy as the nominal ones.
        """
        t, out = spike_time.to(dtype), []
        for layer, physics in enumerate(self.physics, start=1):
            shifts = None if chip is None else chip.layers[layer - 1]
            weight = torch.from_numpy(self.weights(written, layer, shifts)).to(dtype)
            reversal = Reversal.of(physics)
            v, undisturbed = Exact().firing(
                t,
                weight,
                reversal,
                Discharger(physics.discharge),
                None,
                Wiring.of(physics),
            )
            unclipped = self.neurons(written, layer, shifts).times(undisturbed)
            late = unclipped.clamp(min=0.0)
            if noise is not None:
                sigma = layer_sigma(t, weight, reversal, (v, late), noise.layers[layer - 1])
                late = jittered(unclipped, sigma, noise.generator).clamp(min=0.0)
            out.append(late.numpy().astype(np.float64))
            t = late.clamp(max=1.0)
        return out


def discharger(model: PhysicalModel) -> str:
    """Path of the neuron's discharger, whose gate is the trimmed bias."""
    return neuron_of(model).device("discharge").path


def _selector(spread: SynapseSpread, ln: Array, shift: Array) -> Array:
    """What the selector's shift adds to ln I."""
    slope = np.interp(ln, spread.ln_current, spread.select_slope_per_V)
    curvature = np.interp(ln, spread.ln_current, spread.select_curvature_per_V2)
    return np.asarray(slope * shift + curvature * shift**2)
