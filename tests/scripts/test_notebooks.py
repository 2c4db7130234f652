"""The notebooks run, and are committed with small outputs of a run that did not fail."""

from __future__ import annotations

import importlib
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_notebook_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    ran = importlib.import_module("run_notebooks").executed(path)
    pictures = [
        output
        for cell in ran.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) >= 3


def test_there_are_two_notebooks_with_small_outputs() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["run-directory", "trainer"]
    for path in NOTEBOOKS:
        assert path.stat().st_size < 300_000
        cells = nbformat.read(path, as_version=4).cells
        code = [cell for cell in cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), (
            "run scripts/run_notebooks.py"
        )
        outputs = [output for cell in code for output in cell.outputs]
        assert outputs
        assert not [
            output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"
        ]
