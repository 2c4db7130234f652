"""Trimming a chip: because weights are bias voltages, what mismatch did can be written away, as far as a converter's steps allow.

Two measurements are asked of a chip (``ChipBench``): the current of a synapse with its dendrite held at the reset level, and the
spike time of a neuron that starts from a known potential. Neurons come first, by their own discharger bias: a neuron without
input must fire as its phase ends. What its ramp then still differs by is a factor on all weights of its row. Then every synapse
is written, measured and written again (write-verify), until it is within tolerance, or no code comes nearer, or steps run out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.variation import spread_of
from nonideal.chips.dac import Dac
from nonideal.chips.options import CalibrationOptions, Range
from nonideal.chips.silicon import Silicon, discharger
from nonideal.chips.written import LayerBiases, Mask, WrittenBiases
from nonideal.circuits.network.chip import Chip
from nonideal.circuits.network.mapping import bias_for_current
from nonideal.pnn import Discharger

Array = NDArray[np.float64]
SIGMAS = 4.0
"""How many standard deviations of mismatch a converter's range leaves beyond the biases that are wanted."""
SOONEST = 1e-3
"""A spike time that is taken for the soonest that can be measured, T_circ."""
DARK_A = 1e-18
"""A current that is taken for none."""
GAINS = 0.2, 5.0
"""Factors on a row's currents that can be: beyond them the neuron was not seen well, and none is applied."""


class ChipBench(Protocol):
    """A chip on the bench, simulated or real. Every call measures all layers."""

    def currents_A(self, written: WrittenBiases) -> list[Array]:
        """Current of every synapse, its dendrite held at the reset level: per layer [neurons, axons], not negative."""
        ...

    def spike_times_norm(self, written: WrittenBiases, start: float) -> list[Array]:
        """When neurons without input fire that start at v = ``start``: per layer [neurons], T_circ; phases are long enough to see them."""
        ...


@dataclass(frozen=True, slots=True)
class Converters:
    """The converters behind a network's bias pins: memory gates by polarity, discharger trims."""

    bias_n: Dac
    bias_p: Dac
    trim: Dac


@dataclass(frozen=True, slots=True)
class Calibration:
    """A trimmed chip: what is written, and what that took.

    ``error_ln``: per layer [neurons, axons], ln of measured over wanted current at the end (NaN where off); ``open``: synapses still
    outside the tolerance. ``silent_norm``: per layer [neurons], when neurons without input fire now, in T_circ; ``gain``: per layer
    [neurons], the factor on the row's currents that makes up for what is left of its ramp, NaN where it could not be measured: those rows,
    ``gains_not_measured`` of them, keep their currents. ``seconds`` on a real bench; ``bits`` to be kept.
    """

    written: WrittenBiases
    converters: Converters
    error_ln: tuple[Array, ...]
    silent_norm: tuple[Array, ...]
    gain: tuple[Array, ...]
    open: int
    current_measurements: int
    time_measurements: int
    writes: int
    seconds: float
    bits: int

    @property
    def gains_not_measured(self) -> int:
        """Neurons that were not seen from both starting potentials, or not in a believable time."""
        return sum(int(np.isnan(factor).sum()) for factor in self.gain)


def converters(model: PhysicalModel, written: WrittenBiases, options: CalibrationOptions) -> Converters:
    """Converters that reach every wanted bias of the network and four standard deviations beyond, unless ``options`` say otherwise."""
    room_V = SIGMAS * _trim_sigma_V(model)
    return Converters(
        Dac(*(options.bias_n_range_V or _bias_range_V(model, written, True, options)), options.bias_dac_bits),
        Dac(
            *(options.bias_p_range_V or _bias_range_V(model, written, False, options)), options.bias_dac_bits
        ),
        Dac(*(options.trim_range_V or (-room_V, room_V)), options.trim_dac_bits),
    )


def _bias_range_V(
    model: PhysicalModel, written: WrittenBiases, positive: bool, options: CalibrationOptions
) -> Range:
    """What one polarity's biases have to reach."""
    spread, branch = spread_of(model), model.positive if positive else model.negative
    side = spread.positive if positive else spread.negative
    wanted = np.concatenate(
        [layer.bias_V[layer.on & (layer.positive == positive)] for layer in written.layers]
    )
    unit_A = min(Silicon(model, written.topology.layers).unit_A)
    least_A = max(options.smallest_weight * unit_A, branch.current_min_A)
    smallest_V = float(bias_for_current(branch, np.array([least_A]))[0])
    # What is smaller than the smallest weight does not widen the range.
    reached = np.append(wanted, smallest_V)
    reached = np.maximum(reached, smallest_V) if positive else np.minimum(reached, smallest_V)
    room_V = SIGMAS * spread.sigmas["synapse"][side.memory]
    return float(reached.min() - room_V), float(reached.max() + room_V)


def _trim_sigma_V(model: PhysicalModel) -> float:
    """What a discharger's bias has to make up for: its own shift, or what all shifts do to ramp and threshold, as seen at its gate."""
    spread, trimmed = spread_of(model), discharger(model)
    per_V = abs(spread.neuron.ln_ramp[trimmed].slope.value)
    whole = float(np.hypot(spread.neuron.sigma_ln_ramp.value, spread.neuron.sigma_threshold.value))
    return float(max(whole / per_V, spread.sigmas["neuron"][trimmed]))


def calibrate(
    model: PhysicalModel, written: WrittenBiases, bench: ChipBench, options: CalibrationOptions
) -> Calibration:
    """Trim one chip to what ``written`` means on the nominal one; see the module.

    The chip is only known by what ``bench`` measures of it. Raises ``NoSpread``, ``NoColumn``, and whatever the bench raises.
    """
    silicon = Silicon(model, written.topology.layers)
    made, count = converters(model, written, options), _Count()
    wanted_A = _wanted_A(silicon, written, options)
    first = _first(written, wanted_A, made)
    trimmed, gain, silent = _trim_neurons(silicon, first, bench, made, options, count)
    scaled_A = [
        current * np.where(np.isnan(factor), 1.0, factor)[:, None]
        for current, factor in zip(wanted_A, gain, strict=True)
    ]
    done, errors = _write_verify(silicon, trimmed, bench, made, options, scaled_A, count)
    synapses = sum(int(layer.on.sum()) for layer in done.layers)
    neurons = sum(len(layer.trim_V) for layer in done.layers)
    return Calibration(
        written=done,
        converters=made,
        error_ln=tuple(errors),
        silent_norm=tuple(silent),
        gain=tuple(gain),
        open=sum(int(np.sum(np.abs(error) > options.current_tolerance)) for error in errors),
        current_measurements=count.currents,
        time_measurements=count.times,
        writes=count.writes,
        seconds=count.currents * options.current_s + count.times * options.time_s,
        bits=synapses * options.bias_dac_bits + neurons * options.trim_dac_bits,
    )


@dataclass(slots=True)
class _Count:
    """What was done so far: synapses measured one by one, layers whose spike times were measured (all at once), biases written."""

    currents: int = 0
    times: int = 0
    writes: int = 0


class _Search:
    """The way to the best code of many biases at once, arrays of one shape: measured, corrected, measured again."""

    def __init__(self, volts: Array, live: Mask) -> None:
        self.volts = self.kept = volts
        self.error = np.where(live, np.inf, np.nan)
        self.open = live

    def saw(self, error: Array, tolerance: float) -> None:
        """``error`` was measured at the present ``volts``: what is better than before is kept, what is good enough is done."""
        better = self.open & (np.abs(error) < np.abs(self.error))
        self.error = np.where(better, error, self.error)
        self.kept = np.where(better, self.volts, self.kept)
        self.open = self.open & (np.abs(self.error) > tolerance)

    def move(self, wanted: Array) -> int:
        """Go to ``wanted``, a converter's voltages; what is done goes to its best. Returns how many are written."""
        # Where the correction leads back to the best code, or nowhere, no code is nearer.
        self.open = self.open & (wanted != self.kept) & (wanted != self.volts)
        return self._write(np.where(self.open, wanted, self.kept))

    def rest(self) -> int:
        """Go to the best that was seen."""
        return self._write(self.kept)

    def _write(self, volts: Array) -> int:
        changed = int(np.sum(volts != self.volts))
        self.volts = volts
        return changed


def _wanted_A(silicon: Silicon, written: WrittenBiases, options: CalibrationOptions) -> list[Array]:
    """The currents that the synapses are meant to carry, per layer [neurons, axons]; 0 where they are too small to be on."""
    wanted = []
    for layer, unit_A in enumerate(silicon.unit_A, start=1):
        current = silicon.current_A(written, layer, None)
        least = options.smallest_weight * unit_A
        wanted.append(np.where(current < 0.5 * least, 0.0, np.maximum(current, least)))
    return wanted


def _first(written: WrittenBiases, wanted_A: Sequence[Array], made: Converters) -> WrittenBiases:
    """What is written first: the nominal biases, as far as the converters have them; too small weights off."""
    layers = []
    for layer, current in zip(written.layers, wanted_A, strict=True):
        near = np.where(layer.positive, made.bias_n.nearest(layer.bias_V), made.bias_p.nearest(layer.bias_V))
        on = current > 0.0
        layers.append(
            replace(
                layer, on=on, bias_V=np.where(on, near, layer.bias_V), trim_V=made.trim.nearest(layer.trim_V)
            )
        )
    return replace(written, layers=tuple(layers))


def _trim_neurons(
    silicon: Silicon,
    written: WrittenBiases,
    bench: ChipBench,
    made: Converters,
    options: CalibrationOptions,
    count: _Count,
) -> tuple[WrittenBiases, list[Array], list[Array]]:
    """Discharger biases until neurons without input fire as their phase ends; then the factor that is left on each row's weights.

    Also returns, per layer [neurons], that factor and when those neurons fire now, T_circ.
    """
    per_V = -silicon.spread.neuron.ln_ramp[silicon.discharger].slope.value
    depth = written.topology.depth
    searches = [_Search(layer.trim_V, np.ones(len(layer.trim_V), dtype=bool)) for layer in written.layers]
    for step in range(options.steps + 1):
        seen = bench.spike_times_norm(written, 0.0)
        count.times += depth
        late = [np.log(np.maximum(at, SOONEST)) for at in seen]
        for search, error in zip(searches, late, strict=True):
            search.saw(error, options.time_tolerance_norm)
        if step == options.steps:
            break
        for search, error in zip(searches, late, strict=True):
            # A neuron that was not seen at all goes to the fast end of its range.
            count.writes += search.move(made.trim.nearest(search.volts + error / per_V))
        if not any(search.open.any() for search in searches):
            break
        written = _trims(written, searches)
    count.writes += sum(search.rest() for search in searches)
    written = _trims(written, searches)
    silent = bench.spike_times_norm(written, 0.0)
    started = bench.spike_times_norm(written, options.gain_start)
    count.times += 2 * depth
    gain = []
    for physics, last, first in zip(silicon.physics, silent, started, strict=True):
        nominal = 1.0 - _nominal_time(physics.discharge, options.gain_start)
        with np.errstate(invalid="ignore", divide="ignore"):
            factor = nominal / (last - first)
        low, high = GAINS
        gain.append(np.where(np.isfinite(factor) & (factor > low) & (factor < high), factor, np.nan))
    return written, gain, silent


def _trims(written: WrittenBiases, searches: Sequence[_Search]) -> WrittenBiases:
    for layer, search in enumerate(searches, start=1):
        written = written.moved(layer, trim_V=search.volts)
    return written


def _nominal_time(b: float, v: float) -> float:
    """Spike time of the nominal neuron, T_circ."""
    return 1.0 - v if b == 0.0 else float(1.0 - np.log1p(-b * v) / np.log1p(-b))


def _write_verify(
    silicon: Silicon,
    written: WrittenBiases,
    bench: ChipBench,
    made: Converters,
    options: CalibrationOptions,
    wanted_A: Sequence[Array],
    count: _Count,
) -> tuple[WrittenBiases, list[Array]]:
    """Gate biases until every synapse carries what is wanted of it; and ln of measured over wanted then, per layer [neurons, axons]."""
    searches = [_Search(layer.bias_V, layer.on) for layer in written.layers]
    for step in range(options.steps + 1):
        seen = bench.currents_A(written)
        count.currents += sum(int(layer.on.sum()) for layer in written.layers)
        with np.errstate(divide="ignore"):
            missing = [
                np.log(np.maximum(measured, DARK_A) / wanted)
                for measured, wanted in zip(seen, wanted_A, strict=True)
            ]
        for search, error in zip(searches, missing, strict=True):
            search.saw(error, options.current_tolerance)
        if step == options.steps:
            break
        for layer, search, measured, wanted in zip(written.layers, searches, seen, wanted_A, strict=True):
            count.writes += search.move(_corrected_V(silicon, layer, made, measured, wanted))
        if not any(search.open.any() for search in searches):
            break
        written = _gates(written, searches)
    count.writes += sum(search.rest() for search in searches)
    return _gates(written, searches), [search.error for search in searches]


def _gates(written: WrittenBiases, searches: Sequence[_Search]) -> WrittenBiases:
    for layer, search in enumerate(searches, start=1):
        written = written.moved(layer, bias_V=search.volts)
    return written


def _corrected_V(
    silicon: Silicon, layer: LayerBiases, made: Converters, measured_A: Array, wanted_A: Array
) -> Array:
    """Converter voltages that should bring a layer's synapses to ``wanted_A``, all [neurons, axons]."""
    corrected = layer.bias_V.copy()
    for table, dac, mine in zip(
        silicon.tables,
        (made.bias_n, made.bias_p),
        (layer.on & layer.positive, layer.on & ~layer.positive),
        strict=True,
    ):
        # A shift of the threshold is a shift of the bias: what is missing is the same for the nominal synapse.
        there, meant = np.log(np.maximum(measured_A[mine], DARK_A)), np.log(wanted_A[mine])
        corrected[mine] = dac.nearest(layer.bias_V[mine] + table.bias_V(meant) - table.bias_V(there))
    return corrected


@dataclass(frozen=True, slots=True)
class FastBench:
    """The bench on a chip of the fast model."""

    silicon: Silicon
    chip: Chip

    def currents_A(self, written: WrittenBiases) -> list[Array]:
        """See ``ChipBench``."""
        return [
            self.silicon.current_A(written, layer, shifts)
            for layer, shifts in enumerate(self.chip.layers, start=1)
        ]

    def spike_times_norm(self, written: WrittenBiases, start: float) -> list[Array]:
        """See ``ChipBench``."""
        times = []
        for layer, (physics, shifts) in enumerate(
            zip(self.silicon.physics, self.chip.layers, strict=True), start=1
        ):
            undisturbed = Discharger(physics.discharge).unclipped(torch.tensor([start], dtype=torch.float64))
            neurons = self.silicon.neurons(written, layer, shifts)
            times.append(neurons.times(undisturbed[:, None])[0].numpy())
        return times
