"""A network in other conditions than the one it was written for: with its biases kept, and with biases derived anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nonideal.characterize.fixed_bias import SynapseCurves
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp, Physics, column_for, network_physics
from nonideal.characterize.reference import membrane, spike_times
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.mapping import DESIGN, Mapping, map_weights
from nonideal.conditions.spot_summary import place_of
from nonideal.conditions.survey import (
    PARAMETERS,
    Characterised,
    ConditionResult,
    parameters,
    unit_biases_V,
)
from nonideal.pnn import Dataset, RCSpikeNetwork
from nonideal.pnn.draw import drawn_by_class
from nonideal.postlayout.prediction import decide

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Task:
    """A trained network and what it is tried on: ``weights`` per layer [neurons, axons], ``inputs`` [samples, axons] in T_circ, ``labels``.

    ``clip``: a weight beyond a condition's largest current is moved there, instead of refusing the condition.
    """

    weights: tuple[Array, ...]
    inputs: Array
    labels: NDArray[np.int64]
    classes: int
    clip: bool = False
    design: Design = DESIGN

    @classmethod
    def of(cls, network: RCSpikeNetwork, dataset: Dataset, design: Design, *, clip: bool) -> Self:
        """A trained network on the held-out samples."""
        return cls(
            weights=tuple(layer.weight.detach().double().numpy() for layer in network.linear_layers),
            inputs=dataset.test_x.double().numpy(),
            labels=dataset.test_y.numpy(),
            classes=dataset.classes,
            clip=clip,
            design=design,
        )

    def drawn(self, count: int) -> NDArray[np.int64]:
        """Indices of ``count`` samples, drawn by class."""
        return drawn_by_class(self.labels, count)

    @property
    def layers(self) -> tuple[int, ...]:
        return (self.weights[0].shape[1], *(len(matrix) for matrix in self.weights))


@dataclass(frozen=True, slots=True)
class Prediction:
    """Spike times per layer [samples, neurons] in T_circ before the clip; ``clipped`` weights were moved; or why there are none."""

    times: tuple[Array, ...] = ()
    clipped: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """How it went: accuracy, and the spikes against home's: rms change of those that both have, of all layers, hidden ones and outputs; how many
    only one has.
    """

    accuracy: float | None
    rms_change_s: float | None
    hidden_change_s: float | None
    output_change_s: float | None
    lost: int | None
    gained: int | None
    clipped: int
    problem: str = ""

    @classmethod
    def unknown(cls, problem: str) -> Self:
        """Nothing could be told, and why."""
        return cls(None, None, None, None, None, None, 0, problem)


def mapped(task: Task, model: PhysicalModel) -> Mapping:
    """The task's weights as a condition's biases. Raises ``OutOfRange`` unless ``task.clip``."""
    return map_weights(task.weights, BottomUp(model), clip=task.clip, design=task.design)


def rederived(task: Task, found: Characterised) -> Prediction:
    """The same weights realised with the condition's own model."""
    try:
        mapping = mapped(task, found.model)
    except CircuitError as error:
        return Prediction(problem=str(error))
    physics = network_physics(found.model, task.layers)
    return Prediction(tuple(spike_times(physics, mapping.weights(), task.inputs)), mapping.clipped)


def with_fixed_biases(task: Task, found: Characterised, written: Mapping) -> Prediction:
    """The biases that were ``written`` at home, as this condition takes them: its currents, its firing stage at home's biases."""
    if found.unmeasured:
        return Prediction(
            problem=f"the firing stage at the biases of home gave no result: {found.unmeasured}"
        )
    arriving, times = task.inputs, []
    weights, model = weights_kept(written, found.model, found.curves), found.model
    for layer, weight, axons in zip(
        network_physics(found.model, task.layers), weights, task.layers[:-1], strict=True
    ):
        # Currents that are several times those meant drive membranes to the supplies, where they end.
        v_th_V = column_for(model, axons).v_th_V.value
        rails = (model.v_0_V.value - model.vdd_V) / v_th_V, model.v_0_V.value / v_th_V
        late = _fire(found, layer, axons, membrane(layer, weight, arriving, rails))
        times.append(late)
        arriving = np.where(late < 1.0, late, np.inf)
    return Prediction(tuple(times))


def _fire(found: Characterised, layer: Physics, axons: int, v: Array) -> Array:
    nearest = min(found.firing, key=lambda one: abs(one - axons))
    drop_V = v * column_for(found.model, axons).v_th_V.value
    return found.firing[nearest].times(drop_V) + layer.spike_delay + np.array(layer.spike_lag or (0.0,))


def weights_kept(written: Mapping, model: PhysicalModel, curves: SynapseCurves) -> list[Array]:
    """What weights a condition makes of home's biases, per layer [neurons, axons], in its own unit currents."""
    weights = []
    for stored in written.layers:
        columns, unit_A = stored.columns, BottomUp(model).unit_current_A(stored.weight.shape[1])
        weight = np.zeros(stored.weight.shape)
        for polarity, sign in (("n", 1.0), ("p", -1.0)):
            on = (columns["polarity"] == polarity) & (columns["current_A"] > 0.0)
            if on.any():
                ln_current = curves.ln_current(polarity, np.asarray(columns["bias_V"][on], float))
                weight[on] = sign * np.exp(ln_current) / unit_A
        weights.append(weight)
    return weights


def effect(
    task: Task, told: Prediction, home: Prediction, t_circ_s: float, window_norm: float = 1.0
) -> Effect:
    """Accuracy and change of spike times; nothing where nothing could be told.

    A spike is one before T_circ; the other side of a pair may come until ``window_norm``, when spikes are reset.
    """
    if told.problem:
        return Effect.unknown(told.problem)
    accuracy = float(np.mean(decide(told.times[-1], task.classes) == task.labels))

    def of(layers: slice) -> tuple[float | None, int, int]:
        here, there = (
            np.array([t for layer in one.times[layers] for t in layer.flat]) for one in (told, home)
        )
        both = ((here < 1.0) | (there < 1.0)) & (here <= window_norm) & (there <= window_norm)
        change = float(np.sqrt(np.mean((here - there)[both] ** 2)) * t_circ_s) if both.any() else None
        return change, int(np.sum((there < 1.0) & ~both)), int(np.sum((here < 1.0) & ~both))

    change, lost, gained = of(slice(None))
    return Effect(accuracy, change, of(slice(-1))[0], of(slice(-1, None))[0], lost, gained, told.clipped)


@dataclass(frozen=True, slots=True)
class Assessment:
    """A condition with what the network does in it, told by the fast model."""

    met: ConditionResult
    kept: Effect
    anew: Effect
    fixed_prediction: Prediction
    rederived_prediction: Prediction


def assess(task: Task, met: Sequence[ConditionResult], window_norm: float = 1.0) -> list[Assessment]:
    """Every condition against the first, which is home; ``window_norm`` as in ``effect``.

    Raises ``CircuitError`` where home cannot realise the weights.
    """
    first = met[0].characterised
    assert first is not None
    written, home = mapped(task, first.model), rederived(task, first)
    found = []
    for one in met:
        here = one.characterised
        if here is None:
            told = Prediction(problem=one.problem)
            nothing = Effect.unknown(one.problem)
            found.append(Assessment(one, nothing, nothing, told, told))
            continue
        stays, new = with_fixed_biases(task, here, written), rederived(task, here)
        t_circ_s = here.model.t_circ_s
        still, fresh = (effect(task, told, home, t_circ_s, window_norm) for told in (stays, new))
        found.append(Assessment(one, still, fresh, stays, new))
    return found


def unit_ratios(home: Characterised, found: Characterised) -> tuple[float, float]:
    """What home's biases of the weights +1 and -1 carry here, against home."""
    biases_V = unit_biases_V(home.model)
    here, there = (
        [float(c.ln_current(polarity, np.array(bias))) for polarity, bias in zip("np", biases_V, strict=True)]
        for c in (found.curves, home.curves)
    )
    return float(np.exp(here[0] - there[0])), float(np.exp(here[1] - there[1]))


EFFECTS = ("accuracy", "rms_change_s", "hidden_change_s", "output_change_s", "lost", "gained")
"""Columns of the table that say how it went."""


def table(assessed: Sequence[Assessment]) -> pd.DataFrame:
    """One row a condition, home first; SI units; NaN for what is not known."""
    rows, home = [], assessed[0].met.characterised
    assert home is not None
    for one in assessed:
        met, found = one.met, one.met.characterised
        silent = None if found is None or not found.firing else next(iter(found.firing.values())).silent_norm
        numbers = parameters(met)
        ratios = (np.nan, np.nan) if found is None else unit_ratios(home, found)
        row: dict[str, object] = {
            **place_of(met.condition),
            **{name: numbers.get(name, np.nan) for name in PARAMETERS},
            "kept_source_ratio": np.nan if met.source_ratio is None else met.source_ratio,
            "kept_unit_ratio_N": ratios[0],
            "kept_unit_ratio_P": ratios[1],
            "kept_silent_norm": np.nan if silent is None else silent,
        }
        for name, result in (("kept", one.kept), ("anew", one.anew)):
            for key in EFFECTS:
                value = getattr(result, key)
                row[f"{name}_{key}"] = np.nan if value is None else float(value)
            row[f"{name}_problem"] = "" if found is None else result.problem
        rows.append(row | {"problem": met.problem})
    return pd.DataFrame(rows)
