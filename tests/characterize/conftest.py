"""A physical model of round numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nonideal.characterize.column import Column
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.spread import Spread


@pytest.fixture
def model_values() -> dict[str, Any]:
    """The content of a model.json."""

    def estimate(value: float, unit: str) -> dict[str, Any]:
        return {"value": value, "stderr": abs(value) / 100, "unit": unit}

    def branch(lambda_per_V: float, biases: list[float], off: float) -> dict[str, Any]:
        return {
            "lambda_per_V": estimate(lambda_per_V, "1/V"),
            "lambda_polynomial_per_V": [lambda_per_V, 0.0],
            "lambda_polynomial_rms_per_V": 1e-3,
            "ln_current": [float(x) for x in np.log([1e-12, 1e-10, 1e-8, 1e-7, 4e-7])],
            "bias_V": biases,
            "off_bias_V": off,
            "linearity_rms": 1e-3,
            "current_min_A": 1e-12,
            "current_max_A": 4e-7,
        }

    return {
        "format": 1, "corner": "tt", "temperature_C": 27.0, "vdd_V": 1.8, "t_circ_s": 1e-6,
        "v_0_V": estimate(1.3, "V"), "v_switch_V": estimate(0.43, "V"), "sensing_delay_s": estimate(5e-8, "s"),
        "membrane_F": estimate(120e-15, "F"), "membrane_per_axon_F": estimate(1.2e-15, "F"), "axons": 5,
        "lambda_dis_per_V": estimate(0.177, "1/V"), "discharge_norm": estimate(0.154, "1"), "vdis_V": 0.55, "vsense_V": 0.95,
        "positive": branch(0.4, [0.1, 0.2, 0.3, 0.5, 0.7], 0.0), "negative": branch(0.75, [1.6, 1.5, 1.4, 1.1, 0.9], 1.8),
        "valid_V": [0.43, 1.36], "additivity_error": 1e-9, "provenance": {"pdk": "test"},
    }  # fmt: skip


@pytest.fixture
def model(model_values: dict[str, Any]) -> PhysicalModel:
    return PhysicalModel.model_validate(model_values)


@pytest.fixture
def columned(model_values: dict[str, Any], column: Column) -> PhysicalModel:
    """A version 2 model with that column."""
    return PhysicalModel.model_validate(model_values | {"format": 2, "columns": [column.model_dump()]})


@pytest.fixture
def drawn_model(model_values: dict[str, Any], spread: Spread) -> PhysicalModel:
    """A model whose mismatch is known; weight 1 of five axons is the 110 nA of the spread's tables."""
    return PhysicalModel.model_validate(
        model_values
        | {
            "membrane_F": {"value": 110e-9 * 1e-6 / 0.87, "stderr": 0.0, "unit": "F"},
            "spread": spread.model_dump(),
        }
    )
