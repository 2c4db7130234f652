"""What stands for a characterised condition: exponential transistors, the discharger's formula."""

from __future__ import annotations

import numpy as np

from nonideal.characterize.condition import Condition
from nonideal.characterize.fixed_bias import FiringCurve, SynapseCurves
from nonideal.characterize.model import PhysicalModel
from nonideal.conditions.bench import Drift
from nonideal.conditions.network import (
    Task,
)
from nonideal.conditions.survey import (
    Characterised,
    ConditionResult,
)
from nonideal.sky130_models import Corner

HOME, HOT = Condition(Corner.tt, 27.0), Condition(Corner.ss, 125.0)
WEIGHTS = (np.array([[0.6, -0.3], [0.2, 0.9]]), np.array([[0.8, -0.2], [0.3, 0.5]]))
TASK = Task(
    WEIGHTS,
    np.array([[0.1, 0.4], [0.7, 0.2], [0.3, 0.9]]),
    np.array([0, 1, 0]),
    classes=2,
)


def exponential(shift_V: float = 0.0) -> SynapseCurves:
    """The branches of ``model_values``, further than their tables; ``shift_V`` more on every gate."""
    n, p = np.linspace(0.0, 0.95, 77), np.linspace(0.85, 1.8, 77)
    return SynapseCurves(
        (n, np.log(1e-12) + (n + shift_V - 0.1) / 0.04), (p, np.log(1e-12) + (1.6 - p + shift_V) / 0.04)
    )


def formula(model: PhysicalModel, ramp: float = 1.0) -> FiringCurve:
    """The discharger's formula, sampled as finely as a bench does."""
    column = model.columns[0]
    v_th, b = column.v_th_V.value, column.discharge_norm.value
    drop = np.concatenate([[-0.3, -0.2, -0.1], np.linspace(0.0, 0.8, 14)])
    time = (1 - np.log1p(-b * drop / v_th) / np.log1p(-b)) / ramp
    return FiringCurve(drop, np.where(time < 1.005, time, np.inf))


def characterised(
    condition: Condition, model: PhysicalModel, *, shift_V: float = 0.0, ramp: float = 1.0
) -> Characterised:
    return Characterised(condition, model, exponential(shift_V), (1e-12, 2e-12), {2: formula(model, ramp)})


def met(found: Characterised) -> ConditionResult:
    return ConditionResult(found.condition, found, Drift(-1e-4, 2e-4), 1.0)
