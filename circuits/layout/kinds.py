"""The drawings of the kinds of ``nonideal.circuits.cells.kinds``; a kind that is simulated and not drawn has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from nonideal.circuits.cells.contract import CellSettings
from nonideal.circuits.cells.kinds import kind_of
from nonideal.circuits.layout.coded_drawing import CODED
from nonideal.circuits.layout.drawing import NeuronDrawing, SynapseDrawing
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.neuron import MIM_MET4, MIM_MET5
from nonideal.circuits.layout.synapse import PAIR

SYNAPSES: Final[dict[str, SynapseDrawing]] = {
    "pair": PAIR,
    "coded": CODED,
}
NEURONS: Final[dict[str, NeuronDrawing]] = {
    "mim_met5": MIM_MET5,
    "mim_met4": MIM_MET4,
}

Drawing = TypeVar("Drawing", SynapseDrawing, NeuronDrawing)


def synapse_drawing(settings: CellSettings) -> SynapseDrawing:
    """How these settings are drawn. Raises ``LayoutError`` for a kind without a drawing."""
    return _drawing("synapse", SYNAPSES, settings)


def neuron_drawing(settings: CellSettings) -> NeuronDrawing:
    """The same of a neuron."""
    return _drawing("neuron", NEURONS, settings)


def _drawing(cell: str, table: Mapping[str, Drawing], settings: CellSettings) -> Drawing:
    kind = kind_of(settings)
    if kind not in table:
        raise LayoutError(
            f"circuit.{cell}.kind = {kind!r}: this kind is not drawn ({', '.join(table)} are); validate on the schematic netlist"
        )
    return table[kind]
