"""Results by content."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonideal.spice import Attempt, Cache, FailureKind, Plot, Result

KEY = "0123456789abcdef" * 4


def result() -> Result:
    axis = np.linspace(0, 1e-6, 101)
    tran = Plot("Transient Analysis", "time", axis, {"v(out)": np.sin(axis * 1e7), "i(v1)": axis**2})
    ac = Plot("AC Analysis", "frequency", axis[1:], {"v(out)": np.exp(1j * axis[1:]), "i(v1)": 1j * axis[1:]})
    attempts = (
        Attempt("as_given", FailureKind.short, 0.1, 0.2, "ends early"),
        Attempt("gear", None, 0.3, 0.4),
    )
    return Result("case", (ac, tran), attempts, "39")


def test_a_result_comes_back_bit_for_bit(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert cache.get(KEY) is None
    cache.put(KEY, result())
    back = Cache(tmp_path).get(KEY)
    assert back is not None
    assert back.from_cache
    assert back.attempts == result().attempts
    assert back.attempts[0].kind is FailureKind.short
    assert (back.name, back.simulator, back.rung) == ("case", "39", "gear")
    for mine, theirs in zip(back.plots, result().plots, strict=True):
        assert (mine.title, mine.axis_name, list(mine.vectors)) == (
            theirs.title,
            theirs.axis_name,
            list(theirs.vectors),
        )
        np.testing.assert_array_equal(mine.axis, theirs.axis)
        for name in theirs.vectors:
            np.testing.assert_array_equal(mine[name], theirs[name])
            assert mine[name].dtype == theirs[name].dtype


@pytest.mark.parametrize(
    "how", ["cut", "flip one bit", "garbage", "emptied", "longer", "pickle", "folder", "npz"]
)
@pytest.mark.parametrize("where", [0.0, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_a_damaged_entry_is_absent_and_heals(where: float, how: str, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, result())
    path = cache.path(KEY)
    content = bytearray(path.read_bytes())
    position = int(where * len(content))
    random = np.random.default_rng(round(1000 * where))
    flipped = content.copy()
    flipped[position] ^= 1 << int(random.integers(8))
    damaged = {
        "cut": content[:position],
        "flip one bit": flipped,
        "garbage": random.bytes(len(content)),
        "emptied": b"",
        "longer": content + b"\0",
        "pickle": content[:position] + pickle.dumps([[]]) + content[position:],
        "npz": content.partition(b"\n")[2],
    }
    if how == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(damaged[how])
    assert cache.get(KEY) is None
    assert not path.exists()
    cache.put(KEY, result())
    assert cache.get(KEY) is not None


@given(st.binary(max_size=300))
def test_no_content_raises(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        cache = Cache(Path(folder))
        path = cache.path(KEY)
        path.parent.mkdir()
        path.write_bytes(content)
        assert cache.get(KEY) is None


def test_an_entry_under_another_key_is_a_miss(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, result())
    other = KEY[::-1]
    cache.path(other).parent.mkdir(exist_ok=True)
    cache.path(KEY).rename(cache.path(other))
    assert cache.get(other) is None
    with pytest.raises(ValueError, match="is not a key"):
        cache.get("../../etc/passwd")


def test_many_at_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def one(_: int) -> bool:
        cache.put(KEY, result())
        return cache.get(KEY) is not None

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(40)))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"{KEY}.npz"]
