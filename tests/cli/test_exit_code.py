from __future__ import annotations

import errno
import importlib
import inspect

import pytest

from nonideal.circuits.digital.errors import ToolFailed, ToolMissing
from nonideal.cli.exit_code import TABLE, ExitCode, exit_code_of
from nonideal.experiment.errors import BadOption, ExperimentError, RequirementMissing
from nonideal.pnn.errors import DataError, TrainingDiverged
from nonideal.runs.errors import RunDirBusy
from nonideal.runs.sources import BASE, package_files
from nonideal.sky130_models.errors import IllegalSize, PdkMissing
from nonideal.spice.errors import (
    BadDeck,
    FailureKind,
    Interrupted,
    SimulationFailed,
    SimulatorMissing,
    UnsafeName,
)

MODULES = [
    ".".join(file.relative_to(BASE).with_suffix("").parts)
    for file in package_files()
    if file.name == "errors.py"
]


def test_the_codes_are_the_documented_ones() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "passed": 0,
        "out_of_spec": 1,
        "bad_input": 2,
        "missing": 3,
        "tool_failed": 4,
        "hung_up": 129,
        "interrupted": 130,
        "closed_pipe": 141,
        "terminated": 143,
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TrainingDiverged("x", epoch=1, batch=0, layer=None), 1),
        (ExperimentError("x.toml", ["y"]), 2),
        (BadOption("x"), 2),
        (RunDirBusy("x"), 2),
        (UnsafeName("x"), 2),
        (BadDeck("x"), 2),
        (IllegalSize("x"), 2),
        (DataError("x"), 2),
        (RequirementMissing("x"), 3),
        (PdkMissing("x"), 3),
        (SimulatorMissing("x"), 3),
        (ToolMissing("x"), 3),
        (ToolFailed("x"), 4),
        (KeyboardInterrupt(), 130),
        (Interrupted("x"), 130),
        (PermissionError("x"), 2),
        (FileNotFoundError(errno.ENOENT, "x"), 2),
        (OSError(errno.ENOSPC, "No space left on device"), 4),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), 4),
        (OSError(errno.EIO, "Input/output error"), 4),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 4),
        (MemoryError(), 4),
        (ImportError("/x/_y.so: failed to map segment from shared object"), 4),
        (
            RuntimeError(
                "[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory: you tried to ..."
            ),
            4,
        ),
    ],
)
def test_table(error: BaseException, code: int) -> None:
    assert exit_code_of(error) == code


def test_a_failed_simulation_is_the_tools_failure(tmp_path: object) -> None:
    error = SimulationFailed(FailureKind.timed_out, "deck", tmp_path, "too long")  # type: ignore[arg-type]
    assert exit_code_of(error) == ExitCode.tool_failed


def test_what_no_room_declares_is_a_defect() -> None:
    assert exit_code_of(ValueError("x")) is None
    assert exit_code_of(ZeroDivisionError()) is None


def test_every_exception_of_every_room_has_a_code() -> None:
    missing = []
    assert len(MODULES) > 8
    for room in MODULES:
        module = importlib.import_module(room)
        for name, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, Exception) and kind.__module__ == module.__name__:
                names = [f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__]
                if not any(n in TABLE for n in names if not n.startswith("builtins.")):
                    missing.append(f"{room}.{name}")
    assert missing == []


def test_the_table_names_only_what_exists() -> None:
    for name in TABLE:
        module, _, kind = name.rpartition(".")
        assert inspect.isclass(getattr(importlib.import_module(module), kind))
