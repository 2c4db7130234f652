"""`nonideal evaluate`: the accuracy of a network that ships, or of weights of one's own."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nonideal.cli import evaluating
from nonideal.cli.main import main
from nonideal.pnn.pretrained import RECIPES, pretrained_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["evaluate", *arguments])
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


def found(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    code, out, err = run(capsys, *arguments, "--json")
    assert code == 0, err
    value: dict[str, Any] = json.loads(out)
    return value


def test_a_network_that_ships(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = found(capsys, "iris")
    assert (told["test_accuracy"], told["test_samples"]) == (RECIPES["iris"].test_accuracy, 50)
    assert told["passed"]
    code, out, _ = run(capsys, "iris")
    assert code == 0
    assert "96.0 % of 50 test samples" in out
    assert "as recorded" in out
    other = {**RECIPES, "iris": replace(RECIPES["iris"], test_accuracy=1.0)}
    monkeypatch.setattr(evaluating, "RECIPES", other)
    code, out, _ = run(capsys, "iris")
    assert code == 1
    assert "its recipe records 100.0 %" in out


def test_weights_of_ones_own_and_other_samples(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(pretrained_path("iris"), "mine.safetensors")
    told = found(capsys, "mine.safetensors")
    assert (told["data"], told["recorded"], told["train_samples"]) == ("iris", None, 100)
    code, _, err = run(capsys, "mine.safetensors", "--data", "wine")
    assert code == 2
    assert "wine gives 14 axons and 3 classes, mine.safetensors takes 5" in err.replace("\n", " ")
    code, _, err = run(capsys, "nothing.safetensors")
    assert code == 2
    assert "one of the networks that ship: digits, iris" in err.replace("\n", " ")
    rng = np.random.default_rng(0)
    np.savez("no.npz", x=rng.random((4, 2)), y=np.arange(4))
    code, _, err = run(capsys, "mine.safetensors", "--data", "no.npz")
    assert code == 2
