"""Chips of a network of codes in the fast model: what mismatch makes of every group of units, every neuron and the generator, and what other
codes make of that.

A chip has no analog pin for a synapse or a neuron. What can be set on it are its codes, the trim of each gate line, and when its replica is
meant to fire. As written, both stand as on the nominal chip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nonideal.characterize.circuit import neuron_of
from nonideal.characterize.code_spread import CodeSpread
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp, Physics, network_physics
from nonideal.characterize.responses import total
from nonideal.chips.silicon import DrawnNeurons
from nonideal.chips.written import CurrentTable
from nonideal.circuits.cells.codes import CodedWeights
from nonideal.circuits.network.chip import Chip, LayerShifts, Sigmas, draw
from nonideal.circuits.network.mapping import bias_for_current
from nonideal.circuits.network.netlist import Topology
from nonideal.pnn import Discharger, Exact, Reversal
from nonideal.pnn.wiring import Wiring

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
REPLICAS = 2**31
"""A chip's replica has a seed of its own, this much further on: else it would be a neuron of the network."""
DECISION_NORM = 0.02
"""How far ahead a spike decides for sure, in T_circ."""
SWEEPS = 3
"""How often all codes of a neuron are looked through, one after the other."""


@dataclass(frozen=True, slots=True)
class CodedLayer:
    """A layer of a chip: by polarity [neurons, axons, bits] the weight of each group of units where it is on, and the firing stages."""

    positive: Array
    negative: Array
    neurons: DrawnNeurons

    def only(self, neuron: int) -> CodedLayer:
        """One of its neurons."""
        one = slice(neuron, neuron + 1)
        neurons = DrawnNeurons(self.neurons.ramp[one], self.neurons.shift[one])
        return CodedLayer(self.positive[one], self.negative[one], neurons)

    def repeated(self, count: int) -> CodedLayer:
        """Every neuron so many times, one copy after the other."""
        neurons = DrawnNeurons(np.repeat(self.neurons.ramp, count), np.repeat(self.neurons.shift, count))
        return CodedLayer(
            np.repeat(self.positive, count, axis=0), np.repeat(self.negative, count, axis=0), neurons
        )

    def weights(self, code: Codes) -> Array:
        """The weights of codes [neurons, axons]."""
        bits = np.abs(code)[..., None] >> np.arange(self.positive.shape[-1]) & 1
        size = np.where(code[..., None] >= 0, self.positive, self.negative)
        return np.asarray(np.sign(code) * (size * bits).sum(-1))


@dataclass(frozen=True, slots=True)
class Settings:
    """What a chip's generator makes: by layer and polarity (``n``, ``p``) a unit's current against the nominal one, and ln of all ramps'."""

    scales: tuple[Mapping[str, float], ...]
    ln_common: float


class CodedSilicon:
    """The fast model of drawn chips of a network of ``codes`` [neurons, axons] by layer, of these full scales."""

    def __init__(
        self,
        model: PhysicalModel,
        spread: CodeSpread,
        storage: CodedWeights,
        codes: Sequence[Codes],
        full_scales: Sequence[float],
    ) -> None:
        self.model, self.spread, self.storage = model, spread, storage
        self.codes, self.full_scales = tuple(codes), tuple(full_scales)
        layers = (self.codes[0].shape[1], *(len(one) for one in self.codes))
        self.topology = Topology(layers)
        self.physics = network_physics(model, layers, self.full_scales)
        self.sigmas = Sigmas(spread.sigmas)
        unit_A = [BottomUp(model).unit_current_A(axons) for axons in layers[:-1]]
        self.full_A = [full * one for full, one in zip(self.full_scales, unit_A, strict=True)]
        self.paths = {
            "n": _groups(spread.sigmas["synapse"], "MN"),
            "p": _groups(spread.sigmas["synapse"], "MP"),
        }

    def nominal(self) -> tuple[CodedLayer, ...]:
        """The undisturbed chip."""
        return tuple(self._layer(k, None, {"n": 1.0, "p": 1.0}, 0.0) for k in range(len(self.codes)))

    def drawn(self, seed: int, *, trimmed: bool) -> tuple[CodedLayer, ...]:
        """A chip: its lines as they come, or as their trim leaves them. The loop makes its replica right, or, trimmed, its neurons on average."""
        return self.made(self.chip(seed), self.settings(seed, trimmed=trimmed))

    def chip(self, seed: int) -> Chip:
        """The shifts of its devices."""
        return draw(seed, self.topology, self.sigmas)

    def settings(self, seed: int, *, trimmed: bool) -> Settings:
        """What the generator of a chip makes, by its drawn statistics; see ``drawn``."""
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, 15])))
        common, left = rng.standard_normal(), rng.uniform(-1.0, 1.0, (len(self.codes), 2))
        if trimmed:
            ramps = [self._neurons(k, one).ramp for k, one in enumerate(self.chip(seed).layers)]
            ln_common = -float(np.log(np.concatenate(ramps)).mean())
        else:
            replica = draw(seed + REPLICAS, Topology((1, 1)), self.sigmas).layers[0]
            ln_common = -float(np.log(self._neurons(0, replica).ramp[0]))
        scales = []
        for k in range(len(self.codes)):
            ln = {
                one: line.half_step_ln * left[k, index] if trimmed else line.sigma_ln * common
                for index, (one, line) in enumerate(sorted(self.spread.lines.items()))
            }
            scales.append({one: float(np.exp(value + ln_common)) for one, value in ln.items()})
        return Settings(tuple(scales), ln_common)

    def made(self, chip: Chip, settings: Settings) -> tuple[CodedLayer, ...]:
        """A chip whose generator makes this."""
        return tuple(
            self._layer(k, chip, scales, settings.ln_common) for k, scales in enumerate(settings.scales)
        )

    def _layer(
        self, index: int, chip: Chip | None, scales: Mapping[str, float], ln_common: float
    ) -> CodedLayer:
        shifts = None if chip is None else chip.layers[index]
        groups = {}
        for one, branch in (("n", self.model.positive), ("p", self.model.negative)):
            shape = (*self.codes[index].shape, self.storage.bits)
            weight = np.broadcast_to(2.0 ** np.arange(self.storage.bits), shape) * self._step(index)
            ln = np.zeros(shape)
            if shifts is not None:
                table = CurrentTable(branch)
                level_V = float(bias_for_current(branch, np.array([self.full_A[index]]))[0])
                moved = np.stack([level_V - shifts.synapse[path] for path in self.paths[one]], axis=-1)
                ln = table.ln_current(moved) - float(table.ln_current(np.array([level_V]))[0])
            groups[one] = weight * np.exp(ln) * scales[one]
        neurons = self._neurons(index, shifts)
        ramp = neurons.ramp * float(np.exp(ln_common))
        return CodedLayer(groups["n"], groups["p"], DrawnNeurons(ramp, neurons.shift))

    def _step(self, index: int) -> float:
        return self.full_scales[index] / self.storage.largest

    def _neurons(self, index: int, shifts: LayerShifts | None) -> DrawnNeurons:
        """The firing stages of a layer, its ramp before the loop."""
        neuron, count = self.spread.neuron, len(self.codes[index])
        met = {} if shifts is None else dict(shifts.neuron)
        none = np.zeros(len(next(iter(met.values()))) if met else count)
        paths = {*neuron.ln_ramp, *neuron.threshold, *neuron.threshold_with_ramp, self._discharger}
        met = {path: met.get(path, none) for path in paths}
        ln_ramp = total(neuron.ln_ramp, met)
        theta = 1.0 + total(neuron.threshold, met, neuron.threshold_with_ramp, ln_ramp)
        b = self.physics[index].discharge
        return DrawnNeurons(np.exp(ln_ramp), 1.0 - np.log1p(-b * theta) / np.log1p(-b))

    @property
    def _discharger(self) -> str:
        return neuron_of(self.model).device("discharge").path

    @torch.no_grad()
    def spike_times(
        self, chip: Sequence[CodedLayer], codes: Sequence[Codes], spike_time: Tensor
    ) -> list[Array]:
        """Spike times of every layer before the clip at the phase's end, [samples, neurons] in T_circ, of ``spike_time`` [samples, inputs]."""
        t, out = spike_time, []
        for physics, layer, code in zip(self.physics, chip, codes, strict=True):
            late = layer.neurons.times(undisturbed(physics, layer.weights(code), t)).clamp(min=0.0)
            out.append(late.numpy().astype(np.float64))
            t = late.clamp(max=1.0)
        return out

    @torch.no_grad()
    def trimmed_codes(
        self,
        chip: Sequence[CodedLayer],
        spike_time: Tensor,
        wanted: Sequence[Array],
        label: Codes,
        classes: int,
    ) -> list[Codes]:
        """Other codes for a chip whose groups and neurons were measured.

        Layer by layer those with which its spikes come nearest to ``wanted``; then, of the output layer, those that decide best. ``spike_time``
        [samples, inputs] and ``label`` [samples] of training samples; ``wanted`` by layer [samples, neurons], of the nominal chip. Code by code, all
        values of one being tried with the others as they are.
        """
        t = spike_time
        found: list[Codes] = []
        for physics, layer, start, aim in zip(self.physics, chip, self.codes, wanted, strict=True):
            code = self._chosen(uncoupled(physics), layer, start, t, torch.from_numpy(aim).clamp(max=1.0))
            if len(found) == len(self.physics) - 1:
                code = self._decisive(uncoupled(physics), layer, code, t, torch.from_numpy(label), classes)
            found.append(code)
            late = layer.neurons.times(undisturbed(physics, layer.weights(code), t))
            t = late.clamp(min=0.0, max=1.0)
        return found

    def _decisive(
        self, physics: Physics, layer: CodedLayer, start: Codes, t: Tensor, label: Tensor, classes: int
    ) -> Codes:
        """Codes of the output layer with which the neuron of the label spikes the furthest ahead of the others, in the sense of ``_behind``."""
        most = self.storage.largest
        values, code = np.arange(-most, most + 1), start.copy()
        late = layer.neurons.times(undisturbed(physics, layer.weights(code), t)).clamp(min=0.0, max=1.0)
        late, best = late[:, :classes], float("inf")
        for _ in range(SWEEPS):
            for k, axon in np.ndindex(classes, start.shape[1]):
                tried = np.repeat(code[k : k + 1], len(values), axis=0)
                tried[:, axon] = values
                many = layer.only(k).repeated(len(values))
                found = many.neurons.times(undisturbed(physics, many.weights(tried), t))
                found = found.clamp(min=0.0, max=1.0)
                times = late.unsqueeze(2).repeat(1, 1, len(values))
                times[:, k, :] = found
                behind = _behind(times, label)
                chosen = int(torch.argmin(behind))
                if float(behind[chosen]) < best - 1e-12:
                    best = float(behind[chosen])
                    code[k, axon] = values[chosen]
                    late[:, k] = found[:, chosen]
        return code

    def _chosen(self, physics: Physics, layer: CodedLayer, start: Codes, t: Tensor, aim: Tensor) -> Codes:
        neurons, axons = start.shape
        most = self.storage.largest
        values = np.arange(-most, most + 1)
        code = start.copy()
        many = layer.repeated(len(values))
        aims = aim.repeat_interleave(len(values), dim=1)
        for _ in range(SWEEPS):
            before = code.copy()
            for axon in range(axons):
                tried = np.repeat(code, len(values), axis=0)
                tried[:, axon] = np.tile(values, neurons)
                late = many.neurons.times(undisturbed(physics, many.weights(tried), t))
                error = (late.clamp(min=0.0, max=1.0) - aims).square().sum(0).numpy()
                code[:, axon] = values[np.argmin(error.reshape(neurons, len(values)), axis=1)]
            if np.array_equal(code, before):
                break
        return code


def _groups(sigmas: Mapping[str, float], begins: str) -> list[str]:
    """The devices of a bank's groups, lowest bit first: ``MN0``, ``MN1`` ..."""
    found = [path for path in sigmas if path.startswith(begins) and path[len(begins) :].isdigit()]
    return sorted(found, key=lambda path: int(path[len(begins) :]))


def _behind(times: Tensor, label: Tensor) -> Tensor:
    """How far labels' neurons are behind the others, mean over samples [tries]: a soft count over ``DECISION_NORM``, of ``times`` [samples,
    classes, tries]."""
    own = times.gather(1, label.view(-1, 1, 1).expand(-1, 1, times.shape[2]))
    soft = torch.nn.functional.softplus((own - times) / DECISION_NORM)
    others = torch.nn.functional.one_hot(label, times.shape[1]).unsqueeze(2) == 0
    return (soft * others).sum(1).mean(0)


def uncoupled(physics: Physics) -> Physics:
    """Of a neuron by itself: neighbours move it by less than a step of a code does."""
    lag = float(np.mean(physics.spike_lag)) if physics.spike_lag else 0.0
    return replace(
        physics, coupling=0.0, neuron_charge=(), spike_lag=(), spike_delay=physics.spike_delay + lag
    )


def undisturbed(physics: Physics, weight: Array, t: Tensor) -> Tensor:
    """Spike times of nominal neurons with these weights."""
    _, late = Exact().firing(
        t,
        torch.from_numpy(weight).to(t.dtype),
        Reversal.of(physics),
        Discharger(physics.discharge),
        None,
        Wiring.of(physics),
    )
    return late
