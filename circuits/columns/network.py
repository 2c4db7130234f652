"""A network cut into columns with its weights in place: what each column draws, its share of the rails, and its decks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from nonideal.circuits.columns.current import Current, put
from nonideal.circuits.columns.cut import Cut, Piece, Place, beside
from nonideal.circuits.columns.deck import Bench, Drop, elements, input_wave, operating_point, transient
from nonideal.circuits.columns.drawn import Cause, Drawn, causes_of
from nonideal.circuits.columns.quiet import quieted
from nonideal.circuits.columns.rails import Rail, Share, rails_of, share
from nonideal.circuits.extraction.netlist import net_of
from nonideal.circuits.network.wave import LEAST_STEP_S, Wave, mean, steps
from nonideal.spice import Deck, Result, SimulatorOptions

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Care:
    """How closely columns are followed: the simulator's settings in the accumulation and in the firing, and whether it stops at edges."""

    accumulation: SimulatorOptions
    firing: SimulatorOptions
    at_edges: bool

    @property
    def at_once(self) -> bool:
        """Whether one deck does both: to start a simulator, read a netlist and settle it costs a small column as much as its phases do."""
        return self.accumulation == self.firing

    def put(self, currents: Mapping[Place, Sequence[Current]], place: Place) -> Sequence[Current]:
        """What of ``currents`` is put into a column: nothing into one that is looked at for its neighbours alone."""
        return currents.get(place, ()) if self.at_edges else ()


def coarse(simulator: SimulatorOptions) -> Care:
    """To find what neighbours do: a membrane to a millivolt, its coupling to the next one to microvolts.

    Its steps are long, and would ring under the trapezoidal rule.
    """
    long = replace(simulator, method="gear", reltol=1e-3, chgtol_C=1e-14, max_step_s=40e-9)
    return Care(long, long, at_edges=False)


FEW_AXONS = 8
"""Columns of so many are simulated with the whole network's tolerances, for few edges lie between long steps, and with all branches that
their weights open."""


def exact(simulator: SimulatorOptions, axons: int) -> Care:
    """For the spikes of columns with so many axons.

    In the accumulation, the charge of single gates is followed the less closely the more axons there are: the steps of many edges are short
    ones, and their errors do not add up. A sensing stage of a few fF needs that charge: the firing keeps the settings of the whole network.
    """
    looser = replace(simulator, chgtol_C=simulator.chgtol_C * max(1.0, axons / FEW_AXONS))
    return Care(looser, simulator, at_edges=True)


LEVEL_BELOW_V0_V = 0.3
"""Where dendrite and membrane are held to measure what a column draws: in the middle of their range."""
HELD_C, SWITCHING_C = 2e-19, 1e-16
"""How closely the charge that neighbours bring is followed: 1 aC moves a membrane of 117 fF by 9 uV, a spike by 0.01 ns.

Of what is held, a tenth of that: the kick of 2 mV that a reset ends with must be a step. As the line through it, it looks like leakage of 2 pA.
"""
NEIGHBOUR_SPACING_S = 2e-9
AT_REST = Wave.constant(0.0)
COMB_S, COMB_SPACING_S = 2e-9, 0.8e-9
"""How often the simulator stops from where a membrane is cut off until so long after the axons' last edges: a dendrite of a few fF swings
under its synapses' currents, and pulls at the membrane."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece, its netlist by the name of its file, and the modes of what others do to its rails.

    ``drops``: name, what flows into its taps, and how much of it each cause adds.
    """

    piece: Piece
    netlist: dict[str, str]
    drops: list[tuple[str, dict[str, float], Array]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A column with its share of the rails, and what causes the drop that others make there.

    ``coupled``: its nets that others of its layer couple to, with a node of each; ``spikes``: the nodes whose waves drive the next layer;
    ``state``: by net a node of all that keeps a charge from the accumulation to the firing, the nodes inside of synapses among them: they
    go on taking charge from the dendrite.
    """

    place: Place
    causes: list[Cause]
    part: Part
    coupled: dict[str, str]
    spikes: tuple[str, ...]
    state: dict[str, str]


@dataclass(frozen=True, slots=True)
class Columns:
    """The pieces of a network, the rails, and what all decks have in common."""

    cut: Cut
    rails: Mapping[str, Rail]
    bench: Bench

    @classmethod
    def of(cls, network: Cut, bench: Bench) -> Columns:
        """Those of a cut network with the bench's weights."""
        return cls(network, rails_of(network.netlist, network.rails), bench)

    def piece(self, place: Place, spiking: Collection[int] | None = None) -> Piece:
        """A piece with its weights: branches that those close are one, apart for ``spiking`` axons and those at rest (None: all spike)."""
        piece, topology = self.cut.pieces[place], self.cut.topology
        if not place.layer:
            return piece
        axons = topology.layers[place.layer - 1]
        names = (topology.spike, topology.spike_b)
        nets = {
            name(place.layer - 1, j) for j in (range(axons) if spiking is None else spiking) for name in names
        }
        weight_V = self.bench.weight_V(place.layer, place.index) if axons > FEW_AXONS else {}
        return quieted(piece, self.bench.closed(place.layer, place.index), nets, weight_V)

    def of_layer(self, layer: int) -> list[Place]:
        """The places of a layer's columns."""
        return [Place(layer, k) for k in range(self.cut.topology.layers[layer])]

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
        for place in (place for place in self.cut.pieces if place.layer):
            piece = self.piece(place)
            membrane = self.membrane(place)
            isolated = "" if membrane == self.cut.topology.dendrite(place.layer, place.index) else membrane
            found[place] = operating_point(self.bench, piece, f"op_{stem}_{place.name}", isolated, level_V)
        return found

    def drawn(self, results: Mapping[Place, Result]) -> Drawn:
        """The currents of these operating points."""
        currents = {}
        for place, result in results.items():
            terminals = self.piece(place).terminals
            vectors = [f"i(v{terminal.rail}_{n})" for n, terminal in enumerate(terminals)]
            currents[place] = [
                (terminal, -float(np.real(result[vector][0])))
                for terminal, vector in zip(terminals, vectors, strict=True)
            ]
        return Drawn.of(self.cut.topology, self.rails, currents)

    def prepared(self, place: Place, drawn: Drawn, spiking: Collection[int], name: str) -> Prepared:
        """A column as both spans need it, of whose axons these spike; ``name`` tells its file from those of others."""
        piece = self.piece(place, spiking)
        state = _nodes(piece)
        coupled = {net: state[net] for net in self.coupled(piece)}
        part = self._part(piece, drawn.others(place), name)
        causes = causes_of(self.cut.topology, place.layer)
        return Prepared(place, causes, part, coupled, self._spikes(piece), state)

    def _part(self, piece: Piece, others: Mapping[str, Array | csc_array], name: str) -> Part:
        """A piece's netlist and the modes of what ``others`` put into the nodes of its rails."""
        taps = piece.taps
        shares = [
            share(rail, taps.get(net, ()), others[net]) for net, rail in self.rails.items() if net in taps
        ]
        drops = [
            (f"drop_{part.rail}_{mode}", dict(zip(part.taps, into_A, strict=True)), of_cause)
            for part in shares
            for mode, (into_A, of_cause) in enumerate(_by_mode(part))
        ]
        moving = {*self.bench.controls(piece.place.layer), *piece.axons, *map(beside, piece.neighbours)}
        return Part(piece, {f"{name}.spice": elements(piece, shares, moving)}, drops)

    # -- decks -----------------------------------------------------------------------------------------------------------------

    def driver(self, j: int, name: str, at_norm: float | None) -> Deck:
        """The deck of an input's driver with a spike at ``at_norm`` (T_circ), or none."""
        piece = self.cut.pieces[Place(0, j)]
        none = {net: np.zeros((len(rail.index), 0)) for net, rail in self.rails.items()}
        # A driver holds no weights: it is the same in every inference.
        part = self._part(piece, none, piece.place.name)
        wave = "0" if at_norm is None else input_wave(self.bench, at_norm)
        span, probes = self.bench.whole, self._spikes(piece)
        return transient(self.bench, piece, part.netlist, span, name, {}, probes, inputs={f"in_{j}": wave})

    def accumulation(
        self,
        one: Prepared,
        name: str,
        axons: Mapping[str, Wave],
        seen: Mapping[str, Wave],
        care: Care,
        currents: Sequence[Current] = (),
    ) -> Deck:
        """The deck of a column until it fires, or of all it does where ``care`` wants that at once.

        ``axons`` (V) by net drive it, ``seen`` (V) by net is what the columns beside it do, where that is known; ``currents`` are put into it.
        """
        part, bench = one.part, replace(self.bench, simulator=care.accumulation)
        waves = {net: axons[net] for net in part.piece.axons} | self.beside(part.piece, {**axons, **seen})
        cut_off_s = bench.timeline.accumulation_s(1) + bench.timeline.timing.t_circ_s
        state = () if care.at_once else one.state.values()
        seen_there = (*one.spikes, one.state[self.membrane(one.place)]) if care.at_once else ()
        return transient(
            bench,
            part.piece,
            part.netlist,
            bench.whole if care.at_once else bench.accumulation,
            name,
            waves,
            tuple(dict.fromkeys([*one.coupled.values(), *state, *seen_there])),
            drops=self._drops(one, axons),
            start_V={one.state[net]: volts for net, volts in bench.latches_V(one.place).items()},
            stops_s=_stops(axons, part.piece.axons, cut_off_s).tolist() if care.at_edges else (),
            currents=put(currents, part.piece, one.state, self.cut.pieces[one.place]),
        )

    def firing(
        self,
        one: Prepared,
        name: str,
        accumulated: Result,
        axons: Mapping[str, Wave],
        seen: Mapping[str, Wave],
        care: Care,
        currents: Sequence[Current] = (),
    ) -> Deck:
        """The deck of a column from where ``accumulated`` ended."""
        part, bench = one.part, replace(self.bench, simulator=care.firing)
        return transient(
            bench,
            part.piece,
            part.netlist,
            bench.firing,
            name,
            {net: axons[net] for net in part.piece.axons} | self.beside(part.piece, {**axons, **seen}),
            tuple(dict.fromkeys([*one.spikes, *one.coupled.values()])),
            drops=self._drops(one, axons),
            start_V={node: float(np.real(accumulated[f"v({node})"][-1])) for node in one.state.values()},
            currents=put(currents, part.piece, one.state, self.cut.pieces[one.place]),
        )

    def _drops(self, one: Prepared, axons: Mapping[str, Wave]) -> list[Drop]:
        """What stands for the others' currents."""
        timeline, topology, layer = self.bench.timeline, self.cut.topology, one.place.layer
        start, fire, length = timeline.accumulation_s(1), timeline.firing_s(1), timeline.window_s
        half_s = timeline.timing.edge_s / 2
        edges, active = [], []
        for number, (kind, axon) in enumerate(one.causes):
            begin = start if kind == "before" else fire
            up = (begin - half_s, begin + half_s)
            end = (begin + length - half_s, begin + length + half_s)
            if kind == "axon":
                wave = axons.get(topology.spike(layer - 1, axon), AT_REST)
                up, end = wave.first_edge_s, wave.last_edge_s
            if up[0] < end[0] < np.inf:
                active.append(number)
                edges.append((up, end))
        both = [up for up, _ in edges] + [end for _, end in edges]
        if not both:
            return []
        return [
            Drop(name, into_A, steps(both, np.concatenate([of_cause[active], -of_cause[active]])))
            for name, into_A, of_cause in one.part.drops
        ]

    def _spikes(self, piece: Piece) -> tuple[str, ...]:
        """The nodes of a piece's spike: its own, and those where its axon drives the next columns."""
        place, topology = piece.place, self.cut.topology
        nodes = [] if place.layer == 0 else [topology.spike(place.layer, place.index)]
        if place.layer < topology.depth:
            nodes += [
                self.axon_node(net, next_one.place)
                for net in self.switching(place)
                for next_one in self.cut.columns(place.layer + 1)
            ]
        return tuple(dict.fromkeys(nodes))

    def axon_node(self, net: str, place: Place) -> str:
        """The node of an axon's net where a column's gates are; where it has none there, as of a weight that is wired to do nothing, any of it."""
        node = self.cut.seen.get((net, place))
        return _nodes(self.cut.pieces[self.cut.owner[net]])[net] if node is None else node

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


def _nodes(piece: Piece) -> dict[str, str]:
    """By net of a piece a node of it: that of its own name, where there is one."""
    named = (*(n for d in piece.devices for n in d.nodes), *(n for r in piece.resistors for n in (r.a, r.b)))
    found: dict[str, str] = {}
    for node in sorted(named, reverse=True):
        if net_of(node) in piece.own:
            found[net_of(node)] = node
    return dict(sorted(found.items()))


def _by_mode(part: Share) -> Iterator[tuple[Array, Array]]:
    """The modes of a rail's drop: what flows into each tap, and how much of it each cause adds."""
    into_A, of_cause = part.modes()
    return zip(into_A.T, of_cause, strict=True)


def _stops(axons: Mapping[str, Wave], own: Sequence[str], cut_off_s: float) -> Array:
    """Where the simulator stops: where an axon of the column's ``own`` begins and ends to switch, and often from where the membrane is cut off."""
    begins = np.array([at for net in own for at in axons[net].first_edge_s])
    ends = np.array([axons[net].last_edge_s[0] for net in axons])
    last = ends[np.isfinite(ends)].max(initial=cut_off_s)
    comb = np.arange(cut_off_s, last + COMB_S, COMB_SPACING_S)
    stops = np.sort(np.concatenate([begins, comb]))
    stops = stops[np.isfinite(stops)]
    return stops[np.diff(stops, prepend=-np.inf) > LEAST_STEP_S]
