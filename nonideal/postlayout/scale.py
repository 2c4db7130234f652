"""The factor on the synaptic currents with which a mapping is written back.

A trained weight is a current only up to what training did not know: for the ANN the whole non-ideality, for the physical network the
parasitics. The factor is found in two steps, on training samples only:

1. on the characterised model, over a grid of 1 % steps: positive and negative currents apart for the ANN (2-D), together otherwise (1-D);
2. in SPICE, a common factor on top, by a parabola through the squared error at three factors, moved until the minimum lies inside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nonideal.pnn import RCSpikeNetwork, Reversal
from nonideal.postlayout.errors import ValidationError
from nonideal.postlayout.prediction import unclipped_times

Array = NDArray[np.float64]
TWO_DIMENSIONAL = frozenset({"ann"})
"""Mappings whose positive and negative currents are scaled apart."""
STEP = 0.015
LIMIT = 0.3
COARSE = 5


@dataclass(frozen=True, slots=True)
class Scale:
    """Factors on positive and negative currents; ``rmse_s`` on the calibration samples by factor tried in SPICE."""

    positive: float
    negative: float
    tried: tuple[tuple[float, float], ...] = ()

    @property
    def pair(self) -> tuple[float, float]:
        """(positive, negative)."""
        return (self.positive, self.negative)

    def times(self, factor: float) -> Scale:
        """Both factors times ``factor``."""
        return Scale(self.positive * factor, self.negative * factor, self.tried)


def mapping_rmse(promised: Array, seen: Array) -> float:
    """What the search minimises: RMSE over neurons that fire in either, normalised times, a silent one counted at the end of the phase.

    A missed or an extra spike so costs its distance to the end of the phase: a scale cannot win by silencing neurons. Infinity when no
    neuron fires at all.
    """
    fires = (promised < 1.0) | (seen < 1.0)
    error = (np.minimum(seen, 1.0) - np.minimum(promised, 1.0))[fires]
    return float(np.sqrt(np.mean(error**2))) if len(error) else float("inf")


def model_scale(
    mapping: str,
    network: RCSpikeNetwork,
    silicon: Reversal | RCSpikeNetwork,
    spike_time: Tensor,
    *,
    low: float,
    high: float,
    step: float,
) -> Scale:
    """Step 1: the grid point at which the characterised silicon comes closest to what the network promises, in its output spikes.

    ``silicon``: the reversal potentials of single synapses, or a network of these sizes whose layers are as the columns were measured.
    """
    promised = unclipped_times(network, spike_time)[-1]

    def best(positive: Array, negative: Array | None) -> tuple[float, float]:
        pairs = (
            [(f, f) for f in positive] if negative is None else [(p, n) for p in positive for n in negative]
        )
        errors = [
            mapping_rmse(promised, unclipped_times(network, spike_time, silicon=silicon, gain=pair)[-1])
            for pair in pairs
        ]
        lowest = int(np.argmin(errors))
        if not np.isfinite(errors[lowest]):
            raise ValidationError(
                f"mapping {mapping}: no output neuron fires on the training samples; train longer or check the data set"
            )
        return float(pairs[lowest][0]), float(pairs[lowest][1])

    # The error is smooth in both factors: a grid five times as coarse first, then the fine one around its best point.
    apart = mapping in TWO_DIMENSIONAL
    coarse = np.asarray(np.arange(low, high + step / 2, COARSE * step), np.float64)
    rough = best(coarse, coarse if apart else None)
    fine = np.asarray(step * np.arange(-COARSE, COARSE + 1), np.float64)

    def around(factor: float) -> Array:
        near = factor + fine
        return near[(near >= low - 1e-9) & (near <= high + 1e-9)]

    positive, negative = best(around(rough[0]), around(rough[1]) if apart else None)
    return Scale(positive, negative)


def refine(
    start: Scale,
    error: Callable[[list[Scale]], list[float]],
    *,
    expected: float = 1.0,
    steps: tuple[float, ...] = (STEP,),
) -> Scale:
    """Step 2: the common factor on ``start`` that minimises ``error`` (RMSE in seconds, measured in SPICE for several scales at once).

    The search begins at ``expected`` and goes through ``steps``, from coarse to fine: wiring makes an extracted network want some 10 %
    more current, and every factor tried costs a simulation of all calibration samples.
    """
    known: dict[float, float] = {}
    best = expected
    for step in steps:
        best = _minimum(start, error, known, best, step)
    tried = tuple((f, known[f]) for f in sorted(known))
    return Scale(start.positive * best, start.negative * best, tried)


def _minimum(
    start: Scale,
    error: Callable[[list[Scale]], list[float]],
    known: dict[float, float],
    center: float,
    step: float,
) -> float:
    """Walk in ``step`` until the lowest of three neighbouring factors is the middle one; the vertex of the parabola through them."""
    while True:
        factors = [round(center + k * step, 6) for k in (-1, 0, 1)]
        missing = [f for f in factors if f not in known]
        known.update(zip(missing, error([start.times(f) for f in missing]), strict=True))
        squares = np.array([known[f] ** 2 for f in factors])
        if not np.all(np.isfinite(squares)):
            raise ValidationError(
                f"no spikes at the current scales {factors}: the mapping is off by more than the search can mend"
            )
        lowest = int(np.argmin(squares))
        if lowest == 1:
            a, b, _ = np.polyfit(np.array(factors) - center, squares, 2)
            return center + float(np.clip(-b / (2 * a), -step, step))
        center = factors[lowest]
        if abs(center - 1.0) > LIMIT:
            raise ValidationError(
                f"the best current scale lies more than {100 * LIMIT:.0f} % away from the model's: characterise again, or check the netlist"
            )
