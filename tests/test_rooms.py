"""Between the rooms data flows one way, and nothing imports in a circle: the contracts of pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_contracts_of_the_rooms_hold() -> None:
    linter = "from importlinter.cli import lint_imports_command as main; main()"
    command = [sys.executable, "-c", linter, "--no-cache", "--config", "pyproject.toml"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "2 kept, 0 broken" in ended.stdout
