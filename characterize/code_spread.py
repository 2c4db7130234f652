"""Mismatch of a coded circuit: how its devices spread by the PDK's statistics, and how its neurons answer to that, as measured in SPICE.

A unit FET's threshold shift is a shift of its gate line: what that does to a code's current is known from the currents over the line.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.specimen import Specimen
from nonideal.characterize.spread import NeuronSpread
from nonideal.characterize.spread_stage import measured_neurons
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.network.chip import draw, mismatch_sigmas
from nonideal.circuits.network.netlist import Topology


class CodeSpread(BaseModel):
    """Standard deviations by cell and device path (V; relative of capacitors), and the neuron's answer; ``seed`` of the drawn neurons."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    sigmas: dict[str, dict[str, float]]
    neuron: NeuronSpread
    seed: int


def measure_code_spread(
    bench: Workbench, design: Design, options: CharacterizeOptions, model: PhysicalModel, folder: Path
) -> CodeSpread:
    """Draw ``options.draws`` neurons and simulate them; ``model`` is the circuit's. Raises ``FitRefused``, ``CharacterizationFailed``."""
    sigmas = mismatch_sigmas(bench.pdk, bench.corner, design)
    drawn = draw(options.draw_seed, Topology.of((1, options.draws), design), sigmas).layers[0]
    neuron = measured_neurons(bench, design, model, Specimen.designed(design, model), drawn.neuron, folder)
    found = {cell: dict(by_path) for cell, by_path in sigmas.cells.items()}
    return CodeSpread(sigmas=found, neuron=neuron, seed=options.draw_seed)
