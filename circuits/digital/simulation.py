"""Verilog simulated by Icarus: the control as it is written, or its cells with the library's own functional models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nonideal.circuits.digital.cells import cell
from nonideal.circuits.digital.control import Control, part_text
from nonideal.circuits.digital.icarus import run_bench
from nonideal.circuits.digital.netlist import Netlist
from nonideal.circuits.digital.verilog_writer import SHUTTLE_IN, TOP, shuttle_out, verilog
from nonideal.files import read_text

Change = tuple[float, str, str]
"""Time in ns, port, Verilog value."""


@dataclass(frozen=True, slots=True)
class Waves:
    """Values (0, 1, x, z) of every port bit over time: (ns, value) of each change, the first at 0."""

    changes: Mapping[str, tuple[tuple[float, str], ...]]

    def at(self, net: str, time_ns: float) -> str:
        """The value of a net at a time."""
        found = "x"
        for time, value in self.changes[net]:
            if time > time_ns:
                break
            found = value
        return found

    def edges(self, net: str, since_ns: float = 0.0) -> list[tuple[float, str]]:
        """Changes of a net after a time."""
        return [one for one in self.changes[net] if one[0] > since_ns]


def as_written(control: Control) -> list[str]:
    """The sources of a simulation of the Verilog as it is written."""
    return [verilog(control), part_text("line_driver")]


def as_cells(netlist: Netlist) -> tuple[list[str], list[Path]]:
    """The sources of a simulation of a netlist, and the folders that they include files from."""
    made = sorted({one.cell for one in netlist.instances})
    cells = [cell(name) for name in made]
    texts = [read_text(one.file(".functional.v")) for one in cells if one.output is not None]
    return [*texts, netlist.verilog()], [one.folder for one in cells]


def simulate(
    control: Control,
    sources: Sequence[str],
    changes: Iterable[Change],
    stop_ns: float,
    folders: Sequence[Path] = (),
) -> Waves:
    """Simulate the control from 0 to ``stop_ns``: its clock runs from half a period on, inputs are 0 until they change.

    Raises ``ToolMissing`` without Icarus, ``ToolFailed`` where it refuses the sources.
    """
    # A flip-flop takes 1 ns: without, a clock that comes through buffers would race with what it moves.
    options = ["-DUNIT_DELAY=#1", *(f"-I{one}" for one in folders)]
    return _read(run_bench("\n".join(sources), _bench(control, changes, stop_ns), options))


def _bench(control: Control, changes: Iterable[Change], stop_ns: float) -> str:
    ins, outs = [*SHUTTLE_IN, *control.spikes], [*shuttle_out(control), *control.outputs]
    wide = {"ui_in", "uio_in", *shuttle_out(control)}
    width = {name: "[7:0] " if name in wide else "" for name in (*ins, *outs)}
    half_ns = control.clock_s * 1e9 / 2
    lines = ["`timescale 1ns / 1ps", "module bench;"]
    lines += [f"    reg {width[name]}{name} = 0;" for name in ins]
    lines += [f"    wire {width[name]}{name};" for name in outs]
    lines.append(f"    {TOP} dut ({', '.join(f'.{name}({name})' for name in (*ins, *outs))});")
    lines.append(f"    always #{half_ns:g} clk = ~clk;")
    for name in outs:
        bits = [f"{name}[{index}]" for index in range(8)] if name in wide else [name]
        lines += [f'    always @({bit}) $display("%.3f {bit} %b", $realtime, {bit});' for bit in bits]
    now, steps = 0.0, []
    for time, port, value in sorted(changes, key=lambda one: one[0]):
        steps.append(f"        #{round(time - now, 6):g} {port} = {value};")
        now = time
    lines += ["    initial begin", *steps, "    end", f"    initial #{stop_ns:g} $finish;", "endmodule"]
    return "\n".join(lines) + "\n"


def _read(text: str) -> Waves:
    found: dict[str, list[tuple[float, str]]] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[2] in ("0", "1", "x", "z"):
            found.setdefault(words[1], []).append((float(words[0]), words[2]))
    return Waves({net: tuple(values) for net, values in found.items()})
