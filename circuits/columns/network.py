"""A network cut into columns with its weights in place: what each column draws, its share of the rails, and its decks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.columns.cut import Cut, Piece, Place, beside
from nonideal.circuits.columns.deck import Bench, input_wave, operating_point, transient
from nonideal.circuits.columns.rails import Rail, Share, share
from nonideal.circuits.columns.wave import Wave, mean, steps
from nonideal.spice import Deck, Result, SimulatorOptions

Array = NDArray[np.float64]


def coarse(simulator: SimulatorOptions) -> SimulatorOptions:
    """Settings of the pass that finds what neighbours do: a membrane to a millivolt, its coupling to the next one to microvolts.

    Its steps are long, and would ring under the trapezoidal rule.
    """
    return replace(simulator, method="gear", reltol=1e-3, chgtol_C=1e-14, max_step_s=40e-9)


LEVEL_BELOW_V0_V = 0.3
"""Where dendrite and membrane are held to measure what a column draws: in the middle of their range."""
HELD_C, SWITCHING_C = 2e-18, 1e-16
"""How closely the charge that neighbours bring is followed: 1 aC moves a membrane of 117 fF by 9 uV, a spike by 0.01 ns."""
NEIGHBOUR_SPACING_S = 2e-9
LEAST_A = 1e-12
"""A current of others below it is left out: a synapse carries 100 nA."""
Cause = tuple[str, int]
"""Who draws from the rails, and when: ("axon", j) of this layer's crossbar, ("before", 0) and ("here", 0) the neurons that fire."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What every terminal of the columns puts into the rails, in A, with all axons on and the neuron firing."""

    current_A: Mapping[Place, Array]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A piece with its share of the rails, and what causes the drop that others make there.

    ``coupled``: its nets that others of its layer couple to, with a node of each; ``watched``: all nodes whose waves are needed.
    """

    piece: Piece
    causes: list[Cause]
    shares: list[Share]
    coupled: dict[str, str]
    watched: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """The pieces of a network, the rails, and what all decks have in common."""

    cut: Cut
    rails: Mapping[str, Rail]
    bench: Bench

    def membrane(self, place: Place) -> str:
        """The net of a neuron's membrane."""
        neuron = self.bench.circuit.design.contracts.neuron
        inner = neuron.inner("membrane")
        if inner in neuron.names:
            return self.cut.topology.dendrite(place.layer, place.index)
        return f"neuron_{place.layer}_{place.index}_{inner}"

    # -- what is drawn from the rails ------------------------------------------------------------------------------------------

    def operating_points(self, stem: str) -> dict[Place, Deck]:
        """A deck for every column that measures what it draws."""
        level_V = self.bench.circuit.design.supplies.v0_V - LEVEL_BELOW_V0_V
        found = {}
        for place, piece in self.cut.pieces.items():
            if place.layer == 0:
                continue
            membrane = self.membrane(place)
            isolated = "" if membrane == self.cut.topology.dendrite(place.layer, place.index) else membrane
            found[place] = operating_point(self.bench, piece, f"op_{stem}_{place.name}", isolated, level_V)
        return found

    def drawn(self, results: Mapping[Place, Result]) -> Drawn:
        """The currents of these operating points."""
        currents = {}
        for place, result in results.items():
            terminals = self.cut.pieces[place].terminals
            vectors = [f"i(v{terminal.rail}_{n})" for n, terminal in enumerate(terminals)]
            currents[place] = np.array([-float(np.real(result[vector][0])) for vector in vectors])
        return Drawn(currents)

    def prepared(self, place: Place, drawn: Drawn) -> Prepared:
        """A piece with its share of every rail."""
        piece = self.cut.pieces[place]
        causes = self._causes(place.layer)
        column_of = {cause: number for number, cause in enumerate(causes)}
        others = {net: np.zeros((len(rail.index), len(causes))) for net, rail in self.rails.items()}
        for other, currents in drawn.current_A.items():
            if other == place or not -1 <= other.layer - place.layer <= 0:
                continue
            for terminal, ampere in zip(self.cut.pieces[other].terminals, currents, strict=True):
                cause = _cause(terminal.instance, other.layer - place.layer)
                at = self.rails[terminal.rail].index.get(terminal.node)
                if cause in column_of and at is not None:
                    others[terminal.rail][at, column_of[cause]] += ampere
        taps = piece.taps
        shares = [
            share(rail, taps.get(net, ()), others[net]) for net, rail in self.rails.items() if net in taps
        ]
        coupled = {net: self.node(net) for net in self.coupled(piece)} if place.layer else {}
        return Prepared(piece, causes, shares, coupled, self.watched(piece, coupled.values()))

    def _causes(self, layer: int) -> list[Cause]:
        if layer == 0:
            return []
        axons = self.cut.topology.layers[layer - 1]
        return [*(("axon", j) for j in range(axons)), ("before", 0), ("here", 0)]

    # -- decks -----------------------------------------------------------------------------------------------------------------

    def driver(self, j: int, name: str, at_norm: float | None) -> Deck:
        """The deck of an input's driver with a spike at ``at_norm`` (T_circ), or none."""
        one = self.prepared(Place(0, j), Drawn({}))
        wave = "0" if at_norm is None else input_wave(self.bench, at_norm)
        return transient(self.bench, one.piece, one.shares, name, {}, {}, one.watched, {f"in_{j}": wave})

    def column(
        self, one: Prepared, name: str, waves: Mapping[str, Wave], simulator: SimulatorOptions
    ) -> Deck:
        """The deck of a column; ``waves`` by net of its axons, and of what stands for its neighbours (``beside``) where that is known."""
        bench = replace(self.bench, simulator=simulator)
        return transient(bench, one.piece, one.shares, name, waves, self._currents(one, waves), one.watched)

    def _currents(self, one: Prepared, waves: Mapping[str, Wave]) -> dict[str, Wave]:
        """What stands for the others' currents, by tap."""
        timeline, topology, layer = self.bench.timeline, self.cut.topology, one.piece.place.layer
        start, fire, length = timeline.accumulation_s(1), timeline.firing_s(1), timeline.window_s
        half_s = timeline.timing.edge_s / 2
        edges, active = [], []
        for number, (kind, axon) in enumerate(one.causes):
            begin = start if kind == "before" else fire
            up = (begin - half_s, begin + half_s)
            end = (begin + length - half_s, begin + length + half_s)
            if kind == "axon":
                wave = waves[topology.spike(layer - 1, axon)]
                up = wave.first_edge_s
                end = (float(wave.time_s[-2]), float(wave.time_s[-1])) if len(wave.time_s) > 2 else up
            if up[0] < end[0] < np.inf:
                active.append(number)
                edges.append((up, end))
        both = [up for up, _ in edges] + [end for _, end in edges]
        found = {}
        for part in one.shares:
            for row, tap in enumerate(part.taps):
                heights = part.into_A[row, active]
                if np.any(np.abs(heights) > LEAST_A):
                    found[tap] = steps(both, np.concatenate([heights, -heights]))
        return found

    def watched(self, piece: Piece, coupled: Iterable[str]) -> tuple[str, ...]:
        """The nodes of a piece whose waves are needed: its spike, its axon at the next columns, and what neighbours couple to."""
        place, topology = piece.place, self.cut.topology
        nodes = [] if place.layer == 0 else [topology.spike(place.layer, place.index)]
        for net in (topology.spike(place.layer, place.index), topology.spike_b(place.layer, place.index)):
            if place.layer < topology.depth:
                nodes += [
                    self.cut.seen[net, next_one.place]
                    for next_one in self.cut.columns(place.layer + 1)
                    if (net, next_one.place) in self.cut.seen
                ]
        return tuple(dict.fromkeys([*nodes, *coupled]))

    def coupled(self, piece: Piece) -> list[str]:
        """The nets of a piece that others of its layer couple to."""
        wanted = {
            net
            for other in self.cut.columns(piece.place.layer)
            for nets in other.neighbours.values()
            for net in nets
        }
        return sorted(wanted & piece.own)

    def beside(self, piece: Piece, seen: Mapping[str, Wave]) -> dict[str, Wave]:
        """What stands for the neighbours of a piece, by node; ``seen`` (V) by net, a net that has none stays where it is."""
        found, switching = {}, self.switching(piece.place)
        for own, nets in piece.neighbours.items():
            known = {net: farad for net, farad in nets.items() if net in seen}
            if not known:
                continue
            # Of what does not move, as the wires of another layer, only the capacitance counts.
            total_F = sum(nets.values())
            waves = [*(seen[net] for net in known), Wave.constant(0.0)]
            wave = mean(waves, [*known.values(), max(total_F - sum(known.values()), 1e-30)])
            tolerance_C = SWITCHING_C if own in switching else HELD_C
            found[beside(own)] = wave.within(tolerance_C / total_F, NEIGHBOUR_SPACING_S)
        return found

    def switching(self, place: Place) -> tuple[str, str]:
        """The nets of a piece that are held by its driver."""
        topology = self.cut.topology
        return topology.spike(place.layer, place.index), topology.spike_b(place.layer, place.index)

    def node(self, net: str) -> str:
        """A node of a net: of its own name, where there is one."""
        piece = self.cut.pieces[self.cut.owner[net]]
        nodes = {n for device in piece.devices for n in device.nodes} | {
            n for wire in piece.resistors for n in (wire.a, wire.b)
        }
        if net in nodes:
            return net
        return min(n for n in nodes if n.startswith(f"{net}."))


def _cause(instance: str, layers_before: int) -> Cause:
    kind, *numbers = instance.split("_")
    if kind == "synapse":
        return ("axon", int(numbers[1])) if layers_before == 0 else ("none", 0)
    return ("here", 0) if layers_before == 0 else ("before", 0)
