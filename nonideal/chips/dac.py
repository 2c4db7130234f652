"""A bias that can only take the steps of a converter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Dac:
    """``2^bits`` evenly spaced voltages from ``low_V`` to ``high_V``, both included. Raises ``ValueError`` for an empty range."""

    low_V: float
    high_V: float
    bits: int

    def __post_init__(self) -> None:
        if not self.low_V < self.high_V or not 1 <= self.bits <= 24:
            raise ValueError(
                f"a converter of {self.bits} bits from {self.low_V} to {self.high_V} V has no steps"
            )

    @property
    def step_V(self) -> float:
        """Between two codes."""
        return (self.high_V - self.low_V) / (2**self.bits - 1)

    def code(self, volts: Array) -> NDArray[np.int64]:
        """The nearest code to each voltage; ends for what lies beyond them."""
        held = np.clip(volts, self.low_V, self.high_V)
        return np.rint((held - self.low_V) / self.step_V).astype(np.int64)

    def volts(self, code: NDArray[np.int64]) -> Array:
        """What a code gives."""
        return np.asarray(self.low_V + self.step_V * code)

    def nearest(self, volts: Array) -> Array:
        """The voltage that comes out where ``volts`` is wanted."""
        return self.volts(self.code(volts))
