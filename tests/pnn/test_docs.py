"""The Python of the guides runs."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def snippet(page: str, first: str) -> str:
    """The indented block that begins with this line."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    start = lines.index(f"    {first}")
    block = []
    for line in lines[start:]:
        if line and not line.startswith("    "):
            break
        block.append(line[4:])
    return "\n".join(block)


@pytest.mark.parametrize(
    ("page", "first"),
    [("how-to/train.md", "from pathlib import Path")],
)
def test_a_snippet_trains(page: str, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = snippet(page, first).replace("TrainingOptions(seed=0)", "TrainingOptions(seed=0, epochs=20)")
    exec(compile(ast.parse(code), page, "exec"), {})
    assert list(tmp_path.rglob("weights.safetensors"))
