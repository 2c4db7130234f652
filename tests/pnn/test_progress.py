"""What a training tells where no bar can move."""

from __future__ import annotations

from pathlib import Path

import pytest

from nonideal.pnn import Discharger, NetworkOptions, Reversal, TrainingOptions, load_small, train
from nonideal.pnn.progress import EpochLines


def test_a_line_every_ten_seconds_and_one_at_the_end() -> None:
    now, said = [100.0], list[str]()
    lines = EpochLines("pnn, seed 1", 100, 20, said.append, clock=lambda: now[0])
    for epoch in range(21, 101):
        now[0] += 0.5
        lines.epoch(epoch, 1.0 / epoch, None if epoch < 30 else 0.9)
    assert said == [
        "  pnn, seed 1: epoch 40 of 100, loss 0.0250, test 90.0 %, about 30 s left",
        "  pnn, seed 1: epoch 60 of 100, loss 0.0167, test 90.0 %, about 20 s left",
        "  pnn, seed 1: epoch 80 of 100, loss 0.0125, test 90.0 %, about 10 s left",
        "  pnn, seed 1: epoch 100 of 100, loss 0.0100, test 90.0 %, done in 40 s",
    ]


def test_accuracy_is_left_out_before_it_was_measured() -> None:
    said: list[str] = []
    clock = iter([0.0, 12.0])
    EpochLines("ann, seed 1", 10, 0, said.append, clock=lambda: next(clock)).epoch(2, 0.5, None)
    assert said == ["  ann, seed 1: epoch 2 of 10, loss 0.5000, about 48 s left"]


def test_a_training_without_a_terminal_tells_how_it_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = NetworkOptions(
        layer_sizes=(5, 5, 5), reversal=Reversal.constant(2.80, -1.53), discharger=Discharger(0.155)
    )
    result = train(
        load_small("iris"),
        network,
        TrainingOptions(seed=3, epochs=2, tensorboard=False),
        tmp_path,
        variant="pnn",
    )
    out, err = capsys.readouterr()
    assert out == ""
    assert "pnn, seed 3: epoch 2 of 2, loss " in err
    assert f"test {100 * result.test_accuracy:.1f} %, done in" in err
