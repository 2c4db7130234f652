"""Trimming a chip: because weights are bias voltages, what mismatch did can be written away, as far as a converter's steps allow.

Two measurements are asked of a chip (``ChipBench``): the current of a synapse with its dendrite held at the reset level, and the
spike time of a neuron that starts from a known potential. Neurons come first, by their own discharger bias: a neuron without
input must fire as its phase ends. What its ramp then still differs by is a factor on all weights of its row. Then every synapse
is written, measured and written again (write-verify), until it is within tolerance, or no code comes nearer, or steps run out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from characterize.model import PhysicalModel
from chips.dac import Dac
from chips.silicon import DISCHARGER, Silicon, spread_of
from chips.written import CurrentTable, Written
from circuits.chip import Chip
from circuits.mapping import bias_for_current
from pnn import Discharger

Array = NDArray[np.float64]
Range = tuple[float, float]
SIGMAS = 4.0
"""How many standard deviations of mismatch a converter's range leaves beyond the biases that are wanted."""


class CalibrationOptions(BaseModel):
    """How a chip is trimmed.

    ``*_range_V`` None: what the network asks for, and four standard deviations of mismatch around it. Synapses of less than
    ``smallest_weight`` share the lowest code, or are off below half of it. ``current_s`` and ``time_s``: how long one measurement of a
    synapse's current, of a layer's spike times takes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bias_dac_bits: Annotated[int, Field(ge=2, le=16)] = 8
    trim_dac_bits: Annotated[int, Field(ge=2, le=16)] = 8
    bias_n_range_V: Range | None = None
    bias_p_range_V: Range | None = None
    trim_range_V: Range | None = None
    smallest_weight: Annotated[float, Field(gt=0.0, le=1.0)] = 0.02
    current_tolerance: Annotated[float, Field(ge=0.0, le=1.0)] = 0.005
    time_tolerance_norm: Annotated[float, Field(ge=0.0, le=1.0)] = 1e-3
    steps: Annotated[int, Field(ge=0, le=100)] = 6
    gain_start: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.6
    current_s: Annotated[float, Field(gt=0.0, le=1.0)] = 10e-6
    time_s: Annotated[float, Field(gt=0.0, le=1.0)] = 5e-6

    @model_validator(mode="after")
    def _ranges_rise(self) -> CalibrationOptions:
        for name in ("bias_n_range_V", "bias_p_range_V", "trim_range_V"):
            value = getattr(self, name)
            if value is not None and not value[0] < value[1]:
                raise ValueError(f"{name} = {list(value)}: give the lower voltage first")
        return self


class ChipBench(Protocol):
    """A chip on the bench, simulated or real. Every call measures all layers."""

    def currents_A(self, written: Written) -> list[Array]:
        """Current of every synapse, its dendrite held at the reset level: per layer [neurons, axons], not negative."""
        ...

    def spike_times_norm(self, written: Written, start: float) -> list[Array]:
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

    ``error_ln``: per layer [neurons, axons], ln of measured over wanted current at the end (NaN where off); ``open``: synapses still outside the
    tolerance; ``silent_norm``: per layer [neurons], when neurons without input fire now.
    """

    written: Written
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


def converters(model: PhysicalModel, written: Written, options: CalibrationOptions) -> Converters:
    """Converters that reach every wanted bias of the network and four standard deviations beyond."""
    bias_n = (
        _range(model, written, True, options) if options.bias_n_range_V is None else options.bias_n_range_V
    )
    bias_p = (
        _range(model, written, False, options) if options.bias_p_range_V is None else options.bias_p_range_V
    )
    room = SIGMAS * _trim_sigma_V(model)
    trim = options.trim_range_V if options.trim_range_V is not None else (-room, room)
    return Converters(
        Dac(*bias_n, options.bias_dac_bits),
        Dac(*bias_p, options.bias_dac_bits),
        Dac(*trim, options.trim_dac_bits),
    )


def _range(model: PhysicalModel, written: Written, positive: bool, options: CalibrationOptions) -> Range:
    """What one polarity's biases have to reach."""
    spread, branch = spread_of(model), model.positive if positive else model.negative
    side = spread.positive if positive else spread.negative
    wanted = np.concatenate(
        [layer.bias_V[layer.on & (layer.positive == positive)] for layer in written.layers]
    )
    least = max(options.smallest_weight * model.unit_current_A(), branch.current_min_A)
    smallest = float(bias_for_current(branch, np.array([least]))[0])
    # What is smaller than the smallest weight does not widen the range.
    reached = np.append(wanted, smallest)
    reached = np.maximum(reached, smallest) if positive else np.minimum(reached, smallest)
    room = SIGMAS * spread.sigmas["synapse"][side.memory]
    return float(reached.min() - room), float(reached.max() + room)


def _trim_sigma_V(model: PhysicalModel) -> float:
    """What a discharger's bias has to make up for: its own shift, and the ramps of all other devices, as seen at its gate."""
    spread = spread_of(model)
    per_V = abs(spread.neuron.ln_ramp[DISCHARGER].slope.value)
    others = float(np.hypot(spread.neuron.sigma_ln_ramp.value, spread.neuron.sigma_threshold.value))
    return float(max(others / per_V, spread.sigmas["neuron"][DISCHARGER]))


def calibrate(
    model: PhysicalModel, written: Written, bench: ChipBench, options: CalibrationOptions
) -> Calibration:
    """Trim one chip to what ``written`` means on the nominal one; see the module.

    The chip is only known by what ``bench`` measures of it.
    """
    made = converters(model, written, options)
    targets = Targets(model, written, options)
    written, count = targets.start(made), _Count()
    written, gain, silent = _trim_neurons(model, written, bench, made, options, count)
    written, errors = _write_verify(model, written, bench, made, options, targets.scaled(gain), count)
    open_ = sum(int(np.nansum(np.abs(e) > options.current_tolerance)) for e in errors)
    synapses = sum(int(layer.on.sum()) for layer in written.layers)
    neurons = sum(len(layer.trim_V) for layer in written.layers)
    return Calibration(
        written=written,
        converters=made,
        error_ln=tuple(errors),
        silent_norm=tuple(silent),
        gain=tuple(gain),
        open=open_,
        current_measurements=count.currents,
        time_measurements=count.times,
        writes=count.writes,
        seconds=count.currents * options.current_s + count.times * options.time_s,
        bits=synapses * options.bias_dac_bits + neurons * options.trim_dac_bits,
    )


@dataclass(slots=True)
class _Count:
    """What was done so far. Of a layer's spike times one measurement sees all."""

    currents: int = 0
    times: int = 0
    writes: int = 0


class Targets:
    """The currents that the synapses are meant to carry, per layer [neurons, axons], in A; 0 where off."""

    def __init__(self, model: PhysicalModel, written: Written, options: CalibrationOptions) -> None:
        self._written = written
        silicon = Silicon(model, written.topology.layers)
        self.current_A = []
        for layer, unit_A in enumerate(silicon.unit_A, start=1):
            current = silicon.current_A(written, layer, None)
            least = options.smallest_weight * unit_A
            held = np.where(current < 0.5 * least, 0.0, np.maximum(current, least))
            self.current_A.append(np.where(written.layers[layer - 1].on, held, 0.0))

    def start(self, made: Converters) -> Written:
        """What is written first: the nominal biases, as far as the converters have them; too small weights off."""
        layers = []
        for layer, current in zip(self._written.layers, self.current_A, strict=True):
            bias = np.where(
                layer.positive, made.bias_n.nearest(layer.bias_V), made.bias_p.nearest(layer.bias_V)
            )
            on = current > 0.0
            layers.append(
                type(layer)(
                    np.where(on, bias, layer.bias_V), layer.positive, on, made.trim.nearest(layer.trim_V)
                )
            )
        return Written(self._written.topology, tuple(layers))

    def scaled(self, gain: Sequence[Array]) -> list[Array]:
        """With every row times its neuron's factor."""
        return [current * factor[:, None] for current, factor in zip(self.current_A, gain, strict=True)]


def _trim_neurons(
    model: PhysicalModel,
    written: Written,
    bench: ChipBench,
    made: Converters,
    options: CalibrationOptions,
    count: _Count,
) -> tuple[Written, list[Array], list[Array]]:
    """Discharger biases until neurons without input fire as their phase ends; then the factor that is left on each row's weights."""
    per_V = -spread_of(model).neuron.ln_ramp[DISCHARGER].slope.value
    depth = written.topology.depth
    best = [np.full(len(layer.trim_V), np.inf) for layer in written.layers]
    kept = [layer.trim_V for layer in written.layers]
    for step in range(options.steps + 1):
        seen = bench.spike_times_norm(written, 0.0)
        count.times += depth
        moved = False
        for layer in range(1, depth + 1):
            at, trim = seen[layer - 1], written.layers[layer - 1].trim_V
            error = np.abs(np.log(np.maximum(at, 1e-3)))
            better = error < best[layer - 1]
            best[layer - 1] = np.where(better, error, best[layer - 1])
            kept[layer - 1] = np.where(better, trim, kept[layer - 1])
            # A neuron that was not seen at all goes to the fast end of its range.
            wanted = np.where(np.isfinite(at), trim + np.log(np.maximum(at, 1e-3)) / per_V, made.trim.high_V)
            new = np.where(
                best[layer - 1] <= options.time_tolerance_norm, kept[layer - 1], made.trim.nearest(wanted)
            )
            if step < options.steps and np.any(new != trim):
                count.writes += int(np.sum(new != trim))
                written, moved = written.moved(layer, trim_V=new), True
        if not moved:
            break
    for layer in range(1, depth + 1):
        written = written.moved(layer, trim_V=kept[layer - 1])
    silent = bench.spike_times_norm(written, 0.0)
    started = bench.spike_times_norm(written, options.gain_start)
    count.times += 2 * depth
    gain = []
    silicon = Silicon(model, written.topology.layers)
    for physics, late, early in zip(silicon.physics, silent, started, strict=True):
        nominal = _nominal_time(physics.discharge, 0.0) - _nominal_time(physics.discharge, options.gain_start)
        with np.errstate(invalid="ignore", divide="ignore"):
            factor = nominal / (late - early)
        gain.append(np.where(np.isfinite(factor) & (factor > 0.2) & (factor < 5.0), factor, 1.0))
    return written, gain, silent


def _nominal_time(b: float, v: float) -> float:
    """Spike time of the nominal neuron, T_circ."""
    return 1.0 - v if b == 0.0 else float(1.0 - np.log1p(-b * v) / np.log1p(-b))


def _write_verify(
    model: PhysicalModel,
    written: Written,
    bench: ChipBench,
    made: Converters,
    options: CalibrationOptions,
    wanted_A: list[Array],
    count: _Count,
) -> tuple[Written, list[Array]]:
    """Gate biases until every synapse carries what is wanted of it."""
    tables = CurrentTable(model.positive), CurrentTable(model.negative)
    best = [np.where(layer.on, np.inf, np.nan) for layer in written.layers]
    kept = [layer.bias_V for layer in written.layers]
    for step in range(options.steps + 1):
        seen = bench.currents_A(written)
        count.currents += sum(int(layer.on.sum()) for layer in written.layers)
        moved = False
        for layer, (measured, wanted) in enumerate(zip(seen, wanted_A, strict=True), start=1):
            biases = written.layers[layer - 1]
            with np.errstate(divide="ignore", invalid="ignore"):
                error = np.log(np.maximum(measured, 1e-18) / wanted)
            better = biases.on & (np.abs(error) < np.abs(best[layer - 1]))
            best[layer - 1] = np.where(better, error, best[layer - 1])
            kept[layer - 1] = np.where(better, biases.bias_V, kept[layer - 1])
            new = kept[layer - 1].copy()
            for table, dac, mine in (
                (tables[0], made.bias_n, biases.on & biases.positive),
                (tables[1], made.bias_p, biases.on & ~biases.positive),
            ):
                # A shift of the threshold is a shift of the bias: what is missing is the same for the nominal synapse.
                ask = mine & (np.abs(best[layer - 1]) > options.current_tolerance)
                step_V = table.bias_V(np.log(wanted[ask])) - table.bias_V(
                    np.log(np.maximum(measured[ask], 1e-18))
                )
                new[ask] = dac.nearest(biases.bias_V[ask] + step_V)
            if step < options.steps and np.any(new != biases.bias_V):
                count.writes += int(np.sum(new != biases.bias_V))
                written, moved = written.moved(layer, bias_V=new), True
        if not moved:
            break
    for layer in range(1, written.topology.depth + 1):
        written = written.moved(layer, bias_V=kept[layer - 1])
    return written, best


@dataclass(frozen=True, slots=True)
class FastBench:
    """The bench on a chip of the fast model."""

    silicon: Silicon
    chip: Chip

    def currents_A(self, written: Written) -> list[Array]:
        """See ``ChipBench``."""
        return [
            self.silicon.current_A(written, layer, shifts)
            for layer, shifts in enumerate(self.chip.layers, start=1)
        ]

    def spike_times_norm(self, written: Written, start: float) -> list[Array]:
        """See ``ChipBench``."""
        times = []
        for layer, (physics, shifts) in enumerate(
            zip(self.silicon.physics, self.chip.layers, strict=True), start=1
        ):
            undisturbed = Discharger(physics.discharge).unclipped(torch.tensor([start], dtype=torch.float64))
            neurons = self.silicon.neurons(written, layer, shifts)
            times.append(neurons.times(undisturbed[:, None])[0].numpy())
        return times
