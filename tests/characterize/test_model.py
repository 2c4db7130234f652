"""The artifact: round trip, refusals that name the key, arithmetic."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from nonideal.characterize.model import PhysicalModel
from nonideal.files import UnreadableFile


def test_a_saved_model_loads_bit_for_bit(model: PhysicalModel, tmp_path: Path) -> None:
    odd = model.model_copy(update={"vdis_V": 0.1 + 0.2, "additivity_error": 1.6125208665897537e-10})
    path = tmp_path / "model.json"
    odd.save(path)
    assert PhysicalModel.load(path) == odd
    assert [p.name for p in tmp_path.iterdir()] == ["model.json"]


def test_saving_is_deterministic(model: PhysicalModel, tmp_path: Path) -> None:
    model.save(tmp_path / "a.json")
    PhysicalModel.load(tmp_path / "a.json").save(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_arithmetic_of_the_membrane_and_unit_current(model: PhysicalModel) -> None:
    assert model.v_th_V == pytest.approx(0.87)
    assert model.membrane_for_F(5) == pytest.approx(120e-15, rel=1e-12, abs=0)
    assert model.membrane_for_F(30) == pytest.approx(150e-15, rel=1e-12, abs=0)
    assert model.membrane_for_F(1) == pytest.approx(115.2e-15, rel=1e-12, abs=0)
    assert model.unit_current_A() == pytest.approx(120e-15 * 0.87 / 1e-6, rel=1e-12, abs=0)
    assert model.unit_current_A(30) / model.unit_current_A() == pytest.approx(150 / 120)
    assert model.beta_positive == pytest.approx(0.87 * 0.4)
    assert model.beta_negative == pytest.approx(-0.87 * 0.75)


def changed(values: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    values = copy.deepcopy(values)
    *folders, key = path.split(".")
    place = values
    for folder in folders:
        place = place[folder]
    if value is None:
        del place[key]
    else:
        place[key] = value
    return values


@pytest.mark.parametrize(("path", "value"), [
    ("vdis_V", None),
    ("vdis_V", "high"),
    ("positive.lambda_per_V.stderr", -1.0),
    ("membrane_F.value", math.nan),
    ("negative.current_max_A", math.inf),
    ("positive.bias_V", [0.1, 0.2, math.nan, 0.4, 0.5]),
    ("format", 3),
    ("provenance", {"pdk": 3}),
])  # fmt: skip
def test_what_is_wrong_with_a_file_is_named(
    model_values: dict[str, Any], tmp_path: Path, path: str, value: Any
) -> None:
    file = tmp_path / "model.json"
    file.write_text(json.dumps(changed(model_values, path, value)))
    with pytest.raises(UnreadableFile) as caught:
        PhysicalModel.load(file)
    told = str(caught.value)
    assert f"({path}" in told or "is no number" in told
    assert str(file) in str(caught.value)


def test_an_unknown_key_is_named(model_values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="membrane_f"):
        PhysicalModel.model_validate(model_values | {"membrane_f": 1.0})


@pytest.mark.parametrize(("key", "values", "said"), [
    ("bias_V", [0.1, 0.2, 0.3, 0.5], "as many biases as currents"),
    ("ln_current", [-20.0, -18.0, -18.0, -16.0, -15.0], "strictly increasing in current"),
    ("bias_V", [0.1, 0.2, 0.2, 0.5, 0.7], "rise or fall strictly"),
    ("bias_V", [0.1, 0.2, 0.3, 0.25, 0.7], "rise or fall strictly"),
])  # fmt: skip
def test_a_table_that_cannot_be_inverted_is_refused(
    model_values: dict[str, Any], key: str, values: list[float], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        PhysicalModel.model_validate(changed(model_values, f"positive.{key}", values))
