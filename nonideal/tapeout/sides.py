"""Decks of a half of an extracted tile: the board around it, and what is driven where it was cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from nonideal.circuits.cells.port import Role
from nonideal.circuits.extraction.netlist import Netlist
from nonideal.circuits.extraction.reduction import Reduction
from nonideal.circuits.generator.generator import line_net
from nonideal.circuits.network.wave import GRID_S
from nonideal.sky130_models.tile import GROUND, SUPPLY
from nonideal.spice import Deck, SimulatorOptions
from nonideal.tapeout.assembly import Chip
from nonideal.tapeout.errors import TapeoutError
from nonideal.tapeout.halves import Half, half, plain
from nonideal.tapeout.uses import REFERENCE, RESET_LEVEL

PART = "control"
"""The digital side, as its devices' names begin."""
DRAWN_IN = "network_"
GENERATOR, NEURONS = DRAWN_IN + "generator", DRAWN_IN + "neuron"
"""How devices of the generator and of the neurons are called."""
EDGE_S = 2e-10
"""Of what the digital side drives."""
BOARD_OHM = 0.1
"""Between the board's supply and the pin."""
Models = Callable[[str], str]
"""The device library for a netlist's text."""
TILE = "xtile"
LOOP = {
    "control": "network_generator_control",
    "replica": "network_generator_loop_spike",
    "vdis": "network_vdis",
    "vsense": "network_vsense",
}
"""What is looked at inside: the loop's control voltage, the replica's spike, and biases that have no pin."""
SUPPLY_CURRENT = "i(vdd)"


@dataclass(frozen=True, slots=True)
class Side:
    """A half of a chip's tile as it is simulated; ``models`` is the library of its devices."""

    chip: Chip
    half: Half
    models: str

    @classmethod
    def analog(cls, chip: Chip, extracted: Netlist, models: Models) -> Side:
        """Network and generator, with the resistors of their wires and supplies."""
        found = half(extracted, PART, (SUPPLY, GROUND), rest=True, reduction=Reduction())
        return cls(chip, found, models(found.netlist.text()))

    @classmethod
    def generator(cls, chip: Chip, extracted: Netlist, models: Models) -> Side:
        """The generator with its replica, and all neurons: what their dischargers and sensing stages do to V_dis and V_sense is in it.

        Crossbars are not, so that nothing reaches a neuron; control lines that only they have couple all the same.
        """
        topology = chip.topology
        found = half(
            extracted,
            (GENERATOR, NEURONS),
            (SUPPLY, GROUND),
            rest=False,
            reduction=Reduction(),
            moving=chip.control.outputs,
            loose=[DRAWN_IN + topology.dendrite(*where) for where in topology.neurons()],
        )
        return cls(chip, found, models(found.netlist.text()))

    def vector(self, net: str) -> str:
        """The vector of a net: a port's own, or of a node inside. Raises ``TapeoutError`` for a net that is not there."""
        outside = self._outside
        if plain(net) in outside.values():
            return f"v({plain(net)})"
        node = self.half.node(net)
        return f"v({outside[node]})" if node in outside else f"v({TILE}.{node})"

    @property
    def _outside(self) -> dict[str, str]:
        """The deck's node of every port: where the tile was cut, the net's name."""
        cut = {port: plain(net) for net, port in (*self.half.driven.items(), *self.half.heard.items())}
        return {port: cut.get(port, port) for port in self.half.netlist.ports}

    def deck(
        self,
        name: str,
        sources: Mapping[str, str],
        vectors: Mapping[str, str],
        stop_s: float,
        simulator: SimulatorOptions,
        start: Mapping[str, float] | None = None,
    ) -> Deck:
        """A deck on this half alone. ``sources``: what drives input pins, and nets where the tile was cut (all of ``half.driven``).

        ``vectors`` by what they are; ``start``: volts at the beginning, by the same names. Raises ``TapeoutError`` where nothing drives a net.
        """
        simulator = replace(simulator, temperature_C=self.chip.design.supplies.temperature_C)
        if missing := sorted(self.half.driven.keys() - sources.keys()):
            raise TapeoutError(f"deck {name}: nothing drives {', '.join(missing)}")
        ports = self._outside
        lines = [f"* {name}", ".include models.spice", ".include tile.spice", *self._board()]
        for net, wave in sources.items():
            if plain(net) in ports.values():
                lines.append(f"V{plain(net)} {plain(net)} 0 {wave}")
        lines.append(f"X{TILE[1:]} {' '.join(ports.values())} {self.half.netlist.cell}")
        lines += [f".ic {vectors[what]}={volts:.9g}" for what, volts in (start or {}).items()]
        saved = tuple(dict.fromkeys([*vectors.values(), SUPPLY_CURRENT]))
        lines += [".save " + " ".join(saved), simulator.lines() + simulator.tran(stop_s), ".end"]
        includes = {"models.spice": self.models, "tile.spice": self.half.netlist.text()}
        return Deck(name, "\n".join(lines) + "\n", includes, saved, stop_s)

    def _board(self) -> list[str]:
        """Supply, reference, reset level, capacitors of gate lines; each where this half has the pin."""
        supplies, generator = self.chip.design.supplies, self.chip.generator
        pins = {use.name: plain(pin) for pin, use in self.chip.pinning.uses.items()}
        ports = set(self.half.netlist.ports)
        (reset,) = self.chip.design.contracts.neuron.having(Role.RESET_LEVEL)
        lines = [f"Vdd board 0 {supplies.vdd_V:.6g}", f"Rdd board {SUPPLY} {BOARD_OHM:g}"]
        if pins[REFERENCE] in ports:
            lines.append(f"Iref board {pins[REFERENCE]} {generator.sizes.reference_A:.6g}")
        if pins[RESET_LEVEL] in ports:
            lines.append(f"V0 {pins[RESET_LEVEL]} 0 {reset.level_V(supplies):.6g}")
        for polarity, layer in generator.lines:
            net = line_net(polarity, layer)
            if pins[net] in ports:
                rail = "0" if polarity == "n" else "board"
                lines.append(f"C{net} {pins[net]} {rail} {generator.sizes.line_capacitor_F:.6g}")
        return lines


def levels(changes: Sequence[tuple[float, int]], high_V: float) -> str:
    """A waveform that is 0 until its first change (ns, bit); edges are centred on their times."""
    points, level = [(0.0, 0.0)], 0.0
    for at_ns, bit in sorted(changes):
        value, begin = high_V * bit, at_ns * 1e-9
        if begin <= EDGE_S:
            points, level = [(0.0, value)], value
        elif value != level:
            points += [(begin - EDGE_S / 2, level), (begin + EDGE_S / 2, value)]
            level = value
    return "PWL(" + " ".join(f"{round(t / GRID_S) * GRID_S:.12g} {v:.6g}" for t, v in points) + ")"
