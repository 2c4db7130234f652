"""The documentation's pictures of the coded synapses and of the bias generator as they are drawn, and what of a 5-5-5 network each part takes.

.venv/bin/python scripts/docs_cells.py          # docs/figures/coded-mask.png, coded-latch.png, generator.png; the table on the terminal
"""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

from docs_figures import on_white

from nonideal.circuits.cells.codes import coded_weights
from nonideal.circuits.design import Design
from nonideal.circuits.generator_layout.joined import joined
from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.inventory import inventory
from nonideal.circuits.layout.mask import mask_block
from nonideal.circuits.layout.network import leaf_cells, network
from nonideal.circuits.layout.picture import write_picture
from nonideal.circuits.layout.write import write_gds, write_layer_properties

FIGURES = Path(__file__).parents[1] / "docs" / "figures"
LAYERS = (5, 5, 5)
CODE = 9
"""The one that the picture of a mask shows."""
MARGIN = 0.4


def main() -> None:
    """Both pictures and both columns of the table."""
    for storage in ("mask", "latch"):
        design = Design.model_validate({"synapse": {"kind": "coded", "storage": storage}, "generator": {}})
        draw(design, storage, FIGURES / f"coded-{storage}.png")
        whole = joined(LAYERS, design)
        if storage == "mask":
            x0, y0, x1, y1 = whole.regions["generator"]
            picture(whole, (x0, y0 - 2 * MARGIN, x1, y1), FIGURES / "generator.png")
        for part, area_um2 in areas(design, whole).items():
            print(f"{storage:6} {part:40} {area_um2:8.0f} um2")


def draw(design: Design, storage: str, target: Path) -> None:
    """A synapse of the network, a code's cuts in it where it is a mask."""
    cell = leaf_cells(design).synapse
    block = Block.named("picture", cell.width, cell.height)
    block.place(cell, 0.0, 0.0)
    if storage == "mask":
        on = coded_weights(design.contracts.synapse.storage).on(CODE)
        block.place(mask_block(cell, on, "mask"), 0.0, 0.0)
    picture(block, (-MARGIN, -MARGIN, cell.width + MARGIN, cell.height + MARGIN), target)


def picture(block: Block, box: tuple[float, ...], target: Path) -> None:
    """The part of a block inside a box, on white."""
    with tempfile.TemporaryDirectory() as folder:
        gds = write_gds(block, Path(folder) / "cell.gds")
        properties = Path(folder) / "cell.lyp"
        write_layer_properties(properties)
        on_white(write_picture(gds, properties, Path(folder) / "cell.png", box_um=box), target)


def areas(design: Design, both: Block) -> dict[str, float]:
    """By part: synapses, neurons, input drivers, what lies around and between them, the generator, and what lies round that."""
    block, cells = network(LAYERS, design), leaf_cells(design)
    whole = inventory(block).area_um2
    synapses = sum(a * b for a, b in itertools.pairwise(LAYERS))
    found = {
        "synapses": synapses * cells.pitch * cells.row_height,
        "neurons": sum(LAYERS[1:]) * cells.pitch * cells.neuron.height,
        "input drivers": LAYERS[0] * cells.input.width * cells.row_height,
    }
    found["straps, lines, between layers"] = whole - sum(found.values())
    x0, y0, x1, y1 = both.regions["generator"]
    found["network"] = whole
    found["generator"] = (x1 - x0) * (y1 - y0)
    found["both"] = inventory(both).area_um2
    return found


if __name__ == "__main__":
    main()
