"""Where no bar can move: a line now and then, and lines that are not wrapped."""

from __future__ import annotations

import io
import threading

import pytest
from rich.console import Console
from rich.table import Table

from nonideal.cli.output import console
from nonideal.runs.context import Context
from nonideal.runs.pulse import Pulse
from nonideal.runs.terminal import console_for


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_line_tells_time_share_and_estimate() -> None:
    clock = Clock()
    pulse = Pulse(every_s=999.0, clock=clock)
    with pulse.beating("validation", print):
        assert pulse.line("validation") == "  validation: 0 s so far"
        pulse.advance(0, 20)
        pulse.advance(10, 20)  # at once: from the cache
        clock.now += 60
        assert pulse.line("validation") == "  validation: 1 min 0 s so far; 10 of 20 done in this batch"
        pulse.advance(15, 20)
        assert pulse.line("validation").endswith("15 of 20 done in this batch, about 1 min 0 s left for it")
        pulse.advance(20, 20)
        assert pulse.line("validation") == "  validation: 1 min 0 s so far"
        pulse.advance(1, 20)  # fewer than before: the next batch
        clock.now += 2
        assert "left" not in pulse.line("validation")


def test_a_long_thing_tells_its_limit() -> None:
    clock = Clock()
    pulse = Pulse(every_s=999.0, clock=clock)
    with pulse.beating("layout", print):
        clock.now += 5
        with pulse.waiting("kpex", 1800.0):
            clock.now += 90
            line = pulse.line("layout")
    assert line == "  layout: 1 min 35 s so far; kpex has run 1 min 30 s of at most 30 min 0 s"
    assert "kpex" not in pulse.line("layout")


def test_lines_come_while_a_stage_runs_and_stop_with_it() -> None:
    said, twice = [], threading.Event()

    def say(line: str) -> None:
        said.append(line)
        if len(said) >= 2:
            twice.set()

    with Pulse(every_s=0.01).beating("training", say):
        assert twice.wait(10)
    count = len(said)
    assert not any(thread.name == "pulse" for thread in threading.enumerate())
    assert len(said) == count
    assert said[0].startswith("  training: 0 s so far")


def test_an_error_ends_the_lines() -> None:
    with pytest.raises(ZeroDivisionError), Pulse().beating("training", print):
        raise ZeroDivisionError
    assert not any(thread.name == "pulse" for thread in threading.enumerate())


def test_bars_on_a_terminal_lines_elsewhere() -> None:
    piped = Context(jobs=1, console=Console(file=io.StringIO()))
    assert piped.progress == piped.pulse.advance
    assert not piped.bars
    terminal = Context(jobs=1, console=Console(file=io.StringIO(), force_terminal=True))
    assert terminal.progress is True
    with terminal.beating("layout"), terminal.waiting("kpex", 1800.0, lambda: "40 % [/b] done"):
        pass
    assert isinstance(terminal.console.file, io.StringIO)
    assert "kpex, at most 30 min; 40 % [/b] done" in terminal.console.file.getvalue()


def test_nothing_is_wrapped_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    words = " ".join(["word"] * 100)
    table = Table(title="title")
    table.add_column(words)
    table.add_row("cell")
    console().print(words)
    console().print(table)
    console_for(stderr=True).print(words)
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == words
    assert any(words in line for line in out.splitlines()[1:])
    assert max(map(len, out.splitlines())) < 600
    assert err.splitlines() == [words]
