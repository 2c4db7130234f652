"""Runs the extraction in a process of its own, with limits of time and memory, so that it ends with the program that asked for it."""

from __future__ import annotations

import sys
from pathlib import Path

from nonideal.circuits.extraction.kpex import Mode, Run, with_tail
from nonideal.circuits.extraction.parasitics.library import Native
from nonideal.circuits.extraction.progress import FILE
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.circuits.sidewall import Sidewall
from nonideal.files import write_json
from nonideal.spice.process import Stop, clean_environment, log_tail, supervise

ARRAYS, LOG, SETTINGS = "extracted.npz", "extraction.log", "settings.json"
REFUSED = 4
"""The child's exit code where its log is the message."""


def run_native(
    native: Native,
    database: Path,
    folder: Path,
    *,
    mode: Mode,
    sidewall: Sidewall,
    timeout_s: float,
    stop: Stop | None = None,
) -> Run:
    """Extract an LVS database into a folder; the netlist is a file of arrays, see `exchange.py`.

    Raises ExtractionFailed with the extraction's own message, else with what ended it: time, memory, a signal; Interrupted when `stop` is set.
    """
    folder.mkdir(parents=True, exist_ok=True)
    out, log = folder / ARRAYS, folder / LOG
    for left in (out, folder / FILE):
        left.unlink(missing_ok=True)
    settings = {
        "database": str(database.resolve()),
        "technology": str(native.technology.resolve()),
        "library": str(native.library.resolve()),
        "mode": mode,
        "sidewall": sidewall,
    }
    write_json(folder / SETTINGS, settings)
    # This package, for the child: it need not be installed where Python looks by itself.
    environ = clean_environment(
        folder.resolve(), PYTHONIOENCODING="utf-8", PYTHONPATH=str(Path(__file__).absolute().parents[4])
    )
    command = [sys.executable, "-m", "nonideal.circuits.extraction.parasitics", SETTINGS]
    ended = supervise(command, folder, log, timeout_s, environ=environ, stop=stop)
    if ended.timed_out:
        raise ExtractionFailed(f"the extraction was not done after {timeout_s:g} s", log)
    if ended.limit is not None:
        raise ExtractionFailed(f"the extraction: {ended.limit}", log)
    if ended.code == REFUSED:
        raise ExtractionFailed(log_tail(log), log)
    if ended.code != 0 or not out.is_file():
        what = f"ended with code {ended.code}" if ended.code else "wrote nothing"
        raise ExtractionFailed(with_tail(f"the extraction {what}", log), log)
    return Run(out, log, ended.seconds_cpu, ended.seconds_wall)
