"""The digital side as a block, from what it is to do to its layout.

made = build(control, FloorPlan.within(147.0, 33.0), pins, straps, kept=Path("runs/cache/synthesis"))
made.block, made.netlist.spice()
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nonideal.circuits.digital.buffering import buffered_and_placed
from nonideal.circuits.digital.cells import SITE_UM, cell
from nonideal.circuits.digital.control import Control
from nonideal.circuits.digital.drawing import CHANNEL_UM, Drawn, Strap, draw
from nonideal.circuits.digital.errors import DigitalError
from nonideal.circuits.digital.netlist import Netlist
from nonideal.circuits.digital.placement import FloorPlan, Placed
from nonideal.circuits.digital.synthesis import synthesised
from nonideal.circuits.digital.verilog_writer import SHUTTLE_IN, SHUTTLE_OUT
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.dimensions import snap
from nonideal.circuits.routing import RoutingError

TRIES = 4
PIN_UM = 0.3
"""Width of the pins that ``spread`` makes: that of the tile's own."""


@dataclass(frozen=True, slots=True)
class Digital:
    """The digital side: what it does, where its cells lie and how they are drawn."""

    control: Control
    placed: Placed
    drawn: Drawn

    @property
    def block(self) -> Block:
        """Its layout. The origin is the middle of the lower left rail; pins and straps may lie outside the rows."""
        return self.drawn.block

    @property
    def netlist(self) -> Netlist:
        """What is in the layout, cell by cell."""
        return self.drawn.netlist

    def areas_um2(self) -> dict[str, float]:
        """What each kind of cell takes, the largest first; decoupling and fillers are not among them."""
        found: dict[str, float] = defaultdict(float)
        for one in self.placed.netlist.instances:
            found[cell(one.cell).folder.name] += one.standard.area_um2
        return dict(sorted(found.items(), key=lambda item: -item[1]))


def build(
    control: Control,
    plan: FloorPlan,
    pins: Mapping[str, Box],
    straps: Sequence[Strap] = (),
    *,
    kept: Path | None = None,
    seed: int = 1,
) -> Digital:
    """Synthesise, place and route the control; where wires find no way it is placed anew with the next seed.

    ``pins`` gives every port its box, within ``CHANNEL_UM`` of the rows. Raises ``DigitalError`` for ports without a pin and for rows that are
    too few, ``RoutingError`` where ``TRIES`` placements cannot be routed.
    """
    netlist = synthesised(control, kept)
    check_pins(netlist, pins)
    where = {port: (box.x, box.y) for port, box in pins.items()}
    problem: RoutingError | None = None
    for attempt in range(seed, seed + TRIES):
        placed = buffered_and_placed(netlist, plan, where, attempt)
        try:
            return Digital(control, placed, draw(placed, pins, straps))
        except RoutingError as error:
            problem = error
    assert problem is not None
    raise problem


def check_pins(netlist: Netlist, pins: Mapping[str, Box]) -> None:
    """Raises ``DigitalError`` unless every port has a pin and every pin is a port's."""
    ports = {*netlist.inputs, *netlist.outputs}
    if missing := sorted(ports - pins.keys()):
        raise DigitalError(f"no pin is given for the ports {', '.join(missing)}")
    if strange := sorted(pins.keys() - ports):
        raise DigitalError(f"pins are given for {', '.join(strange)}, which are no ports")


def shuttle_ports(netlist: Netlist) -> tuple[str, ...]:
    """The ports that are the tile's digital pins; the others lead to the network and its generator."""
    groups = {*SHUTTLE_IN, *SHUTTLE_OUT}
    return tuple(port for port in (*netlist.inputs, *netlist.outputs) if port.split("[")[0] in groups)


def spread(ports: Sequence[str], plan: FloorPlan, *, above: bool) -> dict[str, Box]:
    """Pins spread over the upper edge of the rows (metal 4) or the lower (metal 2), in order from the left."""
    pitch = plan.sites * SITE_UM / len(ports)
    low = plan.height_um + CHANNEL_UM - 1.0 if above else -CHANNEL_UM
    found = {}
    for index, port in enumerate(ports):
        x = snap((index + 0.5) * pitch - PIN_UM / 2)
        found[port] = Box("met4" if above else "met2", x, snap(low), snap(x + PIN_UM), snap(low + 1.0))
    return found
