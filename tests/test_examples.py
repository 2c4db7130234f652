"""The scripts in ``examples/``, on few epochs: they run, and learn."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


def example(name: str) -> dict[str, Any]:
    return runpy.run_path(str(ROOT / f"examples/{name}.py"))


def test_every_script_is_tried_here() -> None:
    names = {path.stem for path in (ROOT / "examples").glob("*.py")}
    assert names == {"numpy_arrays", "inside_a_network", "lightning_module"}


def test_numpy_arrays(tmp_path: Path) -> None:
    assert example("numpy_arrays")["main"](tmp_path, epochs=60) > 0.6
    assert (tmp_path / "weights.safetensors").is_file()
    lines = (ROOT / "examples/numpy_arrays.py").read_text().splitlines()
    body = lines[lines.index(next(line for line in lines if line.startswith("def main"))) :]
    assert sum(1 for line in body if line.strip()) <= 20


def test_inside_a_network() -> None:
    assert example("inside_a_network")["main"]() > 0.8


def test_lightning_module() -> None:
    pytest.importorskip("lightning", reason="Lightning is not installed: it is no dependency")
    assert example("lightning_module")["main"](epochs=20) > 0.6
