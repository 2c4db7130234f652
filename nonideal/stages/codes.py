"""Weights that are codes: whether a circuit holds them, and a trained network of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nonideal.circuits.design import Design
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import Experiment
from nonideal.runs.rundir import SCHEMATIC

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


def refuse_noise(experiment: Experiment) -> None:
    """Raise ``ExperimentError`` for a circuit of codes, where the noise of its synapses would have to be measured."""
    if holds_codes(experiment.circuit):
        raise ExperimentError(
            experiment.name,
            [
                'circuit.synapse.kind = "coded": noise is measured of synapses whose weights are gate biases, not of banks of units: '
                'give an experiment of kind = "pair", as iris; what a constant jitter does to codes, training.spike_noise_norm tells'
            ],
        )


def takes_other_codes(experiment: Experiment) -> bool:
    """Whether a chip of codes is trimmed by other codes: as ``calibration.other_codes`` says, else where they are latched. A mask is the same on
    every chip."""
    from nonideal.circuits.cells.codes import coded_weights

    asked = experiment.calibration.other_codes
    return coded_weights(experiment.circuit.contracts.synapse.storage).latched if asked is None else asked


def refuse_codes_on(experiment: Experiment, netlist: str) -> None:
    """Raise ``ExperimentError`` for chips of codes that would be drawn into an extracted netlist."""
    if holds_codes(experiment.circuit) and netlist != SCHEMATIC:
        raise ExperimentError(
            experiment.name,
            [
                f'circuit.synapse.kind = "coded", --netlist {netlist}: chips of codes are drawn into the schematic, since an extracted mask holds '
                "one set of codes and the chips are measured with many: leave --netlist out, in a run directory of the schematic"
            ],
        )
