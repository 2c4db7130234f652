"""What lies in a tile: drawn blocks, each a cell of the netlist, between nets of the tile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nonideal.circuits.cells.port import VDD, VSS
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.errors import LayoutError
from nonideal.sky130_models.tile import GROUND, SUPPLY

RAILS = {VSS: GROUND, VDD: SUPPLY}
"""A part's rails, as the tile calls them."""


@dataclass(frozen=True, slots=True)
class Part:
    """A block in a tile, its origin at (x, y), and its cell: the ports in their order, and the texts that define it and what it calls.

    A port is on the net of its name, unless ``nets`` says another; rails are the tile's. ``blocked``: where in it no wire may lie, but those of
    the nets ``through``.
    """

    name: str
    block: Block
    cell: str
    ports: tuple[str, ...]
    texts: tuple[str, ...]
    x_um: float = 0.0
    y_um: float = 0.0
    nets: Mapping[str, str] = field(default_factory=dict)
    blocked: tuple[Box, ...] = ()
    through: tuple[str, ...] = ()

    def net(self, port: str) -> str:
        """The tile's net that a port is on."""
        return self.nets.get(port, RAILS.get(port, port))

    def pins(self) -> Iterator[tuple[str, Box]]:
        """(net, box in the tile) of every pin that is drawn. Raises ``LayoutError`` for one that is no port."""
        for key, box in self.block.pins.items():
            port = key.split(" ")[0]
            if port not in self.ports:
                raise LayoutError(f"{self.name}: pin {port} is drawn, but {self.cell} has no such port")
            yield self.net(port), box.moved(self.x_um, self.y_um)

    @property
    def extent_um(self) -> tuple[float, float, float, float]:
        """(x0, y0, x1, y1) of all that it draws, in the tile. Raises ``LayoutError`` where that is nothing."""
        found = self.block.cell.bounding_box()
        if found is None:
            raise LayoutError(f"{self.name}: its block is empty")
        (x0, y0), (x1, y1) = found
        return (x0 + self.x_um, y0 + self.y_um, x1 + self.x_um, y1 + self.y_um)

    def call(self) -> str:
        """Its line in the netlist."""
        return " ".join([f"X{self.name}", *(self.net(port) for port in self.ports), self.cell])


def tile_netlist(top: str, ports: Sequence[str], parts: Sequence[Part]) -> str:
    """The whole netlist of a tile: every cell once, then the tile as cell ``top``."""
    texts = dict.fromkeys(text for part in parts for text in part.texts)
    lines = [f".subckt {top} {' '.join(ports)}", *(part.call() for part in parts), f".ends {top}"]
    return "\n".join([*texts, *lines]) + "\n"
