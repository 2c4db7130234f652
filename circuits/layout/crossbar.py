"""The crossbar: rows of synapses on axons (metal 4), columns on dendrites (metal 2)."""

from __future__ import annotations

from dataclasses import dataclass

from nonideal.circuits.cells.port import Role
from nonideal.circuits.cells.synapse import SynapseSizes
from nonideal.circuits.layout.block import MIRROR, Block, Box
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.straps import STRAP_PITCH, draw_straps
from nonideal.circuits.layout.synapse import SIZES, synapse, synapse_height, synapse_width


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the rows and columns of a crossbar lie: axon 0 is the top row, every second row is upside down.

    ``inner``: (net, y) of the rails of a synapse between its lowest and its uppermost.
    """

    axons: int
    dendrites: int
    pitch: float
    row_height: float
    inner: tuple[tuple[str, float], ...] = ()

    def row(self, axon: int) -> tuple[float, bool]:
        """Origin of an axon's row above the crossbar's lowest rail, and whether it is mirrored."""
        index = self.axons - 1 - axon
        mirrored = index % 2 == 1
        return round((index + mirrored) * self.row_height, 3), mirrored

    def rails(self) -> list[tuple[str, float]]:
        """(net, y) of every rail, the lowest, vss, first, and those inside of synapses last."""
        found = [
            ("vdd" if index % 2 else "vss", round(index * self.row_height, 3))
            for index in range(self.axons + 1)
        ]
        for axon in range(self.axons):
            y, mirrored = self.row(axon)
            found += [
                (net, round(y + MIRROR - rail if mirrored else y + rail, 3)) for net, rail in self.inner
            ]
        return found

    def of_row(self, axon: int, box: Box) -> Box:
        """A box of the synapse in column 0, in the crossbar."""
        y, mirrored = self.row(axon)
        return box.moved(0.0, y, mirrored=mirrored)

    def of_synapse(self, axon: int, dendrite: int, box: Box) -> Box:
        """A box of a synapse, in the crossbar."""
        y, mirrored = self.row(axon)
        return box.moved(round(dendrite * self.pitch, 3), y, mirrored=mirrored)


def place_rows(block: Block, cell: Block, grid: Grid, y: float) -> None:
    """Place all synapses of a crossbar with its lowest rail at y."""
    for axon in range(grid.axons):
        row, mirrored = grid.row(axon)
        block.place(cell, 0.0, y + row, mirrored=mirrored, columns=grid.dendrites, pitch=grid.pitch)


def crossbar(
    axons: int = 5,
    dendrites: int = 5,
    sizes: SynapseSizes = SIZES,
    *,
    pitch: float | None = None,
    row_height: float | None = None,
    name: str = "crossbar",
) -> Block:
    """A crossbar by itself, with supply straps on its left; pins axon_<j>, axon_b_<j>, dendrite_<k>, bias_n_<j>_<k>, bias_p_<j>_<k>."""
    if axons < 1 or dendrites < 1:
        raise LayoutError(f"crossbar: axons = {axons}, dendrites = {dendrites}: at least 1 of each")
    grid = Grid(
        axons,
        dendrites,
        pitch=synapse_width(sizes) if pitch is None else pitch,
        row_height=synapse_height(sizes) if row_height is None else row_height,
    )
    cell = synapse(sizes, width=grid.pitch, height=grid.row_height)
    block = Block.named(name, round(dendrites * grid.pitch, 3), round(axons * grid.row_height, 3))
    place_rows(block, cell, grid, 0.0)
    straps = draw_straps(block, {"vss": -STRAP_PITCH / 2, "vdd": -1.5 * STRAP_PITCH}, grid.rails(), 0.0)
    block.pins.update(straps)
    for axon in range(axons):
        for net in ("axon", "axon_b"):
            box = grid.of_row(axon, cell.pins[net])
            block.pins[f"{net}_{axon}"] = Box(box.layer, 0.0, box.y0, 0.3, box.y1)
        for dendrite in range(dendrites):
            for net in (port.name for port in sizes.contract().having(Role.WEIGHT)):
                block.pins[f"{net}_{axon}_{dendrite}"] = grid.of_synapse(axon, dendrite, cell.pins[net])
    for dendrite in range(dendrites):
        box = grid.of_synapse(axons - 1, dendrite, cell.pins["dendrite"])
        block.pins[f"dendrite_{dendrite}"] = Box(box.layer, box.x0, 0.0, box.x1, 0.3)
    return block
