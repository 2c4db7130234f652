"""Trimming a chip of codes: it is measured by inferences alone, then its reference and its lines are trimmed, and it gets other codes.

A chip shows when its neurons spike, and takes codes and input spikes; no analog pin is read or driven. So codes are drawn with which neurons fire
within their phase, the chip runs on them, and the weights of all groups of units and the firing stages are what explains the spikes best, with
the spread that the PDK's statistics expect (least squares, a Gaussian prior). What follows is arithmetic on the fast model: the generator's
target makes neurons right on average, each gate line goes to the nearest step of its trim, and each neuron gets the codes that bring its spikes
nearest to the nominal chip's. A chip that takes no other codes, as one whose codes are a mask, is measured by inferences on its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from nonideal.characterize.physics import Physics
from nonideal.chips.codes import (
    CodedLayer,
    CodedSilicon,
    Codes,
    Settings,
    uncoupled,
    undisturbed,
)
from nonideal.chips.silicon import DrawnNeurons
from nonideal.chips.written import CurrentTable
from nonideal.circuits.network.mapping import bias_for_current

Array = NDArray[np.float64]
ERROR_NORM = 1e-3
"""How far a spike may be from what the fast model says of a chip that is known, in T_circ: in the hidden layer 0.4 ns, at the output 0.4."""
EARLIEST, LATEST = 0.02, 0.995
"""Spikes between these are used, in T_circ: what comes sooner stands at the phase's begin, what comes later is not seen."""
MEANT = (0.15, 0.85)
"""Where spikes of the inferences that measure are meant to lie."""
TRIES = 64
"""Codes of a neuron that are drawn for one inference, of which one that fires there is taken."""
ON, POSITIVE = 0.35, 0.65
"""How often a bit is on in them, and a sign positive."""
STEPS, MOVED = 4, 1e-3
"""Steps of Gauss and Newton, and by what a parameter is moved for its derivative."""


class InferenceBench(Protocol):
    """A chip on the bench, simulated or real."""

    def spike_times_norm(self, codes: Sequence[Sequence[Codes]], inputs: Array) -> list[Array]:
        """Spike times by layer [inferences, neurons] in T_circ, infinity for none, of an inference with each of ``codes`` (by layer [neurons,
        axons]) and of ``inputs`` [inferences, inputs]."""
        ...


@dataclass(frozen=True, slots=True)
class CodeCalibration:
    """A trimmed chip: its ``codes`` by layer, what its generator makes now, and how far that was moved.

    ``ln_common``: by how much ramps and units became faster together; ``lines`` by layer and polarity (``n``, ``p``): what a line's trim makes of a
    unit's current.
    ``inferences`` were run, of whose spikes ``spikes`` told something; ``residual_norm``: what of them the measured chip leaves unexplained,
    rms. ``changed``: codes that are others.
    """

    codes: tuple[Codes, ...]
    settings: Settings
    measured: tuple[CodedLayer, ...]
    ln_common: float
    lines: tuple[Mapping[str, float], ...]
    inferences: int
    spikes: int
    residual_norm: float
    changed: int


def calibrate_codes(
    silicon: CodedSilicon,
    as_written: Settings,
    bench: InferenceBench,
    samples: tuple[Array, NDArray[np.int64], int],
    *,
    inferences: int,
    seed: int,
    line_trims: Mapping[str, Array],
    other_codes: bool = True,
) -> CodeCalibration:
    """Trim a chip. ``samples``: training inputs [samples, inputs], labels, classes; ``line_trims`` by polarity (``n``, ``p``): what each
    setting of a line's trim makes of a unit's current.

    ``as_written`` is what the generator makes before, of which only the ratio to what it makes after is used. Without ``other_codes`` the chip keeps
    its own and is measured by them alone, as one whose codes are a mask has to. Raises whatever the bench raises.
    """
    codes, inputs = _probes(silicon, inferences, seed, other_codes=other_codes)
    seen = bench.spike_times_norm(codes, inputs)
    measured, left, count = _measured(silicon, codes, inputs, seen)
    ln_common = -float(np.log(np.concatenate([layer.neurons.ramp for layer in measured])).mean())
    lines, scales, trimmed = [], [], []
    for k, (nominal, layer, before) in enumerate(
        zip(silicon.nominal(), measured, as_written.scales, strict=True)
    ):
        pairs = {"n": (layer.positive, nominal.positive), "p": (layer.negative, nominal.negative)}
        mine, factor = {}, {}
        for one, (is_now, wanted) in pairs.items():
            told = (
                np.log(is_now / wanted).mean()
                if other_codes
                else _off_ln(is_now, wanted, silicon.codes[k], one)
            )
            off_ln = float(told) + ln_common
            made = line_trims[one]
            mine[one] = float(made[np.argmin(np.abs(np.log(made) + off_ln))])
            factor[one] = float(np.exp(ln_common) * mine[one])
        neurons = DrawnNeurons(layer.neurons.ramp * np.exp(ln_common), layer.neurons.shift)
        trimmed.append(CodedLayer(layer.positive * factor["n"], layer.negative * factor["p"], neurons))
        scales.append({one: before[one] * factor[one] for one in factor})
        lines.append(mine)
    chosen = list(silicon.codes)
    if other_codes:
        known, label, classes = samples
        x = torch.from_numpy(known)
        meant = silicon.spike_times(silicon.nominal(), silicon.codes, x)
        chosen = silicon.trimmed_codes(trimmed, x, meant, label, classes)
    return CodeCalibration(
        codes=tuple(chosen),
        settings=Settings(tuple(scales), as_written.ln_common + ln_common),
        measured=tuple(measured),
        ln_common=ln_common,
        lines=tuple(lines),
        inferences=inferences,
        spikes=count,
        residual_norm=left,
        changed=sum(int((a != b).sum()) for a, b in zip(chosen, silicon.codes, strict=True)),
    )


def _off_ln(is_now: Array, wanted: Array, code: Codes, polarity: str) -> float:
    """By how much the groups of a polarity that codes [neurons, axons] switch on weigh more than they should, ln; 0 where none is.

    Together: what each weighs, inferences on these codes alone do not tell, and of others nothing.
    """
    sided = code > 0 if polarity == "n" else code < 0
    on = (np.abs(code)[..., None] >> np.arange(is_now.shape[-1]) & sided[..., None]) & 1 == 1
    return float(np.log(is_now[on].sum() / wanted[on].sum())) if on.any() else 0.0


def _probes(
    silicon: CodedSilicon, count: int, seed: int, *, other_codes: bool
) -> tuple[list[Sequence[Codes]], Array]:
    """Codes and inputs of so many inferences in which the nominal chip's neurons fire within their phases, as far as may be; with the chip's own
    codes, whenever they do."""
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, 16])))
    chip, bits = silicon.nominal(), silicon.storage.bits
    inputs = rng.uniform(0.0, 0.7, (count, silicon.codes[0].shape[1]))
    if not other_codes:
        return [silicon.codes] * count, inputs
    found: list[Sequence[Codes]] = []
    for row in inputs:
        arriving, mine = row[None], []
        for physics, layer, like in zip(silicon.physics, chip, silicon.codes, strict=True):
            neurons, axons = like.shape
            size = ((rng.random((neurons, TRIES, axons, bits)) < ON) * 2 ** np.arange(bits)).sum(-1)
            tried = size * np.where(rng.random(size.shape) < POSITIVE, 1, -1)
            many = layer.repeated(TRIES)
            times = _told(uncoupled(physics), many, tried.reshape(-1, axons), arriving)[0]
            times = times.reshape(neurons, TRIES)
            good = (times > MEANT[0]) & (times < MEANT[1])
            # The first that fires there, else the one nearest to the middle.
            nearest = np.abs(times - sum(MEANT) / 2).argmin(1)
            chosen = np.arange(neurons), np.where(good.any(1), good.argmax(1), nearest)
            mine.append(tried[chosen].astype(np.int64))
            arriving = times[chosen][None].clip(0.0, 1.0)
        found.append(mine)
    return found, inputs


def _told(physics: Physics, layer: CodedLayer, code: Codes, arriving: Array) -> Array:
    """Spike times [samples, neurons] that the fast model tells of neurons with these codes."""
    late = undisturbed(physics, layer.weights(code), torch.from_numpy(arriving))
    return np.asarray(layer.neurons.times(late).numpy(), np.float64)


def _measured(
    silicon: CodedSilicon, codes: Sequence[Sequence[Codes]], inputs: Array, seen: Sequence[Array]
) -> tuple[list[CodedLayer], float, int]:
    """The chip that explains what was seen; what is left of it, rms in T_circ; and how many spikes told something."""
    found, squares, count = [], 0.0, 0
    arriving = inputs
    for k, (start, times) in enumerate(zip(silicon.nominal(), seen, strict=True)):
        mine = [one[k] for one in codes]
        fit = _Fit(silicon, k, start, mine, arriving, times)
        layer = fit.solved()
        error = fit.error(layer)
        squares, count = squares + float((error**2).sum()), count + int(fit.used.sum())
        found.append(layer)
        arriving = np.minimum(times, 1.0)
    return found, float(np.sqrt(squares / max(count, 1))), count


class _Fit:
    """Least squares of one layer, all neurons side by side: parameters [neurons, parameters] are ln of every group's weight against the nominal
    one, polarity by polarity, then ln of the ramp and the firing stage's shift."""

    def __init__(
        self,
        silicon: CodedSilicon,
        index: int,
        start: CodedLayer,
        codes: Sequence[Codes],
        arriving: Array,
        times: Array,
    ) -> None:
        self.physics, self.start = uncoupled(silicon.physics[index]), start
        self.codes, self.arriving, self.times = codes, arriving, times
        self.used = (times > EARLIEST) & (times < LATEST)
        self.sigma = _expected(silicon, index, start)

    def layer(self, parameters: Array) -> CodedLayer:
        """The layer that parameters mean."""
        many = self.start.repeated(len(parameters) // len(self.start.positive))
        half = self.start.positive[0].size
        n, p = (np.exp(parameters[:, at : at + half]).reshape(many.positive.shape) for at in (0, half))
        ramp = many.neurons.ramp * np.exp(parameters[:, -2])
        neurons = DrawnNeurons(ramp, many.neurons.shift + parameters[:, -1])
        return CodedLayer(many.positive * n, many.negative * p, neurons)

    def told(self, layer: CodedLayer, copies: int = 1) -> Array:
        """Spike times [inferences, neurons x copies], the copies of a neuron beside each other."""
        rows = [
            _told(self.physics, layer, np.repeat(code, copies, axis=0), at[None])[0]
            for code, at in zip(self.codes, self.arriving, strict=True)
        ]
        return np.array(rows)

    def error(self, layer: CodedLayer) -> Array:
        """Seen less told [inferences, neurons]; 0 where nothing is told."""
        return np.where(self.used, self.times - self.told(layer), 0.0)

    def solved(self) -> CodedLayer:
        """The most likely layer."""
        neurons, count = self.sigma.shape
        at = np.zeros((neurons, count))
        prior = 1.0 / self.sigma**2
        for _ in range(STEPS):
            error = self.error(self.layer(at))
            moved = np.concatenate([at[:, None, :], at[:, None, :] + MOVED * np.eye(count)], axis=1)
            told = self.told(self.layer(moved.reshape(-1, count)), count + 1)
            told = told.reshape(len(told), neurons, count + 1)
            slope = np.where(self.used[..., None], (told[..., 1:] - told[..., :1]) / MOVED, 0.0)
            for k in range(neurons):
                weighted = slope[:, k] / ERROR_NORM**2
                curvature = slope[:, k].T @ weighted + np.diag(prior[k])
                downhill = weighted.T @ error[:, k] - prior[k] * at[k]
                at[k] += np.linalg.solve(curvature, downhill)
        return self.layer(at)


def _expected(silicon: CodedSilicon, index: int, start: CodedLayer) -> Array:
    """Standard deviations of a layer's parameters, [neurons, parameters]: those of the devices, and of what the generator makes."""
    spread, neuron = silicon.spread, silicon.spread.neuron
    sides = []
    for one, branch in (("n", silicon.model.positive), ("p", silicon.model.negative)):
        table = CurrentTable(branch)
        level = bias_for_current(branch, np.array([silicon.full_A[index]]))
        per_V = float((table.ln_current(level + MOVED) - table.ln_current(level - MOVED))[0]) / (2 * MOVED)
        own = [per_V * spread.sigmas["synapse"][path] for path in silicon.paths[one]]
        line = float(np.hypot(spread.lines[one].sigma_ln, neuron.sigma_ln_ramp.value))
        sides.append(
            np.broadcast_to(np.hypot(own, line), start.positive.shape).reshape(len(start.positive), -1)
        )
    # Its own ramp, and that of the replica that the loop makes right.
    ramp = np.full((len(start.positive), 1), np.sqrt(2.0) * neuron.sigma_ln_ramp.value)
    threshold = np.full((len(start.positive), 1), neuron.sigma_threshold.value)
    return np.maximum(np.concatenate([*sides, ramp, threshold], axis=1), 1e-6)
