"""Whatever stands in a file: it is the artifact, or one exception that names the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.shift import Shifts
from nonideal.files import UnreadableFile
from nonideal.pnn.presets import preset

WHOLE = preset("sky130_tt").model_dump_json()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def refused(path: Path) -> str:
    with pytest.raises(UnreadableFile) as caught:
        PhysicalModel.load(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"no JSON", b"\xff\xfe", b"null", b"[]", b"3", b"{}", b"[" * 100_000, b'{"format": ' + b"9" * 5000 + b"}", b"{\"a\": NaN}"],
)  # fmt: skip
def test_what_is_no_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(content)
    refused(path)


def test_the_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    value: dict[str, Any] = json.loads(WHOLE)
    value["positive"]["lambda_per_V"]["value"] = "steep"
    path.write_text(json.dumps(value))
    assert "positive.lambda_per_V.value: Input should be a valid number" in refused(path)
    path.write_text(WHOLE.replace('"v_0_V":{"value":', '"v_0_V":{"value":1e999,"x":', 1))
    assert "v_0_V" in refused(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_in_place_of_any_other(tmp_path: Path, data: st.DataObject) -> None:
    """One of the values of a model, at any depth, replaced by anything."""
    value: Any = json.loads(WHOLE)
    at = value
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = data.draw(st.sampled_from(keys))
        if not (isinstance(at[key], dict | list) and at[key] and data.draw(st.booleans())):
            break
        at = at[key]
    at[key] = data.draw(JSON)
    path = tmp_path / "model.json"
    path.write_text(json.dumps(value))
    for kind in (PhysicalModel, Shifts):
        try:
            kind.load(path)
        except UnreadableFile as error:
            assert str(path) in str(error)  # noqa: PT017 - what is read is an artifact, what is not is told
