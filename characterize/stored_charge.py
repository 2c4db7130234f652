"""How much charge a membrane holds at each potential, from the traces of lone synapses: where it bends, or where something leaks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.branch import Family
from nonideal.characterize.column_bench import SETTLED_S, ColumnBench
from nonideal.characterize.edge_fit import StoredCharge
from nonideal.characterize.leakage import Flowing
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.swing import Levels, Swing, charge_C

Array = NDArray[np.float64]
BEND, LEAKY_BEND = 3, 2
"""Coefficients of a membrane's charge over its drop: of many junctions, and of few where leakage changes with the potential."""
POINTS = 101


def fit_stored_charge(
    column: ColumnBench,
    swings: list[Swing],
    model: PhysicalModel,
    families: Mapping[str, Family],
    levels: Levels,
    *,
    leaks: bool,
) -> tuple[StoredCharge, Flowing]:
    """From all traces of lone synapses whose neighbours rest: one curve, and of each trace the charge that its arrival missed.

    With ``leaks`` also what a synapse of either sign carries beside its weight's current: a small weight's membrane shows it, a large one's
    shows the curve.
    """
    alone = [swing for swing in swings if not swing.lone.along]
    powers = BEND if column.bends else LEAKY_BEND
    signs = (1.0, -1.0) if leaks else ()
    rows, values = [], []
    for k, swing in enumerate(alone):
        at_s = np.linspace(swing.arrival_s + SETTLED_S, swing.time_s[-1], POINTS)
        own = 1.0 if swing.lone.weight > 0 else -1.0
        waited_V = swing.waited_V if swing.idle_V_per_s else 0.0
        drop = levels.reset_V - waited_V - swing.meant_V(at_s)
        curve = [drop ** (power + 1) for power in range(powers)]
        beside = [(swing.arrival_s - at_s) * (own == sign) for sign in signs]
        missed = np.zeros((POINTS, len(alone)))
        missed[:, k] = 1.0
        rows.append(np.hstack([np.stack([*curve, *beside], axis=1), missed]))
        values.append(own * np.interp(at_s, swing.time_s, charge_C(column, swing, model, families)))
    matrix = np.vstack(rows)
    # Columns in volts, seconds and one: on one footing.
    scale = np.abs(matrix).max(axis=0)
    found, *_ = np.linalg.lstsq(matrix / scale, np.concatenate(values), rcond=None)
    found = found / scale
    stored = StoredCharge(tuple(float(c) for c in found[:powers]))
    return stored, Flowing(*(float(c) for c in found[powers : powers + len(signs)]))
