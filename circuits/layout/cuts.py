"""Where a network's layout can be cut into tiles of which most are alike: between columns, and at every second row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.errors import LayoutError
from nonideal.files import write_if_changed

ROWS = 2
"""Rows of synapses in a tile: every second one is upside down."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """Upright lines at `x_um` and level lines at `y_um`, ascending."""

    x_um: tuple[float, ...]
    y_um: tuple[float, ...]

    def write(self, path: Path) -> None:
        """Write them as JSON."""
        write_if_changed(path, (json.dumps(asdict(self)) + "\n").encode())

    @classmethod
    def read(cls, path: Path) -> Cuts:
        """Read what `write` wrote; raises LayoutError where it is not that."""
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            return cls(tuple(map(float, told["x_um"])), tuple(map(float, told["y_um"])))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LayoutError(f"{path} holds no lines to cut a layout along: {error}") from error


def cuts(block: Block, layers: Sequence[int]) -> Cuts:
    """The cuts of a network of these layer sizes: the borders of columns, of every second row, and of neurons."""
    xs, ys = set(), set()
    for layer in range(1, len(layers)):
        left, bottom, right, top = block.regions[f"crossbar {layer}"]
        axons, dendrites = layers[layer - 1], layers[layer]
        xs |= {round(left + k * (right - left) / dendrites, 3) for k in range(dendrites + 1)}
        ys |= {round(bottom + k * (top - bottom) / axons, 3) for k in range(0, axons, ROWS)} | {top}
        ys.add(block.regions[f"neurons {layer}"][1])
    return Cuts(tuple(sorted(xs)), tuple(sorted(ys)))
