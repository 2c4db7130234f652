"""The documentation's pictures of the coded synapses as they are drawn, and what of a 5-5-5 network each part takes.

.venv/bin/python scripts/docs_cells.py          # docs/figures/coded-mask.png, coded-latch.png; the table on the terminal
"""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

from docs_figures import on_white

from nonideal.circuits.cells.codes import coded_weights
from nonideal.circuits.design import Design
from nonideal.circuits.generator.area import areas_um2
from nonideal.circuits.generator.generator import Generator
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
        for part, area_um2 in areas(design).items():
            print(f"{storage:6} {part:40} {area_um2:8.0f} um2")


def draw(design: Design, storage: str, target: Path) -> None:
    """A synapse of the network, a code's cuts in it where it is a mask."""
    cell = leaf_cells(design).synapse
    block = Block.named("picture", cell.width, cell.height)
    block.place(cell, 0.0, 0.0)
    if storage == "mask":
        on = coded_weights(design.contracts.synapse.storage).on(CODE)
        block.place(mask_block(cell, on, "mask"), 0.0, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        gds = write_gds(block, Path(folder) / "cell.gds")
        properties = Path(folder) / "cell.lyp"
        write_layer_properties(properties)
        box = (-MARGIN, -MARGIN, cell.width + MARGIN, cell.height + MARGIN)
        on_white(write_picture(gds, properties, Path(folder) / "cell.png", box_um=box), target)


def areas(design: Design) -> dict[str, float]:
    """By part: synapses, neurons, input drivers, what lies around and between them, and the generator, estimated."""
    block, cells = network(LAYERS, design), leaf_cells(design)
    whole = inventory(block).area_um2
    synapses = sum(a * b for a, b in itertools.pairwise(LAYERS))
    found = {
        "synapses": synapses * cells.pitch * cells.row_height,
        "neurons": sum(LAYERS[1:]) * cells.pitch * cells.neuron.height,
        "input drivers": LAYERS[0] * cells.input.width * cells.row_height,
    }
    found["straps, lines, between layers"] = whole - sum(found.values())
    generator = Generator.of(design.generator, design, LAYERS) if design.generator is not None else None
    found["network"] = whole
    found["generator, estimated"] = 0.0 if generator is None else sum(areas_um2(generator).values())
    found["both"] = whole + found["generator, estimated"]
    return found


if __name__ == "__main__":
    main()
