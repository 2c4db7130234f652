"""What the bias generator does in a condition: how its loop settles, and what its lines then make units, dischargers and neurons do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.condition import Condition
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.generator_bench import HELD, QUIET_S, REPLICA, SPIKE_S, GeneratorBench
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.cells.leaf_cells import cells_text
from nonideal.circuits.design import Design, Supplies
from nonideal.circuits.network.testbench import first_rise_s
from nonideal.sky130_models import Corner, lean_library
from nonideal.spice import Deck, Result

Array = NDArray[np.float64]
INFERENCES = 24
SETTLED_S = 2e-9
"""The loop counts as settled from when its replica stays so near to its target."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The generator after some inferences with its loop closed.

    ``replica_s`` and ``silent_s`` [inferences]: spike times of the replica, and of a neuron that nothing reaches, infinity for none.
    ``control_V`` [inferences] at their starts. ``current_A``: of a unit of either polarity (``n``, ``p``) and of a discharger (``dis``), each
    at the reset level; ``static_A``: what the supply gives while nothing moves, the reference included; ``bias_V``: lines, at the end.
    """

    replica_s: Array
    silent_s: Array
    control_V: Array
    current_A: Mapping[str, float]
    static_A: float
    bias_V: Mapping[str, float]
    target_s: float

    @property
    def inferences(self) -> int | None:
        """After how many the replica stays within ``SETTLED_S`` of its target; None where it does not."""
        away = np.flatnonzero(~(np.abs(self.replica_s - self.target_s) <= SETTLED_S))
        after = 0 if not len(away) else int(away[-1]) + 1
        return after if after < len(self.replica_s) else None

    def ratio(self, polarity: str) -> float:
        """Current of a unit against that of a discharger: what of a weight is left of the common current."""
        return self.current_A[polarity] / self.current_A["dis"]


def deck(
    bench: Workbench,
    made: GeneratorBench,
    name: str,
    body: tuple[str, tuple[str, ...], float | None],
    generator: str | None = None,
) -> Deck:
    """A complete deck of a bench of the generator, at the workbench's corner and the design's temperature.

    ``generator``: the text of its cells where it is another than the drawn one, for this deck alone.
    """
    text, vectors, stop_s = body
    drawn = made.generator.text()
    cells = cells_text(made.design) + "\n" + (generator or drawn)
    file = "generator.spice" if generator is None else f"generator_{name}.spice"
    models, simulator = f"models_{bench.corner.value}.spice", replace(
        bench.simulator, temperature_C=made.design.supplies.temperature_C
    )  # fmt: skip
    lines = [
        f"* {name}",
        f".include {models}",
        f".include {file}",
        text.replace(".title ", "* ", 1),
        simulator.lines() + ("" if stop_s is None else simulator.tran(stop_s)) + ".end",
    ]
    includes = {models: lean_library(bench.pdk, bench.corner, cells), file: cells}
    return Deck(name, "\n".join(lines) + "\n", includes, vectors, stop_s)


def settle(
    bench: Workbench,
    made: GeneratorBench,
    folder: Path,
    *,
    count: int = INFERENCES,
    control_V: float | None = None,
    name: str = "settle",
) -> Settled:
    """So many inferences from the loop's reset, or from a control voltage. Raises ``CharacterizationFailed``."""
    body = made.inferences(count, control_V)
    (result,) = bench.run_decks([deck(bench, made, name, body)], folder)
    return read_settled(result, made, count)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A condition and a supply; the reset level follows the supply (``nonideal.circuits.design.Supplies``)."""

    condition: Condition
    vdd_V: float

    @property
    def name(self) -> str:
        """For files."""
        return f"{self.condition.name}_{1000 * self.vdd_V:.0f}mV"

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.condition.label}, {self.vdd_V:.2f} V"

    def design(self, design: Design) -> Design:
        """``design`` there; what follows the supply is found anew."""
        supplies = Supplies(vdd_V=self.vdd_V, temperature_C=self.condition.temperature_C)
        return design.model_copy(update={"supplies": supplies})


HOME = Surroundings(Condition(Corner.tt, 27.0), 1.8)
TEMPERATURES_C = (-40.0, 27.0, 85.0, 125.0)
FETS = (Corner.tt, Corner.ff, Corner.ss, Corner.sf, Corner.fs)
CAPACITORS = (Corner.ll, Corner.lh, Corner.hl, Corner.hh)
"""Corners of wires and MIM capacitors."""


def everywhere() -> list[Surroundings]:
    """Home first; five corners at four temperatures; the supply a tenth off at home and where it hurts most; corners of capacitors."""
    many = [Surroundings(Condition(corner, t), 1.8) for corner in FETS for t in TEMPERATURES_C]
    many += [Surroundings(HOME.condition, volts) for volts in (1.62, 1.98)]
    many += [Surroundings(Condition(Corner.ss, -40.0), 1.62), Surroundings(Condition(Corner.ff, 125.0), 1.98)]
    many += [Surroundings(Condition(corner, 27.0), 1.8) for corner in CAPACITORS]
    return list(dict.fromkeys([HOME, *many]))


def survey(
    bench: Workbench,
    made: GeneratorBench,
    places: Sequence[Surroundings],
    folder: Path,
    *,
    count: int = INFERENCES,
) -> list[Settled]:
    """``settle`` in every place, from the loop's reset. Raises ``CharacterizationFailed``."""
    benches = [replace(made, design=place.design(made.design)) for place in places]
    decks = [
        deck(bench.at(place.condition.corner), one, place.name.replace("-", "m"), one.inferences(count))
        for place, one in zip(places, benches, strict=True)
    ]
    results = bench.run_decks(decks, folder)
    return [read_settled(result, one, count) for result, one in zip(results, benches, strict=True)]


def open_loop(
    bench: Workbench, made: GeneratorBench, places: Sequence[Surroundings], folder: Path
) -> list[Mapping[str, float]]:
    """Currents (A) in every place with the loop in its reset, mirrors alone: of a unit (``n``, ``p``) and of a discharger (``dis``).

    Raises ``CharacterizationFailed``.
    """
    benches = [replace(made, design=place.design(made.design)) for place in places]
    decks = [
        deck(bench.at(place.condition.corner), one, place.name.replace("-", "m"), one.static())
        for place, one in zip(places, benches, strict=True)
    ]
    units = made.units()
    return [
        {
            key: abs(float(np.asarray(result[f"i(v{source})"], float)[-1])) / units.get(key, 1)
            for key, source in HELD.items()
        }
        for result in bench.run_decks(decks, folder)
    ]


def read_settled(result: Result, made: GeneratorBench, count: int) -> Settled:
    """Of a result of ``GeneratorBench.inferences``."""
    axis, design, period_s = result.axis, made.design, made.period_s
    starts = period_s * np.arange(count)

    def spikes(vector: str) -> Array:
        wave, half_V = np.asarray(result[vector], float), design.supplies.vdd_V / 2
        times = []
        for begin in starts + made.firing_s:
            inside = (axis >= begin) & (axis <= begin + period_s - made.firing_s)
            times.append(first_rise_s(axis[inside], wave[inside], half_V) - begin)
        return np.array(times)

    def at(vector: str, when_s: float) -> float:
        return float(np.interp(when_s, axis, np.asarray(result[vector], float)))

    # In the middle of the last accumulation nothing moves.
    quiet_s = float(starts[-1]) + made.firing_s - design.timing.guard_s - design.timing.t_circ_s / 2
    units = made.units()
    return Settled(
        replica_s=spikes(REPLICA),
        silent_s=spikes("v(spike)"),
        control_V=np.interp(starts + design.timing.reset_s, axis, np.asarray(result[made.node("control")], float)),
        current_A={
            key: abs(at(f"i(v{source})", quiet_s)) / units.get(key, 1) for key, source in HELD.items()
        },
        static_A=-at("i(vdd)", quiet_s),
        bias_V={
            net: at(f"v({net})", quiet_s) for net in ("vdis", "vsense", *made.line_nets())
        } | {net: at(made.node(net), quiet_s) for net in ("control", "middle")},
        target_s=made.target_norm * design.timing.t_circ_s,
    )  # fmt: skip


def check_settled(settled: Settled, within_s: float) -> None:
    """Raises ``FitRefused`` where the replica is further from its target at the end."""
    error_s = float(settled.replica_s[-1]) - settled.target_s
    if not abs(error_s) <= within_s:
        raise FitRefused(
            f"the generator's loop has not settled after {len(settled.replica_s)} inferences: its replica fires {1e9 * error_s:+.1f} ns from "
            f"{1e9 * settled.target_s:.0f} ns, with the control voltage at {settled.bias_V['control']:.3f} V and its middle at "
            f"{settled.bias_V['middle']:.3f} V",
            ("lower", "circuit.generator.fixed_legs"),
            ("raise", "circuit.generator.steered_legs"),
        )


@dataclass(frozen=True, slots=True)
class Kick:
    """What a spike does to a line: its ``units`` conduct from ``begin_s`` on, and the current of a unit that goes on is watched.

    ``moved_s`` [time]: by how much the charge of that unit runs ahead, in seconds of its own current; what the spikes of other axons do to
    the effect of one.
    """

    time_s: Array
    moved_s: Array
    units: int

    def after_s(self, since_s: float) -> float:
        """``moved_s`` so long after the spike's edge."""
        return float(np.interp(since_s, self.time_s, self.moved_s))


def kick(
    bench: Workbench, made: GeneratorBench, polarity: str, codes: Sequence[int], folder: Path, *, name: str = "kick"
) -> Kick:  # fmt: skip
    """A spike of synapses of these codes. Raises ``CharacterizationFailed``."""
    body = made.kick(polarity, codes)
    (result,) = bench.run_decks([deck(bench, made, name, body)], folder)
    time_s = np.asarray(result.axis, float) - QUIET_S
    current = np.abs(np.asarray(result[f"i(v{HELD[polarity]})"], float))
    still_A = float(np.interp(-QUIET_S / 4, time_s, current))
    away = current / still_A - 1.0
    moved = np.concatenate([[0.0], np.cumsum(0.5 * (away[1:] + away[:-1]) * np.diff(time_s))])
    moved -= np.interp(-QUIET_S / 4, time_s, moved)
    spiking = (time_s >= 0) & (time_s <= SPIKE_S)
    return Kick(time_s[spiking], moved[spiking], int(sum(codes)))


START_S = 8e-3
WITHIN = 0.01
"""A start is over when every current stays within this part of its end."""


def start_up_s(
    bench: Workbench, made: GeneratorBench, folder: Path, *, stop_s: float = START_S, name: str = "start"
) -> Mapping[str, float]:  # fmt: skip
    """By unit (``n``, ``p``) and discharger (``dis``): when its current stays within ``WITHIN`` of its end, s after supplies begin to rise.

    Raises ``CharacterizationFailed``; ``FitRefused`` where a current still moves in the last fifth.
    """
    slow = replace(bench, simulator=replace(bench.simulator, max_step_s=stop_s / 2000))
    (result,) = slow.run_decks([deck(slow, made, name, made.start(stop_s))], folder)
    settled = {}
    for key, source in HELD.items():
        current = np.abs(np.asarray(result[f"i(v{source})"], float))
        away = np.flatnonzero(np.abs(current / current[-1] - 1.0) > WITHIN)
        settled[key] = float(result.axis[away[-1]]) if len(away) else 0.0
        if settled[key] > 0.8 * stop_s:
            raise FitRefused(
                f"the generator's {key} current still moves {1e3 * settled[key]:.3g} ms after the start: give it longer than {1e3 * stop_s:.3g} ms",
                ("lower", "circuit.generator.line_capacitor_F"),
            )
    return settled
