"""Models that ship with the package."""

from __future__ import annotations

import pytest

from nonideal.pnn import DataError, Reversal, variant_options
from nonideal.pnn.presets import preset, preset_names


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_fitted_models(name: str) -> None:
    model = preset(name)
    assert model.provenance["simulator"].startswith("ngspice")
    assert model.positive.lambda_per_V.stderr > 0.0
    assert Reversal.current_dependent(model).positive_range[0] > 0.0


def test_sky130_is_near_the_papers_table() -> None:
    model = preset()
    assert model.positive.lambda_per_V.value == pytest.approx(0.41, rel=0.05)
    assert model.negative.lambda_per_V.value == pytest.approx(0.75, rel=0.05)
    assert model.lambda_dis_per_V.value == pytest.approx(0.177, rel=0.05)


def test_sky130_has_columns_to_train_bottom_up_on() -> None:
    model = preset()
    assert model.format == 2
    assert [(column.axons, column.netlist) for column in model.columns] == [
        (axons, "schematic") for axons in (5, 10, 16)
    ]
    assert all(column.check_rms_s < 1e-9 for column in model.columns)
    assert len(variant_options("bottom_up", model, (784, 400, 10)).physics) == 2


def test_unknown_preset_lists_the_names() -> None:
    with pytest.raises(DataError, match="sky130_tt"):
        preset("sky13_tt")
