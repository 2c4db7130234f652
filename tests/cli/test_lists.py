"""Lists of numbers on the command line, and the seeds that they set."""

from __future__ import annotations

from pathlib import Path

import pytest

from nonideal.cli import lists
from nonideal.experiment.errors import BadOption
from nonideal.experiment.experiment import load_experiment
from nonideal.runs.commands import CommandLine
from nonideal.runs.rundir import RunDir


@pytest.mark.parametrize(("text", "found"), [(None, None), ("3", (3,)), ("0,2147483647", (0, 2**31 - 1))])
def test_seeds(text: str | None, found: tuple[int, ...] | None) -> None:
    assert lists.seeds("--seeds", text) == found


@pytest.mark.parametrize("text", ["", "1,", "1,1", "-1", "2147483648", "1.5", "one", "1 2"])
def test_what_are_no_seeds(text: str) -> None:
    with pytest.raises(BadOption, match="each once, as 1,2,3"):
        lists.seeds("--seeds", text)


def test_the_command_that_is_told_has_the_seeds() -> None:
    changes = {"training": {"seeds": lists.seeds("--seeds", "4,2")}}
    chosen = load_experiment("iris").changed(changes)
    assert chosen.training.seeds == (4, 2)
    told = CommandLine(changes=changes).command("training", chosen, RunDir(Path("there")), {})
    assert told.endswith(" --seeds 4,2")
    assert "--seeds" not in CommandLine().command("training", chosen, RunDir(Path("there")), {})
