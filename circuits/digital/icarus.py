"""Icarus Verilog: compiles sources and runs them, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from nonideal.circuits.digital.errors import ToolFailed, ToolMissing
from nonideal.files import read_text, write_text
from nonideal.spice.process import clean_environment, log_tail, supervise

TIMEOUT_S = 120.0
BENCH = "bench"


def run_bench(sources: str, bench: str, options: Sequence[str] = ()) -> str:
    """What the module ``bench`` of the text of that name says, over these sources; ``options`` are the compiler's.

    Raises ``ToolMissing`` without Icarus, ``ToolFailed`` where it refuses the sources or does not end.
    """
    compiler, runner = shutil.which("iverilog"), shutil.which("vvp")
    if compiler is None or runner is None:
        raise ToolMissing("Icarus Verilog is not installed: sudo apt-get install iverilog")
    with tempfile.TemporaryDirectory(prefix="icarus-") as made:
        folder = Path(made)
        write_text(folder / "sources.v", sources)
        write_text(folder / "bench.v", bench)
        log, environ = folder / "log", clean_environment(folder, PATH=os.environ.get("PATH", ""))
        for command in (
            [compiler, "-g2005", *options, "-s", BENCH, "-o", "bench.vvp", "sources.v", "bench.v"],
            [runner, "-n", "bench.vvp"],
        ):
            ended = supervise(command, folder, log, TIMEOUT_S, environ=environ)
            if ended.code != 0 or ended.timed_out:
                why = f"ran longer than {TIMEOUT_S:g} s" if ended.timed_out else f"ended with {ended.code}"
                raise ToolFailed(f"{Path(command[0]).name} {why}: {log_tail(log, 8)}")
        return read_text(log)
