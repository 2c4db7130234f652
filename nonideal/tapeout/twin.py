"""A twin of a tile: its Verilog behaviour behind the same digital pins, for what ``bringup.protocol`` does on the shuttle's board."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nonideal.circuits.digital.control import TAPS
from nonideal.circuits.digital.errors import DigitalError, ToolMissing
from nonideal.circuits.network.timeline import Timeline
from nonideal.files import read_text, write_text
from nonideal.spice.process import clean_environment, log_tail, supervise
from nonideal.tapeout.assembly import Chip
from nonideal.tapeout.behaviour import behaviour_text

TIMEOUT_S = 60.0
MOST_POLLS = 1000
GO_CLOCKS = 4
"""From a rise of go to the beginning of the inference: three flip-flops, and one that lines follow by."""
PINS = ("clk", "ena", "rst_n", "ui_in", "uio_in", "uo_out", "uio_out", "uio_oe")


def chip_facts(chip: Chip) -> dict[str, Any]:
    """What ``protocol`` has to know of a chip: ``chip.json``."""
    control = chip.control
    return {
        "top": chip.options.top,
        "layers": list(chip.topology.layers),
        "clock_ns": control.clock_s * 1e9,
        "begin_ns": Timeline(chip.design.timing, chip.topology.depth).firing_s(0) * 1e9,
        "outputs": control.layers[-1],
        "counter_bits": control.counter_bits,
        "taps": list(TAPS[control.counter_bits]),
        "window": control.window,
        "order": list(control.register),
        "register": {name: int(bit) for name, bit in control.register.items()},
        "most_polls": MOST_POLLS,
    }


@dataclass
class Twin:
    """Pins of a simulated tile. What was done to them is kept, and simulated anew whenever a pin is looked at: slow, and simple.

    Raises ``ToolMissing`` without Icarus, ``DigitalError`` where it refuses the model.
    """

    chip: Chip
    now_ns: float = 0.0
    done: list[tuple[float, str, int]] = field(default_factory=list)

    def set(self, name: str, bit: int) -> None:
        self.done.append((self.now_ns, name, bit))

    def wait_ns(self, time_ns: float) -> None:
        self.now_ns += time_ns

    def get(self, name: str) -> int:
        """A pin now; one that is unknown counts as low."""
        return int(self._run(name) == "1")

    def spikes(self, times_ns: Sequence[float | None]) -> None:
        """Go, and every input at its time of the phase; inputs fall with the phase's end."""
        clock_ns = self.chip.control.clock_s * 1e9
        self.now_ns = (
            self.now_ns // clock_ns + 1
        ) * clock_ns - 5.0  # shortly before a rise of the clock, which is at half a period
        self.set("ui_in[7]", 1)
        facts, go_ns = chip_facts(self.chip), self.now_ns
        rise_ns = (go_ns // clock_ns + 0.5) * clock_ns
        rise_ns += clock_ns * (rise_ns < go_ns)
        begin_ns = rise_ns + GO_CLOCKS * clock_ns + facts["begin_ns"]
        end_ns = begin_ns + self.chip.design.timing.t_circ_s * 1e9 + 2 * clock_ns
        for k, at_ns in enumerate(times_ns):
            if at_ns is not None:
                self.done += [(begin_ns + at_ns, f"ui_in[{k}]", 1), (end_ns, f"ui_in[{k}]", 0)]
        self.now_ns = end_ns

    def _run(self, name: str) -> str:
        compiler, runner = shutil.which("iverilog"), shutil.which("vvp")
        if compiler is None or runner is None:
            raise ToolMissing("Icarus Verilog is not installed: apt-get install iverilog")
        with tempfile.TemporaryDirectory(prefix="twin-") as made:
            folder = Path(made)
            write_text(folder / "tile.v", behaviour_text(self.chip))
            write_text(folder / "bench.v", self._bench(name))
            log, environ = folder / "log", clean_environment(folder, PATH=os.environ.get("PATH", ""))
            for command in (
                [compiler, "-g2005", "-s", "bench", "-o", "bench.vvp", "tile.v", "bench.v"],
                [runner, "-n", "bench.vvp"],
            ):
                ended = supervise(command, folder, log, TIMEOUT_S, environ=environ)
                if ended.code != 0 or ended.timed_out:
                    raise DigitalError(f"{Path(command[0]).name} ended with {ended.code}: {log_tail(log, 8)}")
            found = re.search(r"^pin ([01xz])$", read_text(log), re.MULTILINE)
        if found is None:
            raise DigitalError(f"the twin said nothing of {name} at {self.now_ns:g} ns")
        return found[1]

    def _bench(self, name: str) -> str:
        wide = {port: "[7:0] " if port not in PINS[:3] else "" for port in PINS}
        lines = ["`timescale 1ns / 1ps", "module bench;", "    wire VGND, VDPWR; wire [7:0] ua;"]
        lines += [
            f"    {'reg' if port in PINS[:5] else 'wire'} {wide[port]}{port}{' = 0' if port in PINS[:5] else ''};"
            for port in PINS
        ]
        bound = ", ".join(f".{port}({port})" for port in (*PINS, "ua", "VGND", "VDPWR"))
        half_ns = self.chip.control.clock_s * 1e9 / 2
        lines += [
            f"    {self.chip.options.top} dut ({bound});",
            f"    always #{half_ns:g} clk = ~clk;",
            "    initial begin",
        ]
        now_ns = 0.0
        for at_ns, pin, bit in sorted(
            (one for one in self.done if one[0] <= self.now_ns), key=lambda one: one[0]
        ):
            lines.append(f"        #{round(at_ns - now_ns, 6):g} {pin} = {bit};")
            now_ns = at_ns
        lines += [
            f'        #{round(self.now_ns - now_ns, 6):g} $display("pin %b", {name}); $finish;',
            "    end",
            "endmodule",
        ]
        return "\n".join(lines) + "\n"
