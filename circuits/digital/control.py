"""What the digital side does: control lines in clocks, the configuration register, and the pins of the tile that it is on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from nonideal.circuits.cells.port import VDD
from nonideal.circuits.design import Timing
from nonideal.circuits.digital.errors import DigitalError
from nonideal.circuits.generator.generator import Generator
from nonideal.circuits.generator.loop import EARLY, LATE, START
from nonideal.circuits.generator.timing import loop_spans
from nonideal.circuits.network.timeline import Timeline

DIRECT = "direct"
WITH_COMPLEMENT = ("reset", "iso")
PINS = 8
"""Of each of the tile's digital groups: ui_in, uo_out, uio_in, uio_out, uio_oe."""
MOST_HIDDEN = 32
"""Neurons of the first layer, where none of them has a pin."""
SERIAL_DATA, SERIAL_CLOCK, GO = 5, 6, 7
"""Of ui_in, behind the spikes of inputs."""
TIMES, DONE, REGISTER_OUT = 5, 6, 7
"""Of uo_out, behind the spikes of outputs."""
TAPS = {3: (3, 2), 4: (4, 3), 5: (5, 3), 6: (6, 5), 7: (7, 6), 9: (9, 5), 10: (10, 7), 11: (11, 9)}
"""Bits of a counter -> bits from 1 whose feedback gives it all states but one."""
PARTS = ("line", "synchroniser", "rise", "time_counter")


def part_text(name: str) -> str:
    """The Verilog of a part that the control is made of."""
    return files(__package__).joinpath("verilog", f"{name}.v").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Control:
    """The digital side of a network of ``layers`` (inputs first), its lines high in ``spans`` (start, end) of half clocks.

    ``register`` are the bits of the configuration with what a reset gives them, the one that is sent last first. ``bias``: the last input is
    no pin; it rises as the first phase begins. Where inputs take uio_in too, there are no direct pins, and hidden spikes are not seen. Raises
    ``DigitalError`` for layers that the tile has no pins for.
    """

    layers: tuple[int, ...]
    spans: Mapping[str, tuple[int, int]]
    stop: int
    register: Mapping[str, bool]
    clock_s: float
    bias: bool = False

    def __post_init__(self) -> None:
        _check_layers(self.layers, self.bias)
        if self.counter_bits not in TAPS:
            raise DigitalError(
                f"a phase of {self.window} clocks takes a counter of {self.counter_bits} bits, which has no feedback here "
                f"({', '.join(map(str, TAPS))} have): take another clock"
            )

    @classmethod
    def of(
        cls,
        layers: tuple[int, ...],
        generator: Generator,
        timing: Timing,
        clock_s: float,
        *,
        bias: bool = False,
    ) -> Control:
        """The control of a network and its generator. Raises ``DigitalError`` for times that are no multiples of half a clock."""
        _check_layers(layers, bias)
        if not 0 < clock_s < math.inf:
            raise DigitalError(f"a clock of {clock_s} s: give a period above 0")
        timeline = Timeline(timing, len(layers) - 1)
        spans_s = timeline.spans() | loop_spans(generator.sizes, timing)
        if bias:
            spans_s[f"in_{layers[0] - 1}"] = (timeline.firing_s(0), spans_s["phase_0"][1])
        spans = {
            line: (_halves(f"start of {line}", start, clock_s), _halves(f"end of {line}", end, clock_s))
            for line, (start, end) in spans_s.items()
        }
        trims = {net: rail == VDD for net, rail in generator.trim_levels().items()}
        stop = -(-_halves("end of an inference", timeline.stop_s, clock_s) // 2)
        direct = {} if _on_both(layers, bias) else {DIRECT: False}
        return cls(layers, spans, stop, trims | {START: False} | direct, clock_s, bias)

    @property
    def depth(self) -> int:
        """Layers of neurons."""
        return len(self.layers) - 1

    @property
    def input_pins(self) -> tuple[str, ...]:
        """The pins of the inputs, in order; a bias that is made here has none."""
        pins = [f"ui_in[{j}]" for j in range(SERIAL_DATA)] + [f"uio_in[{j}]" for j in range(PINS)]
        return tuple(pins[: self.layers[0] - self.bias])

    @property
    def on_both(self) -> bool:
        """Whether inputs take uio_in too."""
        return _on_both(self.layers, self.bias)

    @property
    def hidden_pins(self) -> tuple[str, ...]:
        """The pins that the first layer's spikes are seen on."""
        return () if self.on_both else tuple(f"uio_out[{k}]" for k in range(self.layers[1]))

    @property
    def window(self) -> int:
        """Clocks in which an output's spike is counted: how long its phase is high, rounded up."""
        start, end = self.spans[f"phase_{self.depth}"]
        return -(-(end - start) // 2)

    @property
    def counter_bits(self) -> int:
        """Bits of a counter of spike times: all states but one are counted."""
        return (self.window + 1).bit_length()

    @property
    def direct_pins(self) -> tuple[str, ...]:
        """The control lines on uio_in, in order, while the bit ``direct`` is set; all layers are reset as one, ramp is made of phase_1 and late."""
        if self.on_both:
            return ()
        depth = range(1, self.depth + 1)
        return (
            *(f"phase_{layer}" for layer in range(self.depth + 1)),
            "reset",
            *(f"iso_{layer}" for layer in depth),
            EARLY,
            LATE,
        )

    @property
    def outputs(self) -> tuple[str, ...]:
        """Ports towards the network and its generator that the control drives."""
        lines: list[str] = [f"in_{j}" for j in range(len(self.input_pins))]
        for line in self.spans:
            kind, _, layer = line.partition("_")
            lines += [line, f"{kind}_b_{layer}"] if kind in WITH_COMPLEMENT else [line]
        return (*lines, *(bit for bit in self.register if bit != DIRECT))

    @property
    def spikes(self) -> tuple[str, ...]:
        """Ports that the neurons drive."""
        return tuple(
            f"spike_{layer}_{k}" for layer in range(1, self.depth + 1) for k in range(self.layers[layer])
        )

    def count_of(self, code: int) -> int:
        """Whole clocks from the beginning of the phase until the spike, from a counter as it is read, first bit highest; ``window``: no spike.

        Raises ``DigitalError`` for a code that no counter holds.
        """
        state, bits = 0, self.counter_bits
        for count in range(1 << bits):
            if state == code:
                return count
            fed = sum(state >> (tap - 1) & 1 for tap in TAPS[bits]) & 1
            state = (state << 1 | (1 - fed)) & ((1 << bits) - 1)
        raise DigitalError(f"no counter of {bits} bits holds {code:#b}")


def _on_both(layers: tuple[int, ...], bias: bool) -> bool:
    return layers[0] - bias > SERIAL_DATA


def _check_layers(layers: tuple[int, ...], bias: bool) -> None:
    """Raises ``DigitalError`` for layers that the tile has no pins for."""
    inputs = layers[0] - bias
    hidden = MOST_HIDDEN if _on_both(layers, bias) else SERIAL_DATA
    fits = len(layers) == 3 and 1 <= layers[1] <= hidden and 1 <= layers[2] <= SERIAL_DATA
    if not fits or not 1 <= inputs <= SERIAL_DATA + PINS:
        told = "" if bias else "; tapeout.bias_on_tile = true makes the last input on the tile"
        raise DigitalError(
            f"layers {list(layers)}: the pins of a tile are for two layers of neurons, 1 to {SERIAL_DATA} outputs, and 1 to {SERIAL_DATA} inputs and "
            f"hidden neurons, or {SERIAL_DATA + 1} to {SERIAL_DATA + PINS} inputs and up to {MOST_HIDDEN} hidden neurons that have no pins{told}"
        )


def _halves(what: str, time_s: float, clock_s: float) -> int:
    halves = round(2 * time_s / clock_s)
    if abs(halves * clock_s / 2 - time_s) > 1e-3 * clock_s:
        raise DigitalError(
            f"{what}: {time_s * 1e9:g} ns is no multiple of half a clock of {clock_s * 1e9:g} ns: change circuit.timing, or the clock"
        )
    return halves
