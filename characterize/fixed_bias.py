"""Biases that are kept in another condition than the one they were written for: what their synapses and neurons do there, as measured.

No formula is fitted in between: far from home none may hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from nonideal.characterize.benches import Bench, Grid, synapse_bench
from nonideal.characterize.branch import sweeps
from nonideal.characterize.column_bench import INNER, STARTS, ColumnBench
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.physics import BottomUp
from nonideal.characterize.stage import ColumnNetlist, on_column
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.spice import Result

Array = NDArray[np.float64]
LEAST_A = 1e-15
"""Below this a current is what the simulator's gmin makes of it."""


@dataclass(frozen=True, slots=True)
class SynapseCurves:
    """ln(current in A at V_0) over gate bias (V, rising) of either branch, as swept: further than a model's table of usable biases."""

    n: tuple[Array, Array]
    p: tuple[Array, Array]

    def ln_current(self, polarity: str, bias_V: Array) -> Array:
        """At gate biases, the shape of ``bias_V``."""
        return np.asarray(PchipInterpolator(*(self.n if polarity == "n" else self.p))(bias_V))


def measure_curves(
    bench: Workbench, design: Design, options: CharacterizeOptions, folder: Path
) -> SynapseCurves:
    """Sweep both branches of a synapse pair. Raises ``CharacterizationFailed``."""
    membrane, bias_n, bias_p = sweeps(options, design.supplies.vdd_V)
    benches: list[Bench] = [
        synapse_bench(design, "n", membrane, bias_n),
        synapse_bench(design, "p", membrane, bias_p),
    ]
    n, p = bench.run(benches, design, folder)
    v0_V = design.supplies.v0_V
    return SynapseCurves(_at(n, -1.0, bias_n, membrane, v0_V), _at(p, 1.0, bias_p, membrane, v0_V))


def _at(result: Result, sign: float, bias: Grid, membrane: Grid, v0_V: float) -> tuple[Array, Array]:
    current = sign * np.asarray(result["i(vdendrite)"], float).reshape(bias.size, membrane.size)
    at_v0 = [np.interp(v0_V, membrane.values_V, row) for row in current]
    return bias.values_V, np.log(np.maximum(at_v0, LEAST_A))


@dataclass(frozen=True, slots=True)
class FiringCurve:
    """When a neuron fires that stands ``drop_V`` (rising) below the reset level: ``time_norm`` in T_circ, infinity for no spike.

    As measured, with no formula in between: at biases that no formula was fitted for the sensing stage may be all there is.
    """

    drop_V: Array
    time_norm: Array

    def times(self, drop_V: Array) -> Array:
        """Spike times in T_circ, not below 0, the shape of ``drop_V``; straight on beyond the levels that fired.

        With fewer than two such levels a neuron fires only where it stands as low as one that did.
        """
        seen = np.isfinite(self.time_norm)
        drop, time = self.drop_V[seen], self.time_norm[seen]
        if len(drop) < 2:
            lowest, at = (drop[0], time[0]) if len(drop) else (np.inf, 0.0)
            return np.where(drop_V >= lowest, at, np.inf)
        inside = PchipInterpolator(drop, time)(np.clip(drop_V, drop[0], drop[-1]))
        first, last = ((time[k + 1] - time[k]) / (drop[k + 1] - drop[k]) for k in (0, -2))
        beyond = np.where(drop_V < drop[0], first * (drop_V - drop[0]), 0.0)
        beyond = np.where(drop_V > drop[-1], last * (drop_V - drop[-1]), beyond)
        return np.asarray(np.maximum(inside + beyond, 0.0))

    @property
    def silent_norm(self) -> float | None:
        """Spike time of a neuron without input in T_circ; None where it does not fire while it is watched."""
        seen = self.drop_V[np.isfinite(self.time_norm)]
        return float(self.times(np.zeros(1))[0]) if len(seen) > 1 and seen[0] <= 1e-3 else None


def measure_firing(bench: Workbench, column: ColumnBench, folder: Path) -> FiringCurve:
    """The inner neuron of a column at its circuit's discharger bias, from every reset level. Raises ``CharacterizationFailed``."""
    results = column.infer(column.firing_cases(), bench, folder)
    traces = [column.membranes_V(result)[INNER] for result in results]
    ends = np.array([trace.value_at(column.end_s()) for trace in traces])
    reset_V = traces[STARTS - 1].value_at(column.begin_s())
    times = np.array([column.spike_times_norm(result)[INNER] for result in results])
    order = np.argsort(reset_V - ends)
    return FiringCurve((reset_V - ends)[order], times[order])


def measure_firing_stage(
    bench: Workbench,
    design: Design,
    model: PhysicalModel,
    vdis_V: float,
    columns: Sequence[ColumnNetlist],
    folder: Path,
) -> dict[int, FiringCurve]:
    """The firing stage of every column, by its axons, at the V_sense of ``design`` and this discharger bias.

    ``model`` realises weights, of which there are none here: that of any condition does. Raises ``CharacterizationFailed``.
    """
    return {
        one.axons: measure_firing(
            bench, on_column(bench, design, one, model).at(vdis_V), folder / f"kept_{one.axons}"
        )
        for one in columns
    }


@dataclass(frozen=True, slots=True)
class FixedBiases:
    """What biases do in one condition: synapses, and the firing stage of every column by its axons."""

    curves: SynapseCurves
    firing: dict[int, FiringCurve]


def measure_fixed_biases(
    bench: Workbench,
    design: Design,
    options: CharacterizeOptions,
    model: PhysicalModel,
    columns: Sequence[ColumnNetlist],
    folder: Path,
) -> FixedBiases:
    """The biases that ``model``, which is home's, stands for, at the corner of ``bench`` and the temperature of ``design``.

    Raises ``CharacterizationFailed``.
    """
    return FixedBiases(
        measure_curves(bench, design, options, folder),
        measure_firing_stage(bench, design, model, BottomUp(model).vdis_V, columns, folder),
    )
