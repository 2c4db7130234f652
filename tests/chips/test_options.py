"""What may be asked of chips, and what is refused, by name."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from nonideal.chips.options import CalibrationOptions, YieldOptions


def test_defaults_are_an_experiment_of_a_thousand_chips() -> None:
    asked = YieldOptions()
    assert (asked.mapping, asked.chips, asked.spice_chips, asked.accuracy_loss_max) == (
        "bottom_up",
        1000,
        20,
        0.02,
    )
    assert CalibrationOptions().bias_dac_bits in asked.dac_bits


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"chips": 9}, "chips"),
        ({"accuracy_loss_max": 1.5}, "accuracy_loss_max"),
        ({"mapping": "ann"}, "mapping"),
        ({"dac_bits": (8, 8)}, "an entry stands there twice"),
        ({"hidden": (5, 5)}, "an entry stands there twice"),
        ({"hidden": (0,)}, "hidden"),
        ({"dac_bits": (1,)}, "dac_bits"),
        ({"vary": {"synapse.memory_n.l_um": ()}}, "at least 1"),
        ({"draws": 10}, "draws"),
        ({"draws": 4097}, "draws"),
        ({"chip": 1}, "chip"),
    ],
)
def test_a_yield_that_cannot_be_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        YieldOptions.model_validate(values)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"bias_n_range_V": (0.8, 0.2)}, r"bias_n_range_V = \[0\.8, 0\.2\]: give the lower voltage first"),
        ({"trim_range_V": (0.0, 0.0)}, "trim_range_V"),
        ({"bias_dac_bits": 17}, "bias_dac_bits"),
        ({"steps": -1}, "steps"),
        ({"smallest_weight": 0.0}, "smallest_weight"),
        ({"gain_start": 1.0}, "gain_start"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        CalibrationOptions.model_validate(values)
