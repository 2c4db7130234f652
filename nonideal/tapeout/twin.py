"""A twin of a tile: its Verilog behaviour behind the same digital pins, for what ``bringup.protocol`` does on the shuttle's board."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nonideal.circuits.digital.control import TAPS
from nonideal.circuits.digital.errors import DigitalError
from nonideal.circuits.digital.icarus import run_bench
from nonideal.circuits.network.timeline import Timeline
from nonideal.tapeout.assembly import Chip
from nonideal.tapeout.behaviour import behaviour_text

MOST_POLLS = 1000
GO_CLOCKS = 3
"""From the clock that first sees go to the one at which the inference begins: two more flip-flops, and one that lines follow by."""
Edge = tuple[float, str, int]
"""Time in ns, pin, bit."""
_CHANGE = re.compile(r"^([0-9.]+) (\S+) ([01xz])$", re.MULTILINE)
PINS = ("clk", "ena", "rst_n", "ui_in", "uio_in", "uo_out", "uio_out", "uio_oe")


def chip_facts(chip: Chip) -> dict[str, Any]:
    """What ``protocol`` has to know of a chip: ``chip.json``."""
    control = chip.control
    return {
        "top": chip.options.top,
        "layers": list(chip.topology.layers),
        "clock_ns": control.clock_s * 1e9,
        "begin_ns": Timeline(chip.design.timing, chip.topology.depth).firing_s(0) * 1e9,
        "input_pins": list(control.input_pins),
        "outputs": control.layers[-1],
        "counter_bits": control.counter_bits,
        "taps": list(TAPS[control.counter_bits]),
        "window": control.window,
        "order": list(control.register),
        "register": {name: int(bit) for name, bit in control.register.items()},
        "most_polls": MOST_POLLS,
    }


@dataclass
class Script:
    """Input pins of a tile, as ``bringup.protocol`` speaks to them: what was done is kept in ``done``, (ns, pin, bit). It has no outputs.

    ``begin_ns``: when the last inference began.
    """

    chip: Chip
    now_ns: float = 0.0
    done: list[Edge] = field(default_factory=list)
    begin_ns: float = 0.0

    def set(self, name: str, bit: int) -> None:
        self.done.append((self.now_ns, name, bit))

    def wait_ns(self, time_ns: float) -> None:
        self.now_ns += time_ns

    def spikes(self, times_ns: Sequence[float | None]) -> None:
        """Go, and every input that has a pin at its time of the phase; inputs fall with the phase's end."""
        clock_ns = self.chip.control.clock_s * 1e9
        # Away from the clock's rises, which are at half a period.
        self.now_ns = (self.now_ns // clock_ns + 1) * clock_ns - clock_ns / 4
        self.set("ui_in[7]", 1)
        rise_ns = (self.now_ns // clock_ns + 0.5) * clock_ns
        rise_ns += clock_ns * (rise_ns < self.now_ns)
        self.begin_ns = rise_ns + GO_CLOCKS * clock_ns
        begin_ns = self.begin_ns + chip_facts(self.chip)["begin_ns"]
        end_ns = begin_ns + self.chip.design.timing.t_circ_s * 1e9 + 2 * clock_ns
        for pin, at_ns in zip(self.chip.control.input_pins, times_ns, strict=False):
            if at_ns is not None:
                self.done += [(begin_ns + at_ns, pin, 1), (end_ns, pin, 0)]
        self.now_ns = end_ns


@dataclass
class Twin(Script):
    """Pins of a simulated tile. What was done to them is simulated anew whenever a pin is looked at: slow, and simple.

    Raises ``ToolMissing`` without Icarus, ``ToolFailed`` where it refuses the model.
    """

    def get(self, name: str) -> int:
        """A pin now; one that is unknown counts as low."""
        return int(self._run(name) == "1")

    def edges(self, pins: Sequence[str]) -> list[Edge]:
        """Every change of these pins until now, in order; what is unknown counts as low."""
        found = [
            (float(at), pin, int(bit == "1"))
            for at, pin, bit in _CHANGE.findall(self._said(self._bench(pins)))
        ]
        return sorted(found, key=lambda one: one[0])

    def _run(self, name: str) -> str:
        found = re.search(r"^pin ([01xz])$", self._said(self._bench((), name)), re.MULTILINE)
        if found is None:
            raise DigitalError(f"the twin said nothing of {name} at {self.now_ns:g} ns")
        return found[1]

    def _said(self, bench: str) -> str:
        """What the simulation of a bench prints."""
        return run_bench(behaviour_text(self.chip), bench)

    def _bench(self, watched: Sequence[str], asked: str = "clk") -> str:
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
            *(f'    always @({pin}) $display("%.3f {pin} %b", $realtime, {pin});' for pin in watched),
            "    initial begin",
        ]
        now_ns = 0.0
        for at_ns, pin, bit in sorted(
            (one for one in self.done if one[0] <= self.now_ns), key=lambda one: one[0]
        ):
            lines.append(f"        #{round(at_ns - now_ns, 6):g} {pin} = {bit};")
            now_ns = at_ns
        lines += [
            f'        #{round(self.now_ns - now_ns, 6):g} $display("pin %b", {asked}); $finish;',
            "    end",
            "endmodule",
        ]
        return "\n".join(lines) + "\n"
