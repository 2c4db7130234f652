"""What the neuron's benches say: discharger bias, membrane capacitance, firing stage, sensing delay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize import fits
from nonideal.characterize.benches import SPIKE_VECTOR, LoneNeuron, membrane_vector, neuron_benches, silent_V
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.model import Estimate, estimate
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.network.timeline import Timeline
from nonideal.spice import Result

Array = NDArray[np.float64]
MAX_CHARGE_RMS = 0.01
"""Largest rms deviation of the membrane's charge from a line in its potential, relative to the charge's span."""


@dataclass(frozen=True, slots=True)
class Firing:
    """The firing stage as measured: start potentials and spike times of the neurons that fired on a steady ramp, fit, sensing delay."""

    start_V: Array
    spike_time_s: Array
    fit: fits.FiringFit
    sensing_delay_s: float


def firing_stage(
    results: Sequence[Result],
    timeline: Timeline,
    start_V: Array,
    design: Design,
    static_switch_V: float,
    max_rms_s: float,
) -> Firing:
    """Fit the ``firing`` benches, one for each start; ``static_switch_V`` is the sensing inverter's threshold without a ramp."""
    t_circ_s, v0_V = timeline.timing.t_circ_s, design.supplies.v0_V
    times = spike_times_s(results, timeline, design.supplies.vdd_V)
    # Before about 0.1 T_circ the sensing stage, which needs tens of ns, has not yet reached its steady ramp.
    fired = np.array([t is not None and t > 0.1 * t_circ_s for t in times])
    measured_s = np.array([t for t, ok in zip(times, fired, strict=True) if ok and t is not None])
    # What counts is where the membrane stands, not what it was reset to: the reset switch leaves up to 2 mV behind.
    membrane = membrane_vector(design)
    begin_s = timeline.accumulation_s(1)
    before_s = begin_s + t_circ_s - timeline.timing.edge_s
    v_V = np.array([result.at(membrane, before_s) for result in results])
    top = int(np.argmax(start_V))
    reset_V = results[top].at(membrane, begin_s) + v0_V - float(start_V[top])
    fit = fits.fit_firing((reset_V - v_V)[fired], measured_s, t_circ_s, max_rms_s)
    middle = len(measured_s) // 2
    ramp = results[int(np.flatnonzero(fired)[middle])]
    spike_at = measured_s[middle] + timeline.firing_s(1)
    at_spike_V = ramp.at(membrane, spike_at)
    before_V = ramp.at(membrane, spike_at - RAMP_S)
    delay_s = (static_switch_V - at_spike_V) / ((before_V - at_spike_V) / RAMP_S)
    return Firing(v_V[fired], measured_s, fit, delay_s)


MOST_CENTRES = 4
"""How often the fine sweep of the discharger's bias is centred anew before it is given up."""
RAMP_S = 20e-9
"""Over how much of the ramp before a spike its slope is taken."""


def spike_times_s(results: Sequence[Result], timeline: Timeline, vdd_V: float) -> list[float | None]:
    """First spike of the neuron of each bench, s after firing starts; None where none came."""
    begin = timeline.firing_s(1)
    times = []
    for result in results:
        at = fits.crossing_time_s(
            result.axis, result[SPIKE_VECTOR], vdd_V / 2, begin - timeline.timing.edge_s
        )
        times.append(None if at is None else at - begin)
    return times


def spike_load(
    results: Sequence[Result], timeline: Timeline, driven: Sequence[int], vdd_V: float
) -> Estimate:
    """How much later a spike comes for every neuron that it drives, s; ``driven`` of the neuron of each bench, one start for all."""
    times = loaded_times_s(results, timeline, vdd_V)
    line = fits.fit_line(np.array(driven, float), times)
    return estimate(line.slope, line.slope_stderr, "s")


def loaded_times_s(results: Sequence[Result], timeline: Timeline, vdd_V: float) -> Array:
    """When the neurons of these benches fire, each with its own load. Raises ``FitRefused`` where one does not."""
    times = spike_times_s(results, timeline, vdd_V)
    if any(at is None for at in times):
        raise FitRefused(
            "a loaded neuron does not fire inside its phase",
            ("widen", "circuit.driver.inverter_n.w_um"),
            ("widen", "circuit.driver.inverter_p.w_um"),
            *fits.SLOW_SENSING,
        )
    return np.array(times, float)


def calibrate_discharger(
    bench: Workbench, design: Design, options: CharacterizeOptions, folder: Path
) -> float:
    """The discharger bias at which a neuron without input fires exactly when its phase ends (paper, section 6)."""
    t_circ_s, v0_V, vdd_V = design.timing.t_circ_s, design.supplies.v0_V, design.supplies.vdd_V
    # A longer guard lets spikes just after the phase be seen, so that its end is interpolated, not extrapolated.
    timing = design.timing.model_copy(update={"guard_s": 0.4 * t_circ_s, "hold_s": 0.2 * t_circ_s})
    design, timeline = design.model_copy(update={"timing": timing}), Timeline(timing, 1)

    def spike_times(name: str, vdis: Array) -> tuple[Array, Array]:
        neurons = [LoneNeuron(options.axons, v0_V, round(float(v), 9)) for v in vdis]
        silent = silent_V(design, options.silent_bias_n_V, options.silent_bias_p_V)
        decks = neuron_benches(design, name, neurons, silent)
        times = spike_times_s(bench.run(decks, design, folder), timeline, vdd_V)
        # Slower than the window means no spike; faster than the sensing stage is not a ramp.
        fired = np.array([t is not None and 0.15 * t_circ_s < t < timeline.window_s for t in times])
        return vdis[fired], np.log(
            np.array([t for t, ok in zip(times, fired, strict=True) if ok and t is not None]) / t_circ_s
        )

    coarse, log_time = spike_times("discharge_coarse", np.arange(0.36, 0.801, 0.02))
    if len(coarse) < 2:
        raise FitRefused(
            f"{len(coarse)} of the discharger biases 0.36 .. 0.80 V let a neuron without input fire inside its phase; at least 2 are needed",
            ("widen", "circuit.neuron.discharge.w_um"),
            ("raise", "circuit.timing.t_circ_s"),
            *fits.SLOW_SENSING,
        )
    guess = float(
        np.polynomial.polynomial.polyval(
            0.0, np.polynomial.polynomial.polyfit(log_time, coarse, min(2, len(coarse) - 1))
        )
    )
    known, known_log = coarse, log_time
    for attempt in range(MOST_CENTRES):
        name = "discharge_fine" if attempt == 0 else f"discharge_fine_again_{attempt}"
        fine, log_time = spike_times(name, guess + np.linspace(-0.005, 0.007, 9))
        if len(fine) >= 3 and log_time.min() <= 0.0 <= log_time.max():
            break
        # Where the sensing stage is slow the coarse curve is no parabola: go on from the two points nearest to the phase's end.
        known, known_log = np.concatenate([known, fine]), np.concatenate([known_log, log_time])
        guess = _line_to_zero(known, known_log)
    else:
        raise FitRefused(
            f"no discharger bias around {guess:.4f} V lets a neuron without input fire at the end of its phase",
            *fits.SLOW_SENSING,
            ("raise", "circuit.timing.t_circ_s"),
        )
    return float(np.polynomial.polynomial.polyval(0.0, np.polynomial.polynomial.polyfit(log_time, fine, 2)))


def membrane_capacitance(
    charging: Sequence[Result], timeline: Timeline, charge_C: Array, axons: int, design: Design
) -> tuple[Estimate, Estimate]:
    """C_m with ``axons`` pairs, and what each further pair adds, from the membrane's step under known charges; then the same with twice the pairs.

    Raises ``FitRefused`` where charge against step is no line, or the capacitance is out of range.
    """
    begin, end = timeline.accumulation_s(1), timeline.accumulation_s(1) + timeline.timing.t_circ_s
    # Read one edge before the end, of a current whose first edge is half lost.
    charge_C = charge_C * (1 - 1.5 * timeline.timing.edge_s / timeline.timing.t_circ_s)
    membrane, read_s = membrane_vector(design), end - timeline.timing.edge_s
    swing_V = np.array([one.at(membrane, begin) - one.at(membrane, read_s) for one in charging])
    values = [fits.fit_line(group_V, charge_C) for group_V in swing_V.reshape(2, -1)]
    small, large = values
    if not 1e-15 < small.slope < 1e-11:
        way = "raise" if small.slope < 1e-12 else "lower"
        raise FitRefused(
            f"membrane capacitance {small.slope:.3g} F is out of range 1 fF .. 10 pF",
            (way, "circuit.neuron.mim_w_um"),
            (way, "circuit.neuron.mim_l_um"),
        )
    for line in values:
        if line.rms > MAX_CHARGE_RMS * float(np.ptp(charge_C)):
            raise FitRefused(
                f"membrane: charge against potential deviates {100 * line.rms / float(np.ptp(charge_C)):.1f} % from a line, limit "
                f"{100 * MAX_CHARGE_RMS:.0f} %: is circuit.neuron.mim_w_um x mim_l_um too small for its devices and {axons} axons?",
                ("raise", "circuit.neuron.mim_w_um"),
                ("raise", "circuit.neuron.mim_l_um"),
                ("lower", "circuit.supplies.v0_V"),
            )
    per_axon = (large.slope - small.slope) / axons
    return (
        estimate(small.slope, small.slope_stderr, "F"),
        estimate(per_axon, np.hypot(small.slope_stderr, large.slope_stderr) / axons, "F"),
    )


def _line_to_zero(bias_V: Array, log_time: Array) -> float:
    """The bias at which the line through the two points nearest to log_time = 0 passes it."""
    (one, other) = np.argsort(np.abs(log_time), kind="stable")[:2]
    slope = (bias_V[other] - bias_V[one]) / (log_time[other] - log_time[one])
    return float(bias_V[one] - slope * log_time[one])
