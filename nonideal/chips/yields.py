"""What fraction of drawn chips is good, and how sure that fraction is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Yield:
    """``passed`` of ``chips`` chips, with the Wilson interval at ``confidence``."""

    passed: int
    chips: int
    low: float
    high: float
    confidence: float

    @property
    def value(self) -> float:
        """The fraction itself."""
        return self.passed / self.chips


def wilson(passed: int, chips: int, confidence: float = 0.95) -> Yield:
    """The Wilson score interval of a fraction. Raises ``ValueError`` without chips, or for more passes than chips."""
    if not 0 <= passed <= chips or chips < 1:
        raise ValueError(f"{passed} of {chips} chips is no fraction")
    interval = binomtest(passed, chips).proportion_ci(confidence, method="wilson")
    return Yield(passed, chips, float(interval.low), float(interval.high), confidence)


def yield_of(
    accuracy: Sequence[float] | Array, nominal: float, loss: float, confidence: float = 0.95
) -> Yield:
    """Chips that lose at most ``loss`` of the ``nominal`` accuracy (all fractions). NaN is a chip that failed: it does not pass."""
    values = np.asarray(accuracy, float)
    # Accuracies are multiples of 1 / samples: a rounding error decides nothing.
    passed = int(np.sum(values >= nominal - loss - 1e-9))
    return wilson(passed, len(values), confidence)
