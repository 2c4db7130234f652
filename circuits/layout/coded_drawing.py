"""How the coded synapse is drawn, wherever it holds its bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nonideal.circuits.cells.coded import CodedSizes
from nonideal.circuits.layout.block import Block
from nonideal.circuits.layout.coded import coded, coded_height, coded_width
from nonideal.circuits.layout.drawing import SynapseDrawing
from nonideal.circuits.layout.latched import inner_rails, latched, latched_height, latched_width


def reach(sizes: CodedSizes) -> tuple[float, float]:
    """Nothing of it keeps the lines of a column away: FETs stand below them."""
    return 0.3, 0.3


def height(sizes: CodedSizes) -> float:
    """Least height of a row of synapses."""
    return latched_height(sizes) if sizes.storage == "latch" else coded_height(sizes)


def pitch(sizes: CodedSizes) -> float:
    """Least pitch of columns."""
    return latched_width(sizes) if sizes.storage == "latch" else coded_width(sizes)


def draw(sizes: CodedSizes, **given: Any) -> Block:
    """The synapse."""
    return latched(sizes, **given) if sizes.storage == "latch" else coded(sizes, **given)


def rails(sizes: CodedSizes, height: float) -> Sequence[tuple[str, float]]:
    """Between its rows."""
    return inner_rails(sizes, height) if sizes.storage == "latch" else ()


CODED = SynapseDrawing(reach, height, draw, pitch, rails)
