"""scripts/training_figures.py with its tiny setting, on random images in MNIST's files."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nonideal.pnn.images import IDX_FILES, write_idx

ROOT = Path(__file__).resolve().parents[2]
ROWS = {"error": 16, "cost": 3, "steps": 8, "reversal": 6}


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mnist")
    random = np.random.default_rng(0)
    for images, labels, count in ((*IDX_FILES[:2], 80), (*IDX_FILES[2:], 30)):
        write_idx(folder / images, random.integers(0, 256, (count, 28, 28)).astype(np.uint8))
        write_idx(folder / labels, random.integers(0, 10, count).astype(np.uint8))
    return folder


@pytest.fixture
def run(mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    script = importlib.import_module("training_figures")
    return lambda *options: script.main(["--tiny", "--mnist", str(mnist), "--out", str(tmp_path), *options])


def test_all_figures_and_their_numbers(run: Callable[..., None], tmp_path: Path) -> None:
    run()
    for name, rows in ROWS.items():
        frame = pd.read_csv(tmp_path / f"{name}.csv", comment="#")
        assert len(frame) == rows
        assert not frame.isna().any(axis=None)
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    table = pd.read_csv(tmp_path / "error.csv", comment="#")
    error = table.set_index(["inputs", "order", "steps"])["rms_error"]
    for inputs in ("random", "mnist"):
        assert error[inputs, 2, 4] > 10.0 * error[inputs, 2, 16]
        assert error[inputs, 3, 16] < error[inputs, 2, 16]


def test_a_restart_goes_on(
    run: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--only", "steps")
    table = tmp_path / "steps.csv"
    whole = table.read_text()
    table.write_text(whole[:-5])  # as if killed while it wrote the last row
    capsys.readouterr()
    run("--only", "steps")
    printed = capsys.readouterr().out
    assert printed.count("steps 8/8") == printed.count("] steps ") == 1
    assert table.read_text() == whole


def test_rows_of_another_setting_are_refused(run: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "steps.csv").write_text("# of something else\nseed\n0\n")
    with pytest.raises(SystemExit, match="remove it, or choose another --out"):
        run("--only", "steps")
