"""A network of codes in other conditions than home, on its bias generator: nothing is written or derived anew, the generator makes the lines.

Told by home's own blind model with what its silicon does otherwise there: currents of units, lambda, C_m, leakage and the firing stage, each as
measured on the same bench there and at home. Delays and charges of edges stay home's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nonideal.characterize.condition import Condition
from nonideal.characterize.errors import CharacterizationFailed, FitRefused
from nonideal.characterize.generator_bench import AXONS, GeneratorBench
from nonideal.characterize.lines import OnLines, measure_on_lines, unit_ratios
from nonideal.characterize.physics import Physics
from nonideal.characterize.reference import firing_time, membrane
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design, Supplies
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.supply_offsets import SupplyOffsets
from nonideal.conditions.network import EFFECTS, Effect, Prediction, Task, effect
from nonideal.conditions.spot_summary import place_of

Array = NDArray[np.float64]
REFUSALS = (CircuitError, FitRefused, CharacterizationFailed)
"""What makes a condition one in which the generator, or a cell, was not measured."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A network of codes as home's model has it: ``physics`` by layer, ``v_th_V`` and ``unit_A`` that its units stand for, the ``task`` with its
    weights, and the largest weight of each layer."""

    task: Task
    physics: tuple[Physics, ...]
    v_th_V: tuple[float, ...]
    unit_A: tuple[float, ...]
    full_scales: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Met:
    """A condition as it was met: measured, or ``problem`` says why not."""

    condition: Condition
    on_lines: OnLines | None = None
    problem: str = ""


def design_there(condition: Condition, design: Design) -> Design:
    """``design`` as it is met there. V_0 follows the supply, as it does for any design: it is made from it. V_sense is the generator's."""
    vdd_V = round(design.supplies.vdd_V + condition.supplies.vdd_V, 6)
    supplies = Supplies(vdd_V=vdd_V, temperature_C=condition.temperature_C)
    moved = round(supplies.v0_V + condition.supplies.v0_V, 6)
    return design.model_copy(update={"supplies": supplies.model_copy(update={"v0_V": moved})})


def follows(one: SupplyOffsets) -> bool:
    """Whether a supply can be off on a chip with a generator: V_sense is made inside."""
    return one.vsense_V == 0.0


def meet(
    bench: Workbench,
    made: GeneratorBench,
    conditions: Sequence[Condition],
    folder: Path,
    tell: Callable[[int, int, Condition], object],
) -> list[Met]:
    """Every condition in turn, home first. Raises what home raises: without it there is nothing to compare with."""
    found = []
    for k, one in enumerate(conditions):
        tell(k, len(conditions), one)
        there = replace(made, design=design_there(one, made.design))
        try:
            found.append(Met(one, measure_on_lines(bench.at(one.corner), there, folder / one.name)))
        except REFUSALS as error:
            if k == 0:
                raise
            found.append(Met(one, None, str(error)))
    return found


def predicted(coded: Coded, home: OnLines, there: OnLines) -> Prediction:
    """What the network does there."""
    ratios = unit_ratios(home, there)
    carried = home.membrane_F / there.membrane_F
    arriving, times = coded.task.inputs, []
    for index, weight in enumerate(coded.task.weights):
        moved = weight * np.where(weight >= 0, ratios["n"], ratios["p"]) * carried
        layer = _physics(coded, index, home, there)
        v = membrane(layer, moved, arriving)
        drop_V = v * coded.v_th_V[index]
        later = there.firing.times(drop_V) - home.firing.times(drop_V)
        late = np.maximum(firing_time(layer, v) + np.where(np.isfinite(later), later, np.inf), 0.0)
        times.append(late)
        arriving = np.where(late < 1.0, late, np.inf)
    return Prediction(tuple(times))


def _physics(coded: Coded, index: int, home: OnLines, there: OnLines) -> Physics:
    """A layer's membranes there: lambda and leakage."""
    layer, unit_A = coded.physics[index], coded.unit_A[index]
    n, p = (there.lambda_per_V[one] / home.lambda_per_V[one] for one in ("n", "p"))
    weight = np.abs(coded.task.weights[index])
    # Banks were measured with all their units on; of a synapse one is, with its code's.
    part = float(weight.mean()) / coded.full_scales[index] / 2
    idle = there.idle_A - home.idle_A
    waiting = part * (there.waiting_A - there.idle_A - home.waiting_A + home.idle_A) / AXONS
    return replace(
        layer,
        beta_positive=tuple(n * one for one in layer.beta_positive),
        beta_negative=tuple(p * one for one in layer.beta_negative),
        leak=layer.leak + idle / unit_A,
        leak_positive=layer.leak_positive + waiting / unit_A,
        leak_negative=layer.leak_negative + waiting / unit_A,
    )


@dataclass(frozen=True, slots=True)
class Told:
    """A condition, what the network does in it, and how that differs from home."""

    met: Met
    prediction: Prediction
    effect: Effect


def tell_all(coded: Coded, met: Sequence[Met], t_circ_s: float, window_norm: float) -> list[Told]:
    """Every condition against the first, which is home; ``window_norm`` as in ``conditions.network.effect``."""
    home = met[0].on_lines
    assert home is not None
    at_home = predicted(coded, home, home)
    found = []
    for one in met:
        told = (
            Prediction(problem=one.problem) if one.on_lines is None else predicted(coded, home, one.on_lines)
        )
        found.append(Told(one, told, effect(coded.task, told, at_home, t_circ_s, window_norm)))
    return found


def table(told: Sequence[Told]) -> pd.DataFrame:
    """One row a condition, home first; SI units; NaN for what is not known. ``kept``: on the generator's lines."""
    rows, home = [], told[0].met.on_lines
    assert home is not None
    for one in told:
        there = one.met.on_lines
        row: dict[str, object] = dict(place_of(one.met.condition))
        row |= dict.fromkeys(("replica_s", "silent_s", "static_A", "common_ratio"), np.nan)
        row |= dict.fromkeys(("kept_unit_ratio_N", "kept_unit_ratio_P", "kept_silent_norm"), np.nan)
        row |= dict.fromkeys(("vdis_V", "vsense_V", "membrane_F", "idle_A", "waiting_A"), np.nan)
        if there is not None:
            ratios, settled = unit_ratios(home, there), there.settled
            silent = there.firing.silent_norm
            row |= {
                "replica_s": float(settled.replica_s[-1]),
                "silent_s": float(settled.silent_s[-1]),
                "static_A": settled.static_A,
                "common_ratio": ratios["dis"],
                "kept_unit_ratio_N": ratios["n"],
                "kept_unit_ratio_P": ratios["p"],
                "kept_silent_norm": np.nan if silent is None else silent,
                "vdis_V": settled.bias_V["vdis"],
                "vsense_V": settled.bias_V["vsense"],
                "membrane_F": there.membrane_F,
                "idle_A": there.idle_A,
                "waiting_A": there.waiting_A,
            }
        for key in EFFECTS:
            value = getattr(one.effect, key)
            row[f"kept_{key}"] = np.nan if value is None else float(value)
        rows.append(row | {"problem": one.met.problem})
    return pd.DataFrame(rows)
