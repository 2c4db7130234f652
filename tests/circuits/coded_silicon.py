"""Silicon of coded synapses in round numbers, and weights for it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.design import Design
from tests.circuits.tables import Silicon, Table

Array = NDArray[np.float64]


LN = tuple(float(x) for x in np.log(15e-9) + np.linspace(0.0, 3.5, 8))
# Gate-line levels against ln(current of the largest code / 1 A): from 15 to 497 nA; a unit weight is 100 nA.
MODEL = Silicon(
    Table(LN, tuple(0.4 + 0.03 * k for k in range(8)), 0.0),
    Table(LN, tuple(1.3 - 0.03 * k for k in range(8)), 1.8),
    growth=0.0,
)
STEPS = (0.1, 0.08)
CODES = (np.array([[9, -4], [0, 3], [-15, 7]]), np.array([[5, -7, 2]]))
WEIGHTS = [step * codes for step, codes in zip(STEPS, CODES, strict=True)]
LAYERS = (2, 3, 1)


def coded(**given: Any) -> Design:
    return Design.model_validate({"synapse": {"kind": "coded", **given}})
