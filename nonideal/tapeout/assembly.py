"""A network's tile: which blocks it has, where they lie, and which nets join them.

digital side    rows of standard cells, its upper pins right below the tile's
network         its control lines come in on the left
generator       below it; its analog pins are the tile's, at the bottom
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from nonideal.circuits.cells.generator import GeneratorSizes
from nonideal.circuits.cells.port import VDD, VSS
from nonideal.circuits.design import Design
from nonideal.circuits.digital.build import build
from nonideal.circuits.digital.cells import ROW_UM
from nonideal.circuits.digital.control import Control
from nonideal.circuits.digital.drawing import CHANNEL_UM, Strap
from nonideal.circuits.digital.netlist import Netlist
from nonideal.circuits.digital.placement import FloorPlan
from nonideal.circuits.digital.synthesis import synthesised
from nonideal.circuits.generator.generator import Generator
from nonideal.circuits.generator.joined import joined_ports, joined_schematic
from nonideal.circuits.generator_layout.joined import joined as draw_joined
from nonideal.circuits.layout.block import Box
from nonideal.circuits.layout.conductors import METALS
from nonideal.circuits.layout.dimensions import snap
from nonideal.circuits.network.netlist import Topology
from nonideal.sky130_models.tile import GROUND, TEMPLATES, TileTemplate
from nonideal.tapeout.errors import TapeoutError
from nonideal.tapeout.frame import inside, stripes
from nonideal.tapeout.options import TapeoutOptions
from nonideal.tapeout.part import Part
from nonideal.tapeout.pins import Pinning
from nonideal.tapeout.tile import Tile
from nonideal.tapeout.uses import analog_uses, digital_uses

CHANNEL = 9.0
"""Between blocks, for wires along them, um."""
UNIT_A, DISCHARGER_A, PHASE_S = 10.9e-9, 104.6e-9, 1e-6
"""What a unit carries, N and P alike, and a discharger, in the generator as it is by default: at home, its loop closed on a phase of so long
(docs/explanation/generator.md). Mirrors of P take 13 % off what their legs would give."""
TILE_SIZES = GeneratorSizes(sensing_sources=6, sensing_legs=12)
"""The generator of a tile that is given none: V_sense from three times the current, so that what resets and spikes do to it is over three times
as soon."""
PIN_PITCH = 1.4
PIN_WIDTH, PIN_LENGTH = 0.3, 0.5
FILLED = 0.56
"""How much of the rows is cells: the rest is for wires and decoupling."""
SIDE = 0.5
"""Between the rows of the digital side and what stands beside them."""
EDGES = {"crossbar": (0.0, 0.0, 0.0), "neurons": (0.0, 0.6, 0.0), "generator": (1.5, 1.5, 1.5)}
"""What of a region wires may reach: left, below, right. Spikes leave a row of neurons at its lower edge, a generator has its pins on three sides."""


@dataclass(frozen=True, slots=True)
class Chip:
    """What a network's tile is made of, before anything is drawn.

    ``weight`` by (polarity, layer): that of a unit, in what fires a neuron at once, where it is known; ``gain`` the same: what the current of a
    unit is with lines of whole units, against what was asked.
    """

    options: TapeoutOptions
    design: Design
    topology: Topology
    generator: Generator
    control: Control
    weight: Mapping[tuple[str, int], float] = field(default_factory=dict)
    gain: Mapping[tuple[str, int], float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        options: TapeoutOptions,
        design: Design,
        topology: Topology,
        unit_A: Mapping[tuple[str, int], float] | None = None,
        weight: Mapping[tuple[str, int], float] | None = None,
        discharger_A: float | None = None,
    ) -> Chip:
        """The chip of a network with its mask; its generator is ``TILE_SIZES`` where the design has none.

        ``unit_A`` by (polarity, layer): the current that a unit is to carry, where that is not the generator's own: it sets the line's units.
        ``weight``: what it weighs then. ``discharger_A``: what the loop makes a discharger carry, for a neuron to fire as its phase ends. None:
        as in the generator's schematic, for a phase of this length; neurons that are drawn have wires, and ask for more.
        Raises ``TapeoutError`` for a circuit whose weights are no mask, ``CircuitError`` for times that are no multiples of half a clock.
        """
        if topology.mask is None:
            raise TapeoutError(
                'circuit.synapse: the weights of a tile are a mask; give kind = "coded", storage = "mask"'
            )
        sizes = design.generator or TILE_SIZES
        design = design.model_copy(update={"generator": sizes})
        generator = Generator.of(sizes, design, topology.layers)
        if discharger_A is None:
            discharger_A = DISCHARGER_A * PHASE_S / design.timing.t_circ_s
        units = {
            line: generator.units_for(line[0], asked / discharger_A / unit_norm(generator, *line))
            for line, asked in (unit_A or {}).items()
        }
        generator = replace(generator, given_units=units)
        control = Control.of(
            topology.layers, generator, design.timing, 1.0 / options.clock_Hz, bias=options.bias_on_tile
        )
        gain = {
            line: unit_norm(generator, *line) * discharger_A / asked for line, asked in (unit_A or {}).items()
        }
        weighs = {line: one * gain.get(line, 1.0) for line, one in (weight or {}).items()}
        return cls(options, design, topology, generator, control, weighs, gain)

    @property
    def template(self) -> TileTemplate:
        return TEMPLATES[self.options.tile]

    @property
    def pinning(self) -> Pinning:
        return Pinning(self.template, digital_uses(self.control) | analog_uses(self.generator))


def unit_norm(generator: Generator, polarity: str, layer: int) -> float:
    """A unit's current in a discharger's: as it was measured of the default generator, by what this one's legs are against that one's."""

    def legs(sizes: GeneratorSizes, line_legs: float) -> float:
        return line_legs * sizes.dischargers / sizes.discharger_legs

    default = GeneratorSizes()
    own = legs(generator.sizes, generator.unit_legs(polarity, layer))
    return UNIT_A / DISCHARGER_A * own / legs(default, default.line_legs / default.units(polarity))


def assemble(chip: Chip, kept: Path | None = None) -> Tile:
    """Draw the blocks of a chip and put them into its tile; ``kept`` is a folder of what was synthesised before.

    Raises ``TapeoutError`` where they do not fit, ``RoutingError``, ``DigitalError``.
    """
    x0, y0, x1, y1 = inside(chip.template)
    netlist = synthesised(chip.control, kept)
    network = network_part(chip)
    plan = floor_plan(netlist, x1 - x0)
    _, low, _, high = network.extent_um
    spare = y1 - y0 - plan.height_um - 2 * CHANNEL_UM - (high - low)
    if spare < 2 * CHANNEL:
        raise TapeoutError(
            f"the blocks leave {spare:.1f} um of the tile's height for wires, {2 * CHANNEL} um is the least: take a larger tile (tapeout.tile)"
        )
    network = _place(network, x0, y0 + CHANNEL, x1)
    digital = digital_part(chip, plan, (network,), netlist, kept)
    return Tile(chip.options.top, chip.pinning, (digital, network))


def floor_plan(netlist: Netlist, width_um: float) -> FloorPlan:
    """The rows of the digital side between the stripes."""
    pair = FloorPlan.within(width_um - 2 * SIDE, 2 * ROW_UM)
    return replace(pair, rows=2 * math.ceil(netlist.area_um2 / FILLED / (pair.width_um * pair.height_um)))


def network_part(chip: Chip) -> Part:
    """The network with its generator. Wires that are not its own keep off crossbars, neurons and generator."""
    topology = chip.topology
    units = chip.generator.given_units
    block = draw_joined(topology.layers, chip.design, mask=topology.mask, given_units=units)
    blocked = []
    for name, (x0, y0, x1, y1) in block.regions.items():
        kind = name.split(" ")[0]
        if kind in EDGES:
            left, low, right = EDGES[kind]
            blocked += [Box(metal, x0 + left, y0 + low, x1 - right, y1) for metal in METALS]
    return Part(
        "network",
        block,
        "network",
        joined_ports(topology, chip.generator),
        (joined_schematic(topology, chip.design, chip.generator),),
        blocked=tuple(blocked),
        through=tuple(topology.spike(layer, k) for layer, k in topology.neurons() if layer < topology.depth),
    )


def digital_part(
    chip: Chip, plan: FloorPlan, others: Sequence[Part], netlist: Netlist, kept: Path | None
) -> Part:
    """The digital side at the tile's upper end: its upper pins below the tile's, its lower ones where the parts below it want them."""
    x0, _, x1, y1 = inside(chip.template)
    at_x, at_y = snap((x0 + x1 - plan.width_um) / 2), snap(y1 - CHANNEL_UM - plan.height_um)
    straps = [
        Strap(VSS if one.net == GROUND else VDD, round(one.x0_um - at_x, 3), round(one.x1_um - at_x, 3))
        for one in stripes(chip.template.width_um)
    ]
    ports = (*netlist.inputs, *netlist.outputs)
    pins = {}
    for pin in chip.template.digital:
        if pin.name in ports:
            top = round(plan.height_um + CHANNEL_UM, 3)
            pins[pin.name] = Box(
                "met4", round(pin.x0_um - at_x, 3), top - PIN_LENGTH, round(pin.x1_um - at_x, 3), top
            )
    lower = [port for port in ports if port not in pins]
    for port, x in lower_pins(lower, others, at_x, plan.width_um).items():
        # On the highest metal: a long wire from below meets the gate behind the pin only once the port's antenna diode is joined to it.
        pins[port] = Box("met4", x, -CHANNEL_UM, round(x + PIN_WIDTH, 3), -CHANNEL_UM + PIN_LENGTH)
    made = build(chip.control, plan, pins, straps, kept=kept)
    text = made.netlist.spice()
    names = (*made.netlist.inputs, *made.netlist.outputs, VDD, VSS)
    return Part("control", made.block, made.netlist.name, names, (text,), at_x, at_y)


def lower_pins(ports: Sequence[str], others: Sequence[Part], at_x: float, width: float) -> dict[str, float]:
    """Where each port towards the other parts has its pin on the lower edge, in the block: left x on a grid of ``PIN_PITCH``.

    What the first part, right below, has in its left half goes left, what may lie inside of it goes straight down, all else goes right: along
    the tile's sides, the lower the further outside.
    """
    goals: dict[str, float] = {}
    depths: dict[str, float] = {}
    for number, part in enumerate(others):
        middle = (part.extent_um[0] + part.extent_um[2]) / 2
        for net, box in part.pins():
            if net not in ports or net in goals:
                continue
            leftmost = number == 0 and box.x < middle
            goals[net] = box.x if net in part.through else 0.0 if leftmost else at_x + width
            depths[net] = box.y if leftmost else -box.y
    if missing := sorted(set(ports) - set(goals)):
        raise TapeoutError(f"the digital side has ports {', '.join(missing)}, which no other part has")
    slots = int((width - 2 * PIN_PITCH) / PIN_PITCH)
    order = sorted(ports, key=lambda port: (goals[port], depths[port]))
    wanted = [min(max((goals[port] - at_x) / PIN_PITCH, 1.0), slots) for port in order]
    return {port: snap(slot * PIN_PITCH) for port, slot in zip(order, _spread(wanted, slots), strict=True)}


def _spread(goals: Sequence[float], slots: int) -> list[int]:
    """Slots in rising order, each near its goal. Raises ``TapeoutError`` where there are too few."""
    if len(goals) > slots:
        raise TapeoutError(
            f"{len(goals)} pins of the digital side do not fit on its lower edge of {slots} places"
        )
    found: list[int] = []
    for goal in goals:
        found.append(max(round(goal), found[-1] + 1 if found else 1))
    over = slots
    for index in reversed(range(len(found))):
        found[index] = min(found[index], over)
        over = found[index] - 1
    return found


def _place(part: Part, x0: float, bottom: float, x1: float) -> Part:
    """A part between two sides, in their middle, its lower edge at ``bottom``. Raises ``TapeoutError`` where it is wider."""
    left, low, right, _ = part.extent_um
    if right - left > x1 - x0:
        raise TapeoutError(
            f"{part.name} is {right - left:.2f} um wide, the tile has {x1 - x0:.2f} um for it: take a larger tile (tapeout.tile)"
        )
    return replace(part, x_um=snap((x0 + x1 - left - right) / 2), y_um=snap(bottom - low))
