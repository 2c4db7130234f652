"""The neuron that mismatch is drawn into: as designed, or as a column's layout has it, in either case at the bias it works at there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nonideal.characterize.column_bench import INNER, NEURONS
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import column_for
from nonideal.circuits.design import Design
from nonideal.circuits.extraction.netlist import Netlist
from nonideal.circuits.network.correspondence import laid_out
from nonideal.circuits.network.flat import Element, elements
from nonideal.circuits.network.netlist import Topology


@dataclass(frozen=True, slots=True)
class Specimen:
    """What a neuron is made of; the pairs on its dendrite, its discharger's bias, capacitance and swing of its membrane, curvature of its ramp.

    Wires matter to mismatch: they load the sensing stage, whose delay is the longer the less current a drawn device gives it.
    """

    parts: Sequence[Element]
    axons: int
    vdis_V: float
    membrane_F: float
    v_th_V: float
    discharge_norm: float

    @classmethod
    def designed(cls, design: Design, model: PhysicalModel) -> Specimen:
        """The cell by itself."""
        return cls(
            elements(design)["neuron"], model.axons, model.vdis_V, model.membrane_F.value, model.v_th_V, model.discharge_norm.value
        )  # fmt: skip

    @classmethod
    def drawn(cls, design: Design, model: PhysicalModel, axons: int, extracted: Netlist) -> Specimen:
        """The inner neuron of the extracted column of that many axons, which ``model`` was measured on.

        Raises ``CorrespondenceError`` for a netlist that is not that column's, ``NoColumn`` for a model without it.
        """
        column = column_for(model, axons)
        parts = laid_out(extracted, Topology.of((axons, NEURONS), design).opened, design, f"neuron_1_{INNER}")
        return cls(
            parts, axons, column.vdis_V, column.membrane_F.value, column.v_th_V.value, column.discharge_norm.value
        )  # fmt: skip
