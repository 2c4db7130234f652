"""Weights that are codes: whether a circuit holds them, and a trained network of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nonideal.circuits.design import Design
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import Experiment

if TYPE_CHECKING:
    from nonideal.pnn import RCSpikeNetwork


def holds_codes(design: Design) -> bool:
    """Whether weights are codes, whose biases a generator makes."""
    from nonideal.circuits.cells.codes import CodedWeights

    return isinstance(design.contracts.synapse.storage, CodedWeights)


def codes_of(path: Path) -> RCSpikeNetwork:
    """A trained network of codes. Raises ``CircuitError`` for weights that are none."""
    from nonideal.circuits.errors import CircuitError
    from nonideal.pnn.checkpoint import load_dense

    network = load_dense(path)
    if not network.codes:
        raise CircuitError(
            f"{path}: its weights are no codes, and circuit.synapse holds codes: train it on this circuit (the command train)"
        )
    return network


def refuse_codes(experiment: Experiment) -> None:
    """Raise ``ExperimentError`` for a circuit of codes, where a chip is to be measured and trimmed in SPICE."""
    if holds_codes(experiment.circuit):
        raise ExperimentError(
            experiment.name,
            [
                'circuit.synapse.kind = "coded": calibration in SPICE trims the analog pins of synapse pairs, and a chip of codes has none: '
                "the command yield trims chips by their codes and their reference, in the fast model"
            ],
        )
