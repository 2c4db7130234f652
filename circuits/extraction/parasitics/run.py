"""Runs the extraction in a process of its own, with limits of time and memory, so that it ends with the program that asked for it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from nonideal.circuits.extraction.kpex import Mode, with_tail
from nonideal.circuits.extraction.netlist import Netlist
from nonideal.circuits.extraction.parasitics.exchange import read_arrays
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.circuits.sidewall import Sidewall
from nonideal.files.compiled import cache_folder
from nonideal.spice.process import Stop, clean_environment, supervise


@dataclass(frozen=True, slots=True)
class NativeRun:
    """What was extracted, where the log is, and what it cost."""

    netlist: Netlist
    log: Path
    seconds_cpu: float


def run_native(
    database: Path,
    folder: Path,
    *,
    mode: Mode,
    sidewall: Sidewall,
    timeout_s: float,
    stop: Stop | None = None,
) -> NativeRun:
    """Extract from an LVS database into a folder; raises ExtractionFailed with the log's last lines."""
    folder.mkdir(parents=True, exist_ok=True)
    out, log = folder.resolve() / "extracted.npz", folder.resolve() / "extraction.log"
    out.unlink(missing_ok=True)
    module = "nonideal.circuits.extraction.parasitics"
    command = [sys.executable, "-m", module, str(database.resolve()), mode, sidewall, str(out)]
    environ = clean_environment(
        folder.resolve(),
        PYTHONIOENCODING="utf-8",
        PYTHONPATH=str(Path(__file__).absolute().parents[4]),
        # The sweep was compiled before, by whoever asks; a compiler of one's own tells which it is.
        NONIDEAL_CACHE=str(cache_folder()),
        **{name: os.environ[name] for name in ("CXX",) if name in os.environ},
    )
    ended = supervise(command, folder, log, timeout_s, environ=environ, stop=stop)
    if ended.timed_out:
        raise ExtractionFailed(with_tail(f"the extraction was not done after {timeout_s:g} s", log), log)
    if ended.limit is not None:
        raise ExtractionFailed(with_tail(f"the extraction: {ended.limit}", log), log)
    if ended.code != 0 or not out.is_file():
        what = f"ended with code {ended.code}" if ended.code else "wrote nothing"
        raise ExtractionFailed(with_tail(f"the extraction {what}", log), log)
    try:
        return NativeRun(read_arrays(out), log, ended.seconds_cpu)
    finally:
        out.unlink(missing_ok=True)
