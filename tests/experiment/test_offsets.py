"""Supplies that are off: which ones where nothing is asked for, and what cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from nonideal.circuits.supply_offsets import SupplyOffsets
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import Experiment, parse_experiment
from nonideal.experiment.offsets import supply_offsets, temperatures_near


def asked(experiment: Experiment) -> list[SupplyOffsets]:
    return list(supply_offsets(experiment.conditions, experiment.circuit))


def test_the_usual_ones_are_tenths_and_twentieths_of_vdd_and_millivolts_of_the_pins() -> None:
    assert asked(Experiment(name="e")) == [
        *(SupplyOffsets(vdd_V=by) for by in (-0.18, -0.09, 0.09, 0.18)),
        *(SupplyOffsets(v0_V=by) for by in (-0.02, 0.02)),
        *(SupplyOffsets(vsense_V=by) for by in (-0.02, 0.02)),
    ]


def test_ten_degrees_are_tried_as_far_as_the_models_reach() -> None:
    hot = parse_experiment({"name": "e", "circuit": {"supplies": {"temperature_C": 120.0}}}, "e.toml")
    for experiment, temperatures in ((Experiment(name="e"), (17.0, 37.0)), (hot, (110.0,))):
        assert temperatures_near(experiment.conditions, experiment.circuit) == temperatures
    none = parse_experiment({"name": "e", "conditions": {"temperature_offsets_C": []}}, "e.toml")
    assert temperatures_near(none.conditions, none.circuit) == ()


def test_of_the_usual_ones_those_stand_that_the_circuit_can_have() -> None:
    low = parse_experiment({"name": "e", "circuit": {"supplies": {"vdd_V": 1.6}}}, "e.toml")
    assert [one.vdd_V for one in asked(low) if one.vdd_V] == [0.08, 0.16]


def test_what_is_asked_for_is_what_there_is() -> None:
    given = {"vdd_offsets_V": [0.1], "v0_offsets_V": [], "vsense_offsets_V": [-0.01]}
    found = asked(parse_experiment({"name": "e", "conditions": given}, "e.toml"))
    assert found == [SupplyOffsets(vdd_V=0.1), SupplyOffsets(vsense_V=-0.01)]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"vdd_offsets_V": [-0.3]}, r"vdd_offsets_V holds -0\.3: circuit\.supplies\.vdd_V would be 1\.5 V"),
        ({"v0_offsets_V": [0.45]}, r"v0_offsets_V holds 0\.45: circuit\.supplies\.v0_V would be 1\.75 V"),
        ({"v0_offsets_V": [0.0]}, "0 is home"),
        ({"vsense_offsets_V": [0.01, 0.01]}, "stands there once"),
        ({"vsense_offsets_V": [0.9]}, r"vsense_offsets_V\[0\] = 0\.9"),
        ({"vdd_offsets_mV": [90]}, "unit"),
        ({"temperature_offsets_C": [100]}, "127 degrees"),
    ],
)
def test_what_cannot_be_names_the_key(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ExperimentError, match=told):
        parse_experiment({"name": "e", "conditions": given}, "e.toml")
