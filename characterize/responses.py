"""What shifts of many devices do to one quantity: a regression that leaves out what does not matter."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.errors import FitRefused
from nonideal.characterize.estimate import Estimate, estimate
from nonideal.characterize.spread import Response

Array = NDArray[np.float64]
SIGNIFICANT = 5.0
"""In standard errors: a term that is smaller is taken for none."""
NEGLIGIBLE = 1e-3
"""Share of the whole spread: a term that contributes less is left out, however significant."""


def least_squares(columns: Array, values: Array) -> tuple[Array, Array]:
    """Coefficients and their standard errors; refused where there are no more ``values`` than ``columns`` [values, coefficients]."""
    freedom = len(values) - columns.shape[1]
    if freedom < 1:
        raise FitRefused(
            f"{len(values)} drawn specimens for {columns.shape[1]} responses: raise characterize.draws"
        )
    found, *_ = np.linalg.lstsq(columns, values, rcond=None)
    residual = values - columns @ found
    covariance = np.linalg.inv(columns.T @ columns) * float(residual @ residual) / freedom
    return np.asarray(found, float), np.asarray(np.sqrt(np.diag(covariance)), float)


class Term(Enum):
    """A shift x enters by itself, squared, or times another quantity."""

    slope = 1
    curvature = 2
    along = 3


@dataclass(frozen=True, slots=True)
class Fitted:
    """Coefficients and their standard errors by (path, term), per unit of the shift."""

    value: Mapping[tuple[str, Term], float]
    stderr: Mapping[tuple[str, Term], float]

    def responses(self, capacitors: Collection[str] = ()) -> dict[str, Response]:
        """Slopes and curvatures by path; ``capacitors`` are shifted by shares, the others by volts."""
        return {
            path: Response(
                slope=estimate(slope, self.stderr[path, term], "1" if path in capacitors else "1/V"),
                curvature=self.value.get((path, Term.curvature), 0.0),
            )
            for (path, term), slope in self.value.items()
            if term is Term.slope
        }

    def along(self) -> dict[str, Estimate]:
        """The further slopes by path, 1/V for each unit of the other quantity."""
        return {
            path: estimate(value, self.stderr[path, term], "1/V")
            for (path, term), value in self.value.items()
            if term is Term.along
        }


def fit_responses(
    shifts: Mapping[str, Array], values: Array, along: Array | None = None, apart: Collection[str] = ()
) -> Fitted:
    """``values`` [draws], 0 without shifts, as a sum of terms in ``shifts`` by path.

    ``along`` [draws] is the other quantity, if any, and ``apart`` the devices that make it: their products with it are curvatures already.
    """
    # In standard deviations, so that volts and shares are on one footing.
    scale = {path: float(np.sqrt(np.mean(x**2))) for path, x in shifts.items() if np.any(x)}
    scaled = {path: shifts[path] / scale[path] for path in scale}
    other = np.zeros(len(values)) if along is None else along

    def column(path: str, term: Term) -> Array:
        by = {Term.slope: np.ones(len(values)), Term.curvature: scaled[path], Term.along: other}[term]
        return np.asarray(scaled[path] * by, float)

    def solve(terms: list[tuple[str, Term]]) -> tuple[Array, Array]:
        return least_squares(np.stack([column(*one) for one in terms], axis=1), values)

    def chosen(terms: list[tuple[str, Term]]) -> list[tuple[str, Term]]:
        found, error = solve(terms)
        sizes = np.abs(found) * np.array([float(np.std(column(*one))) for one in terms])
        matter = (np.abs(found) > SIGNIFICANT * error) & (sizes > NEGLIGIBLE * np.std(values))
        return [one for one, yes in zip(terms, matter, strict=True) if yes]

    slopes = [(path, Term.slope) for path in scaled]
    first = [path for path, _ in chosen(slopes)]
    # Once more: terms that the first pass does not know hide small slopes.
    more = [(path, Term.curvature) for path in first]
    if along is not None:
        more += [(path, Term.along) for path in first if path not in apart]
    terms = chosen([*slopes, *more])
    kept = {path for path, term in terms if term is Term.slope}
    terms = [one for one in terms if one[0] in kept]
    if not terms:
        return Fitted({}, {})
    found, error = solve(terms)
    power = {Term.slope: 1, Term.curvature: 2, Term.along: 1}
    per = [scale[path] ** power[term] for path, term in terms]
    return Fitted(
        {one: float(a / unit) for one, a, unit in zip(terms, found, per, strict=True)},
        {one: float(e / unit) for one, e, unit in zip(terms, error, per, strict=True)},
    )


def total(
    answers: Mapping[str, Response],
    shifts: Mapping[str, Array],
    with_other: Mapping[str, Estimate] | None = None,
    other: Array | None = None,
) -> Array:
    """The sum of the responses to ``shifts`` by path, and of slopes times ``other``, [draws]."""
    summed = np.zeros(len(next(iter(shifts.values()))))
    for path, one in answers.items():
        summed += one.slope.value * shifts[path] + one.curvature * shifts[path] ** 2
    for path, slope in (with_other or {}).items():
        summed += slope.value * shifts[path] * (0.0 if other is None else other)
    return summed
