"""A tile: its frame, the parts in it, and the wires between them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from nonideal.circuits.drc.wires import safe
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.conductors import shapes_by_net
from nonideal.circuits.layout.dimensions import limit
from nonideal.circuits.layout.fill import FILLS
from nonideal.circuits.layout.plates import round_plates
from nonideal.circuits.routing import Net, Wire, route
from nonideal.sky130_models.tile import GROUND, SUPPLY
from nonideal.tapeout.errors import TapeoutError
from nonideal.tapeout.frame import draw_frame
from nonideal.tapeout.part import Part, tile_netlist
from nonideal.tapeout.pins import Pinning
from nonideal.tapeout.supply import Joint, join_supplies

ANALOG_WIDTH_UM = {"met1": 0.5, "met2": 0.5, "met3": 0.6, "met4": 0.6}
"""Of wires to analog pins: some tens of ohms."""
CUT_SPACE = {"mcon": limit("ct.2"), "via": limit("via.2"), "via2": limit("via2.2"), "via3": limit("via3.2")}
ANALOG_KEEP = 0.6
"""Round analog pins that are not used, um."""
FILL_KEEP = 1.3
"""Between fill and a sensitive part, um: more than plates of capacitors ask for."""
INNER_CLEARANCE_UM = 0.4
"""Of wires inside of parts to whatever else is there."""


@dataclass(frozen=True, slots=True)
class Tile:
    """What a tile is made of. A pin is on the net of the same name inside (``Use.name``)."""

    top: str
    pinning: Pinning
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        pins = {use.name: pin for pin, use in self.pinning.uses.items()}
        if len(pins) < len(self.pinning.uses):
            raise TapeoutError("two pins of the tile have one name inside")
        bound = tuple(replace(part, nets=_bound(part, pins)) for part in self.parts)
        object.__setattr__(self, "parts", bound)
        known = {part.net(port) for part in bound for port in part.ports}
        if loose := [pin for pin in self.pinning.uses if pin not in known]:
            raise TapeoutError(f"pins {', '.join(loose)} are used, but no part of the tile has such a net")

    def inside(self, net: str) -> str:
        """The tile's name of a net of its parts."""
        return next((pin for pin, use in self.pinning.uses.items() if use.name == net), net)

    def netlist(self) -> str:
        """The netlist of the whole tile."""
        return tile_netlist(self.top, self.pinning.ports, self.parts)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A tile that is drawn and wired: its top cell, its supply bars, and the boxes of every wire by net."""

    block: Block
    joints: tuple[Joint, ...]
    wires: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)


def draw_tile(tile: Tile) -> Drawn:
    """Draw a tile: frame, parts, supplies, wires. Raises ``TapeoutError``, ``RoutingError``."""
    top = draw_frame(tile.top, tile.pinning)
    for part in tile.parts:
        top.place(part.block, part.x_um, part.y_um)
    joints = tuple(joint for part in tile.parts for joint in join_supplies(top, part))
    pins = _pins(tile, top)
    drawn = [
        *shapes_by_net(top.cell, pins),
        *_unused_analog(tile),
        *(("", box) for box in round_plates(top.cell)),
    ]
    blocked = [("", box.moved(part.x_um, part.y_um)) for part in tile.parts for box in part.blocked]
    inner = {tile.inside(net) for part in tile.parts for net in part.through}
    nets = list(_nets(tile, pins, inner))
    area = (0.0, 0.0, top.width, top.height)
    found: dict[str, tuple[Box, ...]] = {}
    # Those that lie inside of parts first; all others stay outside.
    for chosen, kept_off in ((True, []), (False, blocked)):
        some = [net for net in nets if (net.name in inner) is chosen]
        for wire in _led(top, area, some, drawn + kept_off):
            found[wire.net] = tuple(_apart(wire.boxes))
            drawn += [(wire.net, box) for box in found[wire.net]]
    for boxes in found.values():
        for box in boxes:
            top.rect(box.layer, box.x0, box.y0, box.x1, box.y1)
    return Drawn(top, joints, found)


def _led(
    top: Block, area: tuple[float, float, float, float], nets: Sequence[Net], there: Sequence[tuple[str, Box]]
) -> tuple[Wire, ...]:
    """Wires of these nets beside what is there, none of which breaks an antenna rule where there is another way. Raises ``RoutingError``."""

    def again(name: str, others: Sequence[Wire], metals: Sequence[str]) -> Wire:
        beside = [(one.net, box) for one in others for box in one.boxes]
        (made,) = route(area, [net for net in nets if net.name == name], [*there, *beside], metals)
        return made

    return safe(top.cell, route(area, nets, there), again)


def _unused_analog(tile: Tile) -> Iterator[tuple[str, Box]]:
    """What lies close to an analog pin counts as joined to it: round those that are not used it stays empty."""
    for pin in tile.pinning.template.analog:
        if pin.name not in tile.pinning.uses:
            x0, x1 = pin.x0_um - ANALOG_KEEP, pin.x1_um + ANALOG_KEEP
            yield "", Box(pin.layer, x0, pin.y0_um, x1, pin.y1_um + ANALOG_KEEP)


def _apart(boxes: Sequence[Box]) -> Iterator[Box]:
    """A wire's boxes without cuts that lie too close to another one: where two do, their metal is one piece, and one of them is enough."""
    kept: list[Box] = []
    for box in boxes:
        space = CUT_SPACE.get(box.layer)
        if space is not None:
            if any(one.layer == box.layer and _gap(one, box) < space - 1e-6 for one in kept):
                continue
            kept.append(box)
        yield box


def _gap(one: Box, other: Box) -> float:
    """Between two boxes, um; 0 where they touch."""
    dx = max(one.x0 - other.x1, other.x0 - one.x1, 0.0)
    dy = max(one.y0 - other.y1, other.y0 - one.y1, 0.0)
    return math.hypot(dx, dy)


def kept_empty(tile: Tile) -> dict[str, tuple[Box, ...]]:
    """By layer, where no fill may lie: in parts that are sensitive (those with ``blocked`` places), and close to them."""
    boxes = []
    for part in tile.parts:
        if part.blocked:
            x0, y0, x1, y1 = part.extent_um
            boxes.append(Box("met1", x0 - FILL_KEEP, y0 - FILL_KEEP, x1 + FILL_KEEP, y1 + FILL_KEEP))
    return {fill.layer: tuple(boxes) for fill in FILLS}


def _pins(tile: Tile, top: Block) -> dict[str, list[Box]]:
    """Every pin that is drawn, in a part or in the frame, by net; supplies too."""
    pins: dict[str, list[Box]] = {}
    for part in tile.parts:
        for net, box in part.pins():
            pins.setdefault(net, []).append(box)
    for key, box in top.pins.items():
        name = key.split(" ")[0]
        if name in tile.pinning.uses or name in (GROUND, SUPPLY):
            pins.setdefault(name, []).append(box)
    return pins


def _nets(tile: Tile, pins: Mapping[str, Sequence[Box]], inner: Set[str]) -> Iterator[Net]:
    """Every net that is to be wired: supplies are joined already. Those inside of parts keep further from others."""
    analog = {pin.name for pin in tile.pinning.template.analog}
    for net, boxes in pins.items():
        if len(boxes) > 1 and net not in (GROUND, SUPPLY):
            wide = ANALOG_WIDTH_UM if net in analog else None
            yield Net(net, tuple((box,) for box in boxes), wide, INNER_CLEARANCE_UM if net in inner else 0.0)


def _bound(part: Part, pins: Mapping[str, str]) -> dict[str, str]:
    """A part's nets, those that lead to a pin under the pin's name."""
    found = {port: pins.get(part.net(port), part.net(port)) for port in part.ports}
    return {port: net for port, net in found.items() if net != replace(part, nets={}).net(port)}
