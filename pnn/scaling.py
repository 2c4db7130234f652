"""How features become numbers in [0, 1], and where samples come from: recorded, so that other samples are treated alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nonideal.files.record import Document
from nonideal.pnn.errors import DataError

Array: TypeAlias = NDArray[np.float64]
Range: TypeAlias = tuple[float, float]
ScalingChoice: TypeAlias = Literal["minmax", "none"] | Range | Mapping[str, Range]
"""``minmax``: by the training samples; ``none``: features lie in [0, 1] already; a range for all columns, or one for each."""


class Scaling(Document):
    """A feature x of a column becomes (x - low) / (high - low). ``method`` says where the ranges come from.

    Example:

        scaling = nonideal.pnn.Scaling(method="ranges", columns=("length",), low=(1.0,), high=(7.0,))
        x = scaling.scaled([[4.0], [7.0]])    # [[0.5], [1.0]]
    """

    method: Literal["minmax", "ranges", "none"]
    columns: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def outside(self, x: Array) -> NDArray[np.bool_]:
        """Where features [n, columns] lie outside of the ranges."""
        return (x < np.array(self.low)) | (x > np.array(self.high))

    def scaled(self, x: Array) -> Array:
        """Features [n, columns] in their own units -> [0, 1]; one outside of its range becomes 0 or 1. Raises ``DataError`` for another shape."""
        x = np.asarray(x, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != len(self.columns):
            raise DataError(
                f"features have shape {x.shape}; give [samples, {len(self.columns)}], the columns being {', '.join(self.columns)}"
            )
        low, high = np.array(self.low), np.array(self.high)
        span: Array = np.where(high > low, high - low, 1.0)
        return np.clip((x - low) / span, 0.0, 1.0)


class Origin(Document):
    """Where the samples of a data set come from.

    ``files``: SHA-256 of each file by its name (none: a data set of scikit-learn). ``label``: the column of classes.
    ``classes``: their names, in the order of the outputs. ``train_counts``, ``test_counts``: samples of each.
    ``clipped_test_values``: features of test samples outside of the scaling's ranges. ``split``: seed and number of test samples,
    None where the files say what is test. ``delimiter`` and ``decimal`` of CSV files.

        origin: nonideal.pnn.Origin = nonideal.load_dataset("iris").origin
        print(origin.classes, origin.scaling.low)
    """

    files: dict[str, str]
    label: str
    classes: tuple[str, ...]
    scaling: Scaling
    train_counts: tuple[int, ...]
    test_counts: tuple[int, ...]
    clipped_test_values: int
    split: tuple[int, int] | None = None
    delimiter: str | None = None
    decimal: str = "."


def scaling_choice(value: Any) -> ScalingChoice:
    """``value`` as a choice of scaling; raises ``ValueError`` that says what may be given."""
    if value in ("minmax", "none"):
        chosen: Literal["minmax", "none"] = value
        return chosen
    if isinstance(value, Mapping):
        if not value:
            raise ValueError("no ranges; give one for each column, { width = [0, 10], ... }")
        return {str(name): _range(given, f"column {name!r}: ") for name, given in value.items()}
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(
            f"{value!r} is no scaling; choose 'minmax', 'none', a range [low, high] for all columns, or {{ column = [low, high], ... }}"
        )
    return _range(value, "")


def _range(given: Any, where: str) -> Range:
    numbers = isinstance(given, Sequence) and not isinstance(given, str) and len(given) == 2
    if not numbers or any(isinstance(v, bool) or not isinstance(v, int | float) for v in given):
        raise ValueError(f"{where}{given!r} is no range; give [low, high]")
    try:
        low, high = float(given[0]), float(given[1])
    except OverflowError:
        low = high = math.inf
    if not (math.isfinite(low) and math.isfinite(high) and low < high and math.isfinite(high - low)):
        raise ValueError(f"{where}[{given[0]}, {given[1]}] is no range; give finite numbers, the lower first")
    return low, high
