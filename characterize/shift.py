"""What kept biases do in another condition than the one they were written for, in the normalised units of training.

The bridge from measured ``FixedBiases`` (``nonideal.characterize.shift_fit``) to whoever trains for several conditions, as
``nonideal.characterize.variation`` is from ``Spread``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from nonideal.characterize.artifact import Artifact

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CurrentShift:
    """ln of the current that a kept gate bias carries, over what it carries at home: ``level + slope / sqrt(1 + |w| / bend)``.

    A threshold's shift moves ln I most in weak inversion, mobility moves all currents alike.
    """

    level: float = 0.0
    slope: float = 0.0
    bend: float = 1.0

    def ln(self, weight: Array) -> Array:
        """At weights (of home), the shape of ``weight``."""
        return self.level + self.slope / np.sqrt(1.0 + np.abs(weight) / self.bend)


@dataclass(frozen=True, slots=True)
class LayerShift:
    """A layer in another condition: its currents by polarity, and when a neuron fires that fires at t at home, ``gain t + offset``.

    Reversal potentials, C_m and delays stay those of home. The default is home.
    """

    positive: CurrentShift = CurrentShift()
    negative: CurrentShift = CurrentShift()
    gain: float = 1.0
    offset: float = 0.0


class ConditionShift(BaseModel):
    """One condition. ``layers``: by the axons of a layer; ``error_ln``, ``error_norm``: the laws' rms errors, of ln I and of spike times in
    T_circ, over all layers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    corner: str
    temperature_C: float
    layers: dict[int, LayerShift]
    error_ln: float
    error_norm: float


class Shifts(Artifact):
    """Home, which is none, and the other conditions, as ``shift.json`` holds them."""

    format: Literal[1] = 1
    corner: str
    temperature_C: float
    conditions: tuple[ConditionShift, ...] = Field(min_length=1)

    @property
    def labels(self) -> tuple[str, ...]:
        """All conditions, home first, for people."""
        home = (self.corner, self.temperature_C)
        every = (home, *((one.corner, one.temperature_C) for one in self.conditions))
        return tuple(f"{corner} {temperature:g} °C" for corner, temperature in every)

    def of(self, axons: tuple[int, ...]) -> tuple[tuple[LayerShift, ...], ...]:
        """Every condition, home first, as layers with so many axons meet it."""
        away = tuple(tuple(one.layers[count] for count in axons) for one in self.conditions)
        return (tuple(LayerShift() for _ in axons), *away)
