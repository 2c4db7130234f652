"""Mismatch of a design: Monte-Carlo benches on real SPICE -> Spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize import fits
from nonideal.characterize.benches import SPIKE_VECTOR, Grid
from nonideal.characterize.library_check import measured_library
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.specimen import Specimen
from nonideal.characterize.spread import NeuronSpread, Spread, SynapseSpread
from nonideal.characterize.spread_bench import (
    LEVELS,
    NeuronLoad,
    branches_of,
    drawn_neuron_bench,
    drawn_synapses_bench,
)
from nonideal.characterize.spread_fit import DrawnNeurons, DrawnSynapses, fit_neurons, fit_synapses
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.chip import draw, mismatch_sigmas
from nonideal.circuits.network.flat import Element, elements, leaf_cells
from nonideal.circuits.network.mapping import bias_for_current
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.timeline import Timeline
from nonideal.sky130_models.device import find_device
from nonideal.spice import Result

Array = NDArray[np.float64]
BIASES = 9
"""Gate biases at which drawn synapses are measured, from the smallest weight of the window to ``TOP`` of the largest weight."""
TOP = 0.75


def check_cells(design: Design, draws: int, way_out: str = "set characterize.draws = 0") -> None:
    """Raises ``CircuitError``, which ends with ``way_out``, where mismatch is asked of cells whose devices have no roles that are known."""
    if not draws:
        return
    if "neuron" in design.cells:
        raise CircuitError(
            "circuit.cells.neuron: the mismatch of your own neuron cannot be measured: its ramp and threshold are fitted to the "
            f"devices of ours, and trims act on our discharger; {way_out}"
        )
    cells = leaf_cells(design)
    for name, cell in cells.items():
        if cell.models:
            raise CircuitError(
                f"circuit.cells.{name}: {cell.models[0].name} is no device of the process, its mismatch is not known; {way_out}"
            )
    try:
        branches_of(cells["synapse"].elements, design.contracts.synapse)
    except CircuitError as error:
        raise CircuitError(f"{error}; {way_out}") from error


def measure_spread(
    bench: Workbench,
    design: Design,
    options: CharacterizeOptions,
    model: PhysicalModel,
    folder: Path,
    specimen: Specimen | None = None,
) -> Spread:
    """Draw ``options.draws`` synapses and neurons of ``design``, simulate them, and fit what their shifts do.

    ``model`` supplies the biases; ``specimen`` is the neuron that is drawn (None: the cell as designed). Raises ``FitRefused`` or
    ``CharacterizationFailed``.
    """
    check_cells(design, options.draws)
    sigmas = mismatch_sigmas(bench.pdk, bench.corner, design)
    parts = elements(design)
    drawn = draw(options.draw_seed, Topology.of((1, options.draws), design), sigmas).layers[0]
    synapse = {path: shift[:, 0] for path, shift in drawn.synapse.items()}
    positive, negative = _synapses(bench, design, options, model, parts["synapse"], synapse, folder)
    return Spread(
        sigmas={cell: dict(by_path) for cell, by_path in sigmas.cells.items()},
        positive=positive,
        negative=negative,
        neuron=measured_neurons(
            bench, design, model, specimen or Specimen.designed(design, model), drawn.neuron, folder
        ),
        library=measured_library(bench, design, options.draw_seed, folder / "library"),
        seed=options.draw_seed,
    )


def _synapses(
    bench: Workbench,
    design: Design,
    options: CharacterizeOptions,
    model: PhysicalModel,
    parts: Sequence[Element],
    shifts: Mapping[str, Array],
    folder: Path,
) -> tuple[SynapseSpread, SynapseSpread]:
    v0_V, unit_A = design.supplies.v0_V, model.unit_current_A()
    # The reset level is on the grid, the ends are the swing's to within half a step.
    step_V = 0.1
    below, above = (
        round((v0_V - options.swing_V[0]) / step_V - 0.4),
        round((options.swing_V[1] - v0_V) / step_V - 0.2),
    )
    membrane = Grid(round(v0_V - below * step_V, 9), round(v0_V + above * step_V, 9), step_V)
    ends_A = unit_A * np.array([options.weight_window[0], TOP * options.max_weight])
    branches = {"n": model.positive, "p": model.negative}
    grids = {}
    for polarity, branch in branches.items():
        low, high = sorted(
            bias_for_current(branch, np.clip(ends_A, branch.current_min_A, branch.current_max_A))
        )
        step, start = round(float(high - low) / (BIASES - 1), 4), round(float(low), 4)
        # The simulator adds steps up: a stop a little beyond the last is not missed by rounding.
        grids[polarity] = Grid(start, start + (BIASES - 0.9) * step, step)
    found = bench.run(
        [drawn_synapses_bench(design, parts, p, shifts, membrane, grids[p]) for p in branches], design, folder
    )
    spreads, roles = [], branches_of(parts, design.contracts.synapse)
    for (polarity, branch), result in zip(branches.items(), found, strict=True):
        devices = roles[polarity]
        sign = 1.0 if polarity == "n" else -1.0
        shape = (grids[polarity].size, membrane.size)
        current = [
            sign * np.asarray(result[f"i(vd_{k})"], float).reshape(shape)
            for k in range(1 + len(shifts[devices.memory]))
        ]
        measured = DrawnSynapses(
            grids[polarity].values_V,
            membrane.values_V,
            np.array(current),
            shifts[devices.memory],
            shifts[devices.select],
        )
        paths = (devices.memory, devices.select)
        spreads.append(fit_synapses(measured, branch, polarity, paths, unit_A, v0_V, options.swing_V))
    return spreads[0], spreads[1]


def measured_neurons(
    bench: Workbench,
    design: Design,
    model: PhysicalModel,
    specimen: Specimen,
    shifts: Mapping[str, Array],
    folder: Path,
) -> NeuronSpread:
    """How neurons with these ``shifts`` [draws] by device path fire, simulated one by one, and the law through it.

    Raises ``FitRefused``, ``CharacterizationFailed``.
    """
    parts = specimen.parts
    dendrite_F = specimen.axons * max(model.membrane_per_axon_F.value, 0.0)
    count = len(next(iter(shifts.values())))
    drawn: list[dict[str, float]] = [{}]
    drawn += [{path: float(values[k]) for path, values in shifts.items()} for k in range(count)]
    benches = [
        drawn_neuron_bench(
            design, parts, f"drawn_neuron_{k}_{level}", mine,
            NeuronLoad(specimen.vdis_V, dendrite_F, part * specimen.membrane_F * specimen.v_th_V),
        )
        for k, mine in enumerate(drawn)
        for level, part in enumerate(LEVELS)
    ]  # fmt: skip
    found = bench.run(benches, design, folder / "drawn_neurons")
    times = np.array([_spike_time_norm(result, design) for result in found]).reshape(len(drawn), len(LEVELS))
    capacitors = {one.path for one in parts if one.is_device and find_device(one.what).kind == "mim"}
    return fit_neurons(
        DrawnNeurons(times, shifts), specimen.discharge_norm, design.timing.t_circ_s, capacitors
    )


def _spike_time_norm(result: Result, design: Design) -> float:
    """In T_circ from the start of the firing phase, NaN for none."""
    fire_s, half_V = Timeline(design.timing, 1).firing_s(1), design.supplies.vdd_V / 2
    wave = np.asarray(result[SPIKE_VECTOR], float)
    at = fits.crossing_time_s(result.axis, wave, half_V, fire_s - design.timing.edge_s)
    return np.nan if at is None else (at - fire_s) / design.timing.t_circ_s
