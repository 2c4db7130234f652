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
    "files.errors.UnreadableFile": ExitCode.bad_input,
    "flow.errors.FlowError": ExitCode.bad_input,
    "flow.errors.RequirementMissing": ExitCode.missing,
    "sky130_models.errors.PdkMissing": ExitCode.missing,
    "sky130_models.errors.PdkError": ExitCode.missing,
    "sky130_models.errors.IllegalSize": ExitCode.bad_input,
    "spice.errors.SimulatorMissing": ExitCode.missing,
    "spice.errors.SchedulerUnavailable": ExitCode.missing,
    "spice.errors.SimulationFailed": ExitCode.tool_failed,
    "spice.errors.Interrupted": ExitCode.interrupted,
    "spice.errors.SpiceError": ExitCode.bad_input,
    "circuits.layout.errors.DrcFailed": ExitCode.out_of_spec,
    "circuits.layout.errors.LvsFailed": ExitCode.out_of_spec,
    "circuits.extraction.kpex.ExtractorMissing": ExitCode.missing,
    "circuits.layout.errors.ExtractionFailed": ExitCode.tool_failed,
    "circuits.errors.CircuitError": ExitCode.bad_input,
    "characterize.errors.FitRefused": ExitCode.out_of_spec,
    "characterize.errors.CharacterizationFailed": ExitCode.tool_failed,
    "characterize.errors.NoColumn": ExitCode.bad_input,
    "characterize.errors.NoSpread": ExitCode.bad_input,
    "pnn.errors.TrainingDiverged": ExitCode.out_of_spec,
    "pnn.errors.PnnError": ExitCode.bad_input,
    "postlayout.errors.SamplesFailed": ExitCode.tool_failed,
    "postlayout.errors.ValidationError": ExitCode.bad_input,
    "builtins.KeyboardInterrupt": ExitCode.interrupted,
    "builtins.ModuleNotFoundError": ExitCode.missing,
    "pydantic_core._pydantic_core.ValidationError": ExitCode.bad_input,
    "builtins.MemoryError": ExitCode.tool_failed,
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


def exit_code_of(error: BaseException) -> ExitCode | None:
    """The code for an exception; None for one that no room declares (a bug: show the traceback)."""
    if isinstance(error, OSError) and error.errno in MACHINE:
        return ExitCode.tool_failed
    for kind in type(error).__mro__:
        code = TABLE.get(f"{kind.__module__}.{kind.__qualname__}")
        if code is not None:
            return code
    return None
