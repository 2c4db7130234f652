"""A model with exponential transistors, and its columns of two axons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nonideal.characterize.column import Column
from nonideal.characterize.model import PhysicalModel


@pytest.fixture
def two_axons(model_values: dict[str, Any], column: Column) -> PhysicalModel:
    """Columns of two axons, at the tables' own discharger bias."""
    own = column.model_copy(update={"axons": 2, "vdis_V": 0.55})
    return PhysicalModel.model_validate(model_values | {"format": 2, "columns": [own.model_dump()]})


@pytest.fixture
def model_values() -> dict[str, Any]:
    """The content of a model.json with exponential transistors: ln I rises by 1 every 40 mV."""

    def estimate(value: float, unit: str) -> dict[str, Any]:
        return {"value": value, "stderr": abs(value) / 100, "unit": unit}

    def branch(lambda_per_V: float, biases: list[float], off: float) -> dict[str, Any]:
        current = [1e-12 * np.exp(abs(bias - biases[0]) / 0.04) for bias in biases]
        return {
            "lambda_per_V": estimate(lambda_per_V, "1/V"),
            "lambda_polynomial_per_V": [lambda_per_V, 0.0],
            "lambda_polynomial_rms_per_V": 1e-3,
            "ln_current": [float(x) for x in np.log(current)],
            "bias_V": biases,
            "off_bias_V": off,
            "linearity_rms": 1e-3,
            "current_min_A": current[0],
            "current_max_A": current[-1],
        }

    return {
        "corner": "tt", "temperature_C": 27.0, "vdd_V": 1.8, "t_circ_s": 1e-6,
        "v_0_V": estimate(1.3, "V"), "v_switch_V": estimate(0.43, "V"), "sensing_delay_s": estimate(5e-8, "s"),
        "membrane_F": estimate(120e-15, "F"), "membrane_per_axon_F": estimate(1.2e-15, "F"), "axons": 5,
        "lambda_dis_per_V": estimate(0.177, "1/V"), "discharge_norm": estimate(0.154, "1"), "vdis_V": 0.55, "vsense_V": 0.95,
        "positive": branch(0.4, [0.1, 0.2, 0.3, 0.5, 0.64], 0.0), "negative": branch(0.75, [1.6, 1.5, 1.4, 1.2, 1.06], 1.8),
        "valid_V": [0.43, 1.36], "additivity_error": 1e-9, "provenance": {"pdk": "test"},
    }  # fmt: skip
