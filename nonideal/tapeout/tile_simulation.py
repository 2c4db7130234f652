"""An extracted tile run in SPICE through its digital pins.

Network and generator are simulated as they were extracted; the digital side, which only listens to them, is its Verilog in Icarus. What is
done to the pins makes the control lines and inputs (Icarus), those make spikes (ngspice), and the digital side hears the spikes (Icarus,
``nonideal.tapeout.spice_twin``). The loop's control voltage is found first: one ramp of the replica at a time, until it fires as its phase
ends; the generator is simulated for that with all neurons, which nothing reaches. What its lines stand at then is what the model is told. The
first sample says when the replica fired in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.workbench import Workbench
from nonideal.circuits.digital.simulation import as_written, simulate
from nonideal.circuits.extraction.netlist import Netlist
from nonideal.circuits.generator.generator import line_net
from nonideal.circuits.generator.loop import RAMP
from nonideal.circuits.network.testbench import first_rise_s
from nonideal.circuits.network.timeline import Timeline
from nonideal.circuits.network.wave import Wave
from nonideal.sky130_models import lean_library
from nonideal.spice import Result
from nonideal.tapeout.assembly import Chip
from nonideal.tapeout.bringup import protocol
from nonideal.tapeout.errors import TapeoutError
from nonideal.tapeout.sides import LOOP, SUPPLY_CURRENT, Side, levels
from nonideal.tapeout.twin import Script, chip_facts

Array = NDArray[np.float64]
BEFORE_S = 20e-9
"""How long before an inference begins the network's simulation does."""
FIRST_V, SLOPE_V_PER_S = 0.9074, -2.75e5
"""Where the search of the control voltage begins, and by how much it makes the replica earlier: of the tile of docs/how-to/tapeout.md."""
WITHIN_S, MOST_TRIES = 0.5e-9, 6
_FET_MODEL = re.compile(r"^\.model\s+\S+\s+[np]mos\b", re.MULTILINE | re.IGNORECASE)
_BODY_NETWORK = re.compile(r"\brbodymod=1(?:\.0*)?(?![\d.])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TileBench:
    """Network and generator of a chip's tile, the generator by itself, and what both are simulated with; decks and logs go to ``folder``."""

    side: Side
    alone: Side
    bench: Workbench
    folder: Path

    @classmethod
    def of(cls, chip: Chip, extracted: Netlist, bench: Workbench, folder: Path) -> TileBench:
        """Of the tile's extraction. Raises ``TapeoutError`` for a netlist that is no tile."""

        def models(text: str) -> str:
            return without_body_network(lean_library(bench.pdk, bench.corner, text))

        return cls(
            Side.analog(chip, extracted, models), Side.generator(chip, extracted, models), bench, folder
        )

    @property
    def chip(self) -> Chip:
        return self.side.chip

    @property
    def timeline(self) -> Timeline:
        return Timeline(self.chip.design.timing, self.chip.topology.depth)


def spike_vectors(side: Side) -> dict[str, str]:
    """Spikes, phases, and what ``loop_vectors`` names."""
    control, depth = side.chip.control, side.chip.topology.depth
    phases = (f"phase_{layer}" for layer in range(1, depth + 1))
    return {net: side.vector(net) for net in (*control.spikes, *phases)} | loop_vectors(side)


def loop_vectors(side: Side) -> dict[str, str]:
    """Gate lines, the replica's phase, and the loop."""
    pins = {use.name: pin for pin, use in side.chip.pinning.uses.items()}
    lines = (line_net(*one) for one in side.chip.generator.lines)
    found = {RAMP: side.vector(RAMP)} | {net: side.vector(pins[net]) for net in lines}
    return found | {name: side.vector(net) for name, net in LOOP.items()}


def without_body_network(models: str) -> str:
    """A library whose FETs have one body node each, not four: three nodes fewer a FET to solve for.

    What the resistors between them do is over in picoseconds. Raises ``TapeoutError`` for a library whose FETs are told otherwise: they would
    keep the nodes that nobody reckons with.
    """
    fets = len(_FET_MODEL.findall(models))
    found, count = _BODY_NETWORK.subn("rbodymod=0", models)
    if count != fets:
        raise TapeoutError(
            f"the device library has {fets} FET models and {count} body networks (rbodymod=1): is it a PDK that tells them otherwise?"
        )
    return found


def script_of(chip: Chip, spike_time_norm: Sequence[float]) -> Script:
    """What is done to the pins of a tile that is reset and infers once: a sample [inputs] in T_circ, 1 or more for no spike."""
    script = Script(chip)
    protocol.reset(script, chip_facts(chip))
    t_circ_ns = chip.design.timing.t_circ_s * 1e9
    script.spikes([at * t_circ_ns if at < 1.0 else None for at in spike_time_norm])
    return script


def driven(side: Side, spike_time_norm: Sequence[float], stop_s: float) -> dict[str, str]:
    """What the digital side drives in an inference of a sample, by net: waveforms from ``BEFORE_S`` before it begins, ``stop_s`` long.

    Its Verilog in Icarus, with edges of ``sides.EDGE_S``. Raises ``ToolMissing`` without it.
    """
    chip = side.chip
    script = script_of(chip, spike_time_norm)
    from_ns = script.begin_ns - BEFORE_S * 1e9
    changes = [(at, pin, str(bit)) for at, pin, bit in script.done]
    waves = simulate(chip.control, as_written(chip.control), changes, from_ns + stop_s * 1e9)
    found = {}
    for net in side.half.driven:
        edges = [(0.0, int(waves.at(net, from_ns) == "1"))]
        edges += [(at_ns - from_ns, int(bit == "1")) for at_ns, bit in waves.edges(net, from_ns)]
        found[net] = levels(edges, chip.design.supplies.vdd_V)
    return found


@dataclass(frozen=True, slots=True)
class Inference:
    """One inference of network and generator: by layer the spike times [neurons], s from the rise of their phase's line, infinity for none.

    ``replica_s``: from the rise of its own phase. ``control_V`` at the start and at the end; ``bias_V`` at the start, and the supply's current
    then. ``edges_s``: by spike net its edges (s, bit), counted from the inference's beginning. ``cpu_s``: what it took. ``lines``: what gate
    lines, ``vdis`` and ``vsense`` did, V, on the same clock.
    """

    spikes_s: tuple[Array, ...]
    replica_s: float
    control_V: tuple[float, float]
    bias_V: Mapping[str, float]
    edges_s: Mapping[str, tuple[tuple[float, int], ...]]
    supply_A: float
    cpu_s: float
    lines: Mapping[str, Wave] = field(default_factory=dict)


def infer(
    bench: TileBench, samples: Mapping[str, Sequence[float]], control_V: float, side: Side | None = None
) -> list[Inference]:
    """These samples by name, [inputs] in T_circ, each from the operating point at this control voltage, on ``bench.side`` unless told.

    Raises ``CharacterizationFailed``.
    """
    side = side or bench.side
    vectors, stop_s = spike_vectors(side), BEFORE_S + bench.timeline.stop_s
    decks = [
        side.deck(
            name,
            driven(side, sample, stop_s),
            vectors,
            stop_s,
            bench.bench.simulator,
            {"control": control_V},
        )
        for name, sample in samples.items()
    ]
    results = bench.bench.run_decks(decks, bench.folder)
    return [read(bench.chip, result, vectors) for result in results]


def read(chip: Chip, result: Result, vectors: Mapping[str, str]) -> Inference:
    """Of a result of ``infer``."""
    axis, half_V = np.asarray(result.axis, float), chip.design.supplies.vdd_V / 2

    def wave(name: str) -> Array:
        return np.asarray(result[vectors[name]], float)

    def rise_s(name: str, since_s: float = 0.0) -> float:
        after = axis >= since_s
        return first_rise_s(axis[after], wave(name)[after], half_V)

    spikes = []
    for layer in range(1, chip.topology.depth + 1):
        begin_s = rise_s(f"phase_{layer}")
        nets = [chip.topology.spike(layer, k) for k in range(chip.topology.layers[layer])]
        times = np.array([rise_s(net, begin_s - BEFORE_S) for net in nets]) - begin_s
        spikes.append(np.maximum(times, 0.0))
    control = wave("control")
    lines = [*(line_net(*one) for one in chip.generator.lines), "vdis", "vsense"]
    ramp_s = rise_s(RAMP)
    return Inference(
        tuple(spikes),
        rise_s("replica", ramp_s) - ramp_s,
        (float(control[0]), float(control[-1])),
        {name: float(wave(name)[0]) for name in lines},
        {chip_net: tuple(crossings_s(axis - BEFORE_S, wave(chip_net), half_V)) for chip_net in chip.control.spikes},
        -float(np.asarray(result[SUPPLY_CURRENT], float)[0]),
        result.seconds_cpu,
        {name: Wave(axis - BEFORE_S, wave(name)) for name in lines},
    )  # fmt: skip


def crossings_s(time_s: Array, wave_V: Array, level_V: float) -> Iterator[tuple[float, int]]:
    """(s, bit) of every crossing of a level."""
    high = wave_V > level_V
    for i in np.flatnonzero(high[1:] != high[:-1]):
        part = (level_V - wave_V[i]) / (wave_V[i + 1] - wave_V[i])
        yield float(time_s[i] + part * (time_s[i + 1] - time_s[i])), int(high[i + 1])


@dataclass(frozen=True, slots=True)
class Settled:
    """Where the loop holds its replica: the control voltages that were tried, how late after its phase's end the replica fired at each, and what
    else there was then: inferences that nothing reaches, without crossbars.
    """

    tried_V: tuple[float, ...]
    late_s: tuple[float, ...]
    inferences: tuple[Inference, ...]

    @property
    def nearest(self) -> int:
        """Which of them was nearest."""
        return int(np.argmin(np.abs(self.late_s)))

    @property
    def control_V(self) -> float:
        """The one at which it was nearest."""
        return self.tried_V[self.nearest]

    @property
    def silent(self) -> Inference:
        """The inference there: what the lines do in each."""
        return self.inferences[self.nearest]


def settle(bench: TileBench) -> Settled:
    """The control voltage at which the replica fires as its phase ends, by secant, an inference of generator and silent neurons each.

    Raises ``TapeoutError`` where it is not found, ``CharacterizationFailed``.
    """
    timing, nothing = bench.chip.design.timing, [1.0] * bench.chip.topology.layers[0]
    tried, late, found = [FIRST_V], list[float](), list[Inference]()
    while True:
        found += infer(bench, {f"settle_{len(late)}": nothing}, tried[-1], bench.alone)
        late.append(min(found[-1].replica_s - timing.t_circ_s, timing.guard_s))
        if abs(late[-1]) <= WITHIN_S:
            return Settled(tuple(tried), tuple(late), tuple(found))
        if len(late) == MOST_TRIES:
            told = ", ".join(f"{v:.4f} V {1e9 * s:+.1f} ns" for v, s in zip(tried, late, strict=True))
            raise TapeoutError(f"the generator's replica was not made to fire as its phase ends: {told}")
        tried.append(next_V(tried, late, timing.guard_s))


def next_V(tried_V: Sequence[float], late_s: Sequence[float], most_s: float) -> float:
    """The next control voltage, from those that were tried and how late the replica was: ``most_s`` where it did not fire at all.

    Of two that fired a line is drawn, else the slope is the one that is known.
    """
    slope, fired = SLOPE_V_PER_S, [late < 0.9 * most_s for late in late_s[-2:]]
    if len(fired) > 1 and all(fired) and late_s[-1] != late_s[-2]:
        slope = (tried_V[-1] - tried_V[-2]) / (late_s[-1] - late_s[-2])
    return tried_V[-1] - slope * late_s[-1]
