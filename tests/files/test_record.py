"""Records: what other versions wrote is read as far as it goes, what is damaged is told by key, and what was read is written again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonideal.files import UnreadableFile
from nonideal.files.record import Record


class Inner(Record):
    value_s: float | None = None


class Outer(Record):
    name: str
    share: int | None = None
    inner: Inner = Inner()
    rows: tuple[Inner, ...] = ()


@given(
    st.builds(
        Outer,
        name=st.text(),
        share=st.none() | st.integers(),
        inner=st.builds(Inner, value_s=st.none() | st.floats(allow_nan=False, allow_infinity=False)),
    )
)
def test_what_is_written_is_read_again(record: Outer) -> None:
    told = json.loads(json.dumps(record.as_json(), allow_nan=False))
    assert Outer.model_validate(told) == record
    assert Outer.model_validate(told).as_json() == told


def test_what_an_older_version_did_not_write_is_unknown_and_is_not_written() -> None:
    old = Outer.model_validate({"name": "a", "inner": {}})
    assert (old.share, old.inner.value_s) == (None, None)
    assert old.as_json() == {"name": "a", "inner": {}}


def test_what_a_newer_version_wrote_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    path.write_text('{"name": "a", "spread": 3, "rows": [{"value_s": 1, "more": {}}]}')
    assert Outer.load(path) == Outer(name="a", rows=(Inner(value_s=1.0),))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "name: Field required"),
        ("[]", "the whole: Input should be"),
        ('{"name": "a", "rows": [{"value_s": "b"}]}', r"rows\.0\.value_s: Input should be a valid number"),
        ('{"name": 3, "share": "x", "rows": 4, "inner": 5}', "and 1 more"),
        ('{"name": "a"', "is not valid JSON"),
        ('{"name": "a", "share": NaN}', "NaN is no number"),
    ],
)
def test_what_is_damaged_is_told_by_file_and_key(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "summary.json"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match=told) as caught:
        Outer.load(path)
    assert str(path) in str(caught.value)


def test_nothing_is_changed_or_is_no_number() -> None:
    record = Outer(name="a")
    with pytest.raises(ValueError, match="frozen"):
        record.name = "b"  # type: ignore[misc]
    with pytest.raises(ValueError, match="finite"):
        Inner(value_s=float("nan"))
