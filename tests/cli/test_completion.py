"""The shell completes commands and the names of experiments, and is taught so by one command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RUN = [sys.executable, "-m", "nonideal"]


def completed(words: str) -> list[str]:
    """What bash is offered after these words."""
    asked = {"COMP_WORDS": f"nonideal {words}", "COMP_CWORD": str(len(words.split()))}
    environment = os.environ | asked | {"_NONIDEAL_COMPLETE": "complete_bash"}
    done = subprocess.run(RUN, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.split()


def test_commands_and_experiments_are_completed() -> None:
    assert completed("tra") == ["train"]
    assert "iris_robust" in completed("train iris_r")
    assert "wine" in completed("show --experiment wi")


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_is_taught(tmp_path: Path) -> None:
    # The shell is found among the parents of the process: it must stay one.
    command = f"{sys.executable} -m nonideal --install-completion; exit $?"
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert "_NONIDEAL_COMPLETE" in (tmp_path / ".bash_completions/nonideal.sh").read_text()
    assert "nonideal.sh" in (tmp_path / ".bashrc").read_text()
