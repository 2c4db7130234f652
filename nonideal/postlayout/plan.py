"""What is validated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp, column_for
from nonideal.circuits.network.inference import Simulated
from nonideal.circuits.network.mapping import BiasModel
from nonideal.circuits.network.testbench import Circuit
from nonideal.pnn import Dataset, RCSpikeNetwork
from nonideal.pnn.draw import drawn_by_class
from nonideal.postlayout.errors import ValidationError

Array = NDArray[np.float64]
Netlist = Literal["schematic", "pex-c", "pex-rc"]

BLIND = frozenset({"bottom_up"})
"""Mappings that nothing is fitted for: realised and predicted from the columns' measurements alone, with no scale and no trimming."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Of a layer's membranes: ``v_0_V`` after reset, and the threshold ``v_th_V`` below it."""

    v_0_V: float
    v_th_V: float

    def volts(self, v_norm: Array) -> Array:
        """The potential of membranes at ``v_norm`` thresholds."""
        return self.v_0_V - self.v_th_V * v_norm


@dataclass(frozen=True, slots=True)
class ValidationPlan:
    """What is validated: a circuit, its model, trained networks by mapping, and how many samples of the data set."""

    circuit: Circuit
    netlist: Netlist
    model: PhysicalModel
    networks: Mapping[str, RCSpikeNetwork]
    dataset: Dataset
    samples: int
    calibration_samples: int
    scale_low: float = 0.6
    scale_high: float = 1.8
    scale_step: float = 0.01
    clip: bool = False
    simulated: Simulated = "whole"
    compare: Literal["layout", "paper"] = "paper"

    def __post_init__(self) -> None:
        available = len(self.dataset.test_x)
        if not 1 <= self.samples <= available:
            raise ValidationError(
                f"samples = {self.samples}: the test set has {available}; choose 1 .. {available}"
            )
        if self.simulated == "columns" and self.netlist == "schematic":
            raise ValidationError(
                'simulated = "columns": columns are cut from an extracted netlist; take "whole" for the schematic'
            )
        if not self.networks:
            raise ValidationError("no mapping to validate: name at least one in validation.mappings")
        if self.calibration_samples < 1:
            raise ValidationError(
                f"calibration_samples = {self.calibration_samples}: at least 1 is needed to find the current scale"
            )
        if not (0 < self.scale_low <= self.scale_high and self.scale_step > 0):
            raise ValidationError(
                f"current scale {self.scale_low} .. {self.scale_high} in steps of {self.scale_step} is not a range"
            )
        sizes = self.circuit.topology.layers
        for mapping, network in self.networks.items():
            if network.layer_sizes != sizes:
                raise ValidationError(
                    f"mapping {mapping}: its network has layers {list(network.layer_sizes)}, the circuit {list(sizes)}"
                )
        self.dataset.check_fits(sizes)
        t_circ_s = self.circuit.design.timing.t_circ_s
        if abs(self.model.t_circ_s - t_circ_s) > 1e-9 * t_circ_s:
            raise ValidationError(
                f"the model was characterised at T_circ = {self.model.t_circ_s:g} s, the circuit has {t_circ_s:g} s: characterise again"
            )
        if BLIND & set(self.networks) and not self.model.columns:
            raise ValidationError(
                "mapping bottom_up needs a physical model with columns (version 2): characterise again"
            )

    @property
    def drawn(self) -> NDArray[np.int64]:
        """Indices in the test set of the samples that are validated; they are drawn by class."""
        return drawn_by_class(self.dataset.test_y, self.samples)

    @property
    def inputs(self) -> Tensor:
        """Their input spike times [samples, axons]; a sample's number in all results is its row here."""
        return self.dataset.test_x[torch.from_numpy(self.drawn)]

    @property
    def labels(self) -> NDArray[np.int64]:
        """Their classes [samples]."""
        found: NDArray[np.int64] = self.dataset.test_y.numpy()[self.drawn]
        return found

    @property
    def class_names(self) -> list[str]:
        """The classes in the order of the outputs: as the data set calls them, else their numbers."""
        origin = self.dataset.origin
        return list(map(str, range(self.dataset.classes))) if origin is None else list(origin.classes)

    def fitted(self, mapping: str) -> bool:
        """Whether a mapping's scale is searched in SPICE, and the dischargers trimmed for it.

        Never where the columns say all; nor beside such a mapping, where the question is what the layout does: both are then realised alike.
        """
        return mapping not in BLIND and (self.compare == "paper" or not BLIND & set(self.networks))

    def realised_by(self, mapping: str) -> BiasModel:
        """What turns the weights of a mapping into biases."""
        return self.model if self.fitted(mapping) else BottomUp(self.model)

    def levels(self, mapping: str) -> tuple[Levels, ...]:
        """What turns a mapping's normalised potentials into volts, by layer: each layer of a blind mapping has its own column's."""
        if not self.fitted(mapping):
            columns = [column_for(self.model, axons) for axons in self.circuit.topology.layers[:-1]]
            return tuple(Levels(column.v_0_V.value, column.v_th_V.value) for column in columns)
        return (Levels(self.model.v_0_V.value, self.model.v_th_V),) * self.circuit.topology.depth

    def circuit_of(self, mapping: str, trimmed_vdis_V: float) -> Circuit:
        """The circuit with the discharger bias of a mapping: its columns' own, or the one trimmed on this netlist."""
        vdis_V = trimmed_vdis_V if self.fitted(mapping) else BottomUp(self.model).vdis_V
        return replace(self.circuit, vdis_V=vdis_V)
