"""A mask: what of a layout the weights are, where they are wired. Its cuts and nothing else differ between two sets of weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from pathlib import Path

import klayout.db as kdb

from nonideal.circuits.cells.storage import Tie
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.crossbar import Grid
from nonideal.circuits.layout.errors import LayoutError
from nonideal.sky130_models.layers import LAYERS

Wired = Sequence[Sequence[Sequence[Set[str]]]]
"""What is on in each synapse, by layer, neuron and axon."""


def mask_block(cell: Block, on: Set[str], name: str) -> Block:
    """The cuts of a mask in which these nets of a cell are on their lines, the others on their rails."""
    block = Block.named(name, cell.width, cell.height)
    for net, (line, rail) in cell.cuts.items():
        for box in line if net in on else rail:
            block.rect(box.layer, box.x0, box.y0, box.x1, box.y1)
    return block


def place_mask(block: Block, cell: Block, grid: Grid, y: float, mask: Wired | None, layer: int) -> None:
    """The cuts of every synapse of a layer's crossbar, whose lowest rail is at y; none where nothing is wired."""
    if mask is None:
        return
    made: dict[frozenset[str], Block] = {}
    for axon in range(grid.axons):
        row, mirrored = grid.row(axon)
        for k in range(grid.dendrites):
            on = frozenset(mask[layer - 1][k][axon])
            if on not in made:
                made[on] = mask_block(cell, on, "_".join(("mask", str(layer), *sorted(on))))
            block.place(made[on], round(k * grid.pitch, 3), y + row, mirrored=mirrored)
            for port, both in cell.cuts.items():
                line, rail = (
                    tuple(grid.of_synapse(axon, k, box).moved(0.0, y) for box in boxes) for boxes in both
                )
                block.cuts[f"synapse_{layer}_{axon}_{k} {port}"] = line, rail


def mask_differences(gds: Path, block: Block, ties: Mapping[str, Tie], mask: Wired) -> list[str]:
    """What of a file's cuts is not this mask, synapse by synapse. ``block`` is the network as it was drawn, in the same place.

    LVS finds such a layout too, but not which synapse it is: to a dendrite one is like another.
    """
    layout = kdb.Layout()
    layout.read(str(gds))
    top = layout.cell(block.cell.name)
    if top is None:
        raise LayoutError(f"{gds} has no cell {block.cell.name!r}")
    drawn = {
        name: _corners(layout, top, name)
        for name in {box.layer for both in block.cuts.values() for one in both for box in one}
    }

    def there(boxes: Collection[Box]) -> bool:
        return all(_corner(box, layout.dbu) in drawn[box.layer] for box in boxes)

    found = []
    for name, (line, rail) in block.cuts.items():
        synapse, port = name.split(" ")
        layer, axon, neuron = map(int, synapse.split("_")[1:])
        tie = ties[port]
        have = [net for net, boxes in ((tie.on, line), (tie.off, rail)) if there(boxes)]
        want = tie.on if port in mask[layer - 1][neuron][axon] else tie.off
        if have != [want]:
            told = " and ".join(have) or "nothing"
            found.append(f"{synapse}: the layout ties {port} to {told}, its weight to {want}")
    return found


def _corners(layout: kdb.Layout, top: kdb.Cell, name: str) -> set[tuple[int, int]]:
    region = kdb.Region(top.begin_shapes_rec(layout.layer(LAYERS[name].gds_layer, LAYERS[name].drawing)))
    return {(box.left, box.bottom) for box in (one.bbox() for one in region.each())}


def _corner(box: Box, dbu: float) -> tuple[int, int]:
    return round(box.x0 / dbu), round(box.y0 / dbu)
