"""A network with its bias generator below it, as one block: V_dis and V_sense are nets inside, the supplies' straps go on into the generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nonideal.circuits.cells.port import RAILS, Role
from nonideal.circuits.design import Design
from nonideal.circuits.drc.wires import safe
from nonideal.circuits.generator.generator import Generator
from nonideal.circuits.generator.joined import VDIS, VSENSE, generator_nets, inner_nets
from nonideal.circuits.generator.loop import EARLY, LATE, RAMP
from nonideal.circuits.generator.mirrors import phase_nets
from nonideal.circuits.generator_layout.generator import place
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import MET3_LINE, stack
from nonideal.circuits.layout.dimensions import RAIL_HALF, snap
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.mask import Wired
from nonideal.circuits.layout.network import leaf_cells, network, outline
from nonideal.circuits.layout.plates import round_plates
from nonideal.circuits.layout.straps import STACKS_X, STRAP, STRAP_PITCH, draw_straps
from nonideal.circuits.layout.wiring import wire
from nonideal.circuits.network.netlist import Topology

APART = 3.0
"""Between the network's lowest rail and the generator's uppermost: spikes leave there."""
BELOW = 2.0
"""Below the generator's lowest rail: its analog pins."""
TRIM_LINE_UP = 0.72
"""From a discharger's pin up to its row's line, over the rail that the crossbar shares with the neurons."""
PIN = 0.4
SIDE_PIN_PITCHES = (1.4, 1.12, 0.84)
"""The widest at which there is room for all."""
OFF_RAIL = 0.9
"""What a pin on a side keeps from the rails."""
JOINT = 0.6
ANALOG = (Role.REFERENCE, Role.RESET_LEVEL, Role.BIAS)
GATE_LINE = "gate_"
PLATES_OFF = 1.2
"""Below the network's lowest plates, which reach past its lowest rail, no wires lie on their metals."""
QUIET = ("legs_p", "legs_n")
"""Gates of legs: what a line that switches takes off them as a phase begins comes back with 0.5 us, and V_dis with it."""
JOIN_UP = 2.0
"""From the network's lowest rail to where its straps are led to those of the generator."""


def joined(
    layers: Sequence[int],
    design: Design,
    *,
    mask: Wired | None = None,
    given_units: Mapping[tuple[str, int], int] | None = None,
    name: str = "network",
) -> Block:
    """A network as ``layout.network`` draws it, and its generator. Digital pins of the generator are on its sides, analog ones on the lower edge.

    ``given_units``: of lines whose full scale is not that of the design's generator (``Generator``).
    Raises ``LayoutError`` for a design without a generator, ``RoutingError``.
    """
    if design.generator is None:
        raise LayoutError("there is no bias generator in this design (circuit.generator)")
    topology = Topology.of(tuple(layers), design)
    made_of = Generator.of(design.generator, design, layers, given_units)
    left, right = outline(layers, design)
    block = network(layers, design, mask=mask, name=name)
    cells = leaf_cells(design)
    placed = place(made_of, design, round(right - left, 3), cells.pitch)
    network_low = block.regions[f"neurons {len(layers) - 1}"][1]
    lowest_rail = round(network_low + min(y for _, y in cells.drawing.rails(cells.neuron)), 3)
    origin = round(network_low - APART - placed.block.height, 3)
    nets = generator_nets(topology, made_of)
    pins = [(nets.get(net, net), box.moved(left, origin)) for net, box in placed.pins]
    block.place(placed.block, left, origin)
    rails = [(net, round(y + origin, 3)) for net, y in placed.rails]
    inside = _interior(block, made_of.depth)
    bottom = min(inside, key=lambda one: one.y0)
    keep_out = [box.moved(left, origin) for box in placed.keep_out]
    keep_out += [
        Box(metal, bottom.x0, round(bottom.y0 - PLATES_OFF, 3), bottom.x1, bottom.y0)
        for metal in ("met3", "met4")
    ]
    keep_out += round_plates(block.cell)
    for region, (x0, y0, x1, y1) in placed.block.regions.items():
        low, high = (round(x0 + left, 3), round(y0 + origin, 3)), (round(x1 + left, 3), round(y1 + origin, 3))
        block.regions[region] = (*low, *high)
    block.regions["generator"] = (left, origin, right, round(origin + placed.block.height, 3))

    _join_straps(block, rails, round(lowest_rail + JOIN_UP, 3), left, right)
    pins += _network_pins(block, {*nets.values()}, inner_nets(topology), left)
    pins += _edge_pins(block, made_of, nets, rails, (left, round(origin - BELOW, 3), right))
    _, (_, top) = block.cell.bounding_box() or ((0.0, 0.0), (0.0, 0.0))
    area = (left, round(origin - BELOW, 3), right, snap(top))
    gate_lines = [net for net in nets.values() if net.startswith(GATE_LINE)]
    loud = (RAMP, EARLY, LATE, *phase_nets(made_of.depth))
    wire(
        block,
        pins,
        area,
        keep_out,
        closed=inside,
        anywhere=gate_lines,
        first=loud,
        away_from=QUIET,
        mend=safe,
    )
    block.height = round(block.height + network_low - origin, 3)
    return block


def _join_straps(
    block: Block, rails: Sequence[tuple[str, float]], joint_y: float, left: float, right: float
) -> None:
    """Straps of the generator under those of the network, led up to them."""
    ends = (
        ({net: block.pins[net].x for net in ("vss", "vdd")}, left),
        ({"vdd": right - STRAP / 2, "vss": right - STRAP / 2 - STRAP_PITCH}, right),
    )
    for xs, reach in ends:
        for net, strap in draw_straps(block, xs, rails, reach, "met4").items():
            block.rect("met4", strap.x0, strap.y0, strap.x1, snap(joint_y + JOINT / 2))
            for dx in STACKS_X:
                stack(block, round(xs[net] + dx, 3), joint_y, "met2", "met4")


def _network_pins(
    block: Block, nets: set[str], inner: Mapping[str, str], left: float
) -> list[tuple[str, Box]]:
    """Where the network's own lines are met; what is inside now loses its pins, dischargers' gates are joined row by row."""
    found: list[tuple[str, Box]] = []
    rows: dict[float, list[Box]] = {}
    for key, box in list(block.pins.items()):
        net = key.split(" ")[0]
        if inner.get(net) == VDIS:
            rows.setdefault(round(box.y, 3), []).append(box)
        elif net in inner:
            found.append((inner[net], box))
        if net in inner:
            del block.pins[key]
        elif net in nets:
            found.append((net, box))
    return found + [(VDIS, _trim_line(block, boxes, left)) for boxes in rows.values()]


def _trim_line(block: Block, boxes: Sequence[Box], left: float) -> Box:
    """One line for the dischargers' gates of a row, on metal 3 above them. Returns its left end."""
    half = MET3_LINE / 2
    y = snap(boxes[0].y + TRIM_LINE_UP)
    for box in boxes:
        stack(block, box.x, box.y, "met2", "met3")
        x = snap(box.x - half)
        block.rect("met3", x, snap(box.y - half), x + MET3_LINE, snap(y + half))
    low = snap(y - half)
    line = block.rect("met3", left, low, snap(max(box.x for box in boxes) + half), low + MET3_LINE)
    return Box("met3", left, line.y0, left + PIN, line.y1)


def _edge_pins(
    block: Block,
    generator: Generator,
    nets: Mapping[str, str],
    rails: Sequence[tuple[str, float]],
    edges: tuple[float, float, float],
) -> list[tuple[str, Box]]:
    """Pins of what only the generator has, on both sides, and of all that is analog, on the lower edge."""
    left, low, right = edges
    ports = generator.contract.ports
    inside = {VDIS, VSENSE, *(port.name for port in RAILS)}
    analog = [port.name for port in ports if port.role in ANALOG and port.name not in inside]
    digital = [
        port.name
        for port in ports
        if port.name not in {*analog, *inside} and nets[port.name] not in block.pins
    ]
    made: dict[str, Box] = {}
    step = (right - left) / (len(analog) + 1)
    for index, net in enumerate(analog):
        x = snap(left + (index + 1) * step)
        made[net] = block.rect("met2", x - 0.14, low, x + 0.14, low + PIN)
    for pitch in SIDE_PIN_PITCHES:
        ys = _side_places(rails, pitch)
        places = [(x, y) for x in (left, right - PIN) for y in ys]
        if len(places) >= len(digital):
            break
    if len(places) < len(digital):
        raise LayoutError(
            f"{len(digital)} digital pins of the bias generator, room for {len(places)} on its sides"
        )
    chosen = [places[index * len(places) // len(digital)] for index in range(len(digital))]
    for net, (x, y) in zip(digital, chosen, strict=True):
        made[net] = block.rect("met3", x, y, x + PIN, y + MET3_LINE)
    block.pins |= made
    return list(made.items())


def _side_places(rails: Sequence[tuple[str, float]], pitch: float) -> list[float]:
    """The y of pins on a side, away from the rails."""
    ys, y = [], rails[-1][1] + OFF_RAIL
    while y < rails[0][1] - OFF_RAIL:
        if all(abs(y - rail) >= OFF_RAIL for _, rail in rails):
            ys.append(snap(y))
        y += pitch
    return ys


def _interior(block: Block, depth: int) -> list[Box]:
    """Where no wire goes, by layer: input drivers, crossbar and neurons, down to where the next layer begins."""
    left = min(box[0] for name, box in block.regions.items() if name.split()[0] in ("input", "crossbar"))
    found = []
    for layer in range(1, depth + 1):
        crossbar, neurons = block.regions[f"crossbar {layer}"], block.regions[f"neurons {layer}"]
        low = block.regions[f"crossbar {layer + 1}"][3] if layer < depth else neurons[1]
        right = max(crossbar[2], neurons[2])
        found.append(Box("", left, round(low - RAIL_HALF, 3), right, round(crossbar[3] + RAIL_HALF, 3)))
    return found
