"""Exit codes, and which exception of which room leads to which."""

from __future__ import annotations

import errno
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says when it ends."""

    passed = 0
    out_of_spec = 1
    bad_input = 2
    missing = 3
    tool_failed = 4
    hung_up = 129
    interrupted = 130
    closed_pipe = 141
    terminated = 143


# By qualified name, so that the table costs no import. Looked up along an exception's bases, nearest first.
TABLE: dict[str, ExitCode] = {
    "nonideal.files.errors.UnreadableFile": ExitCode.bad_input,
    "nonideal.experiment.errors.WorkflowError": ExitCode.bad_input,
    "nonideal.experiment.errors.RequirementMissing": ExitCode.missing,
    "nonideal.sky130_models.errors.PdkMissing": ExitCode.missing,
    "nonideal.sky130_models.errors.PdkError": ExitCode.missing,
    "nonideal.sky130_models.errors.IllegalSize": ExitCode.bad_input,
    "nonideal.spice.errors.SimulatorMissing": ExitCode.missing,
    "nonideal.spice.errors.SchedulerUnavailable": ExitCode.missing,
    "nonideal.spice.errors.SimulationFailed": ExitCode.tool_failed,
    "nonideal.spice.errors.Interrupted": ExitCode.interrupted,
    "nonideal.spice.errors.SpiceError": ExitCode.bad_input,
    "nonideal.circuits.layout.errors.DrcFailed": ExitCode.out_of_spec,
    "nonideal.circuits.layout.errors.LvsFailed": ExitCode.out_of_spec,
    "nonideal.circuits.extraction.kpex.ExtractorMissing": ExitCode.missing,
    "nonideal.circuits.layout.errors.ExtractionFailed": ExitCode.tool_failed,
    "nonideal.circuits.digital.errors.ToolMissing": ExitCode.missing,
    "nonideal.circuits.digital.errors.ToolFailed": ExitCode.tool_failed,
    "nonideal.circuits.errors.CircuitError": ExitCode.bad_input,
    "nonideal.precheck.errors.PrecheckError": ExitCode.bad_input,
    "nonideal.characterize.errors.FitRefused": ExitCode.out_of_spec,
    "nonideal.characterize.errors.CharacterizationFailed": ExitCode.tool_failed,
    "nonideal.characterize.errors.NoColumn": ExitCode.bad_input,
    "nonideal.characterize.errors.NoSpread": ExitCode.bad_input,
    "nonideal.characterize.errors.NoNoise": ExitCode.bad_input,
    "nonideal.pnn.errors.TrainingDiverged": ExitCode.out_of_spec,
    "nonideal.pnn.errors.PnnError": ExitCode.bad_input,
    "nonideal.postlayout.errors.SamplesFailed": ExitCode.tool_failed,
    "nonideal.postlayout.errors.ValidationError": ExitCode.bad_input,
    "builtins.KeyboardInterrupt": ExitCode.interrupted,
    "builtins.ModuleNotFoundError": ExitCode.missing,
    "pydantic_core._pydantic_core.ValidationError": ExitCode.bad_input,
    "builtins.OSError": ExitCode.bad_input,
}
MACHINE = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EIO,
        errno.ENOMEM,
        errno.ENFILE,
        errno.EMFILE,
        errno.EPIPE,
    }
)
"""Errors of the operating system that no input is the reason of: a full disk, a device that fails, a reader that went away."""


NO_MEMORY = (
    (ImportError, "failed to map segment"),
    (ImportError, "cannot allocate memory"),
    (RuntimeError, "can't allocate memory"),
)
"""How the loader of libraries and PyTorch say that there is no memory: kind of exception, and words of it."""


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that there is no memory."""
    return isinstance(error, MemoryError) or any(
        isinstance(error, kind) and words in str(error).lower() for kind, words in NO_MEMORY
    )


def exit_code_of(error: BaseException) -> ExitCode | None:
    """The code for an exception; None for one that no room declares (a bug: show the traceback)."""
    if out_of_memory(error) or (isinstance(error, OSError) and error.errno in MACHINE):
        return ExitCode.tool_failed
    for kind in type(error).__mro__:
        code = TABLE.get(f"{kind.__module__}.{kind.__qualname__}")
        if code is not None:
            return code
    return None
