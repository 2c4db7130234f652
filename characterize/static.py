"""What the cells do at DC: families of synapse currents, whether currents add up on a dendrite, and the sensing stage's threshold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nonideal.characterize import fits
from nonideal.characterize.benches import Grid, dendrite_bench, sensing_bench, synapse_bench
from nonideal.characterize.branch import Family, measured_family, sweeps
from nonideal.characterize.code_bench import bank_bench, dendrite_of_codes
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.cells.codes import CodedWeights
from nonideal.circuits.design import Design

SENSING_V = Grid(0.3, 0.7, 0.001)
"""Membrane potentials between which the sensing stage's threshold is looked for."""
SPREAD_V = 0.02
"""Silent biases on the dendrite under test differ in steps of this, so that no two pairs are alike."""
STEPS = 5


@dataclass(frozen=True, slots=True)
class StaticMeasurements:
    """Currents of both polarities over ``membrane``; ``additivity_error``: the largest deviation of a dendrite's current from its pairs' sum,
    against the largest current of a pair; ``switch_V``: the membrane potential at which the sensing stage switches.
    """

    membrane: Grid
    family_n: Family
    family_p: Family
    additivity_error: float
    switch_V: float


def measure_static(
    bench: Workbench, design: Design, options: CharacterizeOptions, folder: Path
) -> StaticMeasurements:
    """Run the DC benches. Raises ``FitRefused`` where currents or the threshold are not what a model can describe."""
    supplies, axons = design.supplies, range(options.axons)
    membrane, bias_n, bias_p = sweeps(options, supplies.vdd_V)
    spread_n = [options.silent_bias_n_V + SPREAD_V * (j % STEPS) for j in axons]
    spread_p = [options.silent_bias_p_V - SPREAD_V * (j % STEPS) for j in axons]
    storage = design.contracts.synapse.storage
    if isinstance(storage, CodedWeights):
        # No two are alike here either.
        codes = [(1 - 2 * (j % 2)) * (storage.largest - j % storage.largest) for j in axons]
        lines_V = options.silent_bias_n_V, options.silent_bias_p_V
        currents = [
            bank_bench(design, "n", membrane, bias_n),
            bank_bench(design, "p", membrane, bias_p),
            dendrite_of_codes(design, codes, lines_V, membrane),
        ]
    else:
        currents = [
            synapse_bench(design, "n", membrane, bias_n),
            synapse_bench(design, "p", membrane, bias_p),
            dendrite_bench(design, spread_n, spread_p, membrane),
        ]
    positive, negative, dendrite, sensing = bench.run(
        [*currents, sensing_bench(design, SENSING_V)], design, folder
    )
    family_n = measured_family(positive, "n", bias_n, membrane, supplies.v0_V, options)
    family_p = measured_family(negative, "p", bias_p, membrane, supplies.v0_V, options)
    total = np.asarray(dendrite["i(vall)"], float)
    parts = sum(np.asarray(dendrite[f"i(vone_{j})"], float) for j in axons)
    largest = np.max(np.abs([dendrite[f"i(vone_{j})"] for j in axons]))
    switch_V = fits.solve_at(
        sensing.axis, np.asarray(sensing["v(spike)"], float), supplies.vdd_V / 2, "static sensing threshold",
        above=(*fits.SLOW_SENSING[:1], ("narrow", "circuit.neuron.sense_n.w_um")),
        below=(("raise", "circuit.supplies.vsense_V"), ("widen", "circuit.neuron.sense_n.w_um")),
    )  # fmt: skip
    return StaticMeasurements(
        membrane, family_n, family_p, float(np.max(np.abs(total - parts)) / largest), switch_V
    )
