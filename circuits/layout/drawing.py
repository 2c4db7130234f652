"""What a network's layout asks of the drawing of a kind of synapse or of neuron."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nonideal.circuits.cells.driver import DriverSizes
from nonideal.circuits.layout.block import Block


@dataclass(frozen=True, slots=True)
class NeuronAnchors:
    """Columns that what stands above and below has to meet, relative to the neuron's left edge."""

    dendrite_x: float
    spike_x: float
    spike_b_x: float


def _no_pitch(settings: object) -> float:
    """Whatever the reach beside the dendrite asks for."""
    return 0.0


def _no_rails(settings: object, height: float) -> Sequence[tuple[str, float]]:
    """Of a synapse that is one row."""
    return ()


@dataclass(frozen=True, slots=True)
class SynapseDrawing:
    """How a kind of synapse is drawn from its settings, all in um.

    ``reach``: how far it reaches left and right of the dendrite, ``height``: least height of a row. ``draw(settings, width=, height=, dendrite_x=,
    shields_x=)``: vss below, vdd above, axons on metal 4 through the row, the dendrite on metal 2 through the column; its ``pins`` have the
    names of the ports. ``pitch``: least pitch of columns, of a kind whose FETs stand below the upright lines. Of one whose weights are a mask
    the block is blank, and has ``cuts`` for every port that the mask wires. ``inner_rails``: (net, y) of the rails between the two of a
    synapse of that height that is several rows, from below.
    """

    reach: Callable[[Any], tuple[float, float]]
    height: Callable[[Any], float]
    draw: Callable[..., Block]
    pitch: Callable[[Any], float] = _no_pitch
    inner_rails: Callable[[Any, float], Sequence[tuple[str, float]]] = _no_rails


@dataclass(frozen=True, slots=True)
class NeuronDrawing:
    """How a kind of neuron is drawn from its settings and the driver's, all in um.

    ``width``: least pitch of columns. ``draw(settings, driver, width=)``: the block, whose ``pins`` have the names of the ports and whose lines
    run through it on metal 3, and its anchors. ``finish_row(block, cell, end, y)``: what stands right of a row's last neuron. ``rails``: (net, y)
    of its rails but the top one. ``gate_lines``: the lines that meet gates alone, which antenna diodes protect.
    """

    width: Callable[[Any, DriverSizes], float]
    draw: Callable[..., tuple[Block, NeuronAnchors]]
    finish_row: Callable[[Block, Block, float, float], None]
    rails: Callable[[Block], list[tuple[str, float]]]
    gate_lines: tuple[str, ...]
