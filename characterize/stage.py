"""The stage ``characterize``: benches on real SPICE -> curves -> PhysicalModel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from characterize import fits
from characterize.benches import (
    Bench,
    Grid,
    dendrite_bench,
    discharger_bench,
    neuron_bench,
    sensing_bench,
    synapse_bench,
)
from characterize.errors import FitRefused
from characterize.model import Branch, Estimate, PhysicalModel
from characterize.workbench import Workbench
from circuits.design import Design
from circuits.timeline import Timeline
from spice import Result

Array = NDArray[np.float64]
MAX_CHARGE_RMS = 0.01
"""Largest rms deviation of the membrane's charge from a line in its potential, relative to the charge's span."""


class CharacterizeOptions(BaseModel):
    """What is swept, in which window it is fitted, and what is still called a fit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    membrane_start_V: Annotated[float, Field(ge=0.0, le=1.0)] = 0.30
    membrane_stop_V: Annotated[float, Field(ge=1.0, le=1.95)] = 1.70
    membrane_step_V: Annotated[float, Field(gt=0.0, le=0.1)] = 0.02
    bias_step_V: Annotated[float, Field(gt=0.0, le=0.05)] = 0.0125
    bias_span_V: Annotated[float, Field(ge=0.4, le=1.8)] = 0.95
    window_V: tuple[float, float] = (0.43, 1.36)
    weight_window: tuple[float, float] = (0.02, 1.0)
    max_weight: Annotated[float, Field(ge=1.0, le=10.0)] = 4.0
    axons: Annotated[int, Field(ge=1, le=256)] = 5
    max_linearity_rms: Annotated[float, Field(gt=0.0, le=0.2)] = 0.02
    max_firing_rms_s: Annotated[float, Field(gt=0.0, le=1e-6)] = 2e-9
    silent_bias_n_V: Annotated[float, Field(ge=0.0, le=1.95)] = 0.5
    silent_bias_p_V: Annotated[float, Field(ge=0.0, le=1.95)] = 1.1


@dataclass(frozen=True, slots=True)
class Characterization:
    """The model and the curves it was fitted to (tidy: bench, corner, polarity, bias_V, membrane_V, current_A, time_s)."""

    model: PhysicalModel
    curves: pd.DataFrame


def _estimate(value: float, stderr: float, unit: str) -> Estimate:
    return Estimate(value=float(value), stderr=float(abs(stderr)), unit=unit)


@dataclass(frozen=True, slots=True)
class _Family:
    """I(V) curves of one branch over its gate bias, as measured: currents ``[bias, membrane]`` in A, positive."""

    bias_V: Array
    membrane_V: Array
    current_A: Array
    fits: tuple[fits.LambdaFit | None, ...]


def _family(
    result: Result, polarity: str, bias: Grid, membrane: Grid, v0_V: float, options: CharacterizeOptions
) -> _Family:
    bias_V, membrane_V = bias.values_V, membrane.values_V
    # A source's current counts from its + to its - pin: the NMOS sinks (negative), the PMOS feeds (positive).
    sign = -1.0 if polarity == "n" else 1.0
    current = sign * np.asarray(result["i(vdendrite)"], float).reshape(bias.size, membrane.size)
    rows: list[fits.LambdaFit | None] = []
    for row in current:
        try:
            rows.append(fits.fit_lambda(membrane_V, row, v0_V, options.window_V, options.max_linearity_rms))
        except FitRefused:
            rows.append(None)
    return _Family(bias_V, membrane_V, current, tuple(rows))


def _branch(
    family: _Family,
    polarity: str,
    v0_V: float,
    unit_A: float,
    off_bias_V: float,
    options: CharacterizeOptions,
) -> Branch:
    """The branch's parameters; raises ``FitRefused`` when no curve in the weight window could be fitted."""
    at_v0 = np.array([np.interp(v0_V, family.membrane_V, row) for row in family.current_A])
    lambdas = np.array([np.nan if f is None else f.lambda_per_V for f in family.fits])
    if polarity == "p":
        lambdas = -lambdas
    order = np.argsort(family.bias_V if polarity == "n" else -family.bias_V)
    bias_V, current, lam = family.bias_V[order], at_v0[order], lambdas[order]
    linearity = np.array([np.nan if family.fits[i] is None else family.fits[i].linearity_rms for i in order])  # type: ignore[union-attr]
    leakage = current[0]
    usable = (
        np.isfinite(lam)
        & (lam > 0)
        & (current > 10 * abs(leakage))
        & (current <= 1.2 * options.max_weight * unit_A)
    )
    # The usable curves must form one block of rising current: the table is inverted.
    first = int(np.argmax(usable)) if usable.any() else len(usable)
    last = first
    while last < len(usable) and usable[last] and (last == first or current[last] > current[last - 1]):
        last += 1
    block = slice(first, last)
    weight = current[block] / unit_A
    window = (weight >= options.weight_window[0]) & (weight <= options.weight_window[1])
    if window.sum() < 4:
        raise FitRefused(
            f"branch {polarity}: {int(window.sum())} fitted curves between weights {options.weight_window[0]} and {options.weight_window[1]} "
            f"({last - first} usable of {len(usable)}); at least 4 are needed: widen characterize.bias_span_V or check the synapse sizes"
        )
    polynomial, polynomial_rms = fits.fit_lambda_polynomial(weight, lam[block])
    value = float(np.mean(lam[block][window]))
    stderr = float(np.std(lam[block][window], ddof=1) / np.sqrt(window.sum()))
    return Branch(
        lambda_per_V=_estimate(value, stderr, "1/V"),
        lambda_polynomial_per_V=polynomial,
        lambda_polynomial_rms_per_V=polynomial_rms,
        ln_current=tuple(float(x) for x in np.log(current[block])),
        bias_V=tuple(float(x) for x in bias_V[block]),
        off_bias_V=off_bias_V,
        linearity_rms=float(np.max(linearity[block][window])),
        current_min_A=float(current[first]),
        current_max_A=float(current[last - 1]),
    )


def _spikes_s(result: Result, timeline: Timeline, count: int, vdd_V: float) -> list[float | None]:
    time = result.axis
    begin = timeline.firing_s(1)
    times = []
    for k in range(count):
        at = fits.crossing_time_s(time, result[f"v(spike_{k})"], vdd_V / 2, begin - timeline.timing.edge_s)
        times.append(None if at is None else at - begin)
    return times


def _calibrate_discharger(
    bench: Workbench, design: Design, options: CharacterizeOptions, folder: Path
) -> float:
    """The discharger bias at which a neuron without input fires exactly when its phase ends (paper, section 6)."""
    t_circ_s, v0_V, vdd_V = design.timing.t_circ_s, design.supplies.v0_V, design.supplies.vdd_V
    # A longer guard lets spikes just after the phase be seen, so that its end is interpolated, not extrapolated.
    timing = design.timing.model_copy(update={"guard_s": 0.4 * t_circ_s})
    design, timeline = design.model_copy(update={"timing": timing}), Timeline(timing, 1)

    def spike_times(name: str, vdis: Array) -> tuple[Array, Array]:
        n = len(vdis)
        deck = neuron_bench(
            design, name, axons=[options.axons] * n, start_V=[v0_V] * n, vdis_V=[round(float(v), 9) for v in vdis], injected_A=[0.0] * n,
            bias_V=(options.silent_bias_n_V, options.silent_bias_p_V),
        )  # fmt: skip
        times = _spikes_s(bench.run([deck], design, folder)[0], timeline, n, vdd_V)
        # Slower than the window means no spike; faster than the sensing stage is not a ramp.
        fired = np.array([t is not None and 0.15 * t_circ_s < t < timeline.window_s for t in times])
        return vdis[fired], np.log(
            np.array([t for t, ok in zip(times, fired, strict=True) if ok and t is not None]) / t_circ_s
        )

    coarse, log_time = spike_times("discharge_coarse", np.arange(0.36, 0.801, 0.02))
    if len(coarse) < 2:
        raise FitRefused(
            f"{len(coarse)} of the discharger biases 0.36 .. 0.80 V let a neuron without input fire inside its phase; at least 2 are needed: "
            "check circuit.neuron.discharge, circuit.supplies.vsense_V and the timing"
        )
    guess = float(
        np.polynomial.polynomial.polyval(
            0.0, np.polynomial.polynomial.polyfit(log_time, coarse, min(2, len(coarse) - 1))
        )
    )
    fine, log_time = spike_times("discharge_fine", guess + np.linspace(-0.005, 0.007, 9))
    if len(fine) < 3 or not log_time.min() <= 0.0 <= log_time.max():
        raise FitRefused(
            f"no discharger bias around {guess:.4f} V lets a neuron without input fire at the end of its phase"
        )
    return float(np.polynomial.polynomial.polyval(0.0, np.polynomial.polynomial.polyfit(log_time, fine, 2)))


def _tidy(bench: str, corner: str, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"bench": bench, "corner": corner, **columns})


def characterize(
    bench: Workbench, design: Design, options: CharacterizeOptions, folder: Path
) -> Characterization:
    """Characterise ``design`` at ``bench.corner``; decks and logs go to ``folder``.

    Raises ``FitRefused`` or ``CharacterizationFailed``; no parameter is ever taken from elsewhere.
    """
    corner, supplies, timing = str(bench.corner), design.supplies, design.timing
    v0_V, vdd_V = supplies.v0_V, supplies.vdd_V
    membrane = Grid(options.membrane_start_V, options.membrane_stop_V, options.membrane_step_V)
    steps = round(options.bias_span_V / options.bias_step_V)
    bias_n = Grid(0.0, round(steps * options.bias_step_V, 9), options.bias_step_V)
    bias_p = Grid(round(vdd_V - steps * options.bias_step_V, 9), vdd_V, options.bias_step_V)
    spread_n = [options.silent_bias_n_V + 0.02 * (j % 5) for j in range(options.axons)]
    spread_p = [options.silent_bias_p_V - 0.02 * (j % 5) for j in range(options.axons)]
    static = bench.run(
        [
            synapse_bench(design, "n", membrane, bias_n),
            synapse_bench(design, "p", membrane, bias_p),
            dendrite_bench(design, spread_n, spread_p, membrane),
            sensing_bench(design, Grid(0.3, 0.7, 0.001)),
        ],
        design, folder,
    )  # fmt: skip
    family_n = _family(static[0], "n", bias_n, membrane, v0_V, options)
    family_p = _family(static[1], "p", bias_p, membrane, v0_V, options)
    total = np.asarray(static[2]["i(vall)"], float)
    parts = sum(np.asarray(static[2][f"i(vone_{j})"], float) for j in range(options.axons))
    largest = np.max(np.abs([static[2][f"i(vone_{j})"] for j in range(options.axons)]))
    additivity = float(np.max(np.abs(total - parts)) / largest)
    static_switch_V = fits.solve_at(
        static[3].axis, np.asarray(static[3]["v(spike)"], float), vdd_V / 2, "static sensing threshold"
    )

    vdis_V = _calibrate_discharger(bench, design, options, folder)
    timeline = Timeline(timing, 1)
    starts = np.concatenate([np.arange(0.48, v0_V - 0.005, 0.04), [v0_V - 0.02, v0_V]])
    # Above about V_0 + 0.2 V the silent pairs begin to conduct backwards, below 0.55 V the sensing inverter loads the membrane: both are
    # outside what a trained network uses, and would be taken for capacitance.
    swings = np.array([-0.12, -0.06, 0.06, 0.15, 0.25, 0.35, 0.45, 0.6])
    # 2.1 fF/um^2 of MIM and what hangs on it: only what the swings aim at; the capacitance itself is measured.
    nominal_F = 2.1e-15 * design.neuron.mim_w_um * design.neuron.mim_l_um + 37e-15
    charge_C = nominal_F * swings
    both = [options.axons] * len(swings) + [2 * options.axons] * len(swings)
    silent = (options.silent_bias_n_V, options.silent_bias_p_V)
    decks: list[Bench] = [
        neuron_bench(
            design, "firing", axons=[options.axons] * len(starts), start_V=[round(float(v), 9) for v in starts], vdis_V=[vdis_V] * len(starts),
            injected_A=[0.0] * len(starts), bias_V=silent,
        ),
        neuron_bench(
            design, "membrane", axons=both, start_V=[v0_V] * len(both), vdis_V=[vdis_V] * len(both),
            injected_A=[float(q) / timing.t_circ_s for q in np.tile(charge_C, 2)], bias_V=silent,
        ),
        discharger_bench(design, Grid(round(vdis_V - 0.06, 6), round(vdis_V + 0.06, 6), 0.02), membrane),
    ]  # fmt: skip
    firing, charging, discharging = bench.run(decks, design, folder)

    spike_times = _spikes_s(firing, timeline, len(starts), vdd_V)
    # Before about 0.1 T_circ the sensing stage, which needs tens of ns, has not yet reached its steady ramp.
    fired = np.array([t is not None and t > 0.1 * timing.t_circ_s for t in spike_times])
    measured_s = np.array([t for t, ok in zip(spike_times, fired, strict=True) if ok and t is not None])
    fit = fits.fit_firing((v0_V - starts)[fired], measured_s, timing.t_circ_s, options.max_firing_rms_s)

    capacitance = _membrane_F(charging, timeline, charge_C, options.axons)
    at_start = timeline.accumulation_s(1)
    reset_levels = [
        float(np.interp(at_start, charging.axis, charging[f"v(xneuron_{k}.membrane)"]))
        for k in range(len(both))
    ]
    reset_V = float(np.mean(reset_levels))

    discharge = -np.asarray(discharging["i(vmembrane)"], float).reshape(-1, membrane.size)
    membrane_V = membrane.values_V
    try:
        discharge_fits = [
            fits.fit_lambda(membrane_V, row, v0_V, options.window_V, options.max_linearity_rms)
            for row in discharge
        ]
    except FitRefused as error:
        raise FitRefused(f"discharger within 60 mV of its bias {vdis_V:.4g} V: {error}") from error
    middle = discharge_fits[len(discharge_fits) // 2]

    mid = int(np.flatnonzero(fired)[len(measured_s) // 2])
    spike_at = measured_s[len(measured_s) // 2] + timeline.firing_s(1)
    at_spike_V = float(np.interp(spike_at, firing.axis, firing[f"v(xneuron_{mid}.membrane)"]))
    before_V = float(np.interp(spike_at - 20e-9, firing.axis, firing[f"v(xneuron_{mid}.membrane)"]))
    delay_s = (static_switch_V - at_spike_V) / ((before_V - at_spike_V) / 20e-9)

    membrane_F, per_axon_F = capacitance
    unit_A = membrane_F.value * fit.v_th_V.value / timing.t_circ_s
    positive = _branch(family_n, "n", v0_V, unit_A, 0.0, options)
    negative = _branch(family_p, "p", v0_V, unit_A, vdd_V, options)
    model = PhysicalModel(
        corner=corner,
        temperature_C=supplies.temperature_C,
        vdd_V=vdd_V,
        t_circ_s=timing.t_circ_s,
        v_0_V=_estimate(reset_V, float(np.std(reset_levels)), "V"),
        v_switch_V=_estimate(reset_V - fit.v_th_V.value, fit.v_th_V.stderr, "V"),
        sensing_delay_s=_estimate(delay_s, fit.rms_s, "s"),
        membrane_F=membrane_F,
        membrane_per_axon_F=per_axon_F,
        axons=options.axons,
        lambda_dis_per_V=_estimate(middle.lambda_per_V, middle.stderr_per_V, "1/V"),
        discharge_norm=fit.b,
        vdis_V=vdis_V,
        vsense_V=supplies.vsense_V,
        positive=positive,
        negative=negative,
        valid_V=options.window_V,
        additivity_error=additivity,
        provenance={
            "pdk": f"{bench.pdk.source} {bench.pdk.version}",
            "pdk_sha256": bench.pdk.sha256,
            "simulator": f"ngspice {firing.simulator}",
            "firing_rms_s": f"{fit.rms_s:.3g}",
            "firing_worst_s": f"{fit.worst_s:.3g}",
        },
    )
    curves = _curves(corner, family_n, family_p, discharge, membrane_V, vdis_V, starts[fired], measured_s)
    return Characterization(model, curves)


def _membrane_F(
    charging: Result, timeline: Timeline, charge_C: Array, axons: int
) -> tuple[Estimate, Estimate]:
    """C_m with ``axons`` pairs, and what each further pair adds, from the membrane's step under known charges.

    Raises ``FitRefused`` where charge against step is no line, or the capacitance is out of range.
    """
    begin, end = timeline.accumulation_s(1), timeline.accumulation_s(1) + timeline.timing.t_circ_s
    # Read one edge before the end, of a current whose first edge is half lost.
    charge_C = charge_C * (1 - 1.5 * timeline.timing.edge_s / timeline.timing.t_circ_s)
    values = []
    for group in range(2):
        swing = []
        for k in range(group * len(charge_C), (group + 1) * len(charge_C)):
            trace = charging[f"v(xneuron_{k}.membrane)"]
            swing.append(
                float(
                    np.interp(begin, charging.axis, trace)
                    - np.interp(end - timeline.timing.edge_s, charging.axis, trace)
                )
            )
        values.append(fits.fit_line(np.array(swing), charge_C))
    small, large = values
    if not 1e-15 < small.slope < 1e-11:
        raise FitRefused(f"membrane capacitance {small.slope:.3g} F is out of range 1 fF .. 10 pF")
    for line in values:
        if line.rms > MAX_CHARGE_RMS * float(np.ptp(charge_C)):
            raise FitRefused(
                f"membrane: charge against potential deviates {100 * line.rms / float(np.ptp(charge_C)):.1f} % from a line, limit "
                f"{100 * MAX_CHARGE_RMS:.0f} %: is circuit.neuron.mim_w_um x mim_l_um too small for its devices and {axons} axons?"
            )
    per_axon = (large.slope - small.slope) / axons
    return (
        _estimate(small.slope, small.slope_stderr, "F"),
        _estimate(per_axon, np.hypot(small.slope_stderr, large.slope_stderr) / axons, "F"),
    )


def _curves(
    corner: str,
    n: _Family,
    p: _Family,
    discharge: Array,
    membrane_V: Array,
    vdis_V: float,
    start_V: Array,
    spike_s: Array,
) -> pd.DataFrame:
    frames = []
    for polarity, family in (("n", n), ("p", p)):
        bias, membrane = np.meshgrid(family.bias_V, family.membrane_V, indexing="ij")
        frames.append(
            _tidy(
                "synapse",
                corner,
                polarity=polarity,
                bias_V=bias.ravel(),
                membrane_V=membrane.ravel(),
                current_A=family.current_A.ravel(),
            )
        )
    offsets = np.linspace(-0.06, 0.06, len(discharge))
    for offset, row in zip(offsets, discharge, strict=True):
        frames.append(
            _tidy("discharger", corner, bias_V=vdis_V + offset, membrane_V=membrane_V, current_A=row)
        )
    frames.append(_tidy("firing", corner, bias_V=vdis_V, membrane_V=start_V, time_s=spike_s))
    return pd.concat(frames, ignore_index=True)
