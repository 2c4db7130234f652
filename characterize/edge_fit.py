"""The charge that an axon's edge brings by itself: from membranes whose synapses carry nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.column import EdgeCharge
from nonideal.characterize.estimate import Estimate, estimate

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StoredCharge:
    """Charge off a membrane over its drop below the reset level, neighbours held: ``drop * sum_k c_k drop^k``, F/V^k."""

    coefficients: tuple[float, ...]

    def charge_C(self, drop_V: Array | float) -> Any:
        """The shape of ``drop_V``."""
        return np.asarray(drop_V) * np.polynomial.polynomial.polyval(drop_V, self.coefficients)


def edge_charge(
    drops_V: Mapping[int, tuple[float, float, float]], stored: StoredCharge, coupling_F: float, axons: int
) -> EdgeCharge:
    """What axons take off by themselves, from the drops of all three membranes as each spiked alone; the outer two lack a neighbour, and its
    capacitance."""
    inner: dict[int, float] = {}
    first_more = []
    for axon, (left, middle, right) in drops_V.items():
        inner[axon] = coupling_F * (left + right) - float(stored.charge_C(middle))
        outer_C = coupling_F * (left + middle) - float(stored.charge_C(left))
        first_more.append(outer_C - inner[axon])
    ends = [axon for axon in dict.fromkeys((0, axons - 1)) if axon in inner]
    between = np.array([value for axon, value in inner.items() if axon not in ends] or list(inner.values()))
    charge_C, spread_C = float(between.mean()), float(between.std())
    more = {axon: inner[axon] - charge_C for axon in ends}

    def estimated(value: float, spread: float) -> Estimate:
        return estimate(value, spread, "C")

    return EdgeCharge(
        charge_C=estimated(charge_C, spread_C),
        first_axon_C=estimated(more.get(0, 0.0), spread_C),
        last_axon_C=estimated(more.get(axons - 1, 0.0) if axons > 1 else 0.0, spread_C),
        first_neuron_C=estimated(float(np.mean(first_more)), float(np.std(first_more))),
    )
