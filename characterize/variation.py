"""How far a layer's synapses and neurons spread from chip to chip, in the normalised units of training.

The bridge from ``Spread`` to whoever trains on drawn chips, as ``nonideal.characterize.physics`` is from ``PhysicalModel``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nonideal.characterize.errors import FitRefused, NoSpread
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp, column_for
from nonideal.characterize.spread import Spread, SynapseSpread

NO_BEND = 1e6
"""A weight that is beyond all others."""


@dataclass(frozen=True, slots=True)
class CurrentSpread:
    """sigma(ln I) of a synapse of weight w: ``weak / sqrt(1 + |w| / bend)``, the gm / I of a FET between weak and strong inversion."""

    weak: float
    bend: float

    def sigma(self, weight: float) -> float:
        """sigma(ln I) at one weight."""
        return self.weak / math.sqrt(1.0 + abs(weight) / self.bend)


@dataclass(frozen=True, slots=True)
class LayerVariation:
    """Standard deviations over chips: of ln I by polarity, of the ramp's ln r, of the threshold theta (V_th), and the correlation
    of a neuron's ramp and threshold.

    ``discharge`` is b of the firing stage, with which a spike that would come at t comes at
    ``(t - 1 + ln(1 - b theta) / ln(1 - b)) / r``.
    """

    positive: CurrentSpread
    negative: CurrentSpread
    ln_ramp: float
    threshold: float
    discharge: float
    correlation: float = 0.0


def spread_of(model: PhysicalModel) -> Spread:
    """The model's mismatch; raises ``NoSpread`` where none was measured."""
    if model.spread is None:
        raise NoSpread(
            "the physical model knows no mismatch: set characterize.draws (for example 200) and characterise again"
        )
    return model.spread


def layer_variation(model: PhysicalModel, axons: int) -> LayerVariation:
    """The variation of a layer whose dendrites carry ``axons`` pairs. Raises ``NoSpread`` where none was measured, ``FitRefused``
    where the measured spreads do not follow the law.

    A weight is what write-back makes of it: in units of the layer's column, where the model holds columns.
    """
    spread, (unit_A, discharge) = spread_of(model), _as_built(model, axons)
    return LayerVariation(
        positive=_current_spread(spread.positive, unit_A),
        negative=_current_spread(spread.negative, unit_A),
        ln_ramp=spread.neuron.sigma_ln_ramp.value,
        threshold=spread.neuron.sigma_threshold.value,
        discharge=discharge,
        correlation=spread.neuron.correlation(spread.sigmas["neuron"]),
    )


def no_variation(model: PhysicalModel, axons: int) -> LayerVariation:
    """The layer of a chip on which no device is shifted."""
    none = CurrentSpread(0.0, 1.0)
    return LayerVariation(none, none, 0.0, 0.0, _as_built(model, axons)[1])


def _as_built(model: PhysicalModel, axons: int) -> tuple[float, float]:
    """Unit current (A) and b of a layer."""
    if not model.columns:
        return model.unit_current_A(axons), model.discharge_norm.value
    return BottomUp(model).unit_current_A(axons), column_for(model, axons).discharge_norm.value


def _current_spread(spread: SynapseSpread, unit_A: float) -> CurrentSpread:
    """The law through the measured spreads: 1 / sigma^2 is a line in |w|."""
    weight = np.exp(spread.ln_current) / unit_A
    sigma = np.array([one.value for one in spread.sigma_ln_current])
    slope, start = np.polyfit(weight, sigma**-2, 1)
    if not start > 0.0:
        raise FitRefused(
            f"sigma(ln I) = {', '.join(f'{s:.3g}' for s in sigma)} at weights {', '.join(f'{w:.3g}' for w in weight)} rises too steeply towards "
            "small currents for the law that training draws from: raise characterize.draws, or look at the synapse's sizes"
        )
    # Where noise hides the fall with the current, its bend lies beyond every weight.
    bend = start / slope if slope > start / NO_BEND else NO_BEND
    return CurrentSpread(weak=float(start) ** -0.5, bend=float(bend))
