"""Physical models with one term changed: what an error budget holds against the whole model.

Each takes a model and gives another of the same circuit. Nothing here knows a spike time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from nonideal.characterize.column import Column
from nonideal.characterize.estimate import Estimate
from nonideal.characterize.model import Branch, PhysicalModel


def _changed(model: PhysicalModel, change: Callable[[Column], dict[str, Any]]) -> PhysicalModel:
    columns = tuple(column.model_copy(update=change(column)) for column in model.columns)
    return model.model_copy(update={"columns": columns})


def _at(known: Estimate, value: float = 0.0) -> Estimate:
    return known.model_copy(update={"value": value})


def _turn_on(model: PhysicalModel, field: str) -> PhysicalModel:
    def off(column: Column) -> dict[str, Any]:
        pairs = {"positive": column.positive, "negative": column.negative}
        return {
            name: pair.model_copy(update={field: _at(getattr(pair, field))}) for name, pair in pairs.items()
        }

    return _changed(model, off)


def _zero(model: PhysicalModel, field: str) -> PhysicalModel:
    return _changed(model, lambda column: {field: _at(getattr(column, field))})


def _one_lambda(model: PhysicalModel) -> PhysicalModel:
    def flat(branch: Branch) -> Branch:
        return branch.model_copy(update={"lambda_polynomial_per_V": (branch.lambda_per_V.value,)})

    return model.model_copy(update={"positive": flat(model.positive), "negative": flat(model.negative)})


def _firing_of_the_cell(model: PhysicalModel) -> PhysicalModel:
    return _changed(
        model, lambda column: {"v_th_V": _at(column.v_th_V, model.v_th_V), "discharge_norm": model.discharge_norm}
    )  # fmt: skip


def _capacitance_of_the_schematic(model: PhysicalModel) -> PhysicalModel:
    return _changed(
        model, lambda column: {"membrane_F": _at(column.membrane_F, model.membrane_for_F(column.axons))}
    )  # fmt: skip


def _no_load(model: PhysicalModel) -> PhysicalModel:
    return _zero(model, "spike_load_s").model_copy(update={"fan_outs": ()})


TERMS: dict[str, Callable[[PhysicalModel], PhysicalModel]] = {
    "membrane_capacitance": _capacitance_of_the_schematic,
    "firing_stage": _firing_of_the_cell,
    "current_dependence": _one_lambda,
    "turn_on_charge": partial(_turn_on, field="charge_C"),
    "synapse_delay": partial(_turn_on, field="delay_s"),
    "driver_delay": partial(_zero, field="driver_delay_s"),
    "coupling": partial(_zero, field="coupling_F"),
    "spike_load": _no_load,
}
"""The model without each term. The first two fall back to what the cells alone, on the schematic, would say."""


def terms_of(model: PhysicalModel) -> dict[str, Callable[[PhysicalModel], PhysicalModel]]:
    """The terms that a model has: the capacitance of wiring only where its columns were extracted."""
    extracted = any(column.netlist != "schematic" for column in model.columns)
    return {name: off for name, off in TERMS.items() if extracted or name != "membrane_capacitance"}


def lambda_off(model: PhysicalModel) -> PhysicalModel:
    """Lambda of all synapses off by the rms residual of its fit."""

    def shifted(branch: Branch) -> Branch:
        first, *others = branch.lambda_polynomial_per_V
        return branch.model_copy(
            update={"lambda_polynomial_per_V": (first + branch.lambda_polynomial_rms_per_V, *others)}
        )

    return model.model_copy(update={"positive": shifted(model.positive), "negative": shifted(model.negative)})


def capacitance_off(model: PhysicalModel) -> PhysicalModel:
    """C_m of all membranes off by its standard error."""
    return _changed(
        model, lambda column: {"membrane_F": _at(column.membrane_F, column.membrane_F.value + column.membrane_F.stderr)}
    )  # fmt: skip
