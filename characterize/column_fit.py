"""From a column's decks to its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize import fits
from nonideal.characterize.branch import Family
from nonideal.characterize.column import Column, EdgeCharge, Netlist, TurnOn
from nonideal.characterize.column_bench import (
    INNER,
    SETTLED_S,
    STARTS,
    ColumnBench,
    Lone,
)
from nonideal.characterize.column_check import check_column, rms_s
from nonideal.characterize.edge_fit import StoredCharge, edge_charge
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.estimate import Estimate, estimate
from nonideal.characterize.leakage import Flowing, Wait, fit_drift
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import LEAST_LEAK
from nonideal.characterize.responses import least_squares
from nonideal.characterize.stored_charge import fit_stored_charge
from nonideal.characterize.swing import Levels, Swing, charge_C, current_A, read_swing, without_leakage
from nonideal.characterize.trim import trim_discharger
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.network.inference import Inference

Array = NDArray[np.float64]
MAX_CAPACITANCE_SPREAD = 0.01
"""Largest relative standard deviation of C_m over the weights it is measured with."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One lone synapse as seen on the membrane: its current at V_0, C_m by the trace, and the charge that its arrival missed."""

    lone: Lone
    current_A: float
    membrane_F: float
    missed_C: float
    driver_delay_s: float


def measure_column(
    bench: Workbench,
    column: ColumnBench,
    netlist: Netlist,
    model: PhysicalModel,
    families: Mapping[str, Family],
    spike_load_s: Estimate,
    folder: Path,
    *,
    vdis_V: float | None = None,
) -> Column:
    """Trim the discharger (unless ``vdis_V`` is given), measure and check one column.

    ``model`` says which bias carries which current, ``families`` (by polarity) how that current depends on the membrane
    potential. Raises ``FitRefused`` or ``CharacterizationFailed``.
    """
    if vdis_V is None:
        trim = trim_discharger(
            column.circuit, column.off(), lambda cases: column.attempt(cases, bench, folder)
        )
        vdis_V = round(trim.vdis_V, 7)
    column = column.at(vdis_V)
    firing, lone = column.firing_cases(), [*column.lone(), *column.edges()]
    results = column.infer([*firing, *column.lone_cases(lone)], bench, folder)
    levels, drop_V, times_s = _firing(column, results[: len(firing)])
    read = [
        read_swing(column, one, result, levels)
        for one, result in zip(lone, results[len(firing) :], strict=True)
    ]
    idle = (levels.reset_V - levels.end_V[STARTS - 1]) / (column.end_s() - column.begin_s())
    drift = fit_drift(idle, [Wait(one.lone.weight, one.waited_s, one.waited_V) for one in read])
    read = [without_leakage(one, drift) for one in read]
    swings, edges = ([one for one in read if (one.lone.weight == 0.0) == silent] for silent in (False, True))
    watched = [_watch(column, one, model, families, levels) for one in swings]
    own_F, coupling_F = _capacitances(watched)
    t_circ_s = column.circuit.design.timing.t_circ_s
    leaks = drift.leakage(own_F).counts(column.axons, LEAST_LEAK * model.unit_current_A(column.axons))
    flowing = Flowing()
    if not (column.bends or leaks):
        stored = StoredCharge((own_F.value,))
        fit = fits.fit_firing(drop_V, times_s, t_circ_s)
    else:
        # The junctions of many FETs are part of the membrane, and bend its charge: the ramp is fitted over charge, as the currents add it.
        stored, flowing = fit_stored_charge(column, swings, model, families, levels, leaks=leaks)
        about_V = fits.fit_firing(drop_V, times_s, t_circ_s).v_th_V.value
        own_F = own_F.model_copy(update={"value": stored.charge_C(about_V) / about_V})
        fit = fits.fit_firing(stored.charge_C(drop_V) / own_F.value, times_s, t_circ_s)
    watched = [
        _with_missed_charge(one, swing, stored, coupling_F.value, flowing)
        for one, swing in zip(watched, swings, strict=True)
    ]
    drops_V = {one.lone.axon: one.drop_V for one in edges}
    edge = edge_charge(drops_V, stored, coupling_F.value, column.axons)
    positive, rms_n = _turn_on(column, [one for one in watched if one.lone.weight > 0], edge, own_F.value)
    negative, rms_p = _turn_on(column, [one for one in watched if one.lone.weight < 0], edge, own_F.value)
    delays = np.array([one.driver_delay_s for one in watched])
    found = Column(
        netlist=netlist,
        axons=column.axons,
        vdis_V=vdis_V,
        v_0_V=estimate(levels.reset_V, 0.0, "V"),
        v_th_V=fit.v_th_V,
        discharge_norm=fit.b,
        membrane_F=own_F,
        coupling_F=coupling_F,
        positive=positive,
        negative=negative,
        edge=edge,
        leakage=drift.leakage(own_F, flowing),
        driver_delay_s=estimate(float(delays.mean()), float(delays.std() / np.sqrt(len(delays))), "s"),
        spike_load_s=spike_load_s,
        firing_rms_s=fit.rms_s,
        turn_on_rms_V=float(np.hypot(rms_n, rms_p) / np.sqrt(2)),
        check_rms_s=0.0,
        check_spikes=0,
    )
    return _checked(bench, column, model, found, folder)


def _firing(column: ColumnBench, results: list[Inference]) -> tuple[Levels, Array, Array]:
    """Levels without spikes; of the neurons that fire, by how much their membranes have dropped, and when they fire, s."""
    end, held, times = [], [], []
    reset: list[float] = []
    t_circ_s = column.circuit.design.timing.t_circ_s
    for result in results:
        trace = column.membranes_V(result)[INNER]
        reset.append(trace.value_at(column.begin_s()))
        end.append(trace.value_at(column.end_s()))
        held.append(trace.value_at(column.held_s()))
        times.append(float(column.spike_times_norm(result)[INNER]))
    reset_V = reset[STARTS - 1]
    levels = Levels(reset_V, np.array(end), np.array(held))
    seen = np.array(times)
    # Before about 0.1 T_circ the sensing stage, which needs tens of ns, has not yet reached its steady ramp.
    fired = np.isfinite(seen) & (seen > 0.1)
    return levels, reset_V - levels.end_V[fired], seen[fired] * t_circ_s


def _watch(
    column: ColumnBench, swing: Swing, model: PhysicalModel, families: Mapping[str, Family], levels: Levels
) -> Watched:
    """C_m from the slope of charge against potential; ``missed_C`` still holds the whole charge that flowed."""
    lone = swing.lone
    polarity = "n" if lone.weight > 0 else "p"
    charge = charge_C(column, swing, model, families)
    sign = 1.0 if lone.weight > 0 else -1.0
    settled = int(np.searchsorted(swing.time_s, swing.arrival_s + SETTLED_S))
    meant_V = swing.meant_V(swing.time_s)
    moved_V = sign * float(meant_V[settled] - meant_V[-1])
    if moved_V <= 0:
        raise FitRefused(
            f"{lone.name}: the membrane moved {sign * moved_V:.3g} V against its synapse's current: check the netlist, and whether "
            "the membrane stands between the supplies",
            ("lower" if lone.weight < 0 else "raise", "circuit.supplies.v0_V"),
            ("change", f"circuit.synapse.memory_{polarity}.w_um"),
        )
    at_v0 = float(current_A(column, lone, model, families, np.array([levels.reset_V]))[0])
    return Watched(
        lone, at_v0, float(charge[-1] - charge[settled]) / moved_V, float(charge[-1]), swing.driver_delay_s
    )


def _capacitances(watched: list[Watched]) -> tuple[Estimate, Estimate]:
    """C_m with the neighbours held, and the part that goes to either neighbour (they take it with them when they move along)."""
    alone = np.array(
        [one.membrane_F for one in watched if not one.lone.along and one.lone.full_scale is None]
    )
    middle = watched[0].lone.axon
    along = np.array([one.membrane_F for one in watched if one.lone.along and one.lone.axon == middle])
    for what, values in (("alone", alone), ("with its neighbours", along)):
        if values.std() > MAX_CAPACITANCE_SPREAD * values.mean():
            raise FitRefused(
                f"C_m of a neuron {what} spreads by {100 * values.std() / values.mean():.1f} % over the weights, "
                f"limit {100 * MAX_CAPACITANCE_SPREAD:.0f} %: is circuit.neuron.mim_w_um x mim_l_um too small for its devices?",
                ("raise", "circuit.neuron.mim_w_um"),
                ("raise", "circuit.neuron.mim_l_um"),
            )
    part = (alone - along) / 2
    root = np.sqrt(len(alone))
    return (
        estimate(float(alone.mean()), float(alone.std(ddof=1) / root), "F"),
        estimate(max(0.0, float(part.mean())), float(part.std(ddof=1) / root), "F"),
    )


def _with_missed_charge(
    one: Watched, swing: Swing, stored: StoredCharge, coupling_F: float, flowing: Flowing
) -> Watched:
    left, inner, right = swing.drop_V
    sign = 1.0 if one.lone.weight > 0 else -1.0
    arrived_C = sign * (float(stored.charge_C(inner)) - coupling_F * (left + right))
    beside_C = sign * flowing.of(one.lone.weight) * float(swing.time_s[-1] - swing.arrival_s)
    return Watched(
        one.lone, one.current_A, one.membrane_F, one.missed_C + beside_C - arrived_C, one.driver_delay_s
    )


def _turn_on(
    column: ColumnBench, watched: list[Watched], edge: EdgeCharge, membrane_F: float
) -> tuple[TurnOn, float]:
    """Delay and charge of one polarity, of codes the charge of a unit too, and the rms residual in volts.

    All come from the middle axon; the charge is then taken to the mean over the axons, which see the wiring differently. What the first and the
    last do more, whatever the weight, ``edge`` has.
    """
    middle = watched[0].lone.axon
    here = [one for one in watched if one.lone.axon == middle]

    nominal = 1.0 if column.codes is None else column.codes.full_scale
    full_scales = sorted({one.lone.full_scale or nominal for one in here})

    def terms(some: list[Watched]) -> Array:
        if column.codes is None:
            return np.array([[1.0, one.current_A] for one in some])
        # A charge of a unit for each level of the gate line.
        return np.array(
            [
                [
                    1.0,
                    *(
                        column.units(one.lone) * ((one.lone.full_scale or nominal) == level)
                        for level in full_scales
                    ),
                ]
                for one in some
            ]
        )

    missed = np.array([one.missed_C for one in here])
    # In units of the largest of each term, so that coulombs and amperes are on one footing.
    scale = np.max(np.abs(terms(here)), axis=0)
    found, error = (part / scale for part in least_squares(terms(here) / scale, missed))
    rms = float(np.sqrt(np.mean((missed - terms(here) @ found) ** 2)))
    along = [one for one in watched if one.lone.along]
    by_axon: dict[int, float] = {}
    # A charge of a negative weight counts upwards.
    sign = 1.0 if watched[0].lone.weight > 0 else -1.0
    ends_C = {0: sign * edge.first_axon_C.value, column.axons - 1: sign * edge.last_axon_C.value}
    for one, told in zip(along, terms(along) @ found, strict=True):
        if one.lone.axon != middle or abs(abs(one.lone.weight) - abs(along[-1].lone.weight)) < 1e-9:
            by_axon[one.lone.axon] = one.missed_C - float(told) - ends_C.get(one.lone.axon, 0.0)
    shift, spread = over_axons(by_axon, column.axons)
    charge_C = estimate(found[0] + shift, float(np.hypot(error[0], spread)), "C")
    rms_V = float(np.hypot(rms, spread)) / membrane_F
    if column.codes is None:
        return TurnOn(delay_s=estimate(found[1], error[1], "s"), charge_C=charge_C), rms_V
    at = np.log(np.array(full_scales) / nominal)
    through = np.polynomial.polynomial.polyfit(at, found[1:], len(at) - 1)
    # As many units as the largest code has carry the nominal full scale.
    per_s = column.codes.largest / (nominal * column.model.unit_current_A(column.axons))
    level = full_scales.index(nominal)
    delay_s = estimate(found[1 + level] * per_s, error[1 + level] * per_s, "s")
    return TurnOn(delay_s=delay_s, charge_C=charge_C, unit_C=tuple(float(c) for c in through)), rms_V


def over_axons(value: Mapping[int, float], axons: int) -> tuple[float, float]:
    """Mean and standard deviation over all axons of what was measured on some.

    The first and the last run beside something else than an axon, and stand for themselves; the others stand for all between.
    """
    if not value:
        return 0.0, 0.0
    ends = [axon for axon in value if axon in (0, axons - 1)]
    between = len(value) - len(ends)
    weight = [1.0 if axon in ends else (axons - len(ends)) / between for axon in value]
    mean = float(np.average([*value.values()], weights=weight))
    return mean, float(np.sqrt(np.average(np.square(np.array([*value.values()]) - mean), weights=weight)))


def _checked(
    bench: Workbench, column: ColumnBench, model: PhysicalModel, found: Column, folder: Path
) -> Column:
    """``found`` with the error of its own prediction for random patterns, realised by it alone."""
    whole = model.model_copy(update={"format": 2, "columns": (found,)})
    check = check_column(bench, column, whole, folder)
    errors_s = check.errors_s(check.told)
    return found.model_copy(update={"check_rms_s": rms_s(errors_s), "check_spikes": len(errors_s)})
