"""From a model's columns to a layer's normalised physics."""

from __future__ import annotations

from typing import Any

import pytest

from nonideal.characterize.column import Column
from nonideal.characterize.errors import NoColumn
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp, column_for, layer_physics, network_physics


def test_a_version_1_model_loads_and_says_what_it_lacks(model: PhysicalModel) -> None:
    assert model.format == 1
    assert model.columns == ()
    with pytest.raises(NoColumn, match=r"version 1.*characterise again"):
        layer_physics(model, 5)


def test_columns_need_version_2_and_differ(model: PhysicalModel, column: Column) -> None:
    values = model.model_dump() | {"columns": [column.model_dump()]}
    with pytest.raises(ValueError, match="set format = 2"):
        PhysicalModel.model_validate(values)
    with pytest.raises(ValueError, match="sorted by them"):
        PhysicalModel.model_validate(values | {"format": 2, "columns": [column.model_dump()] * 2})


def test_a_measured_column_is_taken_as_it_is(columned: PhysicalModel, column: Column) -> None:
    assert column_for(columned, column.axons) is columned.columns[0]


@pytest.mark.parametrize("axons", [1, 4, 30])
def test_another_length_carries_the_capacitance_on(
    columned: PhysicalModel, column: Column, axons: int
) -> None:
    found = column_for(columned, axons)
    per_axon = columned.membrane_per_axon_F.value
    expected = column.membrane_F.value + (axons - column.axons) * per_axon
    assert found.membrane_F.value == pytest.approx(expected, rel=1e-12, abs=0)
    assert found.membrane_F.stderr > column.membrane_F.stderr
    assert found.v_th_V == column.v_th_V


def test_normalised_quantities_are_those_of_the_layer(columned: PhysicalModel, column: Column) -> None:
    physics = layer_physics(columned, 5, fan_out=4, driven=True)
    c_m, v_th = column.membrane_F.value, column.v_th_V.value
    unit_A = c_m * v_th / columned.t_circ_s
    assert BottomUp(columned).unit_current_A(5) == pytest.approx(unit_A, rel=1e-12, abs=0)
    assert physics.discharge == column.discharge_norm.value
    assert physics.coupling == pytest.approx(column.coupling_F.value / c_m, rel=1e-12, abs=0)
    mean_delay = (column.positive.delay_s.value + column.negative.delay_s.value) / 2
    assert physics.delay == pytest.approx(
        (mean_delay + column.driver_delay_s.value) / columned.t_circ_s, rel=1e-12, abs=0
    )
    assert physics.charge_positive == pytest.approx(
        column.positive.charge_C.value / (c_m * v_th), rel=1e-12, abs=0
    )
    assert physics.spike_delay == pytest.approx(
        4 * column.spike_load_s.value / columned.t_circ_s, rel=1e-12, abs=0
    )
    assert physics.positive_range[1] == pytest.approx(
        columned.positive.current_max_A / unit_A, rel=1e-12, abs=0
    )


def test_beta_counts_weights_in_the_layers_own_current(model_values: dict[str, Any], column: Column) -> None:
    """lambda = c0 + c1 I / unit: at one current, whatever the layer's unit, it is one number."""
    model_values["positive"]["lambda_polynomial_per_V"] = [0.4, -0.05, 0.01]
    values = model_values | {"format": 2, "columns": [column.model_dump()]}
    model = PhysicalModel.model_validate(values)
    current_A = 3e-8
    for axons in (2, 5, 40):
        physics = layer_physics(model, axons)
        weight = current_A / BottomUp(model).unit_current_A(axons)
        beta = sum(c * weight**k for k, c in enumerate(physics.beta_positive))
        ratio = current_A / model.unit_current_A()
        expected = column.v_th_V.value * (0.4 - 0.05 * ratio + 0.01 * ratio**2)
        assert beta == pytest.approx(expected, rel=1e-9, abs=0)


def test_only_the_first_layer_is_driven_and_only_inner_ones_drive(columned: PhysicalModel) -> None:
    first, second = network_physics(columned, (5, 7, 3))
    assert first.delay > second.delay
    assert first.spike_delay == pytest.approx(3 / 7 * layer_physics(columned, 5, fan_out=7).spike_delay)
    assert second.spike_delay == 0.0
