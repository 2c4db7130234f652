"""A coded circuit on its generator's lines in a condition: what codes, membrane and firing stage do there, nothing derived anew.

The loop is followed until its replica fires as its phase ends; the cells are then measured on ideal sources at the levels that the lines have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.benches import Bench, Grid, LoneNeuron, membrane_vector, neuron_benches, silent_V
from nonideal.characterize.code_bench import bank_bench
from nonideal.characterize.fixed_bias import FiringCurve
from nonideal.characterize.generator import SETTLED_S, Settled, check_settled, settle
from nonideal.characterize.generator_bench import AXONS, LAYER, GeneratorBench
from nonideal.characterize.neuron import spike_times_s
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.generator.generator import line_net
from nonideal.circuits.network.timeline import Timeline
from nonideal.spice import Result

Array = NDArray[np.float64]
FIRST, FURTHER = 3, 4
"""Inferences from the loop's reset, and from each control voltage that the ones before point to. The first one begins with dischargers that
have waited for ever, not for an inference: a long one fires some 20 ns later then."""
MOST_ROUNDS = 6
STARTS_V = (0.0, -0.1, -0.2, -0.3, -0.4, -0.5, -0.6, -0.7)
"""Reset levels of the neurons that fire, against V_0."""
SWING_V = 0.3
"""About how far a known charge takes the membrane that C_m is read from."""
ROUGH_F = 140e-15
"""Its capacitance, for nothing but that swing."""
WINDOW_V = (0.6, 0.05)
"""Lambda is read between so far below V_0 and so little."""
LAMBDA_STEP_V = 0.05


@dataclass(frozen=True, slots=True)
class OnLines:
    """The circuit in a condition. ``lambda_per_V`` by polarity (``n``, ``p``), of the largest code; ``membrane_F`` with five silent synapses.

    ``idle_A`` off a membrane whose synapses are all 0, ``waiting_A`` where all are of the largest code and wait, both banks on their lines.
    """

    settled: Settled
    firing: FiringCurve
    lambda_per_V: Mapping[str, float]
    membrane_F: float
    idle_A: float
    waiting_A: float


def settled_near(bench: Workbench, made: GeneratorBench, folder: Path) -> Settled:
    """Where the loop stays, in few inferences: it is begun anew from the control voltage that its own way so far points to.

    Raises ``FitRefused`` where it does not come within 2 ns, and ``CharacterizationFailed``.
    """
    found = settle(bench, made, folder, count=FIRST, name="settle_0")
    for round_ in range(1, MOST_ROUNDS + 1):
        control_V = _pointed_to(found)
        found = settle(
            bench, made, folder, count=FURTHER, control_V=round(control_V, 7), name=f"settle_{round_}"
        )
        if abs(found.replica_s[-1] - found.target_s) <= SETTLED_S:
            return found
    check_settled(found, SETTLED_S)
    return found


def _pointed_to(found: Settled) -> float:
    """The control voltage at which the replica would fire on time, along the line through the last two inferences. It may be silent: too slow."""
    times, control = found.replica_s[-2:], found.control_V[-2:]
    step_V = 2.0 * (control[1] - control[0])
    if np.all(np.isfinite(times)) and times[1] != times[0]:
        step_V = (found.target_s - times[1]) * (control[1] - control[0]) / (times[1] - times[0])
    # What the last inference's own window did is in the control voltage of a next one, which is not there.
    return float(control[1] + np.clip(step_V, -0.1, 0.1))


def measure_on_lines(bench: Workbench, made: GeneratorBench, folder: Path) -> OnLines:
    """Follow the loop in the condition of ``made.design``, then measure the cells. Raises ``FitRefused``, ``CharacterizationFailed``."""
    settled = settled_near(bench, made, folder)
    volts = settled.bias_V
    supplies = made.design.supplies.model_copy(update={"vsense_V": round(volts["vsense"], 6)})
    design = made.design.model_copy(update={"supplies": supplies})
    lines_V = {one: round(volts[line_net(one, LAYER)], 6) for one in ("n", "p")}
    window = Grid(supplies.v0_V - WINDOW_V[0], supplies.v0_V - WINDOW_V[1], LAMBDA_STEP_V)
    banks = [bank_bench(design, one, window, Grid(at, at, 0.01)) for one, at in lines_V.items()]
    neurons = _neurons(design, lines_V, round(volts["vdis"], 6))
    results = bench.run([*banks, *neurons], design, folder)
    currents, moved = results[: len(banks)], results[len(banks) :]
    lambdas = {
        one: _lambda_per_V(np.abs(np.asarray(result["i(vdendrite)"], float)), window, supplies.v0_V)
        for one, result in zip(lines_V, currents, strict=True)
    }
    firing, membrane_F, idle_A, waiting_A = _read(moved, design)
    return OnLines(settled, firing, lambdas, membrane_F, idle_A, waiting_A)


def _lambda_per_V(current_A: Array, membrane: Grid, v0_V: float) -> float:
    """Slope of a bank's current in the potential, against that at the reset level."""
    slope, at_v0 = np.polynomial.polynomial.polyfit(membrane.values_V - v0_V, current_A, 1)[::-1]
    return float(slope / at_v0)


def _neurons(design: Design, lines_V: Mapping[str, float], vdis_V: float) -> list[Bench]:
    """Neurons that fire from each start, then two with synapses, of which one is given a charge."""
    v0_V, timing = design.supplies.v0_V, design.timing
    starts = [round(v0_V + by, 6) for by in STARTS_V if v0_V + by > 0.0]
    given_A = ROUGH_F * SWING_V / timing.t_circ_s
    firing = [LoneNeuron(0, start, vdis_V) for start in starts]
    waiting, charged = (LoneNeuron(AXONS, v0_V, vdis_V, injected_A=one) for one in (0.0, given_A))
    return neuron_benches(
        design, "on_lines", [*firing, waiting, charged], silent_V(design, lines_V["n"], lines_V["p"])
    )


def _read(results: Sequence[Result], design: Design) -> tuple[FiringCurve, float, float, float]:
    """Firing curve, C_m, and the currents off idle and off waiting membranes."""
    timeline, timing = Timeline(design.timing, LAYER), design.timing
    begin_s = timeline.accumulation_s(LAYER)
    end_s = begin_s + timing.t_circ_s - timing.edge_s

    membrane = membrane_vector(design)
    *firing, waiting, charged = results
    times = spike_times_s(firing, timeline, design.supplies.vdd_V)
    norm = np.array([np.inf if one is None else one / timing.t_circ_s for one in times])
    drop_V = firing[0].at(membrane, begin_s) - np.array([one.at(membrane, end_s) for one in firing])
    drop_V -= drop_V[0]
    order = np.argsort(drop_V)
    idle_V, waited_V, charged_V = (
        one.at(membrane, begin_s) - one.at(membrane, end_s) for one in (firing[0], waiting, charged)
    )
    charge_C = ROUGH_F * SWING_V * (1 - 1.5 * timing.edge_s / timing.t_circ_s)
    membrane_F = charge_C / (charged_V - waited_V)
    per_V = membrane_F / timing.t_circ_s
    return FiringCurve(drop_V[order], norm[order]), membrane_F, idle_V * per_V, waited_V * per_V


def unit_ratios(home: OnLines, there: OnLines) -> dict[str, float]:
    """Current of a unit of either polarity and of a discharger (``n``, ``p``, ``dis``), against home."""
    here = home.settled.current_A
    return {key: value / here[key] for key, value in there.settled.current_A.items()}
